"""The canvas: zooming keeps the point under the pointer and stops at zoom stops; a lost focus releases keys."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, QSizeF, Qt
from PySide6.QtGui import QColor, QImage, QPaintEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.ui.canvas.resample import enlarged
from app.ui.canvas.view import CanvasView
from app.ui.canvas.viewport import STOPS, Viewport
from tests.app.conftest import Parts
from tests.app.windows import drag, move, open_window, opened, painted, until, wheel

SIDE = 32


def chart(side: int = SIDE) -> QImage:
    """A picture in which every pixel has a colour of its own: red counts columns, green rows."""
    picture = QImage(side, side, QImage.Format.Format_RGB32)
    for x in range(side):
        for y in range(side):
            picture.setPixelColor(x, y, QColor(x * 8 % 256, y * 8 % 256, 128))
    return picture


def pixel_at(canvas: CanvasView, at: QPoint) -> tuple[int, int]:
    """The picture's pixel that is painted under `at`."""
    colour = painted(canvas).pixelColor(at)
    assert colour.blue() == 128, f"no picture at {at}"
    return colour.red() // 8, colour.green() // 8


@pytest.fixture
def canvas(qtbot: QtBot) -> CanvasView:
    view = CanvasView()
    opened(qtbot, view, 600, 500)
    view.set_frame(chart())
    view.setFocus()
    return view


def test_a_small_picture_is_fitted_enlarged_by_a_whole_number_in_the_middle(canvas: CanvasView) -> None:
    assert canvas.viewport.scale == math.floor(canvas.viewport.scale) > 8
    rect = canvas.viewport.rect()
    assert abs(rect.center().x() - 300) <= 1
    assert abs(rect.center().y() - 250) <= 1
    assert rect.height() > 500 - 2 * SIDE - 60


@pytest.mark.parametrize("turns", [1, 4, -3])
def test_the_wheel_keeps_the_pixel_under_the_pointer(canvas: CanvasView, turns: int) -> None:
    at = QPoint(217, 190)
    before = pixel_at(canvas, at)
    for _ in range(abs(turns)):
        wheel(canvas, QPointF(at), math.copysign(1, turns))
    assert pixel_at(canvas, at) == before


def test_zooming_in_by_the_wheel_lands_on_every_stop(canvas: CanvasView) -> None:
    canvas.viewport.zoom_to(0.2)
    reached = []
    while canvas.viewport.scale < STOPS[-1]:
        wheel(canvas, QPointF(300, 250))
        reached.append(canvas.viewport.scale)
    assert [scale for scale in reached if scale in STOPS] == list(STOPS)


def test_a_stop_holds_a_touchpad_back_a_little_and_then_lets_go(canvas: CanvasView) -> None:
    canvas.viewport.zoom_to(1.0)
    wheel(canvas, QPointF(300, 250), 0.25)
    wheel(canvas, QPointF(300, 250), 0.25)
    assert canvas.viewport.scale == 1.0
    wheel(canvas, QPointF(300, 250), 0.25)
    assert 1.0 < canvas.viewport.scale < 1.1


def test_the_zoom_keys_go_from_stop_to_stop(canvas: CanvasView) -> None:
    canvas.actual_size()
    canvas.zoom(+1)
    assert canvas.viewport.scale == 1.5
    canvas.zoom(-1)
    canvas.zoom(-1)
    assert canvas.viewport.scale == 0.75


def test_at_actual_size_every_pixel_is_painted_once(canvas: CanvasView) -> None:
    canvas.actual_size()
    corner = canvas.viewport.offset.toPoint()
    assert painted(canvas).copy(QRect(corner, chart().size())) == chart()


def test_space_and_drag_pans_and_a_plain_drag_does_not(canvas: CanvasView, qtbot: QtBot) -> None:
    before = QPointF(canvas.viewport.offset)
    drag(canvas, Qt.MouseButton.LeftButton, QPoint(300, 250), QPoint(340, 270))
    assert canvas.viewport.offset == before
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    drag(canvas, Qt.MouseButton.LeftButton, QPoint(300, 250), QPoint(340, 270))
    QTest.keyRelease(canvas, Qt.Key.Key_Space)
    assert canvas.viewport.offset - before == QPointF(40, 20)


def test_the_middle_button_pans_without_space(canvas: CanvasView) -> None:
    before = QPointF(canvas.viewport.offset)
    drag(canvas, Qt.MouseButton.MiddleButton, QPoint(300, 250), QPoint(260, 245))
    assert canvas.viewport.offset - before == QPointF(-40, -5)


def test_panning_never_loses_the_picture(canvas: CanvasView) -> None:
    for _ in range(20):
        drag(canvas, Qt.MouseButton.MiddleButton, QPoint(100, 100), QPoint(500, 400))
    assert canvas.viewport.rect().intersects(canvas.rect().toRectF())


