"""What a saved picture says is what the user allows, and no more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.pictures.naming import save_new
from engine.pictures.png import read_settings, save_png
from engine.spec.adapter import AdapterUse
from engine.spec.picture_text import COMPLETE, NO_TEXT, PictureText
from tests.engine.spec.test_request import GOOD

RGB = np.zeros((8, 8, 3), np.uint8)
REQUEST = replace(
    GOOD, label="noto", prompt="secret words", negative="hidden words", seeds=(4711,),
    adapters=(AdapterUse(name="style", sha256="ab" * 32),),
)  # fmt: skip
PARENT = {"run": "run-of-secret-words", "step": 3}


def texts(path: Path) -> dict[str, str]:
    with Image.open(path) as image:
        return dict(image.text)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "has", "lacks"),
    [
        (PictureText(prompt=False), ("4711", REQUEST.model, "style"), ("secret", "hidden", "noto")),
        (PictureText(settings=False), ("secret", "hidden", REQUEST.model), ("4711", "Sampler")),
        (PictureText(model=False), ("secret", "4711"), (f"Model: {REQUEST.model}", "style", REQUEST.model_sha256[:8])),
    ],
)
def test_each_part_can_be_left_out(
    text: PictureText, has: tuple[str, ...], lacks: tuple[str, ...], tmp_path: Path
) -> None:
    save_png(tmp_path / "a.png", RGB, REQUEST, parent=PARENT, box=(0, 0, 8, 8), text=text)
    found = texts(tmp_path / "a.png")
    assert set(found) == {"parameters"}, "a recipe that is not whole is not written"
    assert all(part in found["parameters"] for part in has)
    assert not any(part in found["parameters"] for part in lacks)


def test_a_complete_picture_can_be_made_again_and_a_bare_one_says_nothing(tmp_path: Path) -> None:
    save_png(tmp_path / "whole.png", RGB, REQUEST, parent=PARENT, text=COMPLETE)
    assert read_settings(tmp_path / "whole.png") == REQUEST
    assert set(texts(tmp_path / "whole.png")) == {"tweedie", "parameters", "tweedie-parent"}
    save_png(tmp_path / "bare.png", RGB, REQUEST, parent=PARENT, text=NO_TEXT)
    assert texts(tmp_path / "bare.png") == {}


def test_the_name_of_the_file_tells_no_more_than_its_text(tmp_path: Path) -> None:
    assert "secret-words-4711" in save_new(tmp_path, RGB, REQUEST, 0).name
    bare = save_new(tmp_path, RGB, REQUEST, 0, text=NO_TEXT).name
    assert "secret" not in bare
    assert "4711" not in bare
