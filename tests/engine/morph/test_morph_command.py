"""`morph` on the command line: keys in order, what is said of each, and one sentence for what cannot be."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.__main__ import main
from engine.morph.film import read
from engine.spec.catalog import ModelInfo
from engine.spec.morph import Key


def run(info: ModelInfo, *flags: object) -> int:
    return main(["morph", "--model", str(info.folder), "--device", "cpu", *map(str, flags)])


def test_seeds_with_their_own_words_become_a_film(
    tiny_model: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "film.webp"
    words = ["--class", "round", "--key", "seed:3", "--prompt", "apple", "--key", "seed:4", "--class", "square"]
    code = run(tiny_model, *words, "--frames", 4, "--loop", "back", "--easing", "linear", "--out", out, "--json")
    assert code == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["frames"], facts["calls"]) == (4, 4 * 5 * 2)
    assert facts["norm"]["linear"] < 0.8 < facts["norm"]["slerp"]
    morph = read(out)
    assert morph is not None
    assert morph.keys == (Key(seed=3, prompt="apple", label="round"), Key(seed=4, label="square"))
    assert (morph.loop, morph.easing, morph.way) == ("back", "linear", "slerp")
    with Image.open(out) as image:
        assert getattr(image, "n_frames", 1) == 4


def test_a_saved_picture_is_its_seed_and_its_settings_are_the_films(tiny_model: ModelInfo, tmp_path: Path) -> None:
    saved, film = tmp_path / "apple.png", tmp_path / "frames"
    flags = ["--model", str(tiny_model.folder), "--device", "cpu", "--seed", "7", "--steps", "3", "--sampler", "ddim"]
    assert main(["generate", "apple", "--class", "round", "--out", str(saved), *flags]) == 0
    assert run(tiny_model, "--key", saved, "--key", "seed:4", "--frames", 3, "--out", film, "--prompt", "rocket") == 0
    morph = read(film / "frames-0000.png")
    assert morph is not None
    assert morph.keys[0] == Key(seed=7, prompt="apple", label="round")
    assert morph.keys[1] == Key(seed=4, prompt="rocket")
    assert (morph.request.sampler, morph.request.steps) == ("ddim", 3)
    with Image.open(saved) as a, Image.open(film / "frames-0000.png") as b:
        assert np.mean(np.abs(np.asarray(a).astype(int) - np.asarray(b)) <= 1) > 0.999


def test_another_picture_is_encoded_and_its_error_is_printed(
    tiny_model: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (40, 20), (200, 100, 50)).save(photo)
    out = tmp_path / "film.gif"
    assert run(tiny_model, "--key", photo, "--key", "seed:4", "--frames", 3, "--out", out, "--seed", 2) == 0
    assert "frame 0: PSNR" in capsys.readouterr().out
    morph = read(out)
    assert morph is not None
    assert morph.keys[0].picture
    assert morph.keys[0].seed == 2


def test_flags_choose_mixing_and_linear_interpolation(tiny_model: ModelInfo, tmp_path: Path) -> None:
    keys = ["--key", "seed:3", "--key", "seed:4", "--frames", 2]
    assert run(tiny_model, *keys, "--at-sigma", 1.5, "--out", tmp_path / "a.webp") == 0
    assert run(tiny_model, *keys, "--linear", "--out", tmp_path / "b.webp") == 0
    mixed, straight = read(tmp_path / "a.webp"), read(tmp_path / "b.webp")
    assert mixed is not None
    assert straight is not None
    assert (mixed.way, mixed.at, straight.way) == ("mix", 1.5, "linear")


def test_an_impossible_morph_gives_one_sentence(
    tiny_model: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "no.png").write_text("no picture")
    two = ["--key", "seed:3", "--key", "seed:4"]
    for flags, words in (
        (["--key", "seed:3"], "2 to 32 key frames, and there are 1"),
        (["--key", "seed:x", "--key", "seed:4"], "“seed:x” is not a key"),
        (["--key", tmp_path / "none.png", "--key", "seed:4"], "none.png is not there"),
        (["--key", tmp_path / "no.png", "--key", "seed:4"], "not a picture"),
        ([*two, "--frames", 0], "0 frames are not possible"),
        ([*two, "--at-sigma", 0], "above 0"),
        ([*two, "--class", "oval"], "no style “oval”"),
        ([*two, "--out", tmp_path / "a.avi"], "not a film format"),
        ([*two, "--enlarge", 0], "1 to 64 times"),
    ):
        assert run(tiny_model, *flags) == 2
        said = capsys.readouterr().err.strip()
        assert words in said.replace("no class", "no style"), said
        assert "\n" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX")
def test_a_pipe_as_a_key_is_one_sentence(
    tiny_model: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert run(tiny_model, "--key", tmp_path / "pipe.png", "--key", "seed:4", "--out", tmp_path / "film.webp") == 2
    assert "pipe.png is not an ordinary file" in capsys.readouterr().err
