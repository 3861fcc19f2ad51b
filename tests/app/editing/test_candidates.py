"""Results of a run on the artwork: previews in their place, candidates that are applied or discarded."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.canvas.placement import overlay, to_rgb
from app.core.document import Document
from app.core.jobs.queue import JobState
from app.core.shown.render import render, to_image
from engine.pictures.compositing import composite
from engine.store import RunReader
from tests.app.artworks import kept, paint, picture
from tests.app.conftest import Parts, count, finish, reach, reach_told
from tests.app.editing.conftest import BOX, SPOT, box_of, opened
from tests.fakes.engine import targets

# previews


def test_the_place_of_a_job_is_known_when_the_jobs_change(document: Document, artwork: Artwork, qtbot: QtBot) -> None:
    """The document's rules act before widgets look, when a job is added and when it has ended."""
    seen: list[tuple[bool, int]] = []

    def look() -> None:
        job, editing = document.jobs.all[-1], document.editing
        seen.append((editing.placement(job.run_path) is not None, len(editing.candidates)))

    document.jobs.changed.connect(look)
    job = document.generate()
    assert job is not None
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    assert (seen[0], seen[-1]) == ((True, 0), (True, 1))


def test_a_preview_lies_in_its_place_through_the_mask(hand_parts: Parts, qtbot: QtBot) -> None:
    document, artwork = hand_parts.document, opened(hand_parts.document)
    seen = count(document.editing.changed)
    document.generate()
    assert document.editing.overlay is None
    reach_told(hand_parts, qtbot, 1)
    shown, frame = document.editing.overlay, document.shown.frame
    assert shown is not None
    assert frame is not None
    assert shown.rect == SPOT
    placement = document.editing.placement(document.shown.run_path)
    assert placement is not None
    assert shown.image == overlay(frame, placement).image
    assert seen
    assert document.editing.candidates.index == -1, "it is no candidate yet"
    assert len(document.editing.candidates) == 0
    np.testing.assert_array_equal(artwork.rgb(), picture(97, 61)), "nothing is written into the artwork"


