"""What was made for the artwork is there again after a restart, in its place, and is applied to the same bits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.canvas.placement import Placement
from app.core.files.autosave import Autosave
from app.core.files.autosave_candidates import AutosaveCandidates
from app.core.files.autosave_file import KEY, NAME
from app.core.notices import Notice
from tests.app.artworks import paint, picture
from tests.app.conftest import Parts, finish
from tests.fakes.engine import FakeEngine

BOX, SPOT = QRect(20, 12, 48, 32), QRect(30, 18, 20, 12)
Start = tuple[Parts, Autosave, list[Notice]]


@pytest.fixture
def start(make_parts: Callable[..., Parts], qtbot: QtBot, tmp_path: Path) -> Iterator[Callable[[], Start]]:
    """The studio as one start of it makes it; each call is the next one, on the same folders."""
    made: list[Autosave] = []

    def make() -> Start:
        for earlier in made:
            earlier.close()
        parts = make_parts(FakeEngine())
        results = AutosaveCandidates(parts.document.editing, parts.library.root, parts.document)
        autosave = Autosave(parts.document.artwork, tmp_path / "artwork", parts.document, results)
        autosave._timer.setInterval(0)
        notices: list[Notice] = []
        autosave.notice_raised.connect(notices.append)
        autosave.restore()
        made.append(autosave)
        return parts, autosave, notices

    yield make
    for autosave in made:
        autosave.close()


def opened(artwork: Artwork, title: str = "first", seed: int = 0) -> None:
    artwork.open(picture(97, 61, seed), title, (24, 16))
    artwork.box = BOX
    paint(artwork, SPOT)


def apply(parts: Parts, tile: int) -> np.ndarray:
    """The artwork with the candidate on that tile in it."""
    parts.document.editing.choose(tile)
    assert parts.document.editing.apply()
    return parts.document.artwork.rgb()


def test_candidates_are_there_again_in_their_places_and_are_applied_to_the_same_bits(
    start: Callable[[], Start], qtbot: QtBot
) -> None:
    parts, _, _ = start()
    artwork, editing = parts.document.artwork, parts.document.editing
    opened(artwork)
    finish(parts, qtbot, batch=2)
    paint(artwork, SPOT, 0)
    artwork.box = QRect(40, 20, 48, 32)
    paint(artwork, QRect(60, 30, 9, 20), 30)
    job = finish(parts, qtbot, prompt="rocket", batch=1)
    editing.choose(2)
    editing.discard()
    keys = [one.key for one in editing.candidates]
    assert len(keys) == 2
    with_first, with_second = apply(parts, 1), apply(parts, 2)
    artwork.undo()
    artwork.undo()

    parts, _, notices = start()
    artwork, editing = parts.document.artwork, parts.document.editing
    qtbot.waitUntil(lambda: artwork.is_open)
    assert [one.key for one in editing.candidates] == keys
    assert editing.candidates[2].request == job.request
    assert not editing.candidates[1].picture.isNull()
    assert editing.candidates.index == 0, "the original is looked at"
    assert len(notices) == 1
    assert np.array_equal(apply(parts, 1), with_first)
    assert np.array_equal(apply(parts, 2), with_second)


def test_the_run_of_a_candidate_from_the_last_time_is_scrubbed_and_forked_in_its_place(
    start: Callable[[], Start], qtbot: QtBot
) -> None:
    parts, _, _ = start()
    opened(parts.document.artwork)
    finish(parts, qtbot)

    parts, _, _ = start()
    document = parts.document
    qtbot.waitUntil(lambda: document.artwork.is_open)
    document.editing.choose(1)
    document.shown.scrub(1)
    seen = document.editing.overlay
    assert seen is not None
    assert seen.rect == SPOT
    with qtbot.waitSignal(parts.jobs.job_ended):
        fork = document.fork()
    assert fork is not None
    place = document.editing.placement(fork.run_path)
    assert place is not None
    assert place.box == BOX


def test_a_damaged_candidate_is_dropped_alone(start: Callable[[], Start], qtbot: QtBot, tmp_path: Path) -> None:
    parts, autosave, _ = start()
    artwork = parts.document.artwork
    opened(artwork)
    gone = finish(parts, qtbot)
    artwork.apply_mask(SPOT, np.full((12, 20), 99, np.uint8), "Brush")
    finish(parts, qtbot)
    artwork.apply_mask(SPOT, np.full((12, 20), 77, np.uint8), "Brush")
    whole = finish(parts, qtbot)
    autosave.close()
    gone.run_path.unlink()
    with Image.open(tmp_path / "artwork" / NAME) as image:
        damaged = json.loads(image.text[KEY])["results"][1]["mask"]  # type: ignore[attr-defined]
    (tmp_path / "artwork" / damaged).write_bytes(b"no picture")

    parts, _, notices = start()
    qtbot.waitUntil(lambda: parts.document.artwork.is_open)
    assert [one.run for one in parts.document.editing.candidates] == [whole.run_path]
    assert notices[0].text.endswith("A candidate was damaged and is left out.")


@pytest.mark.parametrize(
    "results",
    [3, [3], [{}], [{"run": "x.twrun", "images": [-1], "box": [0, 0, 9, 9], "rect": [0, 0, 9, 9], "mask": ""}]],
)
def test_nonsense_in_the_file_costs_the_candidates_alone(
    results: object, start: Callable[[], Start], qtbot: QtBot, tmp_path: Path
) -> None:
    folder = tmp_path / "artwork"
    folder.mkdir()
    text, told = PngInfo(), {"title": "apple", "box": [0, 0, 24, 16], "aspect": [24, 16], "mask": ""}
    text.add_itxt(KEY, json.dumps(told | {"results": results}))
    Image.fromarray(picture(97, 61)).save(folder / NAME, pnginfo=text)
    parts, _, notices = start()
    qtbot.waitUntil(lambda: parts.document.artwork.is_open)
    assert len(parts.document.editing.candidates) == 0
    assert parts.document.artwork.title == "apple"
    assert "candidate" in notices[0].text


def test_a_restored_picture_has_its_candidates(start: Callable[[], Start], qtbot: QtBot) -> None:
    parts, autosave, _ = start()
    artwork, editing = parts.document.artwork, parts.document.editing
    opened(artwork)
    finish(parts, qtbot)
    keys = [one.key for one in editing.candidates]
    autosave.set_aside()
    opened(artwork, "second", 1)
    assert len(editing.candidates) == 0
    qtbot.waitUntil(lambda: autosave.has_earlier)
    with qtbot.waitSignal(autosave.brought_back):
        autosave.bring_back()
    assert artwork.title == "first"
    assert [one.key for one in editing.candidates] == keys
    qtbot.waitUntil(lambda: autosave._background.idle and not autosave._timer.isActive())


def test_a_new_candidate_alone_is_something_to_be_kept(
    start: Callable[[], Start], qtbot: QtBot, tmp_path: Path
) -> None:
    parts, autosave, _ = start()
    opened(parts.document.artwork)
    qtbot.waitUntil(lambda: autosave._background.idle and not autosave._timer.isActive())
    before = (tmp_path / "artwork" / NAME).read_bytes()
    finish(parts, qtbot)
    qtbot.waitUntil(lambda: autosave._background.idle and not autosave._timer.isActive())
    assert (tmp_path / "artwork" / NAME).read_bytes() != before


def test_a_placement_takes_no_mask_of_another_size() -> None:
    with pytest.raises(ValueError, match="20 × 12"):
        Placement.through(BOX, SPOT, np.zeros((20, 12), np.uint8))
