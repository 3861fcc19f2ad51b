"""What is asked for on the artwork, and what a run is given of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.canvas.editing import NOTHING_OPEN, NOTHING_PAINTED, PAINTED_OUTSIDE
from app.core.document import Document
from app.core.jobs.queue import JobState
from app.core.request.methods import FILL, NEW, REPAINT, REWORK
from engine.paths import path_of
from engine.pictures.compositing import crop
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft
from engine.store import RunReader
from tests.app.artworks import kept, paint, picture
from tests.app.conftest import Parts, count, finish
from tests.app.editing.conftest import BOX, SPOT, box_of, opened
from tests.fakes.engine import FakeEngine

# what is asked for


def test_an_artwork_is_to_be_filled_and_none_is_not(document: Document) -> None:
    assert document.draft.current.method == NEW
    artwork = opened(document)
    assert (document.draft.current.method, document.draft.current.strength) == (FILL, 1.0)
    assert document.editing.shows_artwork
    document.draft.choose_method(NEW)
    artwork.open(picture(40, 40))
    assert document.draft.current.method == NEW, "chosen is chosen, also with the next picture"
    document.draft.choose_method(REWORK)
    artwork.close()
    assert document.draft.current.method == NEW
    assert not document.editing.shows_artwork


def test_each_method_keeps_its_strength(document: Document, artwork: Artwork) -> None:
    document.draft.choose_method(REWORK)
    assert document.draft.current.strength == 0.6, "all of it would keep nothing of the picture"
    document.draft.update(strength=0.4)
    document.draft.choose_method(FILL)
    assert document.draft.current.strength == 1.0
    document.draft.choose_method(REWORK)
    assert document.draft.current.strength == 0.4


def test_another_model_works_on_the_same_picture_in_the_same_way(document: Document, artwork: Artwork) -> None:
    document.draft.choose_method(REWORK)
    document.draft.model = document.draft.models[1]
    assert (document.draft.current.method, document.draft.current.strength) == (REWORK, 0.6)


def test_the_box_takes_the_shape_of_the_model(
    make_parts: Callable[..., Parts], fake: FakeEngine, model: ModelInfo
) -> None:
    document = make_parts(fake).document
    document.artwork.open(picture(97, 61))
    document.draft.model = document.draft.models[1]
    box = document.artwork.box
    assert abs(box.width() * model.height - box.height() * model.width) <= model.width


def test_a_picture_from_the_last_time_has_its_box_in_the_shape_of_the_model_of_now(document: Document) -> None:
    document.artwork.open(picture(97, 61), box_size=(64, 64))
    document.artwork.box = QRect(5, 5, 48, 48)
    assert document.artwork.box == QRect(5, 5, 48, 32)


def test_a_restored_draft_needs_no_missing_picture(make_parts: Callable[..., Parts], fake: FakeEngine) -> None:
    document = make_parts(fake).document
    document.draft.remember({"other": Draft.for_model(document.draft.models[1], method=FILL)})
    document.draft.model = document.draft.models[1]
    assert document.draft.current.method == NEW


def test_the_reason_against_generate_is_one_sentence(document: Document) -> None:
    document.draft.update(method=FILL)
    assert document.why_not == NOTHING_OPEN
    artwork = opened(document)
    assert document.why_not == ""
    artwork.box = QRect(60, 40, 24, 16)
    assert document.why_not == PAINTED_OUTSIDE
    document.draft.choose_method(REWORK)
    assert document.why_not == PAINTED_OUTSIDE
    paint(artwork, artwork.rect, 0)
    assert document.why_not == ""
    assert "all of the box" in document.edit_remark
    document.draft.choose_method(FILL)
    assert document.why_not == NOTHING_PAINTED
    paint(artwork, artwork.rect)
    assert document.why_not == ""
    assert "nothing of the picture is kept" in document.edit_remark
    document.draft.choose_method(NEW)
    assert (document.why_not, document.edit_remark) == ("", "")


def test_the_reason_follows_every_change_of_the_mask(document: Document, artwork: Artwork) -> None:
    told = count(document.editing.inputs_changed)
    artwork.undo()
    assert document.why_not == NOTHING_PAINTED
    artwork.redo()
    assert document.why_not == ""
    artwork.box = QRect(60, 40, 24, 16)
    assert len(told) == 3


def test_a_price_needs_no_picture(document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, method=NEW, steps=5)
    document.draft.update(method=FILL, strength=1.0)
    whole = document.draft.price_text
    document.draft.update(strength=0.2)
    assert whole
    assert document.draft.price_text


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


def test_img2img_of_the_whole_box_has_no_mask_and_runs_the_steps_of_its_strength(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    paint(artwork, artwork.rect, 0)
    document.draft.choose_method(REWORK)
    job = finish(parts, qtbot, strength=0.4)
    assert job.request.edit is not None
    assert (job.request.steps, job.request.edit.mask) == (2, "")
    assert document.editing.overlay is not None
    assert document.editing.overlay.rect == BOX


def test_a_run_keeps_the_mask_of_its_submission(
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


def test_a_repaint_run_is_scrubbed_move_by_move(
    document: Document, artwork: Artwork, parts: Parts, qtbot: QtBot
) -> None:
    before = artwork.rgb()
    job = finish(parts, qtbot, method=REPAINT, jump=2, resample=2)
    assert job.state is JobState.FINISHED
    moves = path_of(job.request)
    assert len(moves) > job.request.steps == 5
    assert job.steps_done == job.steps_total == document.shown.step_count == len(moves)
    run = document.shown.run
    assert run is not None
    assert (run.total, list(run.levels)) == (len(moves), [hop.s for hop in moves])
    for document.shown.view in ("x", "eps", "x0"):
        for k in range(document.shown.step_count):
            document.shown.scrub(k)
            assert document.editing.overlay is not None
    assert document.editing.apply()
    assert kept(artwork, before, SPOT)
