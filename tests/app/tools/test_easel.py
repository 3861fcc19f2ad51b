"""What a tool does is on the screen, at every zoom and density, and what is undone is gone from it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QRect, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.canvas.tools import TOOLS
from app.ui.canvas.view import CanvasView
from tests.app.hands import LEFT, RIGHT, SHIFT
from tests.app.tools.conftest import HEIGHT, WIDTH, Bench, near, tinted
from tests.app.windows import painted

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
def test_partial_repaints_equal_a_whole_repaint(qtbot: QtBot, scale: float) -> None:
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
        bench.easel.result_shown = judged
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
from app.core.canvas.artwork import Artwork
from app.core.canvas.placement import box_of
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
