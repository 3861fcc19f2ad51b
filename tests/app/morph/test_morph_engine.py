"""The morph room with the real engine: from a picture of the session and one from elsewhere to a film."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.bridge.worker import open_session
from app.core.document import Document
from app.core.jobs.queue import JobQueue
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from engine.morph.film import read
from engine.spec.catalog import find
from tests.app.windows import finish, open_window, until


@pytest.fixture
def engine() -> Iterator[EngineClient]:
    engine = EngineClient(open_session)
    yield engine
    engine.close()


def test_from_pictures_to_a_film(engine: EngineClient, qtbot: QtBot, tmp_path: Path) -> None:
    model = find("emoji")
    library, prices = RunLibrary(tmp_path / "runs", tmp_path / "pictures"), Prices()
    document = Document([model], engine, JobQueue(engine, prices), library, prices)
    engine.start(model)
    until(qtbot, lambda: document.can_generate)
    window = open_window(qtbot, document)
    morph = window.morph
    document.draft.seed_locked = True
    job = finish(qtbot, document, prompt="red apple", label="noto", seed=3, enlarge=False)
    until(qtbot, lambda: document.shown.cursor == document.shown.step_count - 1)
    morph.keys.add_shown()
    window.show_page("morph")
    with Image.open(job.images[0]) as image:
        Image.fromarray(np.asarray(image)).save(tmp_path / "photo.png")  # without its settings: from elsewhere
    morph.keys.add_file(tmp_path / "photo.png")
    until(qtbot, lambda: len(morph.keys.frames) == 2)
    assert morph.keys.frames[1].encoded
    morph.keys.describe(prompt="red apple", label="noto")
    morph.choose(frames=4)
    assert morph.why_not == ""
    assert "≈" in morph.price_text
    morph.start()
    until(qtbot, lambda: not morph.rendering)
    assert morph.film is not None
    assert morph.result is not None
    settings, frames = morph.film
    with Image.open(job.images[0]) as image:
        assert np.mean(np.abs(np.asarray(image).astype(int) - frames[0]) <= 1) > 0.999
    assert morph.result.psnr[3] > 30
    assert morph.result.norms is not None
    window.films.export_to(settings, frames, window.films.way, str(tmp_path / "film.webp"))
    until(qtbot, lambda: not window.filming.busy)
    assert read(tmp_path / "film.webp") == settings
    document.shown.close()
