"""Making part of the artwork anew: from what is painted, through a run, to candidates that are applied or let go of."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from app.bridge.fake import FakeEngine, targets
from app.core.artwork import Artwork
from app.core.document import Document
from app.core.editing import FILL, NEW, NOTHING_OPEN, NOTHING_PAINTED, PAINTED_OUTSIDE, REPAINT, REWORK
from app.core.jobs import Job, JobState
from app.core.placement import overlay, to_rgb
from app.core.render import render, to_image
from engine.catalog import ModelInfo
from engine.draft import Draft
from engine.edit import composite, crop
from engine.paths import path_of
from engine.store import RunReader
from tests.app.artworks import kept, paint, picture
from tests.app.conftest import Parts, count, finish, reach, reach_told

BOX = QRect(20, 12, 48, 32)
SPOT = QRect(30, 18, 20, 12)


@pytest.fixture
def artwork(document: Document) -> Artwork:
    """97×61 pixels, the box somewhere in it, a spot in the box painted."""
    return opened(document)


def opened(document: Document, seed: int = 0) -> Artwork:
    artwork = document.artwork
    artwork.open(picture(97, 61, seed), "a picture", (24, 16))
    artwork.box = BOX
    paint(artwork, SPOT)
    return artwork


def box_of(box: QRect) -> tuple[int, int, int, int]:
    return box.x(), box.y(), box.width(), box.height()


# what is asked for


def test_an_artwork_is_to_be_filled_and_none_is_not(document: Document) -> None:
    assert document.draft.method == NEW
    artwork = opened(document)
    assert (document.draft.method, document.draft.strength) == (FILL, 1.0)
    assert document.editing.shows_artwork
    document.choose_method(NEW)
    artwork.open(picture(40, 40))
    assert document.draft.method == NEW, "chosen is chosen, also with the next picture"
    document.choose_method(REWORK)
    artwork.close()
    assert document.draft.method == NEW
    assert not document.editing.shows_artwork


def test_each_method_keeps_its_strength(document: Document, artwork: Artwork) -> None:
    document.choose_method(REWORK)
    assert document.draft.strength == 0.6, "all of it would keep nothing of the picture"
    document.update_draft(strength=0.4)
    document.choose_method(FILL)
    assert document.draft.strength == 1.0
    document.choose_method(REWORK)
    assert document.draft.strength == 0.4


def test_another_model_works_on_the_same_picture_in_the_same_way(document: Document, artwork: Artwork) -> None:
    document.choose_method(REWORK)
    document.model = document.models[1]
    assert (document.draft.method, document.draft.strength) == (REWORK, 0.6)


def test_the_box_takes_the_shape_of_the_model(
    make_parts: Callable[..., Parts], fake: FakeEngine, model: ModelInfo
) -> None:
    document = make_parts(fake).document
    document.artwork.open(picture(97, 61))
    document.model = document.models[1]
    box = document.artwork.box
    assert abs(box.width() * model.height - box.height() * model.width) <= model.width


def test_a_picture_from_the_last_time_has_its_box_in_the_shape_of_the_model_of_now(document: Document) -> None:
    document.artwork.open(picture(97, 61), box_size=(64, 64))
    document.artwork.box = QRect(5, 5, 48, 48)
    assert document.artwork.box == QRect(5, 5, 48, 32)


def test_a_draft_from_the_last_time_does_not_ask_for_a_picture_that_is_not_there(
    make_parts: Callable[..., Parts], fake: FakeEngine
) -> None:
    document = make_parts(fake).document
    document.remember_drafts({"other": Draft.for_model(document.models[1], method=FILL)})
    document.model = document.models[1]
    assert document.draft.method == NEW


def test_why_nothing_can_be_made_is_one_sentence(document: Document) -> None:
    document.update_draft(method=FILL)
    assert document.why_not == NOTHING_OPEN
    artwork = opened(document)
    assert document.why_not == ""
    artwork.box = QRect(60, 40, 24, 16)
    assert document.why_not == PAINTED_OUTSIDE
    document.choose_method(REWORK)
    assert document.why_not == PAINTED_OUTSIDE
    paint(artwork, artwork.rect, 0)
    assert document.why_not == ""
    assert "all of the box" in document.edit_remark
    document.choose_method(FILL)
    assert document.why_not == NOTHING_PAINTED
    paint(artwork, artwork.rect)
    assert document.why_not == ""
    assert "nothing of the picture is kept" in document.edit_remark
    document.choose_method(NEW)
    assert (document.why_not, document.edit_remark) == ("", "")


def test_the_reason_follows_every_change_of_what_is_painted(document: Document, artwork: Artwork) -> None:
    told = count(document.editing.asked_changed)
    artwork.undo()
    assert document.why_not == NOTHING_PAINTED
    artwork.redo()
    assert document.why_not == ""
    artwork.box = QRect(60, 40, 24, 16)
    assert len(told) == 3


def test_a_price_needs_no_picture(document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, method=NEW, steps=5)
    document.update_draft(method=FILL, strength=1.0)
    whole = document.price_text
    document.update_draft(strength=0.2)
    assert whole
    assert document.price_text


# a run on the artwork


def test_a_run_is_given_the_box_of_the_picture_and_of_the_mask(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    rgb, mask = artwork.rgb(), artwork.mask.copy()
    job = finish(parts, qtbot)
    assert job.state is JobState.FINISHED
    given, expected = RunReader(job.run_path).inputs(), crop(rgb, mask, box_of(BOX), (24, 16))
    assert given is not None
    np.testing.assert_array_equal(given.source, expected.source)
    assert given.mask is not None
    np.testing.assert_array_equal(given.mask, expected.mask)
    edit = job.request.edit
    assert edit is not None
    assert (edit.source, edit.mask) == expected.digests


def test_a_rework_of_all_of_the_box_has_no_mask_and_takes_the_steps_that_its_strength_says(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    paint(artwork, artwork.rect, 0)
    document.choose_method(REWORK)
    job = finish(parts, qtbot, strength=0.4)
    assert job.request.edit is not None
    assert (job.request.steps, job.request.edit.mask) == (2, "")
    assert document.editing.overlay is not None
    assert document.editing.overlay.rect == BOX


def test_the_mask_of_a_run_is_the_one_that_was_painted_when_it_was_asked_for(
    make_parts: Callable[..., Parts], by_hand: FakeEngine, qtbot: QtBot
) -> None:
    """Two are queued with different masks; what is painted later is in neither."""
    parts = make_parts(by_hand)
    document, artwork = parts.document, opened(parts.document)
    before = artwork.rgb()
    first = document.generate()
    paint(artwork, artwork.rect, 0)
    other = QRect(60, 40, 20, 12)
    artwork.box = QRect(50, 30, 36, 24)
    paint(artwork, other)
    second = document.generate()
    paint(artwork, artwork.rect)
    assert first is not None
    assert second is not None
    by_hand.allow(10)
    qtbot.waitUntil(lambda: second.state is JobState.FINISHED)
    editing = document.editing
    for tile in (1, 2):
        editing.choose(tile)
        assert editing.apply()
    assert kept(artwork, before, SPOT, other)


def test_a_run_that_goes_back_and_forth_is_scrubbed_move_by_move(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    before = artwork.rgb()
    job = finish(parts, qtbot, method=REPAINT, jump=2, resample=2)
    assert job.state is JobState.FINISHED
    moves = path_of(job.request)
    assert len(moves) > job.request.steps == 5
    assert job.steps_done == job.steps_total == document.step_count == len(moves)
    run = document.run
    assert run is not None
    assert (run.total, list(run.levels)) == (len(moves), [hop.s for hop in moves])
    for document.view in ("x", "eps", "x0"):
        for k in range(document.step_count):
            document.scrub(k)
            assert document.editing.overlay is not None
    assert document.editing.apply()
    assert kept(artwork, before, SPOT)


# previews


def test_a_preview_lies_in_its_place_through_the_mask(hand_parts: Parts, qtbot: QtBot) -> None:
    document, artwork = hand_parts.document, opened(hand_parts.document)
    seen = count(document.editing.changed)
    document.generate()
    assert document.editing.overlay is None
    reach_told(hand_parts, qtbot, 1)
    shown, frame = document.editing.overlay, document.frame
    assert shown is not None
    assert frame is not None
    assert shown.rect == SPOT
    placement = document.editing.placement(document.run_path)
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

    monkeypatch.setattr("app.core.editing.overlay", never)
    hand_parts.document.generate()
    reach_told(hand_parts, qtbot, 1)
    assert hand_parts.document.editing.overlay is not None


def test_scrubbing_shows_each_step_in_its_place(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    finish(parts, qtbot)
    run, placement = document.run, document.editing.placement(document.run_path)
    assert run is not None
    assert placement is not None
    seen = set()
    for k in (0, 2, 4, 1):
        document.scrub(k)
        shown = document.editing.overlay
        assert shown is not None
        assert shown.image == overlay(render(run, k, "x0", 0), placement).image
        seen.add(shown.image.cacheKey())
    assert len(seen) == 4


def test_scrubbing_comes_back_from_the_original(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    finish(parts, qtbot)
    document.editing.choose(0)
    assert document.editing.overlay is None
    document.scrub(1)
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
    assert document.run_path == second.run_path


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
    assert document.editing.candidates.index == 0, "the original is what was just made of it"
    assert document.editing.overlay is None
    assert len(document.editing.candidates) == 1, "it can be looked at again"
    artwork.undo()
    np.testing.assert_array_equal(artwork.rgb(), before)
    artwork.redo()
    np.testing.assert_array_equal(artwork.rgb(), after)


def test_a_step_on_the_way_can_be_applied_too(document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot)
    document.scrub(1)
    seen = document.editing.overlay
    assert seen is not None
    assert document.editing.apply()
    np.testing.assert_array_equal(artwork.rgb(SPOT), to_rgb(seen.image))


def test_what_is_still_being_made_is_not_applied(hand_parts: Parts, qtbot: QtBot) -> None:
    document, artwork = hand_parts.document, opened(hand_parts.document)
    assert "choose one" in document.editing.why_no_apply
    document.generate()
    reach_told(hand_parts, qtbot, 1)
    assert "still being made" in document.editing.why_no_apply
    assert not document.editing.apply()
    assert not artwork.undo_text.startswith("Apply")


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


def test_discarding_goes_on_to_the_next_and_leaves_its_files(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    jobs = [finish(parts, qtbot) for _ in range(3)]
    editing = document.editing
    editing.choose(2)
    editing.discard()
    assert (len(editing.candidates), editing.candidates.index, document.run_path) == (2, 2, jobs[2].run_path)
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
    document.cancel()
    qtbot.waitUntil(lambda: job.state is JobState.CANCELLED)
    editing = document.editing
    assert (len(editing.candidates), editing.candidates.at, editing.overlay) == (0, None, None)
    assert editing.shows_artwork
    assert document.step_count == 3, "what was reached is on the timeline"
    document.scrub(1)
    assert editing.overlay is not None


def test_the_next_run_does_not_pull_away_what_is_looked_at(hand_parts: Parts, qtbot: QtBot) -> None:
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
    assert (document.run_path, editing.candidates.index, len(editing.candidates)) == (first.run_path, 1, 2)
    editing.choose(0)
    hand_parts.fake.allow(5)
    qtbot.waitUntil(lambda: third.state is JobState.FINISHED)
    assert (editing.candidates.at, len(editing.candidates)) == (None, 3)


def test_the_original_stays_in_sight_while_a_run_that_was_looked_at_goes_on(hand_parts: Parts, qtbot: QtBot) -> None:
    document, editing = hand_parts.document, hand_parts.document.editing
    opened(document)
    job = document.generate()
    assert job is not None
    reach_told(hand_parts, qtbot, 1)
    editing.choose(0)
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    assert (editing.candidates.at, editing.overlay, len(editing.candidates)) == (None, None, 1)


# several on one artwork, and others beside it


def test_several_boxes_compose_on_one_artwork(document: Document, parts: Parts, qtbot: QtBot) -> None:
    artwork = document.artwork
    artwork.open(picture(301, 203), box_size=(24, 16))
    before, spots = artwork.rgb(), []
    for x, y, width in ((0, 0, 24), (90, 40, 90), (200, 120, 150)):
        artwork.box = QRect(x, y, width, width * 2 // 3)
        paint(artwork, artwork.rect, 0)
        spots.append(artwork.box.intersected(artwork.rect).adjusted(5, 5, -5, -5))
        paint(artwork, spots[-1])
        finish(parts, qtbot)
        assert document.editing.apply()
    assert kept(artwork, before, *spots)


def test_two_boxes_that_meet_compose_on_a_large_picture(document: Document, parts: Parts, qtbot: QtBot) -> None:
    """What lies in both boxes is made from what the first one left there; each is undone on its own."""
    artwork = document.artwork
    artwork.open(picture(2048, 1536), "a large picture", (24, 16))
    document.choose_method(FILL)
    before = artwork.rgb()
    boxes = QRect(200, 300, 960, 640), QRect(900, 700, 1200, 800)  # the second reaches beyond the picture
    spots = QRect(950, 720, 200, 150), QRect(1000, 860, 1048, 500)  # the second begins on the first
    states, alphas = [before], []
    for box, spot in zip(boxes, spots, strict=True):
        move = artwork.begin_move("Move the box")
        move.to(box)
        move.end()
        assert artwork.box == box
        paint(artwork, artwork.rect, 0)
        paint(artwork, spot)
        paint(artwork, QRect(spot.right() + 1, spot.top(), 40, spot.height()), 20)  # a soft edge
        mask = artwork.mask.copy()
        job = finish(parts, qtbot)
        made = to_rgb(to_image(targets(job.request, RunReader(job.run_path).inputs())[0]))
        states.append(composite(states[-1], mask, box_of(box), made))
        alphas.append(mask > 0)
        assert document.editing.apply()
        np.testing.assert_array_equal(artwork.rgb(), states[-1])
    outside = ~(alphas[0] | alphas[1])
    np.testing.assert_array_equal(artwork.rgb()[outside], before[outside])
    assert kept(artwork, states[1], spots[1].adjusted(0, 0, 40, 0)), "the second leaves the first as it was"

    seen = [states[-1]]
    while artwork.can_undo:
        artwork.undo()
        if not np.array_equal(artwork.rgb(), seen[-1]):
            seen.append(artwork.rgb())
    assert len(seen) == len(states)
    assert all(np.array_equal(a, b) for a, b in zip(seen, reversed(states), strict=True))
    while artwork.can_redo:
        artwork.redo()
    np.testing.assert_array_equal(artwork.rgb(), states[-1])
    assert artwork.box == boxes[1]


def test_a_picture_of_its_own_takes_the_canvas_and_gives_it_back(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    on_it = finish(parts, qtbot)
    document.choose_method(NEW)
    own = finish(parts, qtbot)
    editing = document.editing
    assert document.run_path == own.run_path
    assert (editing.shows_artwork, editing.overlay, len(editing.candidates)) == (False, None, 1)
    editing.choose(0)
    assert editing.shows_artwork
    assert document.show_run(own.run_path)
    assert not editing.shows_artwork
    assert document.show_run(on_it.run_path)
    assert editing.shows_artwork
    assert editing.candidates.index == 1


def test_another_artwork_has_none_of_the_candidates_of_the_last(hand_parts: Parts, qtbot: QtBot) -> None:
    """A run for the last one goes on, and its pictures are kept, but it does not take the canvas."""
    document = hand_parts.document
    opened(document)
    hand_parts.fake.allow(5)
    first = document.generate()
    assert first is not None
    qtbot.waitUntil(lambda: first.state is JobState.FINISHED)
    second, third = document.generate(), document.generate()
    assert second is not None
    assert third is not None
    reach_told(hand_parts, qtbot, 1)
    opened(document, seed=5)
    assert (len(document.editing.candidates), document.editing.overlay) == (0, None)
    hand_parts.fake.allow(9)
    qtbot.waitUntil(lambda: third.state is JobState.FINISHED)
    assert (len(document.editing.candidates), document.editing.shows_artwork) == (0, True)
    assert second.images[0].exists()
    assert third.images[0].exists()


# going on from a step


def test_a_fork_goes_on_in_the_parents_box_with_the_mask_of_now(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    before = artwork.rgb()
    finish(parts, qtbot)
    document.scrub(2)
    artwork.box = QRect(60, 40, 24, 16)
    wider = QRect(24, 14, 40, 20)
    paint(artwork, wider)
    job = fork(parts, qtbot, prompt="a rocket")
    assert (job.request.prompt, job.steps_before) == ("a rocket", 2)
    placement = document.editing.placement(job.run_path)
    assert placement is not None
    assert placement.box == BOX
    given = RunReader(job.run_path).inputs()
    assert given is not None
    assert given.digests == crop(before, artwork.mask, box_of(BOX), (24, 16)).digests
    assert document.editing.candidates.index == 2
    assert document.editing.apply()
    assert kept(artwork, before, wider)


def test_a_fork_keeps_the_parents_mask_where_nothing_is_painted_any_more(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    before = artwork.rgb()
    parent = finish(parts, qtbot)
    document.scrub(1)
    paint(artwork, artwork.rect, 0)
    assert document.why_not == NOTHING_PAINTED
    assert document.why_no_fork == ""
    job = fork(parts, qtbot, prompt="a rocket")
    assert job.request.edit == parent.request.edit
    assert document.editing.apply()
    assert kept(artwork, before, SPOT)


def test_variations_of_a_run_on_the_artwork_are_candidates_in_its_place(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    finish(parts, qtbot)
    document.scrub(1)
    paint(artwork, artwork.rect, 0)
    document.update_draft(batch=3)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = document.vary()
    assert job is not None
    assert len(document.editing.candidates) == 4
    assert document.editing.placement(job.run_path) is not None


def test_a_new_picture_that_goes_on_from_a_run_on_the_artwork_is_one_of_its_own(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    finish(parts, qtbot)
    document.scrub(1)
    document.choose_method(NEW)
    job = fork(parts, qtbot)
    assert job.request.edit is None
    assert not document.editing.shows_artwork


def fork(parts: Parts, qtbot: QtBot, **choices: object) -> Job:
    parts.document.update_draft(**choices)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = parts.document.fork()
    assert job is not None, parts.notices
    assert job.state is JobState.FINISHED, job.message
    return job


def test_a_run_file_that_is_gone_leaves_the_window_as_it_is(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    first = finish(parts, qtbot)
    finish(parts, qtbot)
    Path(first.run_path).unlink()
    document.editing.choose(1)
    assert "cannot be shown" in parts.notices[-1].text
    assert document.editing.candidates.index == 2


def test_whatever_is_done_in_whatever_order_only_what_was_painted_changes(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    """500 actions at random on candidates of three boxes: what is seen and what is kept are always right."""
    before, spots, rng = artwork.rgb(), [SPOT, QRect(4, 3, 12, 9), QRect(64, 40, 22, 14)], random.Random(0)
    for box, spot in zip((BOX, QRect(0, 0, 24, 16), QRect(55, 35, 36, 24)), spots, strict=True):
        paint(artwork, artwork.rect, 0)
        artwork.box = box
        paint(artwork, spot)
        finish(parts, qtbot, batch=2)
    editing, candidates = document.editing, document.editing.candidates
    inside = np.zeros(artwork.mask.shape, bool)
    for spot in spots:
        inside[spot.top() : spot.bottom() + 1, spot.left() : spot.right() + 1] = True

    def compare() -> None:
        editing.comparing = not editing.comparing

    def other_image() -> None:
        document.image_index += rng.choice((-1, 1))

    actions: list[Callable[[], object]] = [
        lambda: editing.choose(rng.randint(0, len(candidates))),
        lambda: editing.browse(rng.choice((-2, -1, 1, 2))),
        lambda: document.scrub(rng.randint(0, 4)),
        editing.apply,
        compare,
        other_image,
        artwork.undo,
        artwork.redo,
        lambda: document.show_run(candidates[rng.randint(1, len(candidates))].run) if len(candidates) else None,
    ]
    for n in range(500):
        rng.choice(actions)()
        if n % 100 == 99 and len(candidates):
            editing.discard()
        at, overlay_now = candidates.at, editing.overlay
        assert (overlay_now is None) == (at is None or editing.comparing)
        assert candidates.index == (0 if at is None else candidates.tile_of(at))
        if overlay_now is not None:
            assert at is not None
            placement = editing.placement(at[0])
            assert placement is not None
            assert overlay_now.rect == placement.rect
            assert at == (document.run_path, document.image_index)
        np.testing.assert_array_equal(artwork.rgb()[~inside], before[~inside])
    while artwork.can_undo:
        artwork.undo()
    np.testing.assert_array_equal(artwork.rgb(), before)
    assert parts.notices == []
