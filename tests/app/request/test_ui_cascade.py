"""A model with a second stage: its size on the panel, the large picture on the canvas where the small ones were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.shown.render import render
from app.ui.window.main_window import MainWindow
from engine.pictures.png import read_settings
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, until
from tests.fakes.engine import FakeEngine

LEFT = Qt.MouseButton.LeftButton
STAGE = {"sampler": "ddim", "spacing": "log", "steps": 3, "sigma_max": 80.0, "sigma_min": 0.02, "level": 0.2}


@pytest.fixture
def large(model: ModelInfo) -> ModelInfo:
    """The fake model with a second stage that draws four times as large."""
    stage = {"net": {"factor": 4}, "schedule": {"type": "flow"}, "defaults": STAGE}
    return replace(model, id="large", title="Large", sha256="1" * 64, config=model.config | {"cascade": stage})


@pytest.fixture
def parts(make_parts: Callable[..., Parts], large: ModelInfo) -> Parts:
    parts = make_parts(FakeEngine())
    parts.document.draft.model = large
    return parts


@pytest.fixture
def window(document: Document, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, document)


def type_into(field: QWidget, text: str) -> None:
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_the_larger_size_is_the_default_and_the_models_own_can_be_chosen(
    window: MainWindow, document: Document, large: ModelInfo
) -> None:
    size = window.panel.extent
    assert size.isVisible()
    assert [size.itemText(row) for row in range(size.count())] == ["24 × 16", "96 × 64"]
    assert size.currentText() == "96 × 64"
    assert resolve(document.draft.current, large).size == (96, 64)
    assert window.panel.sampler.price.text() == "10 model calls (5 × 2 for guidance) and 3 of the second stage"
    size.setFocus()
    QTest.keyClick(size, Qt.Key.Key_Up)
    assert resolve(document.draft.current, large).size == (24, 16)
    assert "second stage" not in window.panel.sampler.price.text()


def test_a_model_without_a_second_stage_offers_no_size(window: MainWindow, document: Document) -> None:
    document.draft.model = document.draft.models[0]
    window.panel.advanced.open()
    assert not window.panel.extent.isVisible()
    assert not window.panel.extent_name.isVisible()
    assert not window.panel.further.second.isVisible()


def test_a_size_that_is_gone_can_be_taken_back(window: MainWindow, document: Document) -> None:
    """Settings of a model that had a second stage: what cannot be made is said, and can be changed."""
    document.draft.model = document.draft.models[0]
    document.draft.update(enlarge=True)
    assert "choose its own size" in window.panel.sampler.price.text()
    size = window.panel.extent
    assert size.isVisible()
    size.setFocus()
    QTest.keyClick(size, Qt.Key.Key_Home)
    assert not document.draft.current.enlarge
    assert not size.isVisible()


def test_the_second_stages_numbers_are_in_the_request_and_come_back(
    window: MainWindow, document: Document, large: ModelInfo, qtbot: QtBot
) -> None:
    second = window.panel.further.second
    window.panel.advanced.open()
    assert second.level.field.value() == pytest.approx(0.2), "the model's own"
    type_into(second.level.field, "0.35")
    second.truncated.setFocus()
    QTest.keyClick(second.truncated, Qt.Key.Key_Space)
    enlargement = resolve(document.draft.current, large).enlargement
    assert enlargement is not None
    assert (enlargement.level, enlargement.truncated) == (0.35, True)
    job = finish(qtbot, document, steps=4)
    document.draft.update(level=None, truncated=False, enlarge=False)
    assert not second.isVisible()
    window.actions_["restore"].trigger()
    assert document.draft.current == Draft.of(job.request)
    assert second.isVisible()
    assert second.level.field.value() == pytest.approx(0.35)
    assert second.truncated.isChecked()
    type_into(second.level.field, "0.2")
    assert document.draft.current.level is None


def test_the_large_picture_stands_where_the_small_ones_stood(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    canvas = window.canvas
    job = finish(qtbot, document, steps=5, batch=2)
    until(qtbot, lambda: document.shown.frame is not None and document.shown.frame.size() == QSize(96, 64))
    assert "96 × 64" in window.area.facts.text()
    place, zoom = canvas.viewport.rect(), canvas.viewport.scale
    document.shown.scrub(2)
    assert canvas.frame is not None
    assert canvas.frame.size() == QSize(24, 16)
    assert (canvas.viewport.rect(), canvas.viewport.scale) == (place, zoom)
    canvas.zoom(+1)
    place, zoom = canvas.viewport.rect(), canvas.viewport.scale
    document.shown.end()
    assert canvas.frame.size() == QSize(96, 64)
    assert (canvas.viewport.rect(), canvas.viewport.scale) == (place, zoom)
    assert document.shown.run is not None
    assert canvas.frame == render(document.shown.run, 4, "x0", 0)
    with Image.open(job.images[1]) as image:
        assert image.size == (96, 64)


def test_the_time_of_the_second_stage_is_in_the_price(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    finish(qtbot, document, steps=5, enlarge=False)
    assert document.draft.price_text
    document.draft.update(enlarge=True)
    assert document.draft.price_text == "", "it was not measured yet"
    job = finish(qtbot, document)
    assert 0 < job.finishing < job.seconds
    assert document.draft.price_text
    assert document.draft.price_text in window.panel.generate.note.text()


def test_a_small_frame_fills_the_place_of_the_large_one(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    finish(qtbot, document, steps=5)
    document.shown.scrub(3)
    frame, canvas = document.shown.frame, window.canvas
    assert frame is not None
    window.set_smooth(False)
    place = canvas.viewport.rect()
    shot = canvas.grab().toImage()
    for x, y in ((0, 0), (23, 0), (0, 15), (23, 15), (11, 7)):
        at = QPoint(
            round(place.left() + (x + 0.5) * place.width() / 24), round(place.top() + (y + 0.5) * place.height() / 16)
        )
        assert shot.pixelColor(at) == frame.pixelColor(x, y), (x, y)


def test_saving_the_last_step_saves_the_large_picture(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    job = finish(qtbot, document, steps=5)
    for k, size in ((4, (96, 64)), (1, (24, 16))):
        document.shown.scrub(k)
        path = document.save_picture()
        assert path is not None
        with Image.open(path) as image:
            assert image.size == size
        assert read_settings(path) == job.request


def test_a_fork_is_drawn_larger_too(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    finish(qtbot, document, steps=5)
    document.shown.scrub(2)
    job = document.fork()
    assert job is not None
    until(qtbot, lambda: job.state.ended)
    until(qtbot, lambda: document.shown.frame is not None and document.shown.frame.size() == QSize(96, 64))
    document.shown.scrub(1)
    assert document.shown.frame is not None
    assert document.shown.frame.size() == QSize(24, 16)
