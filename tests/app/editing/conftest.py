"""Shared by tests of editing: an artwork with a spot painted in its box."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRect
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.core.document import Document
from app.core.jobs.queue import JobState, QueuedJob
from tests.app.artworks import paint, picture
from tests.app.conftest import Parts

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


def fork(parts: Parts, qtbot: QtBot, **choices: object) -> QueuedJob:
    parts.document.draft.update(**choices)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = parts.document.fork()
    assert job is not None, parts.notices
    assert job.state is JobState.FINISHED, job.message
    return job
