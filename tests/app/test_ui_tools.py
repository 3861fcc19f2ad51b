"""The tools under a mouse, a pen and keys: what they do to the artwork, and what of it is seen."""

from __future__ import annotations

import math
import os
import subprocess
import sys

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import (
    QColor,
    QImage,
    QWheelEvent,
)
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.core.artwork import Artwork
from app.core.placement import box_of
from app.core.toolset import Toolset
from app.ui.canvas.easel import Easel
from app.ui.canvas.overlay import TINT
from app.ui.canvas.tools import TOOLS, toolset
from app.ui.canvas.view import CanvasView
from engine.edit import free_cells
from tests.app.hands import ALT, CTRL, LEFT, RIGHT, SHIFT, Hands
from tests.app.windows import opened, painted, until, wheel

WIDTH, HEIGHT = 200, 120


class Bench(Hands):
    """A canvas with an artwork on it, worked on in document pixels."""

    def __init__(self, qtbot: QtBot, width: int = WIDTH, height: int = HEIGHT) -> None:
        self.artwork = Artwork()
        self.tools: Toolset = toolset()
        self.canvas = CanvasView()
        super().__init__(self.canvas)
        self.easel = Easel(self.canvas, self.artwork, self.tools)
        opened(qtbot, self.canvas, 640, 480)
        self.artwork.open(ramp(width, height), box_size=(64, 64))
        self.easel.shown = True
        self.canvas.setFocus()
        self.zoom(1.0)

    @property
    def mask(self) -> NDArray[np.uint8]:
        return self.artwork.mask

    def zoom(self, scale: float) -> None:
        self.canvas.viewport.zoom_to(scale)
        self.canvas.update()

    def free(self) -> NDArray[np.bool_]:
        """What a model of 9 × 9 pixels, larger than a dab, would make anew in 10 steps."""
        return free_cells(self.mask, box_of(self.artwork.box), (9, 9), 10)

    def shot(self) -> QImage:
        """What the canvas shows, without the ring: the pointer has left."""
        QApplication.sendEvent(self.canvas, QEvent(QEvent.Type.Leave))
        return painted(self.canvas)

    def seen(self, x: float, y: float) -> QColor:
        """The device pixel over the point (x, y) of the document."""
        at = self.on_canvas(x, y)
        return self.shot().pixelColor(math.floor(at.x()), math.floor(at.y()))


def ramp(width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3): a picture without two like neighbours, and light enough for a tint to be seen."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([200 + x % 50, 180 + y % 60, 120 + (x + y) % 90], -1).astype(np.uint8)


@pytest.fixture
def bench(qtbot: QtBot) -> Bench:
    return Bench(qtbot)


def tinted(ground: QColor, tint: QColor) -> tuple[int, int, int]:
    return tuple(
        round(a + (b - a) * TINT)
        for a, b in zip(
            (ground.red(), ground.green(), ground.blue()), (tint.red(), tint.green(), tint.blue()), strict=True
        )
    )  # type: ignore[return-value]


def near(seen: QColor, wanted: tuple[int, int, int]) -> bool:
    return max(abs(a - b) for a, b in zip((seen.red(), seen.green(), seen.blue()), wanted, strict=True)) <= 3


