"""The real engine and the model in the box: a picture made, judged, taken up to its noise and brought back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.bridge.worker import open_session
from app.core.document import Document
from app.core.jobs.queue import JobQueue, JobState
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from engine.spec.catalog import embedded_models

PATIENCE = 240_000  # milliseconds


@pytest.fixture
def document(qtbot: QtBot, tmp_path: Path) -> Iterator[Document]:
    model = next(info for info in embedded_models() if info.id == "fashion")
    engine = EngineClient(open_session)
    prices, library = Prices(), RunLibrary(tmp_path / "runs", tmp_path / "pictures")
    document = Document([model], engine, JobQueue(engine, prices), library, prices)
    with qtbot.waitSignal(document.jobs.engine_changed, timeout=PATIENCE):
        engine.start(model)
    document.draft.update(label="ankle boot", steps=6, seed=5)
    job = document.generate()
    assert job is not None
    qtbot.waitUntil(lambda: job.state.ended, timeout=PATIENCE)
    assert job.state is JobState.FINISHED, job.message
    yield document
    engine.close()
    document.shown.close()


def test_a_picture_is_judged_encoded_decoded_and_gone_on_from(document: Document, qtbot: QtBot) -> None:
    picture_likelihood, encoder = document.picture_likelihood, document.encoder
    heard: list[str] = []
    document.notice_raised.connect(lambda notice: heard.append(notice.text))
    picture_likelihood.set_watched(True)
    picture_likelihood.condition_source = "made" if "made" in picture_likelihood.conditions else "panel"
    picture_likelihood.probes, picture_likelihood.tolerance = 2, 1e-2
    picture_likelihood.measure()
    qtbot.waitUntil(lambda: picture_likelihood.activity is None, timeout=PATIENCE)
    result = picture_likelihood.result
    assert result is not None
    assert result.problem == ""
    assert result.density is not None
    assert result.density.probe == 2
    assert math.isfinite(result.density.bits_dim)
    assert result.density.bits_stderr > 0
    assert result.terms is not None
    assert result.terms.pixels.sum() == pytest.approx(result.terms.total * result.terms.dims)
    assert result.terms.total > 0
    assert picture_likelihood.map is not None

    encoder.encode()
    qtbot.waitUntil(lambda: encoder.activity is None, timeout=PATIENCE)
    up = document.shown.run_path
    assert encoder.encoded is not None, heard
    assert encoder.encoded.psnr is not None
    assert encoder.encoded.psnr >= 40
    run = document.shown.run
    assert run is not None
    levels = [step.s for step in run.steps]
    assert levels == sorted(levels)
    assert run.total == len(levels)

    encoder.decode()
    qtbot.waitUntil(lambda: encoder.activity is None, timeout=PATIENCE)
    assert "dB from the picture that was encoded" in heard[-1]
    assert document.shown.run_path != up

    assert up is not None
    document.shown.show_run(up)
    document.draft.update(label="bag", steps=6)
    job = document.fork()
    assert job is not None, heard
    qtbot.waitUntil(lambda: job.state.ended, timeout=PATIENCE)
    assert job.state is JobState.FINISHED, job.message
    document.shown.show_run(job.run_path)
    forked = document.shown.run
    assert forked is not None
    assert forked.inherited == len(levels)
    assert forked.total == len(levels) + 6
    assert [step.s for step in forked.steps[forked.inherited :]] == list(job.request.sigmas[:-1])
    document.shown.show_parent()
    assert document.shown.run_path == up
