"""Fashion-MNIST (Xiao, Rasul & Vollgraf, 2017) as a data set: ten garments, 70,000 grey pictures, 10,000 held out.

It comes from Debian's package dataset-fashion-mnist (MIT), pinned by version and hash.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.train.pictures import write

PACKAGE = "dataset-fashion-mnist"
VERSION = "0.0~git20200523.55506a9-1"
SHA256 = "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0"
LABELS = (
    "t-shirt",
    "trousers",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)  # in the order of the data's own indices; "t-shirt" is its T-shirt/top
MARGIN = 2  # 28 pixels and a black margin make 32

Bytes = np.ndarray[Any, np.dtype[np.uint8]]


def fetch(folder: Path) -> Path:
    """Return the .deb in `folder`, downloaded by apt-get if missing. ValueError if the download fails or its hash is
    wrong.
    """
    name = f"{PACKAGE}_{VERSION.replace(':', '%3a')}_all.deb"
    path = folder / name
    folder.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        apt = shutil.which("apt-get")
        if apt is None:
            raise ValueError(f"apt-get is not here: download Debian's {name} and put it into {folder}.")
        done = subprocess.run(
            [apt, "download", f"{PACKAGE}={VERSION}"], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode or not path.exists():
            raise ValueError(f"apt-get could not download {PACKAGE} {VERSION}: run `apt-get update`, then try again.")
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{path} is not the expected package (wrong SHA-256): delete it, then try again.")
    return path


def member(deb: bytes, name: str) -> bytes:
    """Return the member `name` of a .deb, which is an ar archive. ValueError where there is none."""
    if not deb.startswith(b"!<arch>\n"):
        raise ValueError("This is no Debian package.")
    at = 8
    while at + 60 <= len(deb):
        head = deb[at : at + 60]
        size = int(head[48:58])
        if head[:16].rstrip(b" /").decode() == name:
            return deb[at + 60 : at + 60 + size]
        at += 60 + size + size % 2
    raise ValueError(f"There is no {name} in this Debian package.")


def idx(data: bytes) -> Bytes:
    """Read an array of bytes in LeCun's IDX format. ValueError for anything else."""
    if len(data) < 4 or data[:3] != b"\0\0\x08":
        raise ValueError("This is no IDX file of bytes.")
    head = 4 + 4 * data[3]
    shape = np.frombuffer(data[4:head], ">u4")
    if len(data) - head != int(np.prod(shape, dtype=np.int64)):
        raise ValueError("This IDX file is truncated.")
    return np.frombuffer(data[head:], np.uint8).reshape(shape)


def build(deb: Path, out: Path) -> int:
    """Write the data set (see engine.train.data): the 60,000 pictures of training, then the 10,000 held out."""
    parts: dict[str, Bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(member(deb.read_bytes(), "data.tar.xz"))) as archive:
        for entry in archive:
            file = archive.extractfile(entry) if entry.name.endswith("-ubyte.gz") else None
            if file is not None:
                parts[Path(entry.name).name.removesuffix("-ubyte.gz")] = idx(gzip.decompress(file.read()))
    pictures = np.concatenate([parts["train-images-idx3"], parts["t10k-images-idx3"]])
    labels = np.concatenate([parts["train-labels-idx1"], parts["t10k-labels-idx1"]])
    trained = len(parts["train-labels-idx1"])
    rows: list[dict[str, Any]] = [{"name": LABELS[k], "label": LABELS[k], "captions": []} for k in labels]
    for row in rows[trained:]:
        row["held_out"] = True
    table = {"id": "fashion", "title": "Fashion", "labels": LABELS, "label_kind": "garment", "examples": []}
    framed = np.pad(pictures, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN)))[..., None]
    write(out, framed, table | {"origin": [f"Debian {PACKAGE} {VERSION} sha256-{SHA256}"], "rows": rows})
    return len(rows)
