"""The picture on the canvas as a model is asked about it."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect, QRectF
from pytestqt.qtbot import QtBot

from app.core.flow.subject import MIDDLE, SHRUNK, Subject, fit, on_canvas, ways
from tests.app.conftest import Parts, finish


def subject(width: int, height: int, place: QRect | None = None) -> Subject:
    rgb = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    return Subject("x", place or QRect(0, 0, width, height), (width, height), "x", None, lambda: rgb)


def test_an_empty_canvas_has_none(parts: Parts) -> None:
    assert on_canvas(parts.document.shown, parts.document.editing) is None


def test_a_run_gives_the_estimate_of_the_shown_step_whatever_view_is_on(parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=5)
    document = parts.document
    document.shown.scrub(2)
    document.shown.view = "x"
    found = on_canvas(document.shown, document.editing)
    assert found is not None
    assert (found.title, found.size) == ("x̂₀ of “red apple” at step 3", (24, 16))
    assert found.made_by is not None
    assert found.made_by.prompt == "red apple"
    document.shown.view = "x0"
    frame = document.shown.frame
    assert frame is not None
    assert found.read()[3, 5].tolist() == [
        frame.pixelColor(5, 3).red(),
        frame.pixelColor(5, 3).green(),
        frame.pixelColor(5, 3).blue(),
    ]


def test_each_step_and_each_picture_is_another_subject(parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=5, batch=2)
    keys = set()
    for k in range(5):
        for image in range(2):
            parts.document.shown.scrub(k)
            parts.document.shown.image_index = image
            found = on_canvas(parts.document.shown, parts.document.editing)
            assert found is not None
            keys.add(found.key)
    assert len(keys) == 10


def test_a_step_with_nan_gives_the_reason(parts: Parts, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(parts, qtbot, steps=5)
    run = parts.document.shown.run
    assert run is not None
    broken = np.full_like(run.x0(4), np.nan)
    monkeypatch.setattr(type(run), "x0", lambda self, k: broken)
    found = on_canvas(parts.document.shown, parts.document.editing)
    assert found is not None
    with pytest.raises(ValueError, match="not numbers: choose another step"):
        found.read()


def test_the_artwork_gives_its_box_with_the_edge_going_on_beyond_it(parts: Parts) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    document = parts.document
    document.artwork.open(rgb, "cat.png", (24, 16))
    document.editing.shows_artwork = True
    document.artwork.box = QRect(-6, 0, 24, 16)
    found = on_canvas(document.shown, document.editing)
    assert found is not None
    assert (found.title, found.place, found.made_by) == ("the box of cat.png", QRect(-6, 0, 24, 16), None)
    read = found.read()
    assert (read[:, 6:] == rgb[:16, :18]).all()
    assert (read[:, 0] == rgb[:16, 0]).all()


def test_a_picture_of_the_models_size_needs_no_way_to_it() -> None:
    own = subject(24, 16)
    assert ways(own, (24, 16)) == ()
    assert (fit(own, (24, 16), "").rgb == own.read()).all()


def test_a_larger_picture_is_shrunk_by_areas_or_cut_in_its_middle() -> None:
    large = subject(48, 32)
    assert ways(large, (24, 16)) == (SHRUNK, MIDDLE)
    shrunk, middle = (fit(large, (24, 16), way) for way in (SHRUNK, MIDDLE))
    rgb = large.read()
    mean = rgb.reshape(16, 2, 24, 2, 3).astype(float).mean((1, 3))
    assert np.abs(shrunk.rgb - mean).max() <= 1
    assert shrunk.place == QRectF(0, 0, 48, 32)
    assert (middle.rgb == rgb[8:24, 12:36]).all()
    assert middle.place == QRectF(12, 8, 24, 16)


def test_a_smaller_picture_can_only_be_enlarged() -> None:
    small = subject(12, 8)
    assert ways(small, (24, 16)) == (SHRUNK,)
    assert fit(small, (24, 16), MIDDLE).rgb.shape == (16, 24, 3)


def test_another_aspect_ratio_is_cropped_and_the_place_is_the_crop() -> None:
    wide = subject(60, 16, QRect(100, 50, 120, 32))
    fitted = fit(wide, (16, 16), SHRUNK)
    assert (fitted.rgb == wide.read()[:, 22:38]).all()
    assert fitted.place == QRectF(144, 50, 32, 32)
