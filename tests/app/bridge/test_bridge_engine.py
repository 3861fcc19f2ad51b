"""The real engine behind the bridge: a cancel reaches the net, and saved pictures equal the shown ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.bridge.worker import open_session
from app.core.document import Document
from app.core.jobs.queue import JobQueue, JobState
from app.core.jobs.submission import Submission
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from engine.jobs.generate import Generate
from engine.pictures.png import read_settings
from engine.spec.catalog import embedded_models
from engine.store import RunReader


@pytest.fixture
def engine() -> Iterator[EngineClient]:
    engine = EngineClient(open_session)
    yield engine
    engine.close()


def test_real_runs_whole_paused_cancelled_and_refused(engine: EngineClient, qtbot: QtBot, tmp_path: Path) -> None:
    model = embedded_models()[0]
    library, prices = RunLibrary(tmp_path / "runs", tmp_path / "pictures"), Prices()
    jobs = JobQueue(engine, prices)
    document = Document([model], engine, jobs, library, prices)
    notices: list[str] = []
    document.notice_raised.connect(lambda notice: notices.append(notice.text))
    with qtbot.waitSignal(document.jobs.engine_changed, timeout=120_000):
        engine.start(model)
    assert notices == []
    assert document.can_generate, document.why_not
    assert "CPU" in document.jobs.device_text or "GPU" in document.jobs.device_text

    document.draft.update(prompt=model.examples[0], steps=3, batch=2)
    with qtbot.waitSignal(jobs.job_ended, timeout=120_000):
        job = document.generate()
    assert job is not None
    assert (job.state, job.message) == (JobState.FINISHED, "")
    assert document.shown.step_count == 3
    assert len(job.images) == 2
    for k, path in enumerate(job.images):
        document.shown.image_index = k
        assert QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32) == document.shown.frame
        settings = read_settings(path)
        assert settings is not None
        assert settings.seeds == (job.request.seeds[k],)

    document.draft.update(steps=10, batch=1, sampler="dpmpp-2m-sde", seed=5)
    document.draft.seed_locked = True
    whole = document.generate()
    paused = document.generate()
    assert whole is not None
    assert paused is not None
    qtbot.waitUntil(lambda: paused.steps_done >= 1, timeout=120_000)
    jobs.pause(paused)
    qtbot.waitUntil(lambda: paused.state is JobState.PAUSED, timeout=120_000)
    assert 1 <= len(RunReader(paused.run_path).steps) < 10
    with qtbot.waitSignal(jobs.job_ended, timeout=120_000):
        jobs.resume(paused)
    assert paused.state is JobState.FINISHED
    assert len(paused.images) == 1
    one, two = RunReader(whole.run_path), RunReader(paused.run_path)
    assert all((one.next(k) == two.next(k)).all() for k in range(10)), "to the same bits, with its history and noise"

    document.draft.update(steps=500, batch=1)
    job = document.generate()
    assert job is not None
    qtbot.waitUntil(lambda: document.jobs.steps_done >= 1, timeout=120_000)
    with qtbot.waitSignal(jobs.job_ended, timeout=120_000):
        document.jobs.cancel()
    assert job.state is JobState.CANCELLED
    run = RunReader(job.run_path)
    assert run.ended == "cancelled"
    assert 1 <= len(run.steps) < 500
    assert document.shown.step_count == len(run.steps)
    assert job.images == []
    assert notices == []

    with qtbot.waitSignal(jobs.job_ended, timeout=120_000):
        other = replace(job.request, model_sha256="0" * 64)
        refused = jobs.submit(Submission(Generate(request=other, run_path=library.new_path(other)), other))
    assert refused.state is JobState.FAILED
    assert notices == [refused.message]
    assert "another version" in refused.message
    assert not refused.run_path.exists()