def test_losing_the_window_lets_go_of_a_held_space_and_of_the_pan(canvas: CanvasView, qtbot: QtBot) -> None:
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(300, 250))
    assert canvas.panning
    other = QWidget()
    opened(qtbot, other, 100, 100)
    until(qtbot, lambda: not canvas.panning)
    before = QPointF(canvas.viewport.offset)
    move(canvas, QPoint(350, 300), Qt.MouseButton.LeftButton)
    drag(canvas, Qt.MouseButton.LeftButton, QPoint(300, 250), QPoint(350, 300))
    assert canvas.viewport.offset == before


def test_enlarged_pixels_are_crisp_unless_smooth_is_on(canvas: CanvasView) -> None:
    scale = round(canvas.viewport.scale)
    corner = canvas.viewport.to_picture(QPointF()) * -scale
    block = QRect(corner.toPoint() + QPoint(10 * scale, 10 * scale), QSizeF(scale, scale).toSize())
    crisp = painted(canvas).copy(block)
    assert {crisp.pixel(x, y) for x in range(scale) for y in range(scale)} == {chart().pixel(10, 10)}
    canvas.smooth = True
    smooth = painted(canvas).copy(block)
    assert len({smooth.pixel(x, y) for x in range(scale) for y in range(scale)}) > 4


@pytest.mark.parametrize("scale", [0.75, 0.5, 0.25])
def test_shrunk_pixels_are_averaged_not_skipped(canvas: CanvasView, scale: float) -> None:
    stripes = QImage(64, 64, QImage.Format.Format_RGB32)
    for x in range(64):
        for y in range(64):
            stripes.setPixelColor(x, y, QColor("white" if x % 2 else "black"))
    canvas.set_frame(stripes)
    canvas.viewport.zoom_to(scale)
    middle = painted(canvas).copy(canvas.viewport.rect().toRect().adjusted(4, 4, -4, -4))
    greys = [QColor(middle.pixel(x, 5)).red() for x in range(middle.width())]
    assert abs(sum(greys) / len(greys) - 127.5) < 8
    if scale <= 0.5:
        assert 110 < min(greys) <= max(greys) < 145


def test_lanczos_keeps_a_plain_colour_and_the_mean_of_a_picture() -> None:
    plain = QImage(5, 3, QImage.Format.Format_RGB32)
    plain.fill(QColor(200, 30, 90))
    large = enlarged(plain, 4)
    assert (large.width(), large.height()) == (20, 12)
    assert {large.pixel(x, y) for x in range(20) for y in range(12)} == {plain.pixel(0, 0)}
    means = [mean_red(picture) for picture in (chart(16), enlarged(chart(16), 3))]
    assert abs(means[0] - means[1]) < 1


def test_a_new_frame_of_the_same_size_stays_where_the_last_one_was(canvas: CanvasView) -> None:
    wheel(canvas, QPointF(200, 200))
    before = canvas.viewport.transform
    canvas.set_frame(chart().rgbSwapped())
    assert canvas.viewport.transform == before
    canvas.set_frame(chart(8))
    assert canvas.viewport.fitted


def test_resizing_keeps_a_fit_fitted_and_otherwise_the_middle(canvas: CanvasView, qtbot: QtBot) -> None:
    canvas.resize(900, 800)
    until(qtbot, lambda: canvas.viewport.canvas.width() == 900)
    assert canvas.viewport.fitted
    assert canvas.viewport.rect().height() > 650
    canvas.viewport.zoom_to(3.0)
    middle = canvas.viewport.to_picture(QPointF(450, 400))
    canvas.resize(600, 500)
    until(qtbot, lambda: canvas.viewport.canvas.width() == 600)
    assert (canvas.viewport.to_picture(QPointF(300, 250)) - middle).manhattanLength() < 1


def test_a_frame_repaints_the_picture_and_no_more(qtbot: QtBot) -> None:
    dirty: list[QRect] = []

    class Spy(CanvasView):
        def paintEvent(self, event: QPaintEvent) -> None:
            dirty.append(event.rect())
            super().paintEvent(event)

    canvas = Spy()
    opened(qtbot, canvas, 600, 500)
    canvas.set_frame(chart())
    canvas.actual_size()
    until(qtbot, lambda: bool(dirty))
    canvas.repaint()
    dirty.clear()
    canvas.set_frame(chart().rgbSwapped())
    until(qtbot, lambda: bool(dirty))
    assert dirty[0].width() <= SIDE + 4


def test_the_surround_can_be_a_checkerboard(canvas: CanvasView) -> None:
    def surround() -> set[int]:
        corner = painted(canvas).copy(QRect(2, 2, 60, 20))
        return {corner.pixel(x, y) for x in range(60) for y in range(20)}

    assert len(surround()) == 1
    canvas.surround = "checker"
    assert len(surround()) == 2


