"""How an opened picture meets the model's size."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.core.canvas.fitting import fit_picture, frame, is_multiple_of_box, result, sizes, ways
from engine.spec.catalog import ModelInfo

WIDE = np.random.default_rng(4).integers(0, 256, (40, 120, 3), dtype=np.uint8)


def test_a_model_with_a_second_stage_makes_two_sizes(model: ModelInfo) -> None:
    assert sizes(model) == [(24, 16)]
    assert sizes(replace(model, config=model.config | {"cascade": {"net": {"factor": 4}}})) == [(24, 16), (96, 64)]


@pytest.mark.parametrize(
    ("size", "suited"),
    [((24, 16), True), ((48, 32), True), ((240, 160), True), ((48, 16), False), ((30, 20), False), ((1, 1), False)],
)
def test_only_whole_multiples_of_the_models_size_need_no_choice(
    model: ModelInfo, size: tuple[int, int], suited: bool
) -> None:
    assert is_multiple_of_box(size, model.size) == suited


def test_a_picture_of_the_models_shape_has_nothing_to_crop_or_pad() -> None:
    assert [way.name for way in ways((120, 40), (24, 16))] == ["keep", "crop", "fit", "pad"]
    assert [way.name for way in ways((30, 20), (24, 16))] == ["keep", "fit"]


@pytest.mark.parametrize("shape", [(40, 120), (120, 40), (1, 1), (16, 24), (33, 47), (1, 999), (999, 1)])
@pytest.mark.parametrize("way", ["keep", "crop", "fit", "pad"])
def test_every_way_of_fitting_gives_its_size(way: str, shape: tuple[int, int]) -> None:
    rgb = np.zeros((*shape, 3), np.uint8)
    fitted, mask = fit_picture(rgb, way, (24, 16))
    assert fitted.shape[1::-1] == result(way, (shape[1], shape[0]), (24, 16))
    assert mask is None or mask.shape == fitted.shape[:2]
    if way in ("crop", "pad"):
        assert fitted.shape == (16, 24, 3)
    if way == "fit":
        assert fitted.shape[0] <= 16
        assert fitted.shape[1] <= 24
        assert fitted.shape[0] == 16 or fitted.shape[1] == 24


def test_keep_keeps_every_pixel_and_crop_shows_the_middle() -> None:
    assert fit_picture(WIDE, "keep", (24, 16))[0] is WIDE
    assert frame("crop", (120, 40), (24, 16)) == (30, 0, 60, 40)
    fitted, mask = fit_picture(WIDE, "crop", (60, 40))
    assert np.array_equal(fitted, WIDE[:, 30:90])
    assert mask is None


def test_pad_keeps_the_whole_picture_and_masks_the_margins() -> None:
    fitted, mask = fit_picture(WIDE, "pad", (120, 80))
    assert mask is not None
    assert np.array_equal(fitted[20:60], WIDE)
    assert (mask[20:60] == 0).all()
    assert (mask[:20] == 255).all()
    assert (mask[60:] == 255).all()
    fitted, mask = fit_picture(WIDE.transpose(1, 0, 2), "pad", (24, 16))  # 40 × 120 in 180 × 120, shrunk 7.5 times
    assert mask is not None
    assert (mask[0] == [255] * 10 + [0] * 4 + [255] * 10).all()
