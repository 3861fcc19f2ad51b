"""Masks from picture files."""

from __future__ import annotations

import numpy as np
import pytest

from engine.pictures.image_file import ImageError
from engine.pictures.mask_file import load_mask
from tests.engine.pictures.picture_bytes import (
    GREY,
    transparent_grey,
    written,
)

STAYS = "It has transparent parts: they stay, and so does what is black."
ONE_COLOUR = "It has transparent parts and one colour: opaque parts are made anew, transparent parts stay."


def test_a_mask_is_its_brightness() -> None:
    grey = np.dstack([GREY] * 3)
    for picture in (GREY, grey, np.dstack([grey, np.full_like(GREY, 255)])):
        mask = load_mask(written(picture, "PNG"))
        assert np.array_equal(mask.mask, GREY)
        assert mask.notes == ()
    assert load_mask(written(GREY > 99, "PNG")).mask.tolist() == ((GREY > 99) * 255).tolist()
    assert load_mask(written(np.array([[0, 65535]], np.uint16), "PNG")).mask.tolist() == [[0, 255]]
    with pytest.raises(ImageError, match="is empty"):
        load_mask(b"")


def test_one_transparent_pixel_does_not_unmask_black() -> None:
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[..., 3] = 255
    mask[0, 0] = 0
    mask[2:, :, :3] = 255
    mask[3, :, 3] = 128
    loaded = load_mask(written(mask, "PNG"))
    assert loaded.mask[:, 1].tolist() == [0, 0, 255, 128]
    assert loaded.mask[0, 0] == 0
    assert loaded.notes == (STAYS,)
    deep = np.array([[65535, 0, 257 * 100]], np.uint16)
    assert load_mask(transparent_grey(deep, 65535)).mask.tolist() == [[0, 0, 100]]


def test_a_mask_of_one_colour_on_nothing_is_its_opacity() -> None:
    red = np.zeros((1, 3, 4), np.uint8)
    red[..., 0], red[..., 3] = 200, (0, 99, 255)
    loaded = load_mask(written(red, "PNG"))
    assert loaded.mask.tolist() == [[0, 99, 255]]
    assert loaded.notes == (ONE_COLOUR,)
    assert load_mask(written(red * np.array([1, 1, 1, 0], np.uint8), "PNG")).mask.max() == 0, "all of it is transparent"
    with pytest.raises(ImageError, match="everything else in it is black: paint white"):
        load_mask(written(red * np.array([0, 0, 0, 1], np.uint8), "PNG"))
