"""Inpainting in the window, by mouse and keys: paint, fill, watch it in its place, browse, compare, apply, discard."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QHelpEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.canvas.editing import NOTHING_PAINTED
from app.core.canvas.placement import to_rgb
from app.core.jobs.queue import JobState, QueuedJob
from app.core.request.methods import FILL, NEW, REPAINT, REWORK
from app.ui.canvas.candidate_strip import CandidateBar, CandidateStrip
from tests.app.artworks import kept, paint, picture
from tests.app.conftest import Parts, reach_told
from tests.app.hands import Hands
from tests.app.windows import open_window, painted, until

LEFT = Qt.MouseButton.LeftButton
Key = Qt.Key
BOX, SPOT = QRect(20, 12, 48, 32), QRect(30, 18, 20, 12)


class Bench:
    """A window with an artwork on the canvas at 100 %, a spot of it painted."""

    def __init__(self, qtbot: QtBot, parts: Parts) -> None:
        self.qtbot, self.parts, self.document = qtbot, parts, parts.document
        self.window = open_window(qtbot, parts.document)
        self.canvas, self.editing = self.window.canvas, parts.document.editing
        self.artwork: Artwork = parts.document.artwork
        self.artwork.open(picture(97, 61), "a picture", (24, 16))
        self.artwork.box = BOX
        paint(self.artwork, SPOT)
        self.hands = Hands(self.canvas)
        self.canvas.setFocus()
        self.window.canvas.actual_size()

    @property
    def bar(self) -> CandidateBar:
        return self.window.area.candidates

    @property
    def strip(self) -> CandidateStrip:
        return self.window.area.candidates.strip

    def key(self, key: Qt.Key, held: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> None:
        QTest.keyClick(QApplication.focusWidget() or self.canvas, key, held)

    def generate(self) -> QueuedJob:
        """By its keys, wherever the focus is; the engine runs by itself or has its permits."""
        before = len(self.document.jobs.all)
        self.key(Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
        assert len(self.document.jobs.all) == before + 1, self.parts.notices
        return self.document.jobs.all[-1]

    def finish(self) -> QueuedJob:
        job = self.generate()
        until(self.qtbot, lambda: job.state.ended)
        assert job.state is JobState.FINISHED, job.message
        return job

    def on_screen(self) -> np.ndarray:
        """The artwork's pixels as the canvas shows them at 100 %, (61, 97, 3)."""
        corner = self.canvas.viewport.rect().topLeft().toPoint()
        return to_rgb(painted(self.canvas).copy(QRect(corner, self.artwork.rect.size())))

    def see_pixels(self) -> None:
        """Nothing is drawn over the pixels: neither the mask, nor the box, nor the pointer."""
        self.window.tools.mask_shown = False
        QApplication.sendEvent(self.canvas, QEvent(QEvent.Type.Leave))


@pytest.fixture
def bench(qtbot: QtBot, parts: Parts) -> Bench:
    return Bench(qtbot, parts)


@pytest.fixture
def slow(qtbot: QtBot, hand_parts: Parts) -> Bench:
    return Bench(qtbot, hand_parts)


def outside(*rects: QRect) -> np.ndarray:
    """(61, 97): where none of them is."""
    free = np.ones((61, 97), bool)
    for rect in rects:
        free[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1] = False
    return free


