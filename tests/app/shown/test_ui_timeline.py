"""The timeline: every step can be reached by drag, key and button, also while the run goes on."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer
from PySide6.QtGui import QColor, QPaintEvent, QPalette, QRegion
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.core.shown.render import render
from app.settings import Settings, Values
from app.ui.shown.filmstrip import Filmstrip
from app.ui.shown.timeline import VIEWS
from app.ui.shown.timeline_bands import bands
from app.ui.shown.timeline_curves import calls_curve, change_curve, noise_curve
from app.ui.shown.timeline_layout import Slots
from app.ui.window.main_window import MainWindow
from engine.store import StepInfo
from tests.app.conftest import Parts
from tests.app.windows import PATIENCE, colours, drag, finish, open_window, painted, until, wheel

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    """A window with a finished run of twelve steps, the focus on the strip."""
    window = open_window(qtbot, parts.document)
    finish(qtbot, parts.document, steps=12)
    window.timeline.strip.setFocus()
    return window


def at(strip: Filmstrip, k: int) -> QPoint:
    """A point on step k."""
    return QPoint(round(strip.slots.centre(k)), round(strip.slots.top + strip.slots.side / 2))


def grow(parts: Parts, qtbot: QtBot, steps: int) -> None:
    """Let the engine make `steps` more and wait until the document has read them."""
    want = parts.document.shown.step_count + steps
    parts.fake.allow(steps)

    def read() -> bool:
        parts.document.shown.grow(parts.document.shown.live)
        return parts.document.shown.step_count == want

    until(qtbot, read)


def start(parts: Parts, qtbot: QtBot, **choices: object) -> None:
    """A run under way with its first step done."""
    parts.document.draft.update(**choices)
    with qtbot.waitSignal(parts.document.shown.run_changed, timeout=PATIENCE):
        parts.document.generate()
        parts.fake.allow(1)
    until(qtbot, lambda: parts.document.shown.step_count == 1)


# reaching a step


def test_a_press_selects_a_step_and_a_drag_scrubs_through_all_in_between(window: MainWindow) -> None:
    strip, document = window.timeline.strip, window.document
    cursors: list[int] = []
    document.shown.cursor_changed.connect(lambda: cursors.append(document.shown.cursor))
    drag(strip, LEFT, *(at(strip, k) for k in (2, 3, 4, 5, 4)))
    assert cursors == [2, 3, 4, 5, 4]
    drag(strip, LEFT, at(strip, 8))
    assert document.shown.cursor == 8


def test_the_canvas_shows_the_scrubbed_step(window: MainWindow) -> None:
    strip, document = window.timeline.strip, window.document
    for k in (0, 6, 11):
        drag(strip, LEFT, at(strip, k))
        assert document.shown.run is not None
        assert window.canvas.frame == render(document.shown.run, k, "x0", 0)


def test_a_drag_beyond_the_ends_stays_on_the_first_and_last_step(window: MainWindow) -> None:
    strip, document = window.timeline.strip, window.document
    drag(strip, LEFT, at(strip, 3), QPoint(-50, 5))
    assert document.shown.cursor == 0
    drag(strip, LEFT, at(strip, 3), QPoint(strip.width() + 50, 5))
    assert document.shown.cursor == 11


def test_other_buttons_do_not_scrub(window: MainWindow) -> None:
    strip = window.timeline.strip
    drag(strip, Qt.MouseButton.RightButton, at(strip, 3), at(strip, 5))
    assert window.document.shown.cursor == 11


def test_keys_step_and_jump(window: MainWindow) -> None:
    strip, document = window.timeline.strip, window.document
    moves = {Qt.Key.Key_Home: 0, Qt.Key.Key_Right: 1, Qt.Key.Key_End: 11, Qt.Key.Key_Left: 10}
    for key, cursor in moves.items():
        QTest.keyClick(strip, key)
        assert document.shown.cursor == cursor


def test_the_wheel_steps(window: MainWindow) -> None:
    strip = window.timeline.strip
    wheel(strip, at(strip, 4).toPointF(), +1)
    assert window.document.shown.cursor == 10
    wheel(strip, at(strip, 4).toPointF(), -1)
    assert window.document.shown.cursor == 11


def test_space_plays_to_the_last_step_and_stops_there(window: MainWindow, qtbot: QtBot) -> None:
    document = window.document
    seen: list[int] = []
    document.shown.cursor_changed.connect(lambda: seen.append(document.shown.cursor))
    QTest.keyClick(window.timeline.strip, Qt.Key.Key_Space)
    assert document.shown.playing
    until(qtbot, lambda: not document.shown.playing)
    assert seen == list(range(12))


def test_space_pauses_playing(window: MainWindow, qtbot: QtBot) -> None:
    strip, document = window.timeline.strip, window.document
    QTest.keyClick(strip, Qt.Key.Key_Space)
    assert window.actions_["play"].isChecked()
    QTest.keyClick(strip, Qt.Key.Key_Space)
    assert not document.shown.playing
    assert not window.actions_["play"].isChecked()


def test_space_in_the_prompt_types_and_does_not_play(window: MainWindow) -> None:
    window.focus_prompt()
    QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_Space)
    assert not window.document.shown.playing
    assert window.document.draft.current.prompt.count(" ") == 2


def test_a_move_repaints_where_the_cursor_was_and_where_it_is_and_no_more(window: MainWindow, qtbot: QtBot) -> None:
    strip, document = window.timeline.strip, window.document
    document.shown.scrub(2)
    until(qtbot, lambda: drawn(strip) == 12)
    until(qtbot, lambda: not any(timer.isActive() for timer in strip.findChildren(QTimer)))
    spy = PaintSpy(strip)
    strip.repaint()
    spy.dirty = QRegion()
    document.shown.scrub(9)
    until(qtbot, lambda: not spy.dirty.isEmpty())
    assert spy.dirty.contains(at(strip, 2))
    assert spy.dirty.contains(at(strip, 9))
    assert not spy.dirty.contains(at(strip, 5))


# what of it to see


def test_the_views_are_switched_by_click_and_by_key(window: MainWindow) -> None:
    timeline, document = window.timeline, window.document
    assert timeline.segments["x0"].isChecked()
    QTest.mouseClick(timeline.segments["eps"], LEFT)
    assert document.shown.run is not None
    assert window.canvas.frame == render(document.shown.run, document.shown.cursor, "eps", 0)
    timeline.strip.setFocus()
    QTest.keyClick(timeline.strip, Qt.Key.Key_2)
    assert window.canvas.frame == render(document.shown.run, document.shown.cursor, "x", 0)
    assert timeline.segments["x"].isChecked()
    assert not timeline.segments["eps"].isChecked()


def test_each_view_has_pictures_of_its_own_on_the_strip(window: MainWindow, qtbot: QtBot) -> None:
    strip, shots = window.timeline.strip, []
    for view, _ in VIEWS:
        window.document.shown.view = view
        until(qtbot, lambda: drawn(strip) == 12)
        shots.append(painted(strip))
    assert shots[0] != shots[1] != shots[2] != shots[0]


def test_the_selected_step_is_described(window: MainWindow) -> None:
    document = window.document
    document.shown.scrub(4)
    assert document.shown.run is not None
    step = document.shown.run.steps[4]
    said = window.timeline.strip.accessibleDescription()
    assert "Step 5 of 12" in said
    assert f"σ {step.s:.4g} → {step.s2:.4g}" in said
    assert f"Δx̂₀ {step.change:.3f}" in said
    assert "model call 10 of 24" in said  # guided: two a step


def test_each_curve_says_its_value_at_the_shown_step(window: MainWindow) -> None:
    run = window.document.shown.run
    assert run is not None
    for k in (0, 4, 11):
        noise, moved, calls = bands(run, k)
        assert noise.value == f"{run.steps[k].s:.3g}"
        assert moved.value == (f"{run.steps[k].change:.3f}" if k else "")
        assert calls.value == f"{2 * (k + 1)}/24"
    assert [band.value for band in bands(run, -1)] == ["", "", ""]


def inked(pixel: QColor, ink: QColor, ground: QColor) -> bool:
    """Whether the pixel is at least .4 of the ink: a line between two rows of pixels is drawn half in each."""

    def apart(a: QColor, b: QColor) -> int:
        return sum(abs(x - y) for x, y in zip(a.getRgb()[:3], b.getRgb()[:3], strict=True))  # type: ignore[index]

    return apart(pixel, ink) <= 0.6 * apart(ground, ink)


@pytest.mark.parametrize("steps", [20, 200])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_curves_are_drawn_each_in_its_ink_beside_its_name(
    theme: str, steps: int, parts: Parts, qtbot: QtBot
) -> None:
    window = open_window(qtbot, parts.document, Settings(values=Values(theme=theme)))  # type: ignore[arg-type]
    finish(qtbot, parts.document, steps=steps)
    parts.document.shown.scrub(steps // 2)
    strip = window.timeline.strip
    shot, slots = painted(strip), strip.slots
    top = round(slots.top + slots.side)
    run = parts.document.shown.run
    assert run is not None
    for band, row in zip(bands(run, steps // 2), strip.rows, strict=True):
        ink = QApplication.palette().color(band.ink)
        assert row.top() > top
        assert row.bottom() <= strip.height()
        beside = shot.copy(QRect(0, round(row.top()), round(slots.left), round(row.height())))
        assert len(colours(beside)) > 5, "a name and a value"
        heights = []
        ground = strip.palette().color(QPalette.ColorRole.Window)
        for share in (0.1, 0.3, 0.7, 0.9):
            x = round(slots.left + share * slots.width)
            column = [
                y for y in range(round(row.top()), round(row.bottom())) if inked(shot.pixelColor(x, y), ink, ground)
            ]
            heights += column[:1]
        assert len(heights) >= 2, f"{band.name} is a line in its ink"


def test_the_calls_of_a_run_are_its_done_and_planned_ones(hand_parts: Parts, qtbot: QtBot) -> None:
    hand_parts.fake.allow(1)
    start(hand_parts, qtbot, steps=6, sampler="heun", guidance=1.0)
    run = hand_parts.document.shown.run
    assert run is not None
    assert run.calls == [2]
    assert run.planned == (2, 2, 2, 2, 1)
    assert calls_curve(run.calls, run.planned)[0][1] == pytest.approx(2 / 11)
    hand_parts.fake.allow(9)
    until(qtbot, lambda: hand_parts.document.jobs.running is None)
    assert run.calls == [2, 4, 6, 8, 10, 11]
    assert sum(run.planned) == 0


def test_another_picture_of_the_batch_is_shown_by_a_click_and_by_keys(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    finish(qtbot, parts.document, batch=3, prompt="rocket")
    batch = window.area.batch
    assert batch.isVisible()
    QTest.mouseClick(batch, LEFT, pos=batch.cell(2).center().toPoint())
    assert parts.document.shown.image_index == 2
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_PageUp)
    assert parts.document.shown.image_index == 1
    batch.setFocus()
    QTest.keyClick(batch, Qt.Key.Key_Left)
    assert parts.document.shown.image_index == 0
    finish(qtbot, parts.document, batch=1)
    assert not batch.isVisible()


def test_a_large_batch_shows_the_pictures_around_the_selected_one(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    finish(qtbot, parts.document, batch=64, steps=2)
    batch, document = window.area.batch, parts.document
    assert len(batch.shown) < 64
    for index in (0, 31, 63):
        document.shown.image_index = index
        assert index in batch.shown
        cell = batch.cell(index)
        assert cell.width() >= 16
        assert batch.rect().contains(cell.toRect())
    QTest.mouseClick(batch, LEFT, pos=batch.cell(batch.shown[0]).center().toPoint())
    assert document.shown.image_index < 63


def test_the_batch_shows_each_picture_at_the_selected_step(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    finish(qtbot, parts.document, batch=3, seed=5)
    batch, document = window.area.batch, parts.document

    def middles() -> list[str]:
        shot = painted(batch)
        return [shot.pixelColor(batch.cell(k).center().toPoint()).name() for k in range(3)]

    assert document.shown.run is not None
    until(qtbot, lambda: len(set(middles())) == 3)
    last = middles()
    document.shown.scrub(0)
    until(qtbot, lambda: middles() != last)


# while a run goes on


def test_cells_appear_as_they_come_and_the_rest_is_held_open(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    start(hand_parts, qtbot, steps=8)
    strip = window.timeline.strip
    assert strip.count == 8
    until(qtbot, lambda: drawn(strip) == 1)
    for done in (3, 5, 8):
        grow(hand_parts, qtbot, done - hand_parts.document.shown.step_count)
        until(qtbot, lambda: drawn(strip) == done)  # noqa: B023 -- called before the next round
    until(qtbot, lambda: hand_parts.document.jobs.running is None)


def test_scrubbing_works_while_the_engine_is_in_a_model_call(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    document, strip = hand_parts.document, window.timeline.strip
    start(hand_parts, qtbot, steps=9)
    grow(hand_parts, qtbot, 3)
    assert document.shown.live  # and the fifth call waits for its permit
    drag(strip, LEFT, at(strip, 1))
    assert document.shown.run is not None
    assert window.canvas.frame == render(document.shown.run, 1, "x0", 0)
    hand_parts.fake.allow(5)
    until(qtbot, lambda: document.jobs.running is None)
    assert document.shown.cursor == 1


def test_following_is_seen_left_by_scrubbing_and_taken_up_again(hand_parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, hand_parts.document)
    document, follow, strip = hand_parts.document, window.timeline.follow, window.timeline.strip
    start(hand_parts, qtbot, steps=6)
    grow(hand_parts, qtbot, 2)
    assert follow.isVisible()
    assert follow.isChecked()
    drag(strip, LEFT, at(strip, 0))
    assert not follow.isChecked()
    grow(hand_parts, qtbot, 1)
    assert document.shown.cursor == 0
    QTest.mouseClick(follow, LEFT)
    assert document.shown.cursor == 3
    assert follow.isChecked()
    grow(hand_parts, qtbot, 1)
    assert document.shown.cursor == 4
    hand_parts.fake.allow(1)
    until(qtbot, lambda: document.jobs.running is None)
    assert not follow.isVisible()


def test_the_empty_strip_explains_itself(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    strip = window.timeline.strip
    ink = QApplication.palette().color(QPalette.ColorRole.PlaceholderText)
    middle = painted(strip).copy(QRect(strip.width() // 4, 0, strip.width() // 2, strip.height()))
    assert any(middle.pixelColor(x, y) == ink for x in range(middle.width()) for y in range(middle.height()))
    drag(strip, LEFT, QPoint(30, 30))
    assert parts.document.shown.cursor == -1


# geometry


@pytest.mark.parametrize("count", [1, 5, 20, 50, 200, 1000])
def test_every_step_has_its_place_and_no_picture_is_too_small_to_see(count: int) -> None:
    slots = Slots(count=count, left=30, width=900, top=4, height=64, least=36)
    assert [slots.index(slots.centre(k)) for k in range(count)] == list(range(count))
    assert slots.side >= 32
    cells = [slots.cell(k) for k in slots.pictured()]
    assert all(a.right() <= b.left() + 1e-6 for a, b in itertools.pairwise(cells))
    for k in {0, count // 2, count - 1}:
        assert 30 <= slots.current(k).left() <= slots.current(k).right() <= 930 + 1e-6
        assert slots.column(k).contains(slots.current(k))
    assert slots.index(-10) == 0
    assert slots.index(5000) == count - 1


def test_a_run_of_many_steps_is_scrubbed_to_each_of_them(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    finish(qtbot, parts.document, steps=150)
    strip = window.timeline.strip
    assert strip.slots.stride > 1
    for k in (0, 1, 77, 78, 149):
        drag(strip, LEFT, at(strip, k))
        assert parts.document.shown.cursor == k


def test_curves_lie_between_floor_and_ceiling() -> None:
    levels = [80.0, 10.0, 1.0, 0.1, 0.0]
    noise = noise_curve(levels)
    assert [k for k, _ in noise] == [0, 1, 2, 3]  # σ = 0 has no logarithm
    assert noise[0][1] == 1.0
    assert noise[-1][1] == 0.0
    assert noise_curve([]) == []
    steps = [StepInfo(k, 1.0, 0.5, "solve", 1, 0.0, 1.0, change) for k, change in enumerate((float("nan"), 2.0, 0.5))]
    assert change_curve(steps) == [(1, 1.0), (2, 0.25)]
    assert change_curve(steps[:1]) == []


def near(one: QColor, other: QColor) -> bool:
    """Whether a pixel is of a line's colour, its smoothed edge allowed for."""
    rgb = zip(one.getRgb()[:3], other.getRgb()[:3], strict=True)  # type: ignore[index]
    return sum(abs(a - b) for a, b in rgb) < 120


class PaintSpy(QObject):
    """Collects the rectangles that a widget repaints."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.dirty = QRegion()
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QPaintEvent):
            self.dirty = self.dirty.united(event.region())
        return False


def drawn(strip: Filmstrip) -> int:
    """How many cells show a picture: anything but the even grey of a place held open."""
    shot = painted(strip)
    slots = strip.slots

    def plain(k: int) -> bool:
        cell = slots.cell(k).toAlignedRect().adjusted(4, 4, -4, -4)
        inside = {QColor(shot.pixel(x, y)).name() for x in range(cell.left(), cell.right(), 3)
                  for y in range(cell.top(), cell.bottom(), 3)}  # fmt: skip
        return len(inside) == 1

    return sum(not plain(k) for k in range(slots.count))
