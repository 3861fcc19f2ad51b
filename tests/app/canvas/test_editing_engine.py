"""The real engine and the model in the box: a picture from a file, filled, applied, saved and read again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.bridge.worker import open_session
from app.core.document import Document
from app.core.jobs.queue import JobQueue, JobState, QueuedJob
from app.core.request.methods import REWORK
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from engine.pictures import image_file as imagefile
from engine.spec.catalog import embedded_models
from engine.store import RunReader
from tests.app.artworks import kept, paint, picture

PATIENCE = 240_000  # milliseconds


@pytest.fixture
def document(qtbot: QtBot, tmp_path: Path) -> Iterator[Document]:
    model = embedded_models()[0]
    engine = EngineClient(open_session)
    prices, library = Prices(), RunLibrary(tmp_path / "runs", tmp_path / "pictures")
    document = Document([model], engine, JobQueue(engine, prices), library, prices)
    with qtbot.waitSignal(document.jobs.engine_changed, timeout=PATIENCE):
        engine.start(model)
    document.draft.update(prompt="red apple", steps=4, seed=5)
    yield document
    engine.close()
    document.shown.close()


def finish(document: Document, qtbot: QtBot, job: QueuedJob | None) -> QueuedJob:
    assert job is not None
    qtbot.waitUntil(lambda: job.state.ended, timeout=PATIENCE)
    assert job.state is JobState.FINISHED, job.message
    return job


def test_a_picture_is_filled_applied_saved_and_read_again(document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    """On an odd size, with a box larger than the model's pictures that reaches outside: what is not painted stays."""
    source, target = tmp_path / "source.png", tmp_path / "target.png"
    Image.fromarray(picture(203, 151, seed=4)).save(source)
    artwork, editing = document.artwork, document.editing
    model = document.draft.model
    artwork.open(imagefile.load(source).rgb, "source", (model.width, model.height))
    artwork.box = QRect(80, 40, 141, 141)
    spot, soft = QRect(101, 60, 50, 40), QRect(150, 90, 37, 40)
    paint(artwork, spot)
    paint(artwork, soft, 120)
    job = finish(document, qtbot, document.generate())
    assert editing.candidates.index == 1
    assert editing.apply()
    before = imagefile.load(source).rgb
    assert kept(artwork, before, spot, soft)
    artwork.image.save(str(target))
    np.testing.assert_array_equal(imagefile.load(target).rgb, artwork.rgb())

    document.shown.scrub(2)
    document.draft.update(prompt="blue heart", steps=4)
    paint(artwork, soft, 0)
    fork = finish(document, qtbot, document.fork())
    assert (fork.request.prompt, fork.steps_before) == ("blue heart", 2)
    assert RunReader(fork.run_path).header["parent"] == {"run": job.run_path.stem, "step": 2}
    after = artwork.rgb()
    assert editing.apply()
    assert kept(artwork, after, spot)
    artwork.undo()
    np.testing.assert_array_equal(artwork.rgb(), after)


def test_img2img_of_a_part_starts_from_its_pixels(document: Document, qtbot: QtBot) -> None:
    artwork, editing = document.artwork, document.editing
    before = picture(97, 131, seed=6)
    artwork.open(before, box_size=(document.draft.model.width, document.draft.model.height))
    spot = QRect(20, 50, 44, 31)
    paint(artwork, spot)
    document.draft.choose_method(REWORK)
    job = finish(document, qtbot, document.generate())
    assert job.request.steps == 2
    assert editing.apply()
    assert kept(artwork, before, spot)