def test_paint_fill_browse_compare_apply_and_undo(bench: Bench) -> None:
    """The whole way, with the mouse and the keys."""
    paint(bench.artwork, bench.artwork.rect, 0)
    assert bench.window.panel.generate.note.text() == NOTHING_PAINTED
    assert not bench.window.panel.generate.button.isEnabled()
    bench.window.tools.tool = "rectangle"
    bench.hands.drag((30, 18), (44, 25), (50, 30))
    assert (bench.artwork.mask > 0).sum() > 100
    assert bench.window.panel.generate.button.isEnabled()
    before, touched = bench.artwork.rgb(), bench.artwork.mask > 0
    bench.document.draft.update(batch=2)
    bench.finish()
    assert bench.bar.isVisible()
    bench.see_pixels()
    editing, seen = bench.editing, bench.on_screen()
    assert editing.candidates.index == 1
    np.testing.assert_array_equal(seen[~touched], before[~touched])
    assert (seen[touched] != before[touched]).any()

    bench.key(Key.Key_Right)
    second = bench.on_screen()
    assert editing.candidates.index == 2
    assert (second != seen).any()
    bench.key(Key.Key_Left)
    bench.key(Key.Key_Left)
    np.testing.assert_array_equal(bench.on_screen(), before)
    bench.key(Key.Key_Right)
    np.testing.assert_array_equal(bench.on_screen(), seen)

    QTest.keyPress(bench.canvas, Key.Key_Space)
    np.testing.assert_array_equal(bench.on_screen(), before)
    assert bench.bar.words.text() == "Original"
    QTest.keyRelease(bench.canvas, Key.Key_Space)
    np.testing.assert_array_equal(bench.on_screen(), seen)

    bench.key(Key.Key_Return)
    np.testing.assert_array_equal(bench.artwork.rgb(), seen)
    assert editing.candidates.index == 0
    assert not bench.window.actions_["apply"].isEnabled()
    bench.key(Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    np.testing.assert_array_equal(bench.artwork.rgb(), before)
    bench.key(Key.Key_Right)
    bench.key(Key.Key_Delete)
    bench.key(Key.Key_Delete)
    assert len(editing.candidates) == 0
    assert not bench.bar.isVisible()


def test_previews_stand_in_their_place_while_the_canvas_is_painted_and_zoomed(slow: Bench) -> None:
    before = slow.artwork.rgb()
    job = slow.generate()
    assert slow.bar.isVisible(), "the run has a tile from the start"
    reach_told(slow.parts, slow.qtbot, 1)
    slow.see_pixels()
    first = slow.on_screen()
    np.testing.assert_array_equal(first[outside(SPOT)], before[outside(SPOT)])
    assert (first[~outside(SPOT)] != before[~outside(SPOT)]).any()
    assert slow.bar.words.text() == "Being made"
    assert not slow.window.actions_["apply"].isEnabled()
    assert not slow.window.actions_["discard"].isEnabled()
    slow.hands.drag((70, 45), (85, 50))
    assert (slow.artwork.mask[outside(SPOT)] > 0).any()
    slow.window.canvas.zoom(+1)
    assert slow.canvas.viewport.scale == 1.5
    slow.parts.fake.allow(4)
    until(slow.qtbot, lambda: job.state is JobState.FINISHED)
    assert slow.editing.apply()
    assert kept(slow.artwork, before, SPOT)


def test_more_are_queued_while_one_runs_and_each_has_a_tile(slow: Bench) -> None:
    slow.document.draft.update(batch=3)
    first = slow.generate()
    reach_told(slow.parts, slow.qtbot, 1)
    slow.document.draft.update(batch=1)
    second = slow.generate()
    strip = slow.strip
    assert [strip.describe(tile).rsplit(", ")[-1] for tile in (1, 2)] == ["being made", "waiting"]
    assert (strip.count, strip.index) == (3, 1)
    assert "1 waiting" in slow.window.panel.generate.progress.text()
    slow.parts.fake.allow(9)
    until(slow.qtbot, lambda: second.state is JobState.FINISHED)
    assert first.state is JobState.FINISHED
    assert (strip.count, len(slow.editing.candidates)) == (5, 4)
    assert strip.describe(4).startswith("4 of 4")


def test_a_cancelled_run_leaves_nothing_to_dismiss(slow: Bench) -> None:
    before = slow.artwork.rgb()
    slow.generate()
    reach_told(slow.parts, slow.qtbot, 1)
    slow.key(Key.Key_Escape)
    until(slow.qtbot, lambda: slow.document.jobs.running is None)
    slow.see_pixels()
    np.testing.assert_array_equal(slow.on_screen(), before)
    assert not slow.bar.isVisible()
    assert slow.document.shown.step_count == 1, "what was reached is on the timeline"
    slow.window.timeline.strip.setFocus()
    slow.key(Key.Key_End)
    assert (slow.on_screen() != before).any()


def test_a_click_on_a_tile_shows_it_and_its_run(bench: Bench) -> None:
    first, second = bench.finish(), bench.finish()
    strip = bench.strip
    seen = []
    for tile in (1, 0, 2):
        QTest.mouseClick(strip, LEFT, pos=strip.cell(tile).center().toPoint())
        seen.append((bench.editing.candidates.index, bench.document.shown.run_path))
    assert seen == [(1, first.run_path), (0, first.run_path), (2, second.run_path)]
    QTest.mouseClick(strip, LEFT, pos=QPoint(strip.width() - 3, 3))
    assert bench.editing.candidates.index == 2


def test_the_strip_is_worked_by_keys_and_speaks(bench: Bench) -> None:
    for _ in range(2):
        bench.finish()
    strip = bench.strip
    strip.setFocus()
    assert strip.accessibleDescription().startswith("2 of 2: “red apple”, seed ")
    bench.key(Key.Key_Left)
    assert strip.accessibleDescription().startswith("1 of 2")
    bench.key(Key.Key_Left)
    assert strip.accessibleDescription() == "The original"
    bench.key(Key.Key_Right)
    bench.key(Key.Key_Return)
    assert bench.artwork.undo_text.startswith("Apply")
    at = strip.cell(1).center().toPoint()
    QApplication.sendEvent(strip, QHelpEvent(QEvent.Type.ToolTip, at, strip.mapToGlobal(at)))
    for button in (bench.bar.compare, bench.bar.apply, bench.bar.discard):
        assert button.accessibleName()


def test_the_selected_tile_stays_visible_without_room_for_all(bench: Bench) -> None:
    bench.document.draft.update(batch=40)
    bench.finish()
    strip = bench.strip
    bench.window.resize(1000, 700)
    room = len(strip.shown)
    assert 3 < room < 40
    for tile in (40, 20, 1):
        bench.editing.choose(tile)
        assert tile in strip.shown
        assert strip.rect().contains(strip.cell(tile).toAlignedRect())
    assert len(strip.shown) == room


def test_a_tile_shows_the_box_with_the_candidate_in_it(bench: Bench) -> None:
    bench.artwork.apply(bench.artwork.rect, np.full((61, 97, 3), 200, np.uint8), "Paint")
    bench.finish()
    strip, grey = bench.strip, QColor(200, 200, 200)

    def at(shot: QImage, tile: int, across: float, down: float) -> QColor:
        cell = strip.cell(tile)
        scale = min(cell.width() / BOX.width(), cell.height() / BOX.height())
        centre = cell.center() + QPoint(
            round((across - BOX.width() / 2) * scale), round((down - BOX.height() / 2) * scale)
        )
        return shot.pixelColor((centre * strip.devicePixelRatioF()).toPoint())

    shot = painted(strip)
    middle = SPOT.center() - BOX.topLeft()
    assert at(shot, 0, middle.x(), middle.y()) == grey
    assert at(shot, 1, middle.x(), middle.y()) != grey
    assert at(shot, 1, 3, 28) == grey, "what is kept"
    bench.editing.choose(1)
    bench.editing.apply()
    assert at(painted(strip), 0, middle.x(), middle.y()) != grey, "the original is what it was made into"


def test_arrows_on_the_canvas_step_through_a_run_where_there_is_no_artwork(bench: Bench) -> None:
    """And with the artwork on it they browse; on the timeline they step in either case."""
    bench.finish()
    bench.window.timeline.strip.setFocus()
    bench.key(Key.Key_Left)
    assert bench.document.shown.cursor == 3
    assert bench.bar.words.text() == "1 of 1"
    bench.canvas.setFocus()
    bench.key(Key.Key_Left)
    assert (bench.document.shown.cursor, bench.editing.candidates.index) == (3, 0)
    bench.document.draft.choose_method(NEW)
    bench.finish()
    bench.key(Key.Key_Left)
    assert bench.document.shown.cursor == 3
    assert not bench.editing.shows_artwork


def test_f3_returns_from_an_unrelated_run(bench: Bench) -> None:
    back = bench.window.actions_["artwork"]
    assert not back.isEnabled()
    bench.document.draft.choose_method(NEW)
    bench.document.draft.update(batch=2)
    bench.finish()
    assert back.isEnabled()
    assert bench.window.area.batch.isVisible()
    assert not bench.bar.isVisible()
    bench.key(Key.Key_F3)
    assert bench.editing.shows_artwork
    assert not bench.window.area.batch.isVisible()


def test_a_finished_picture_of_the_session_is_seen_again_in_its_place(bench: Bench) -> None:
    bench.finish()
    bench.editing.choose(0)
    recent = bench.window.recent.list
    QTest.mouseClick(recent.viewport(), LEFT, pos=recent.visualItemRect(recent.item(0)).center())
    assert bench.editing.candidates.index == 1
    assert bench.editing.overlay is not None


def test_the_mark_among_the_pictures_of_the_session_is_what_the_canvas_shows(bench: Bench) -> None:
    bench.document.draft.update(batch=2)
    bench.finish()
    shown, recent = bench.document.shown, bench.window.recent.list

    def marked() -> list[int]:
        return [index.row() for index in recent.selectedIndexes()]

    assert marked() == [0]
    for look_away in (lambda: shown.scrub(1), lambda: setattr(shown, "view", "x"), lambda: bench.editing.choose(0)):
        look_away()
        assert marked() == []
        QTest.mouseClick(recent.viewport(), LEFT, pos=recent.visualItemRect(recent.item(1)).center())
        assert (shown.image_index, shown.cursor, shown.view) == (1, shown.step_count - 1, "x0")
        assert marked() == [1]


def test_losing_the_focus_ends_the_comparison(bench: Bench) -> None:
    bench.finish()
    QTest.keyPress(bench.canvas, Key.Key_Space)
    assert bench.editing.comparing
    bench.window.panel.prompt.setFocus()
    assert not bench.editing.comparing


def test_the_mask_is_out_of_the_way_while_a_result_is_judged(bench: Bench) -> None:
    easel = bench.window.area.easel
    assert not easel.result_shown
    bench.finish()
    assert easel.result_shown
    bench.editing.choose(0)
    assert not easel.result_shown
    bench.editing.choose(1)
    bench.key(Key.Key_Return)
    assert easel.result_shown, "what was applied is looked at until something else is painted"
    bench.hands.drag((70, 45), (85, 50))
    assert not easel.result_shown


def test_a_new_run_after_apply_shows_the_mask_again(slow: Bench) -> None:
    easel = slow.window.area.easel
    job = slow.generate()
    slow.parts.fake.allow(job.steps_total)
    until(slow.qtbot, lambda: job.state.ended)
    slow.key(Key.Key_Return)
    assert easel.result_shown
    slow.generate()
    slow.key(Key.Key_Escape)
    until(slow.qtbot, lambda: slow.document.jobs.running is None)
    assert slow.editing.candidates.index == 0
    assert not easel.result_shown


def test_the_footer_lists_the_keys_of_the_front_view(bench: Bench) -> None:
    facts = bench.window.area.facts
    assert "paint" in facts.text()
    bench.finish()
    assert "Return: apply" in facts.text()
    assert "Space: compare" in facts.text()
    bench.editing.choose(0)
    assert "paint" in facts.text()


def test_the_lab_hides_the_candidates_and_gives_them_back(bench: Bench) -> None:
    bench.finish()
    bench.window.show_page("lab")
    assert not bench.bar.isVisible()
    bench.window.show_page("pictures")
    assert bench.bar.isVisible()


# the panel


def test_the_panel_sets_the_method_of_a_run(bench: Bench) -> None:
    edit, document = bench.window.panel.edit, bench.document
    assert edit.isVisible()
    assert edit.segments[FILL].isChecked()
    QTest.mouseClick(edit.segments[REWORK], LEFT)
    assert document.draft.current.method == REWORK
    assert edit.count.text() == "3 of 5 steps"
    edit.strength.setFocus()
    bench.key(Key.Key_Right)
    assert (document.draft.current.strength, edit.count.text()) == (0.8, "4 of 5 steps")
    bench.key(Key.Key_Right)
    assert (document.draft.current.strength, edit.count.text()) == (1.0, "all of 5 steps")
    document.draft.update(steps=12, strength=0.6)
    assert edit.count.text() == "7 of 12 steps"
    assert "14 model calls" in bench.window.panel.sampler.price.text()
    QTest.mouseClick(edit.segments[NEW], LEFT)
    assert not edit.strength.isVisible()
    assert "24 model calls" in bench.window.panel.sampler.price.text()


def test_filling_may_go_back_and_forth(bench: Bench) -> None:
    edit, document = bench.window.panel.edit, bench.document
    assert not edit.stretches.isVisible()
    edit.again.setFocus()
    bench.key(Key.Key_Space)
    assert (document.draft.current.method, document.draft.current.sampler) == (REPAINT, "ddpm")
    assert edit.stretches.isVisible()
    assert edit.segments[FILL].isChecked()
    calls = bench.window.panel.sampler.price.text()
    edit.resample.slider.setFocus()
    bench.key(Key.Key_Right)
    assert document.draft.current.resample == 5
    assert bench.window.panel.sampler.price.text() != calls
    QTest.mouseClick(edit.segments[FILL], LEFT)
    assert document.draft.current.method == REPAINT, "it is a way of filling"
    QTest.mouseClick(edit.segments[REWORK], LEFT)
    assert not edit.again.isVisible()
    QTest.mouseClick(edit.segments[FILL], LEFT)
    assert document.draft.current.method == FILL


def test_without_an_artwork_there_is_nothing_to_choose(bench: Bench) -> None:
    edit = bench.window.panel.edit
    bench.artwork.close()
    assert not edit.isVisible()
    assert bench.document.draft.current.method == NEW
    bench.document.draft.update(method=FILL)
    assert edit.isVisible(), "what was asked for can be taken back"
    assert not bench.window.panel.generate.button.isEnabled()


def test_the_panel_is_no_wider_for_it(bench: Bench) -> None:
    panel = bench.window.panel
    for method in (NEW, FILL, REWORK):
        bench.document.draft.choose_method(method)
        assert panel.edit.minimumSizeHint().width() <= panel.minimumWidth() - 2 * panel.edit.x()


def test_a_remark_stands_under_the_button(bench: Bench) -> None:
    note = bench.window.panel.generate.note
    paint(bench.artwork, bench.artwork.rect)
    assert "nothing of the picture is kept" in note.text()
    paint(bench.artwork, bench.artwork.rect, 254)
    assert "kept" not in note.text(), "in degrees something is"
    bench.document.draft.choose_method(REWORK)
    paint(bench.artwork, bench.artwork.rect, 0)
    assert "all of the box is reworked" in note.text()
