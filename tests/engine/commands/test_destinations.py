"""Where results go is looked at before the work; what cannot be written there after it is kept elsewhere."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from PIL import Image

import engine.session
from engine.__main__ import main
from engine.commands import sampling
from engine.pictures.png import read_settings

posix = pytest.mark.skipif(os.name == "nt", reason="names of POSIX")
APPLE = ["generate", "apple", "--steps", "1", "--cascade", "off", "--seed", "3"]


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model may be loaded: what is refused is refused before the work."""

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("the work has begun")

    monkeypatch.setattr(engine.session, "Session", opened)


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    try:
        status = main(arguments)
    except SystemExit as error:  # of argparse
        status = int(str(error.code))
    assert status == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    return said.splitlines()[-1]


@posix
@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("", "name of a file"),
        ("folder", "is a folder"),
        ("folder/", "is a folder"),
        ("file/a.png", "Not a directory"),
        ("/proc/a.png", ""),
        ("a.jpg", "end the name in .png"),
        ("a" * 252 + ".png", "too long"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    assert why in refused([*APPLE, "--out", out], capsys)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@posix
@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("out", "why"),
    [("film.avi", "is not a film format"), ("folder", "already exists"), ("file/a.webp", "Not a directory")],
)
def test_a_film_that_cannot_be_written_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], out: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    film = ["morph", "--model", "fashion", "--key", "seed:1", "--class", "bag", "--key", "seed:2", "--class", "dress"]
    assert why in refused([*film, "--out", out], capsys)


@pytest.mark.usefixtures("no_work")
def test_the_run_file_is_neither_the_picture_nor_a_file_that_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "a.png")
    assert "different names" in refused([*APPLE, "--out", out, "--run-file", out], capsys)
    (tmp_path / "a.twrun").touch()
    assert "exists already" in refused([*APPLE, "--out", out, "--run-file", str(tmp_path / "a.twrun")], capsys)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("high", ["inf", "nan"])
def test_numbers_outside_json_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], high: str) -> None:
    said = refused([*APPLE, "--guidance-interval", "1", high, "--out", str(tmp_path / "a.png")], capsys)
    assert "must be two noise levels" in said


@pytest.mark.usefixtures("no_work")
def test_half_a_character_is_refused_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "a.png")
    assert "half a character" in refused(["generate", "caf\udce9", "--out", out], capsys)


def test_what_cannot_be_written_at_the_end_is_kept_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "network" / "apple.png"
    monkeypatch.chdir(tmp_path)
    save = sampling.save_png

    def fails_there(path: Path, *rest: object) -> None:
        if path.parent == place.parent:
            raise OSError(errno.EIO, "the network is gone", str(path))
        save(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sampling, "save_png", fails_there)
    assert main([*APPLE, "--out", str(place), "--json"]) == 0
    said = capsys.readouterr()
    (picture,) = json.loads(said.out)["pictures"]
    assert Path(picture["path"]) == tmp_path / "apple.png"
    assert "the network is gone" in said.err
    assert "apple.png" in said.err
    found = read_settings(tmp_path / "apple.png")
    assert found is not None
    assert found.seeds == (3,)


@posix
def test_resume_finishes_an_interrupted_run_and_rewrites_the_pictures_of_a_finished_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, whole = tmp_path / "a.twrun", tmp_path / "whole.png"
    made = ["generate", "apple", "--steps", "4", "--seed", "3", "--out", str(whole), "--run-file", str(run)]
    assert main(made) == 0
    again = tmp_path / "again.png"
    assert main(["resume", str(run), "--out", str(again)]) == 0
    data = run.read_bytes()
    run.write_bytes(data[: data.rindex(b'{"kind":"step"') + 9])  # torn in its last step
    later = tmp_path / "later.png"
    assert main(["resume", str(run), "--out", str(later)]) == 0
    with Image.open(whole) as a, Image.open(again) as b, Image.open(later) as c:
        assert a.tobytes() == b.tobytes() == c.tobytes()
    capsys.readouterr()