def test_the_engines_thread_makes_the_overlay_of_a_preview(
    hand_parts: Parts, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened(hand_parts.document)

    def never(*_: object) -> None:
        raise AssertionError("made in the window's thread")

    monkeypatch.setattr("app.core.canvas.editing.overlay", never)
    hand_parts.document.generate()
    reach_told(hand_parts, qtbot, 1)
    assert hand_parts.document.editing.overlay is not None


def test_scrubbing_shows_each_step_in_its_place(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    finish(parts, qtbot)
    run, placement = document.shown.run, document.editing.placement(document.shown.run_path)
    assert run is not None
    assert placement is not None
    seen = set()
    for k in (0, 2, 4, 1):
        document.shown.scrub(k)
        shown = document.editing.overlay
        assert shown is not None
        assert shown.image == overlay(render(run, k, "x0", 0), placement).image
        seen.add(shown.image.cacheKey())
    assert len(seen) == 4


def test_scrubbing_returns_from_the_original_to_the_run(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    finish(parts, qtbot)
    document.editing.choose(0)
    assert document.editing.overlay is None
    document.shown.scrub(1)
    assert document.editing.overlay is not None
    assert document.editing.candidates.index == 1


def test_the_artwork_can_be_painted_and_changed_while_a_run_goes_on(hand_parts: Parts, qtbot: QtBot) -> None:
    document, artwork = hand_parts.document, opened(hand_parts.document)
    job = document.generate()
    assert job is not None
    reach_told(hand_parts, qtbot, 1)
    artwork.apply(artwork.rect, picture(97, 61, seed=3), "Paint")
    paint(artwork, QRect(0, 0, 30, 30))
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    before = artwork.rgb()
    assert document.editing.apply()
    assert kept(artwork, before, SPOT), "it lies over the picture as it is, through the mask as it was"


# candidates


def test_a_finished_run_is_looked_at_and_its_pictures_are_tiles(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    job = finish(parts, qtbot, batch=3)
    candidates = document.editing.candidates
    assert [candidates[k].key for k in (1, 2, 3)] == [(job.run_path, k) for k in range(3)]
    assert candidates.index == 1
    assert all(not candidates[k].picture.isNull() for k in (1, 2, 3))


def test_browsing_goes_through_all_runs_and_to_the_original(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    first, second = finish(parts, qtbot, batch=2), finish(parts, qtbot, batch=1)
    editing, seen = document.editing, []
    assert editing.candidates.index == 3
    for _ in range(4):
        editing.browse(-1)
        seen.append((editing.candidates.at, editing.overlay is not None))
    assert seen == [((first.run_path, 1), True), ((first.run_path, 0), True), (None, False), (None, False)]
    editing.browse(+9)
    assert document.shown.run_path == second.run_path


def test_applying_blends_it_in_and_can_be_undone(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    paint(artwork, QRect(30, 30, 20, 8), 20)
    before, mask = artwork.rgb(), artwork.mask.copy()
    job = finish(parts, qtbot)
    made = to_rgb(to_image(targets(job.request, RunReader(job.run_path).inputs())[0]))
    assert document.editing.why_no_apply == ""
    assert document.editing.apply()
    after = artwork.rgb()
    np.testing.assert_array_equal(after, composite(before, mask, box_of(BOX), made))
    assert kept(artwork, before, SPOT, QRect(30, 30, 20, 8))
    assert "red apple" in artwork.undo_text
    assert document.editing.candidates.index == 0, "the applied picture is the new original"
    assert document.editing.overlay is None
    assert len(document.editing.candidates) == 1, "it can be looked at again"
    artwork.undo()
    np.testing.assert_array_equal(artwork.rgb(), before)
    artwork.redo()
    np.testing.assert_array_equal(artwork.rgb(), after)


def test_a_step_on_the_way_can_be_applied_too(document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot)
    document.shown.scrub(1)
    seen = document.editing.overlay
    assert seen is not None
    assert document.editing.apply()
    np.testing.assert_array_equal(artwork.rgb(SPOT), to_rgb(seen.image))


def test_an_unfinished_result_cannot_be_applied(hand_parts: Parts, qtbot: QtBot) -> None:
    document, artwork = hand_parts.document, opened(hand_parts.document)
    assert "choose one" in document.editing.why_no_apply
    document.generate()
    reach_told(hand_parts, qtbot, 1)
    assert "not finished" in document.editing.why_no_apply
    assert not document.editing.apply()
    assert not artwork.undo_text.startswith("Apply")


def test_what_the_canvas_was_cut_off_from_is_not_applied(document: Document, parts: Parts, qtbot: QtBot) -> None:
    artwork, editing = opened(document), document.editing
    finish(parts, qtbot)
    artwork.resize(QRect(SPOT.right() + 1, 0, 30, 61))
    assert "outside of the present picture" in editing.why_no_apply
    assert not editing.apply()
    artwork.undo()
    assert editing.why_no_apply == ""
    assert editing.apply()


def test_comparing_shows_the_original_for_as_long_as_it_lasts(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    finish(parts, qtbot)
    editing = document.editing
    shown = editing.overlay
    editing.comparing = True
    assert editing.overlay is None
    assert editing.candidates.index == 1
    editing.comparing = False
    assert editing.overlay is shown


def test_the_next_result_ends_the_comparison(document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot) -> None:
    """Else the original is seen, as if nothing had happened."""
    finish(parts, qtbot, batch=2)
    editing = document.editing
    for look_elsewhere in (False, True):
        editing.choose(1)
        editing.comparing = True
        with qtbot.waitSignal(parts.jobs.job_ended):
            document.generate()
            if look_elsewhere:
                document.shown.scrub(1)  # so that the next run does not come to the canvas
                editing.comparing = True
        assert not editing.comparing
        assert editing.overlay is not None
    editing.comparing = True
    editing.choose(2)
    assert not editing.comparing


def test_the_original_has_no_other_runs_timeline(document: Document, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot)
    opened(document)
    finish(parts, qtbot)
    document.editing.choose(0)
    assert document.shown.run is not None, "it was made for this picture"
    document.draft.update(method="new")
    finish(parts, qtbot)
    assert not document.editing.shows_artwork
    document.editing.choose(0)
    assert document.shown.run is None


def test_discarding_goes_on_to_the_next_and_leaves_its_files(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    jobs = [finish(parts, qtbot) for _ in range(3)]
    editing = document.editing
    editing.choose(2)
    editing.discard()
    assert (len(editing.candidates), editing.candidates.index, document.shown.run_path) == (2, 2, jobs[2].run_path)
    assert editing.overlay is not None
    editing.discard()
    editing.discard()
    assert len(editing.candidates) == 0
    assert editing.candidates.at is None
    assert editing.overlay is None
    assert all(job.run_path.exists() and job.images[0].exists() for job in jobs)


def test_a_cancelled_run_leaves_nothing_to_dismiss(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    opened(document)
    job = document.generate()
    assert job is not None
    reach_told(hand_parts, qtbot, 1)
    reach(hand_parts, qtbot, 2)
    document.jobs.cancel()
    qtbot.waitUntil(lambda: job.state is JobState.CANCELLED)
    editing = document.editing
    assert (len(editing.candidates), editing.candidates.at, editing.overlay) == (0, None, None)
    assert editing.shows_artwork
    assert document.shown.step_count == 3, "what was reached is on the timeline"
    document.shown.scrub(1)
    assert editing.overlay is not None


def test_the_next_run_does_not_replace_the_viewed_picture(hand_parts: Parts, qtbot: QtBot) -> None:
    document, editing = hand_parts.document, hand_parts.document.editing
    opened(document)
    hand_parts.fake.allow(5)
    first = document.generate()
    assert first is not None
    qtbot.waitUntil(lambda: first.state is JobState.FINISHED)
    second, third = document.generate(), document.generate()
    assert second is not None
    assert third is not None
    editing.choose(1)
    hand_parts.fake.allow(5)
    qtbot.waitUntil(lambda: second.state is JobState.FINISHED)
    assert (document.shown.run_path, editing.candidates.index, len(editing.candidates)) == (first.run_path, 1, 2)
    editing.choose(0)
    hand_parts.fake.allow(5)
    qtbot.waitUntil(lambda: third.state is JobState.FINISHED)
    assert (editing.candidates.at, len(editing.candidates)) == (None, 3)


def test_the_original_stays_visible_while_its_run_continues(hand_parts: Parts, qtbot: QtBot) -> None:
    document, editing = hand_parts.document, hand_parts.document.editing
    opened(document)
    job = document.generate()
    assert job is not None
    reach_told(hand_parts, qtbot, 1)
    editing.choose(0)
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    assert (editing.candidates.at, editing.overlay, len(editing.candidates)) == (None, None, 1)
