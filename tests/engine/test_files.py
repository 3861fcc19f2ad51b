"""A file that somebody keeps appears whole or not at all, where its name says and with the permissions that it had."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.settings.file import write as write_settings
from app.settings.values import Values
from engine.files import check_writable, replace_file, sweep
from engine.pictures.png import save_image

posix = pytest.mark.skipif(os.name == "nt", reason="links and permissions of POSIX")


def put(path: Path, data: bytes = b"new") -> None:
    with replace_file(path) as file:
        file.write(data)


def save_a_picture(path: Path) -> None:
    save_image(path, Image.fromarray(np.zeros((2, 2, 3), np.uint8)), "PNG")


def save_settings(path: Path) -> None:
    write_settings(path, Values())


@posix
@pytest.mark.parametrize("writer", [put, save_a_picture, save_settings])
def test_a_link_stays_a_link_and_its_file_keeps_its_permissions(tmp_path: Path, writer: object) -> None:
    real, link = tmp_path / "elsewhere" / "real", tmp_path / "link"
    real.parent.mkdir()
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    writer(link)  # type: ignore[operator]
    assert link.is_symlink()
    assert real.read_bytes() != b"old"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [path.name for path in real.parent.iterdir()] == ["real"]


@posix
def test_a_link_to_a_file_that_is_not_there_yet_makes_that_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "later")
    put(tmp_path / "link")
    assert (tmp_path / "later").read_bytes() == b"new"
    assert (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("name", ["a" * 255, "a" * 243 + ".png", "🍎" * 62 + ".png"])
def test_every_legal_name_can_be_written(tmp_path: Path, name: str) -> None:
    put(tmp_path / name)
    assert (tmp_path / name).read_bytes() == b"new"


def test_an_error_names_the_requested_file(tmp_path: Path) -> None:
    path = tmp_path / ("a" * 256)
    with pytest.raises(OSError, match="too long") as caught:
        put(path)
    assert caught.value.filename == str(path)


def test_when_the_writer_fails_the_old_file_stands_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with contextlib.suppress(RuntimeError), replace_file(path) as file:
        file.write(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@posix
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, said in ((tmp_path / "pipe", "no ordinary file"), (tmp_path, "folder"), (Path(), "folder")):
        for attempt in (put, check_writable):
            with pytest.raises(OSError, match=said):
                attempt(path)


def test_a_fresh_name_is_never_taken_from_another_file(tmp_path: Path) -> None:
    with replace_file(tmp_path / "a", fresh=True) as file:
        file.write(b"mine")
    with pytest.raises(FileExistsError), replace_file(tmp_path / "a", fresh=True) as file:
        file.write(b"yours")
    assert (tmp_path / "a").read_bytes() == b"mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_looking_first_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    check_writable(tmp_path / "a")
    check_writable(tmp_path / "b")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"old")]


@posix
def test_part_files_of_killed_writers_are_removed_and_open_ones_stay(tmp_path: Path) -> None:
    killed = f"""
import os
from pathlib import Path
from engine.files import replace_file
with replace_file(Path({str(tmp_path / "killed")!r})) as file:
    file.write(b"half")
    file.flush()
    os._exit(9)
"""
    assert subprocess.run([sys.executable, "-c", killed], check=False).returncode == 9
    (tmp_path / ".older.png.1234.part").write_bytes(b"as the studio named them before")
    (tmp_path / "mine.part").write_bytes(b"a person's own")
    assert len(list(tmp_path.glob(".*.part"))) == 2
    with replace_file(tmp_path / "a") as file:
        file.write(b"whole")
        sweep(tmp_path)
        assert len(list(tmp_path.glob(".*.part"))) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "mine.part"]
    assert (tmp_path / "a").read_bytes() == b"whole"
