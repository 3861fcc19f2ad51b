"""`--size` and latent models on the command line: sizes of one's own, refusals, edits of any picture, films."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.__main__ import main
from engine.commands import flags, resume
from engine.pictures.png import read_settings
from engine.spec.catalog import ModelInfo
from engine.store import RunReader
from tests.latent import latent_info, latent_models


@pytest.fixture
def lossy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelInfo:
    """The model that every command finds."""
    latent_models(monkeypatch)
    info = latent_info(tmp_path, lossy=True)
    for module in (flags, resume):
        monkeypatch.setattr(module, "find", lambda *_: info)
    return info


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_a_picture_has_the_typed_size_and_its_settings_say_so(lossy: ModelInfo, tmp_path: Path) -> None:
    out, run = tmp_path / "a.png", tmp_path / "a.twrun"
    assert (
        main(["generate", "red apple", "--size", "96x64", "--seed", "1", "--out", str(out), "--run-file", str(run)])
        == 0
    )
    settings, kept = read_settings(out), RunReader(run).picture()
    assert settings is not None
    assert (settings.width, settings.height) == (96, 64)
    assert kept is not None
    np.testing.assert_array_equal(pixels(out), kept[0])
    again = tmp_path / "again.png"
    assert main(["resume", str(run), "--out", str(again)]) == 0
    np.testing.assert_array_equal(pixels(again), pixels(out))


@pytest.mark.parametrize(("size", "words"), [("100x64", "Choose 104×64"), ("96", "no size: type width x height")])
def test_an_impossible_size_is_refused_in_a_sentence(
    size: str, words: str, lossy: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["generate", "x", "--size", size, "--out", str(tmp_path / "a.png")])
    except SystemExit as end:  # argparse's own way
        code = int(end.code or 0)
    assert code == 2
    assert words in capsys.readouterr().err


def test_an_edit_takes_a_size_of_the_pictures_shape_and_keeps_unmasked_pixels(lossy: ModelInfo, tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (74, 106, 3), np.uint8)
    mask = np.zeros((74, 106), np.uint8)
    mask[20:50, 30:80] = 255
    Image.fromarray(rgb).save(tmp_path / "in.png")
    Image.fromarray(mask).save(tmp_path / "mask.png")
    out = tmp_path / "out.png"
    words = ["inpaint", str(tmp_path / "in.png"), "rocket", "--mask", str(tmp_path / "mask.png"), "--seed", "2"]
    assert main([*words, "--out", str(out)]) == 0
    settings = read_settings(out)
    assert settings is not None
    assert (settings.width, settings.height) == (80, 56), "about the area of the native size"
    made = pixels(out)
    np.testing.assert_array_equal(made[mask == 0], rgb[mask == 0])
    assert (made[mask > 0] != rgb[mask > 0]).any(axis=-1).mean() > 0.9
    assert main([*words, "--out", str(out), "--box", "10,5,96,64"]) == 0
    settings = read_settings(out)
    assert settings is not None
    assert (settings.width, settings.height) == (96, 64), "of the box's shape"
    assert main([*words, "--out", str(out), "--box", "10,5,90,30", "--size", "64x64"]) == 2


def test_a_film_has_the_size_of_its_first_picture(
    lossy: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = tmp_path / "a.png"
    assert main(["generate", "red apple", "--size", "64x96", "--seed", "1", "--out", str(first)]) == 0
    capsys.readouterr()
    film = ["morph", "--key", str(first), "--key", "seed:4", "--prompt", "rocket", "--frames", "3", "--json"]
    assert main([*film, "--out", str(tmp_path / "a.webp")]) == 0
    made = json.loads(capsys.readouterr().out)["morph"]["request"]
    assert (made["width"], made["height"]) == (64, 96)
    with Image.open(tmp_path / "a.webp") as frames:
        assert frames.size == (64, 96)


def test_bits_are_refused_and_encoding_is_not(
    lossy: ModelInfo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.png"
    assert main(["generate", "red apple", "--size", "96x64", "--seed", "1", "--out", str(path)]) == 0
    assert main(["likelihood", str(path)]) == 2
    assert "no bits per dimension" in capsys.readouterr().err
    assert main(["encode", str(path), "--prompt", "red apple", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["psnr"] > 20
