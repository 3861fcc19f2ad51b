"""Thumbnails of picture files: the middle square in the file's own colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from app.core.models.thumbnails import SIDE, read_thumbnail


def test_a_thumbnail_is_the_middle_square_of_the_picture(tmp_path: Path) -> None:
    rgb = np.zeros((400, 1000, 3), np.uint8)
    rgb[:, 300:700] = (10, 120, 230)
    Image.fromarray(rgb).save(tmp_path / "wide.png")
    thumbnail = read_thumbnail(tmp_path / "wide.png")
    assert (thumbnail.width(), thumbnail.height()) == (SIDE, SIDE)
    for x, y in ((0, 0), (160, 160), (SIDE - 1, SIDE - 1)):
        colour = thumbnail.pixelColor(x, y)
        assert (colour.red(), colour.green(), colour.blue()) == (10, 120, 230)


def test_a_small_picture_keeps_its_pixels_and_a_damaged_one_has_no_thumbnail(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), "#0a78e6").save(tmp_path / "small.png")
    assert read_thumbnail(tmp_path / "small.png").width() == 30
    (tmp_path / "broken.png").write_bytes(b"no picture")
    assert read_thumbnail(tmp_path / "broken.png").isNull()
