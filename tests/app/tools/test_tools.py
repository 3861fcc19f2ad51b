"""Each tool but the brush: what it masks, paints or moves; and how the tools are set."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRect, Qt

from tests.app.hands import ALT, CTRL, RIGHT, SHIFT
from tests.app.tools.conftest import HEIGHT, WIDTH, Bench, near, rect_of, turn
from tests.app.windows import wheel

# the other tools


def test_the_lasso_masks_the_enclosed_region(bench: Bench) -> None:
    bench.tools.tool = "lasso"
    bench.drag((20, 20), (100, 20), (100, 100))
    assert bench.mask[30, 80] == 255
    assert bench.mask[90, 40] == 0
    bench.drag((0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT), button=RIGHT)
    assert not bench.mask.any()


def test_the_rectangle_masks_whole_pixels_and_with_shift_a_square(bench: Bench) -> None:
    bench.tools.tool = "rectangle"
    bench.drag((20, 30), (60, 50))
    assert rect_of(bench.mask) == (20, 30, 40, 20)
    assert set(np.unique(bench.mask)) == {0, 255}
    bench.artwork.undo()
    bench.drag((100, 90), (60, 70), held=SHIFT)
    assert rect_of(bench.mask) == (60, 50, 40, 40)


def test_the_ellipse_masks_a_disc_with_shift(bench: Bench) -> None:
    bench.tools.tool = "ellipse"
    bench.drag((20, 20), (80, 40), held=SHIFT)
    assert rect_of(bench.mask > 127) == (20, 20, 60, 60)
    assert abs(np.count_nonzero(bench.mask > 127) - math.pi * 30**2) < 30


def test_a_click_with_a_region_tool_masks_nothing(bench: Bench) -> None:
    for name in ("lasso", "rectangle", "ellipse"):
        bench.tools.tool = name
        bench.drag((20, 20))
        assert not bench.artwork.can_undo


def test_the_amount_of_a_region_is_how_far_back_it_goes(bench: Bench) -> None:
    bench.tools.tool = "rectangle"
    bench.tools.choose(opacity=0.5)
    bench.drag((20, 20), (60, 60))
    assert bench.mask[40, 40] == 128


def test_fill_masks_a_colour_around_the_click_or_everywhere(bench: Bench) -> None:
    picture = np.zeros((60, 90, 3), np.uint8)
    picture[10:30, 10:30] = picture[40:50, 60:80] = (250, 40, 40)
    bench.artwork.open(picture)
    bench.tools.tool = "fill"
    bench.drag((15, 15))
    assert rect_of(bench.mask) == (10, 10, 20, 20)
    bench.artwork.undo()
    bench.tools.choose(everywhere=True)
    bench.drag((15, 15))
    assert np.count_nonzero(bench.mask) == 20 * 20 + 10 * 20
    bench.drag((15, 15), button=RIGHT)
    assert not bench.mask.any()
    bench.drag((-5, 500))
    assert not bench.mask.any()


def test_the_colour_brush_paints_the_picture_in_the_picked_colour_and_undo_brings_it_back(bench: Bench) -> None:
    before = bench.artwork.rgb()
    bench.tools.tool = "picker"
    bench.drag((150.5, 70.5))
    assert bench.tools.colour == tuple(before[70, 150])
    bench.tools.tool = "colour"
    bench.tools.choose(size=20, hardness=1.0)
    bench.drag((30, 30), (60, 30))
    assert tuple(bench.artwork.rgb()[30, 45]) == tuple(before[70, 150])
    assert not bench.mask.any()
    assert near(bench.seen(45.5, 30.5), bench.tools.colour)
    bench.drag((20.5, 90.5), button=RIGHT)
    assert bench.tools.colour == tuple(before[90, 20])
    bench.artwork.undo()
    assert (bench.artwork.rgb() == before).all()


def test_the_noise_brush_takes_a_region_farther_back_with_every_stroke(bench: Bench) -> None:
    bench.tools.tool = "noise"
    reached = []
    for _ in range(4):
        bench.drag((60, 60), (140, 60))
        reached.append(int(bench.mask[60, 100]))
    assert 0 < reached[0] < reached[1] < reached[2] < reached[3] < 255
    bench.drag((60, 60), (140, 60), button=RIGHT)
    assert bench.mask[60, 100] < reached[3]


def test_the_box_is_moved_by_its_middle_and_resized_by_its_corners(bench: Bench) -> None:
    bench.artwork.box = QRect(60, 20, 64, 64)
    bench.tools.tool = "box"
    bench.drag((90, 50), (100, 55))
    assert bench.artwork.box == QRect(70, 25, 64, 64)
    bench.drag((134, 89), (154, 95))
    assert bench.artwork.box == QRect(70, 25, 84, 84)
    bench.drag((70, 25), (90, 50))
    assert bench.artwork.box == QRect(154 - 64, 109 - 64, 64, 64)
    bench.press((120, 70))
    bench.move((20, 20))
    bench.key(Qt.Key.Key_Escape)
    assert bench.artwork.box == QRect(90, 45, 64, 64)


def test_each_drag_of_the_box_is_one_step_of_undo(bench: Bench) -> None:
    artwork, start = bench.artwork, QRect(60, 20, 64, 64)
    artwork.box = start
    bench.tools.tool = "box"
    bench.drag((90, 50), (95, 52), (70, 70), (100, 55))
    bench.drag((134, 89), (140, 90), (154, 95))
    bench.drag((100, 60), (100, 60))  # a click
    shot = bench.shot()
    assert artwork.undo_text == "Resize the box"
    artwork.undo()
    assert (artwork.box, artwork.undo_text) == (QRect(70, 25, 64, 64), "Move the box")
    artwork.undo()
    assert (artwork.box, artwork.can_undo) == (start, False)
    artwork.redo()
    artwork.redo()
    assert artwork.box == QRect(70, 25, 84, 84)
    assert bench.shot() == shot, "it is seen there again"
    bench.press((110, 60))
    bench.move((20, 20))
    bench.key(Qt.Key.Key_Escape)
    assert (artwork.box, artwork.undo_text) == (QRect(70, 25, 84, 84), "Resize the box")
    bench.press((110, 60))
    bench.move((120, 60))
    artwork.undo()
    bench.move((40, 60))
    bench.release((40, 60))
    assert (artwork.box, artwork.redo_text) == (QRect(70, 25, 84, 84), "Move the box")


def test_a_move_of_the_box_by_keys_is_one_step_too(bench: Bench) -> None:
    start = bench.artwork.box
    bench.tools.tool = "box"
    bench.key(Qt.Key.Key_Left, SHIFT)
    bench.key(Qt.Key.Key_Return, SHIFT)
    bench.key(Qt.Key.Key_Right, SHIFT)
    bench.key(Qt.Key.Key_Right, SHIFT)
    bench.key(Qt.Key.Key_Return, SHIFT)
    assert bench.artwork.box != start
    bench.artwork.undo()
    assert (bench.artwork.box, bench.artwork.can_undo) == (start, False)


def test_the_box_keeps_to_the_picture_and_to_its_shape(bench: Bench) -> None:
    bench.tools.tool = "box"
    bench.drag((100, 60), (900, 700))
    assert bench.artwork.rect.adjusted(0, 0, 1, 1).contains(bench.artwork.box.center())
    corner = bench.artwork.box.topLeft()
    bench.drag((corner.x(), corner.y()), (corner.x() - 30, corner.y() + 10))
    assert bench.artwork.box.width() == bench.artwork.box.height()


# how the tools are set


def test_ctrl_and_the_wheel_set_the_size_alt_and_the_wheel_the_hardness(bench: Bench) -> None:
    scale, size = bench.canvas.viewport.scale, bench.tools.choices.size
    turn(bench, CTRL, 1)
    assert bench.tools.choices.size > size
    turn(bench, CTRL, -1)
    assert bench.tools.choices.size == size
    turn(bench, ALT, -1)
    assert bench.tools.choices.hardness == pytest.approx(0.7)
    turn(bench, ALT, 1, sideways=True)
    assert bench.tools.choices.hardness == pytest.approx(0.8)
    assert bench.canvas.viewport.scale == scale
    wheel(bench.canvas, QPointF(100, 100))
    assert bench.canvas.viewport.scale != scale


def test_brush_and_eraser_are_set_together_and_others_alone(bench: Bench) -> None:
    bench.tools.choose(size=77)
    bench.tools.tool = "eraser"
    assert bench.tools.choices.size == 77
    bench.tools.tool = "colour"
    assert bench.tools.choices.size != 77


def test_values_are_clamped_to_their_ranges(bench: Bench) -> None:
    bench.tools.choose(size=0, hardness=3.0, opacity=-1.0)
    assert (bench.tools.choices.size, bench.tools.choices.hardness, bench.tools.choices.opacity) == (1, 1.0, 0.0)
    bench.tools.resize(-5)
    assert bench.tools.choices.size == 1
    bench.tools.resize(+1)
    assert bench.tools.choices.size == 2
    with pytest.raises(ValueError, match="no tool"):
        bench.tools.tool = "chisel"
