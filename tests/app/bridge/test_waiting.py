"""A job that was waiting at the end is read back as it was; a damaged one is left out and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.core.jobs import waiting
from app.core.jobs.submission import Submission
from engine.jobs.generate import Fork, Generate, Resume
from engine.spec.edit import Inputs
from engine.spec.request import Request

Make = Callable[..., Request]
RGB = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def submissions(folder: Path, request: Request) -> list[Submission]:
    new = Generate(
        request=request,
        run_path=folder / "1.twrun",
        pictures=folder,
        inputs=Inputs(RGB, RGB[..., 0].copy(), (1, 2, 24, 16)),
    )
    fork = Fork(source=folder / "0.twrun", at=2, request=request, run_path=folder / "2.twrun", aims=(RGB,))
    return [Submission(new, request), Submission(fork, request, 2)]


def test_kept_jobs_come_back_with_their_pictures_oldest_first(runs: Path, request_of: Make) -> None:
    made = submissions(runs, request_of())
    for submission in made[::-1]:
        waiting.keep(submission)
        waiting.keep(submission)  # the window closes, then the studio
    new, fork = waiting.take(waiting.kept(runs))
    assert (new.request, new.before, fork.request, fork.before) == (request_of(), 0, request_of(), 2)
    assert isinstance(new.job, Generate)
    assert isinstance(fork.job, Fork)
    assert new.job.inputs is not None
    assert np.array_equal(new.job.inputs.source, RGB)
    assert new.job.inputs.box == (1, 2, 24, 16)
    assert (fork.job.source, fork.job.at, fork.run_path) == (runs / "0.twrun", 2, runs / "2.twrun")
    assert np.array_equal(fork.job.aims[0], RGB)
    assert list(runs.iterdir()) == []


def test_a_run_that_has_a_file_is_not_made_again(runs: Path, request_of: Make) -> None:
    for submission in submissions(runs, request_of()):
        waiting.keep(submission)
    waiting.keep(Submission(Resume(run_path=runs / "3.twrun"), request_of()))  # its note says the same
    (runs / "1.twrun").touch()
    assert [folder.name for folder in waiting.kept(runs)] == ["2.twrun.waiting"]
    assert not (runs / "1.twrun.waiting").exists()


@pytest.mark.parametrize(
    "damage",
    [{"before": -1}, {"before": 10**9}, {"before": None}, {"request": {}}, {"request": 3}, None, b"{", b"\xff", b""],
)
def test_a_damaged_job_costs_itself_alone(runs: Path, request_of: Make, damage: object) -> None:
    for submission in submissions(runs, request_of()):
        waiting.keep(submission)
    path = runs / "1.twrun.waiting" / waiting.SUBMITTED
    told = json.loads(path.read_bytes())
    if isinstance(damage, bytes):
        path.write_bytes(damage)
    elif damage is None:
        (path.parent / waiting.JOB).write_bytes(b"[]")
    else:
        path.write_text(json.dumps(told | damage))
    assert [submission.run_path.name for submission in waiting.take(waiting.kept(runs))] == ["2.twrun"]
    assert list(runs.iterdir()) == []


def test_a_job_in_a_home_that_is_not_utf_8_is_kept_too(runs: Path, request_of: Make) -> None:
    job = Generate(request=request_of(), run_path=runs / "a.twrun", pictures=Path("/caf\udce9/pictures"))
    waiting.keep(Submission(job, request_of()))
    (again,) = waiting.take(waiting.kept(runs))
    assert isinstance(again.job, Generate)
    assert again.job.pictures == job.pictures