def test_the_canvas_paints_distinct_frames_while_a_run_goes_on_and_the_last_one_in_the_end(
    hand_parts: Parts, qtbot: QtBot
) -> None:
    """The first comes with the first model call; in between as many as their cost allows: the run waits for one."""
    document = hand_parts.document
    window = open_window(qtbot, document)
    seen: list[QImage] = []

    def look() -> None:
        picture = painted(window.canvas)
        if document.shown.frame is not None and (not seen or picture != seen[-1]):
            seen.append(picture)

    document.shown.frame_changed.connect(look)
    document.draft.update(steps=500)
    job = document.generate()
    assert job is not None
    hand_parts.fake.allow()
    until(qtbot, lambda: document.shown.frame is not None)

    def another() -> bool:
        hand_parts.fake.allow()
        return len(seen) >= 2

    until(qtbot, another)
    assert not job.state.ended
    hand_parts.fake.allow(500)
    until(qtbot, lambda: job.state.ended)
    look()
    assert len(seen) >= 3
    assert all(a != b for k, a in enumerate(seen) for b in seen[:k])
    assert document.shown.frame is not None
    at = window.canvas.viewport.rect().center().toPoint()
    scale = window.canvas.viewport.scale
    assert scale >= 2
    middle = window.canvas.picture_at(at).toPoint()
    assert painted(window.canvas).pixel(at) == document.shown.frame.pixel(middle)


def test_before_the_first_frame_the_place_of_the_picture_is_kept(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    hand_parts.document.generate()
    assert window.area.stack.currentWidget() is window.canvas
    assert window.canvas.viewport.picture.width() == 24
    place = window.canvas.viewport.rect().toRect()
    shown = painted(window.canvas)
    assert shown.pixel(place.topLeft() + QPoint(8, 8)) != shown.pixel(QPoint(3, 3))
    hand_parts.fake.allow(5)
    until(qtbot, lambda: window.canvas.frame is not None)


def test_the_keys_of_the_canvas_work_when_it_has_the_focus(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    parts.document.generate()
    until(qtbot, lambda: parts.document.jobs.running is None and parts.document.shown.step_count == 5)
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_Left)
    assert parts.document.shown.cursor == 3
    QTest.keyClick(window.canvas, Qt.Key.Key_Z)
    assert window.canvas.viewport.scale == 1
    QTest.keyClick(window.canvas, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    assert window.canvas.viewport.fitted
    QTest.keyClick(window.canvas, Qt.Key.Key_2)
    assert parts.document.shown.view == "x"


def test_on_a_dense_screen_one_hundred_percent_is_one_device_pixel() -> None:
    """In a process of its own, since a screen's density is fixed when Qt starts."""
    script = """
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from app.ui.canvas.view import CanvasView
app = QApplication([])
picture = QImage(40, 30, QImage.Format.Format_RGB32)
for x in range(40):
    for y in range(30):
        picture.setPixelColor(x, y, QColor(6 * x, 8 * y, 90))
view = CanvasView()
view.resize(200, 150)
view.show()
view.set_frame(picture)
assert view.devicePixelRatioF() == 2, view.devicePixelRatioF()
view.actual_size()
assert view.viewport.rect().width() == 20, view.viewport.rect()
shot = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
assert shot.width() == 400
corner = (view.viewport.offset * 2).toPoint()
shot.setDevicePixelRatio(1)
assert shot.copy(corner.x(), corner.y(), 40, 30) == picture
view.fit()
assert view.viewport.scale == int(view.viewport.scale)
assert view.viewport.rect().height() <= 150
print("fine")
"""
    env = os.environ | {"QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "fine", done.stderr


def test_a_viewport_without_a_picture_takes_any_command() -> None:
    viewport = Viewport()
    viewport.resize(QSizeF(100, 100), 1.0)
    viewport.fit()
    viewport.zoom_by(1)
    viewport.pan(QPointF(5, 5))
    assert math.isfinite(viewport.scale)


def test_the_focus_of_the_canvas_can_be_seen(qtbot: QtBot) -> None:
    box = QWidget()
    column = QVBoxLayout(box)
    canvas, field = CanvasView(), QLineEdit()
    column.addWidget(canvas)
    column.addWidget(field)
    opened(qtbot, box, 300, 300)
    field.setFocus()
    without = painted(canvas)
    canvas.setFocus()
    assert painted(canvas) != without


def mean_red(picture: QImage) -> float:
    reds = [QColor(picture.pixel(x, y)).red() for x in range(picture.width()) for y in range(picture.height())]
    return sum(reds) / len(reds)
