"""Several runs on one artwork, others beside it, and those that go on from a step."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.canvas.editing import NOTHING_PAINTED
from app.core.canvas.placement import to_rgb
from app.core.document import Document
from app.core.jobs.queue import JobState
from app.core.request.methods import FILL, NEW
from app.core.shown.render import to_image
from engine.pictures.compositing import composite, crop
from engine.store import RunReader
from tests.app.artworks import kept, paint, picture
from tests.app.conftest import Parts, finish, reach_told
from tests.app.editing.conftest import BOX, SPOT, box_of, fork, opened
from tests.fakes.engine import targets

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
    document.draft.choose_method(FILL)
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
    document.draft.choose_method(NEW)
    own = finish(parts, qtbot)
    editing = document.editing
    assert document.shown.run_path == own.run_path
    assert (editing.shows_artwork, editing.overlay, len(editing.candidates)) == (False, None, 1)
    editing.choose(0)
    assert editing.shows_artwork
    assert document.shown.show_run(own.run_path)
    assert not editing.shows_artwork
    assert document.shown.show_run(on_it.run_path)
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
    document.shown.scrub(2)
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
    document.shown.scrub(1)
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
    document.shown.scrub(1)
    paint(artwork, artwork.rect, 0)
    document.draft.update(batch=3)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = document.vary()
    assert job is not None
    assert len(document.editing.candidates) == 4
    assert document.editing.placement(job.run_path) is not None


def test_a_fork_without_the_artwork_is_an_independent_picture(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    finish(parts, qtbot)
    document.shown.scrub(1)
    document.draft.choose_method(NEW)
    job = fork(parts, qtbot)
    assert job.request.edit is None
    assert not document.editing.shows_artwork


def test_a_run_file_that_is_gone_leaves_the_window_as_it_is(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    first = finish(parts, qtbot)
    finish(parts, qtbot)
    Path(first.run_path).unlink()
    document.editing.choose(1)
    assert "cannot be shown" in parts.notices[-1].text
    assert document.editing.candidates.index == 2


def test_random_actions_change_only_painted_pixels(
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
        document.shown.image_index += rng.choice((-1, 1))

    actions: list[Callable[[], object]] = [
        lambda: editing.choose(rng.randint(0, len(candidates))),
        lambda: editing.browse(rng.choice((-2, -1, 1, 2))),
        lambda: document.shown.scrub(rng.randint(0, 4)),
        editing.apply,
        compare,
        other_image,
        artwork.undo,
        artwork.redo,
        lambda: document.shown.show_run(candidates[rng.randint(1, len(candidates))].run) if len(candidates) else None,
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
            assert at == (document.shown.run_path, document.shown.image_index)
        np.testing.assert_array_equal(artwork.rgb()[~inside], before[~inside])
    while artwork.can_undo:
        artwork.undo()
    np.testing.assert_array_equal(artwork.rgb(), before)
    assert parts.notices == []