# a stroke, what is seen of it, undo and redo


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
def test_a_stroke_is_in_the_mask_and_on_the_screen_and_undo_takes_it_from_both(qtbot: QtBot, scale: float) -> None:
    bench = Bench(qtbot, round(400 / scale), round(240 / scale))
    bench.zoom(scale)
    bench.tools.choose(size=round(60 / scale), hardness=1.0)
    before = bench.shot()
    y = bench.artwork.height / 2
    bench.drag((100 / scale, y), (200 / scale, y), (300 / scale, y))
    assert bench.mask[round(y), round(200 / scale)] == 255
    assert bench.mask[round(y), round(20 / scale)] == 0
    after = bench.shot()
    middle, away = bench.on_canvas(200 / scale, y).toPoint(), bench.on_canvas(20 / scale, y).toPoint()
    assert near(after.pixelColor(middle), tinted(before.pixelColor(middle), bench.easel.tint))
    assert after.pixel(away) == before.pixel(away)
    bench.artwork.undo()
    assert not bench.mask.any()
    assert bench.shot() == before
    bench.artwork.redo()
    assert bench.mask[round(y), round(200 / scale)] == 255
    assert bench.shot() == after


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_what_is_repainted_piece_by_piece_is_what_a_whole_repaint_shows(qtbot: QtBot, scale: float) -> None:
    """The screen is refreshed where something changed and nowhere else: nothing stale may be left."""
    bench = Bench(qtbot, 333, 251)
    bench.zoom(scale)
    bench.easel.see_as(bench.free)
    piecewise = Recorder(bench.canvas)
    rng = np.random.default_rng(3)
    for name in ("brush", "noise", "colour", "eraser"):
        bench.tools.tool = name
        bench.tools.choose(size=30)
        assert piecewise.is_true()  # another tool repaints all: from here on it is the stroke alone
        points = [(float(x), float(y)) for x, y in rng.uniform((-20, -20), (350, 270), (6, 2))]
        bench.drag(*points)
        QApplication.sendEvent(bench.canvas, QEvent(QEvent.Type.Leave))
        assert piecewise.is_true(), name
    bench.artwork.undo()
    assert piecewise.is_true()


def test_pressing_and_lifting_a_tool_over_a_candidate_leaves_nothing_stale(bench: Bench) -> None:
    bench.drag((20, 20), (180, 100))
    made = QImage(64, 64, QImage.Format.Format_RGB32)
    made.fill(QColor(10, 20, 230))
    bench.easel.set_candidate(QRect(40, 20, 64, 64), made)
    piecewise = Recorder(bench.canvas)
    for judged in (False, True):
        bench.easel.judged = judged
        bench.press((150, 20))
        assert piecewise.is_true()
        bench.move((180, 20))
        assert piecewise.is_true()
        bench.release((180, 20))
        assert piecewise.is_true()
    bench.press((20, 100))
    bench.easel.hand.let_go()
    assert piecewise.is_true()


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_a_hand_does_undo_brings_everything_back_and_nothing_stale_is_left(bench: Bench, seed: int) -> None:
    """Gestures of all tools by mouse, pen and keys, cut short in every way, in any order."""
    rng = np.random.default_rng(seed)
    before = bench.artwork.rgb()
    bench.easel.see_as(bench.free)
    piecewise = Recorder(bench.canvas)
    names = [tool.name for tool in TOOLS]

    def at() -> tuple[float, float]:
        x, y = rng.uniform((-30, -30), (WIDTH + 30, HEIGHT + 30))
        return float(x), float(y)

    for _ in range(120):
        match int(rng.integers(12)):
            case 0 | 1:
                bench.tools.tool = str(rng.choice(names))
            case 2 | 3:
                bench.drag(at(), at(), at(), button=RIGHT if rng.random() < 0.3 else LEFT)
            case 4:
                bench.drag(at(), at(), held=SHIFT)
            case 5:
                bench.draw(*((*at(), float(rng.random())) for _ in range(3)), eraser=bool(rng.random() < 0.3))
            case 6:
                bench.press(at())
            case 7:
                bench.move(at())
            case 8:
                (bench.easel.hand.let_go if rng.random() < 0.5 else bench.easel.hand.cancel)()
            case 9:
                (bench.artwork.undo if rng.random() < 0.5 else bench.artwork.redo)()
            case 10:
                bench.key(ARROWS[int(rng.integers(4))], SHIFT)
                bench.key(Qt.Key.Key_Return, SHIFT)
            case _:
                bench.tools.choose(size=int(rng.integers(1, 40)), opacity=float(rng.uniform(0.2, 1)))
                bench.key(Qt.Key.Key_Escape)
        assert piecewise.is_true()
    bench.easel.hand.let_go()
    assert bench.artwork.can_undo
    while bench.artwork.can_undo:
        bench.artwork.undo()
    assert not bench.mask.any()
    assert (bench.artwork.rgb() == before).all()
    assert piecewise.is_true()


ARROWS = Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down


