"""The hand that holds a tool: mouse, pen and keys, strokes that leave the picture, and what ends them."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.app.hands import CTRL, RIGHT, SHIFT
from tests.app.tools.conftest import HEIGHT, WIDTH, Bench, ramp
from tests.app.windows import opened, painted, until

# the mouse


def test_the_right_button_erases(bench: Bench) -> None:
    bench.drag((40, 60), (160, 60))
    assert bench.mask[60, 100] == 255
    bench.drag((100, 20), (100, 100), button=RIGHT)
    assert bench.mask[60, 100] == 0
    assert bench.mask[60, 160] == 255


def test_shift_draws_a_straight_line_from_the_press_to_the_release(bench: Bench) -> None:
    bench.tools.choose(size=10, hardness=1.0)
    bench.drag((20, 20), (60, 100), (120, 110), (180, 20), held=SHIFT)
    assert bench.mask[20, 20:181].min() == 255
    assert not bench.mask[40:].any()
    bench.artwork.undo()
    assert not bench.mask.any()


def test_the_straight_line_is_shown_before_it_is_drawn(bench: Bench) -> None:
    bench.press((20, 60), held=SHIFT)
    before = painted(bench.canvas)
    bench.move((180, 60), held=SHIFT)
    assert not bench.mask.any()
    assert painted(bench.canvas).copy(QRect(bench.on_canvas(60, 58).toPoint(), bench.on_canvas(120, 62).toPoint())) != (
        before.copy(QRect(bench.on_canvas(60, 58).toPoint(), bench.on_canvas(120, 62).toPoint()))
    )
    bench.release((180, 60), held=SHIFT)
    assert bench.mask[60, 100] == 255


def test_a_stroke_may_start_and_end_outside_the_picture(bench: Bench) -> None:
    bench.drag((-40, 60), (100, 60), (WIDTH + 40, 60))
    assert bench.mask[60].min() == 255
    bench.artwork.undo()
    bench.drag((-60, -60), (-50, HEIGHT + 60))
    assert not bench.mask.any()
    assert not bench.artwork.can_undo


def test_a_stroke_goes_on_when_the_pointer_leaves_the_canvas_and_comes_back(bench: Bench) -> None:
    bench.press((20, 60))
    QApplication.sendEvent(bench.canvas, QEvent(QEvent.Type.Leave))
    bench.move((2000, 60))
    bench.move((180, 60))
    bench.release((180, 60))
    assert bench.mask[60, 20:].min() == 255
    bench.artwork.undo()
    assert not bench.artwork.can_undo


def test_the_window_that_loses_the_focus_lifts_the_brush_and_keeps_the_stroke(bench: Bench, qtbot: QtBot) -> None:
    bench.press((20, 60))
    bench.move((60, 60))
    other = QWidget()
    opened(qtbot, other, 100, 100)
    until(qtbot, lambda: not bench.easel.hand.busy)
    bench.move((180, 60))
    assert bench.mask[60, 60] == 255
    assert not bench.mask[60, 150:].any()
    bench.artwork.undo()
    assert not bench.mask.any()


@pytest.mark.parametrize("name", ["lasso", "rectangle", "ellipse"])
def test_a_region_that_is_not_finished_when_the_focus_goes_is_not_masked(bench: Bench, name: str) -> None:
    bench.tools.tool = name
    bench.press((20, 20))
    bench.move((90, 90))
    bench.canvas.clearFocus()
    bench.release((90, 90))
    assert not bench.mask.any()
    assert not bench.artwork.can_undo


def test_escape_takes_the_stroke_back_and_leaves_no_step_to_undo(bench: Bench) -> None:
    bench.press((20, 60))
    bench.move((100, 60))
    assert bench.mask.any()
    bench.key(Qt.Key.Key_Escape)
    assert not bench.mask.any()
    bench.move((150, 60))
    bench.release((150, 60))
    assert not bench.mask.any()
    assert not bench.artwork.can_undo


def test_undo_in_the_middle_of_a_stroke_ends_it(bench: Bench) -> None:
    bench.press((20, 60))
    bench.move((100, 60))
    bench.artwork.undo()
    bench.move((150, 60))
    bench.release((180, 60))
    assert not bench.mask.any()
    bench.drag((20, 20), (60, 20))
    assert bench.mask.any()


def test_another_picture_in_the_middle_of_a_stroke_is_not_painted_on(bench: Bench) -> None:
    bench.press((20, 60))
    bench.artwork.open(ramp(90, 90))
    bench.move((60, 60))
    bench.release((60, 60))
    assert not bench.mask.any()


def test_space_and_the_middle_button_pan_and_paint_nothing(bench: Bench) -> None:
    before = QPointF(bench.canvas.viewport.offset)
    QTest.keyPress(bench.canvas, Qt.Key.Key_Space)
    bench.press((50, 50))
    bench.move((80, 60))
    bench.release((80, 60))
    QTest.keyRelease(bench.canvas, Qt.Key.Key_Space)
    assert bench.canvas.viewport.offset != before
    bench.drag((50, 50), (20, 20), button=Qt.MouseButton.MiddleButton)
    assert not bench.mask.any()
    bench.drag((50, 50), (80, 50))
    assert bench.mask.any()


# the pen


def test_the_pen_paints_wider_the_harder_it_is_pressed(bench: Bench) -> None:
    bench.tools.choose(size=60, hardness=1.0)
    bench.draw((20, 60, 0.2), (60, 60, 0.2), (140, 60, 1.0), (180, 60, 1.0))
    thin, thick = (np.count_nonzero(bench.mask[:, x]) for x in (30, 170))
    assert 8 <= thin <= 16
    assert 56 <= thick <= 62


def test_the_other_end_of_the_pen_is_the_eraser_whatever_is_in_hand(bench: Bench) -> None:
    bench.drag((20, 60), (180, 60))
    bench.tools.tool = "lasso"
    bench.draw((100, 10, 1.0), (100, 110, 1.0), eraser=True)
    assert bench.mask[60, 100] == 0
    assert bench.mask[60, 30] == 255
    assert bench.tools.tool == "lasso"


def test_used_pen_events_are_not_repeated_as_mouse_events(bench: Bench) -> None:
    assert bench.pen(QEvent.Type.TabletPress, (20, 20), 0.5)
    assert bench.pen(QEvent.Type.TabletMove, (40, 20), 0.5)
    assert bench.pen(QEvent.Type.TabletRelease, (40, 20), 0.0)
    QTest.keyPress(bench.canvas, Qt.Key.Key_Space)
    assert not bench.pen(QEvent.Type.TabletPress, (20, 20), 0.5)
    QTest.keyRelease(bench.canvas, Qt.Key.Key_Space)


def test_a_hovering_pen_shows_the_ring_and_paints_nothing(bench: Bench) -> None:
    plain = bench.shot()
    bench.pen(QEvent.Type.TabletMove, (100, 60), 0.0, button=Qt.MouseButton.NoButton)
    assert painted(bench.canvas) != plain
    assert not bench.mask.any()


# the keyboard alone


def test_shift_and_the_arrows_move_a_pointer_that_shift_and_return_put_down_and_lift(bench: Bench) -> None:
    bench.tools.choose(size=8, hardness=1.0)
    for _ in range(3):
        bench.key(Qt.Key.Key_Left, SHIFT)
    start = bench.easel.hand.at
    assert start is not None
    bench.key(Qt.Key.Key_Return, SHIFT)
    for _ in range(4):
        bench.key(Qt.Key.Key_Right, SHIFT)
    bench.key(Qt.Key.Key_Return, SHIFT)
    bench.key(Qt.Key.Key_Down, SHIFT | CTRL)
    end = bench.easel.hand.at
    assert end is not None
    assert end.y() == start.y() + 1
    row = bench.mask[round(start.y())]
    assert row[round(start.x()) : round(end.x())].min() == 255
    assert not row[round(end.x()) + 8 :].any()
    assert not bench.easel.hand.busy


def test_a_rectangle_by_keys_alone(bench: Bench) -> None:
    bench.tools.tool = "rectangle"
    bench.key(Qt.Key.Key_Return, SHIFT)
    bench.key(Qt.Key.Key_Right, SHIFT)
    bench.key(Qt.Key.Key_Down, SHIFT)
    bench.key(Qt.Key.Key_Return, SHIFT)
    assert bench.mask.any()
    bench.key(Qt.Key.Key_Return, SHIFT)
    bench.key(Qt.Key.Key_Left, SHIFT)
    bench.key(Qt.Key.Key_Escape)
    assert not bench.easel.hand.busy


def test_the_keyboards_pointer_can_be_seen_and_goes_when_the_mouse_comes(bench: Bench) -> None:
    plain = bench.shot()
    bench.key(Qt.Key.Key_Left, SHIFT)
    assert painted(bench.canvas) != plain
    assert bench.easel.hand.by_key
    bench.move((20, 20))
    assert not bench.easel.hand.by_key
