"""Fashion-MNIST out of Debian's package: pinned, unpacked without Debian's tools, its test pictures held out."""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from engine.train import fashion
from engine.train.data import load


def idx(array: np.ndarray) -> bytes:
    return b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def deb(members: dict[str, bytes]) -> bytes:
    """An ar archive, as dpkg writes it."""
    out = b"!<arch>\n"
    for name, content in members.items():
        out += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode() + content
        out += b"\n" * (len(content) % 2)
    return out


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Five pictures, the last two of them for testing; picture k is of class k and grey 40·(k + 1)."""
    grey = (np.ones((5, 28, 28)) * 40 * np.arange(1, 6)[:, None, None]).astype(np.uint8)
    kinds = np.arange(5, dtype=np.uint8)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as archive:
        for name, array in (
            ("t10k-images-idx3", grey[3:]),
            ("t10k-labels-idx1", kinds[3:]),
            ("train-images-idx3", grey[:3]),
            ("train-labels-idx1", kinds[:3]),
        ):
            content = gzip.compress(idx(array))
            info = tarfile.TarInfo(f"./usr/share/datasets/fashion-mnist/{name}-ubyte.gz")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path = tmp_path / "fashion.deb"
    path.write_bytes(deb({"debian-binary": b"2.0", "data.tar.xz": buffer.getvalue()}))
    return path


def test_every_garment_has_its_class_and_the_test_pictures_are_held_out(package: Path, tmp_path: Path) -> None:
    assert fashion.build(package, tmp_path / "set") == 5
    rows = json.loads((tmp_path / "set/rows.json").read_text())["rows"]
    assert [row["label"] for row in rows] == ["t-shirt", "trousers", "pullover", "dress", "coat"]
    assert [bool(row.get("held_out")) for row in rows] == [False, False, False, True, True]
    pictures = np.load(tmp_path / "set/pictures.npy")
    assert pictures.shape == (5, 32, 32, 1)
    assert pictures[:, 16, 16, 0].tolist() == [40, 80, 120, 160, 200]
    assert not pictures[:, :2].any()  # the margin is black


def test_what_is_held_out_is_not_trained_on(package: Path, tmp_path: Path) -> None:
    fashion.build(package, tmp_path / "set")
    data = load(tmp_path / "set", 32, None)
    assert data.pictures[:, 0, 16, 16].tolist() == [40, 80, 120]
    assert data.label.tolist() == [0, 1, 2]
    assert data.captions is None


def test_another_package_of_that_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / f"{fashion.PACKAGE}_{fashion.VERSION}_all.deb").write_bytes(deb({"data.tar.xz": b""}))
    with pytest.raises(ValueError, match="wrong SHA-256"):
        fashion.fetch(tmp_path)


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"PK\3\4", "no IDX file"), (idx(np.zeros((2, 3), np.uint8))[:-1], "truncated")],
)
def test_a_damaged_file_is_named(data: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fashion.idx(data)


def test_a_package_without_data_is_named() -> None:
    with pytest.raises(ValueError, match=r"no data\.tar\.xz"):
        fashion.member(deb({"debian-binary": b"2.0"}), "data.tar.xz")
    with pytest.raises(ValueError, match="no Debian package"):
        fashion.member(b"hello", "data.tar.xz")