class Recorder:
    """Keeps a picture of a widget by what the widget asks to be repainted, as the system's backing store does."""

    def __init__(self, canvas: CanvasView) -> None:
        self._canvas = canvas
        self._store = painted(canvas)
        self._dirty: list[QRect] = []
        update = canvas.update

        def note(rect: QRect | None = None) -> None:
            self._dirty.append(canvas.rect() if rect is None else rect)
            update(*(() if rect is None else (rect,)))

        canvas.update = note  # type: ignore[method-assign,assignment]

    def is_true(self) -> bool:
        """Whether it is what a whole repaint shows, to the rounding of Qt's blending, which depends on its place."""
        kept, whole = (
            np.frombuffer(image.constBits(), np.uint8).astype(int) for image in (self._picture(), painted(self._canvas))
        )
        return bool(np.abs(kept - whole).max() <= 1)

    def _picture(self) -> QImage:
        dirty, self._dirty = self._dirty, []
        for rect in dirty:
            inside = rect.intersected(self._canvas.rect())
            if not inside.isEmpty():
                self._canvas.render(self._store, inside.topLeft(), inside)
        return self._store


def test_on_a_dense_screen_the_overlay_has_device_pixels() -> None:
    """In a process of its own, since a screen's density is fixed when Qt starts."""
    script = """
import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from app.core.artwork import Artwork
from app.core.placement import box_of
from app.ui.canvas.easel import Easel
from app.ui.canvas.tools import TOOLS, toolset
from app.ui.canvas.view import CanvasView
app = QApplication([])
artwork, tools, view = Artwork(), toolset(), CanvasView()
easel = Easel(view, artwork, tools)
view.resize(300, 200)
view.show()
artwork.open(np.full((60, 80, 3), 255, np.uint8))
easel.shown = True
assert view.devicePixelRatioF() == 2, view.devicePixelRatioF()
def shot():
    picture = view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    picture.setDevicePixelRatio(1)
    return picture
for scale in (1.0, 4.0):
    view.viewport.zoom_to(scale)
    before = shot()
    tools.tool = "rectangle"
    at = [view.viewport.transform.map(QPoint(x, y)) for x, y in ((20, 20), (50, 40))]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at[0])
    QTest.mouseMove(view, at[1])
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at[1])
    box = np.argwhere(artwork.mask == 255)
    top, left = box.min(0)
    bottom, right = box.max(0) + 1
    assert abs(left - 20) <= 1 and abs(right - 50) <= 1, (left, right)
    tools.tool = "picker"
    after = shot()
    corner = view.viewport.offset * 2
    changed = [(x, y) for x in range(after.width()) for y in range(after.height())
               if after.pixel(x, y) != before.pixel(x, y)]
    xs, ys = [x for x, _ in changed], [y for _, y in changed]
    assert min(xs) == round(corner.x() + left * scale), (min(xs), corner, left)
    assert max(xs) + 1 == round(corner.x() + right * scale)
    assert min(ys) == round(corner.y() + top * scale)
    assert max(ys) + 1 == round(corner.y() + bottom * scale)
    artwork.undo()
    assert shot() == before
    artwork.redo()
    assert shot() == after
    artwork.undo()
print("fine")
"""
    env = os.environ | {"QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "fine", done.stderr


def test_the_mask_can_be_hidden_from_the_picture(bench: Bench) -> None:
    plain = bench.shot()
    bench.drag((20, 20), (90, 60))
    bench.tools.mask_shown = False
    assert bench.mask.any()
    assert outside_of_the_box(bench, bench.shot()) == outside_of_the_box(bench, plain)


def outside_of_the_box(bench: Bench, picture: QImage) -> QImage:
    """The picture without a frame of three pixels, where the box's outline is drawn."""
    return picture.copy(bench.canvas.viewport.rect().toRect().adjusted(3, 3, -3, -3)).copy(QRect(0, 0, 30, 110))


def test_a_partial_mask_is_seen_as_grain_in_its_share(bench: Bench) -> None:
    bench.artwork.open(np.full((HEIGHT, WIDTH, 3), 255, np.uint8))
    bench.tools.tool = "rectangle"
    bench.zoom(2.0)
    full = tinted(QColor("white"), bench.easel.tint)
    for share in (0.25, 0.5, 0.75):
        bench.tools.choose(opacity=share)
        bench.drag((20, 20), (80, 80))
        seen = bench.shot().copy(QRect(bench.on_canvas(25, 25).toPoint(), bench.on_canvas(75, 75).toPoint()))
        pixels = [seen.pixelColor(x, y) for x in range(seen.width()) for y in range(seen.height())]
        grains = sum(near(pixel, full) for pixel in pixels) / len(pixels)
        assert abs(grains - share) < 0.03
        bench.artwork.undo()


# the mouse


def test_the_right_button_takes_away_what_the_left_one_paints(bench: Bench) -> None:
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


def test_a_pen_that_is_used_is_not_told_again_as_a_mouse_and_one_that_pans_is(bench: Bench) -> None:
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


# the other tools


def test_the_lasso_masks_what_is_drawn_around(bench: Bench) -> None:
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


def rect_of(mask: NDArray[np.generic]) -> tuple[int, int, int, int]:
    """x, y, width and height of what is not 0."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1] - columns[0] + 1), int(rows[-1] - rows[0] + 1)


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


def turn(bench: Bench, held: Qt.KeyboardModifier, notches: int, sideways: bool = False) -> None:
    at, angle = QPointF(100, 100), 120 * notches
    QApplication.sendEvent(
        bench.canvas,
        QWheelEvent(at, bench.canvas.mapToGlobal(at), QPoint(), QPoint(angle, 0) if sideways else QPoint(0, angle),
                    Qt.MouseButton.NoButton, held, Qt.ScrollPhase.NoScrollPhase, False),
    )  # fmt: skip


def test_brush_and_eraser_are_set_together_and_others_alone(bench: Bench) -> None:
    bench.tools.choose(size=77)
    bench.tools.tool = "eraser"
    assert bench.tools.choices.size == 77
    bench.tools.tool = "colour"
    assert bench.tools.choices.size != 77


def test_values_are_held_within_what_makes_sense(bench: Bench) -> None:
    bench.tools.choose(size=0, hardness=3.0, opacity=-1.0)
    assert (bench.tools.choices.size, bench.tools.choices.hardness, bench.tools.choices.opacity) == (1, 1.0, 0.0)
    bench.tools.resize(-5)
    assert bench.tools.choices.size == 1
    bench.tools.resize(+1)
    assert bench.tools.choices.size == 2
    with pytest.raises(ValueError, match="no tool"):
        bench.tools.tool = "chisel"


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


# what lies over the picture


def test_a_candidate_is_seen_in_its_box_and_its_tint_gives_way_until_something_is_painted(bench: Bench) -> None:
    bench.tools.tool = "rectangle"
    bench.drag((0, 0), (WIDTH, HEIGHT))
    made = QImage(32, 32, QImage.Format.Format_RGB32)
    made.fill(QColor(10, 20, 230))
    bench.easel.set_candidate(QRect(40, 20, 64, 64), made)
    bench.zoom(2.0)
    assert near(bench.seen(70, 50), (10, 20, 230))
    bench.press((150, 100))
    assert near(bench.seen(70, 50), tinted(QColor(10, 20, 230), bench.easel.tint))
    bench.release((150, 100))
    bench.easel.set_candidate(QRect(), None)
    assert bench.seen(70, 50).blue() != 230


def test_a_picture_at_a_quarter_is_averaged_and_follows_the_brush(qtbot: QtBot) -> None:
    bench = Bench(qtbot, 640, 480)
    stripes = np.zeros((480, 640, 3), np.uint8)
    stripes[:, ::2] = 255
    bench.artwork.open(stripes)
    bench.zoom(0.25)
    assert near(bench.seen(320, 240), (128, 128, 128))
    bench.tools.tool = "colour"
    bench.tools.colour = (200, 0, 0)
    bench.tools.choose(size=100, hardness=1.0)
    bench.drag((200, 240), (400, 240))
    assert near(bench.seen(300, 240), (200, 0, 0))


def test_the_artwork_and_the_frame_of_a_run_each_keep_their_zoom(bench: Bench) -> None:
    bench.zoom(2.0)
    bench.easel.shown = False
    bench.canvas.set_frame(QImage(24, 16, QImage.Format.Format_RGB32))
    assert bench.canvas.viewport.picture.width() == 24
    assert bench.canvas.viewport.fitted
    bench.drag((5, 5), (10, 10))
    bench.easel.shown = True
    assert bench.canvas.viewport.scale == 2.0
    assert not bench.mask.any()
