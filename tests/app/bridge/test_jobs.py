"""Every job ends in exactly one of finished, cancelled, failed; jobs run one at a time, oldest first."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.core.jobs.queue import JobQueue, JobState, QueuedJob
from app.core.jobs.second_stage import SecondStage
from app.core.jobs.submission import Submission
from app.core.request.run_costs import Prices, in_words
from engine.jobs.encode import Encode
from engine.jobs.generate import Enlarging, Generate
from engine.spec.catalog import ModelInfo
from engine.spec.request import Enlargement, Request
from tests.app.conftest import Parts
from tests.fakes.engine import FakeEngine

Make = Callable[..., Request]


class Ends:
    """Which jobs ended, in what state, in their order."""

    def __init__(self, jobs: JobQueue) -> None:
        self.ended: list[tuple[int, JobState]] = []
        jobs.job_ended.connect(self.add)

    def add(self, job: QueuedJob) -> None:
        assert job.state.ended
        self.ended.append((job.id, job.state))


def test_jobs_run_one_after_another_oldest_first(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    ends = Ends(hand_parts.jobs)
    made = [hand_parts.submit(request_of(steps=2, seed=k)) for k in range(3)]
    assert [j.state for j in made] == [JobState.RUNNING, JobState.QUEUED, JobState.QUEUED]
    hand_parts.fake.allow(6)
    qtbot.waitUntil(lambda: len(ends.ended) == 3)
    assert ends.ended == [(j.id, JobState.FINISHED) for j in made]
    assert [r.seeds[0] for r in hand_parts.fake.requests] == [0, 1, 2]
    assert all(len(j.images) == 1 and j.steps_done == 2 for j in made)
    assert len({j.run_path for j in made}) == 3


def test_a_waiting_job_is_cancelled_at_once_and_never_runs(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    jobs, ends = hand_parts.jobs, Ends(hand_parts.jobs)
    first, second = (hand_parts.submit(request_of(steps=2, seed=k)) for k in range(2))
    jobs.cancel(second)
    assert ends.ended == [(second.id, JobState.CANCELLED)]
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: len(ends.ended) == 2)
    assert first.state is JobState.FINISHED
    assert len(hand_parts.fake.requests) == 1


def test_cancelling_twice_or_after_the_end_changes_nothing(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    jobs, ends = hand_parts.jobs, Ends(hand_parts.jobs)
    job = hand_parts.submit(request_of())
    jobs.cancel(job)
    assert job.cancelling
    assert job.state is JobState.RUNNING, "until the engine has stopped"
    jobs.cancel(job)
    qtbot.waitUntil(lambda: bool(ends.ended))
    jobs.cancel(job)
    qtbot.wait(0)
    assert ends.ended == [(job.id, JobState.CANCELLED)]
    assert not job.cancelling


def test_cancel_all_ends_every_job_once(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    jobs, ends = hand_parts.jobs, Ends(hand_parts.jobs)
    made = [hand_parts.submit(request_of()) for _ in range(4)]
    jobs.cancel_all()
    qtbot.waitUntil(lambda: len(ends.ended) == 4)
    assert {state for _, state in ends.ended} == {JobState.CANCELLED}
    assert {k for k, _ in ends.ended} == {j.id for j in made}


def test_a_failed_job_says_why_and_the_next_one_runs(parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    ends = Ends(parts.jobs)
    parts.fake.fail_at, parts.fake.error = 1, MemoryError("Too much: make fewer images.")
    first = parts.submit(request_of(steps=2))
    second = parts.submit(request_of(steps=1))
    qtbot.waitUntil(lambda: len(ends.ended) == 2)
    assert ends.ended == [(first.id, JobState.FAILED), (second.id, JobState.FINISHED)]
    assert first.message == "Too much: make fewer images."


def test_jobs_wait_for_an_engine_that_still_loads_and_fail_with_one_that_cannot(
    make_parts: Callable[..., Parts], request_of: Make, model: ModelInfo, qtbot: QtBot
) -> None:
    parts = make_parts(FakeEngine(), ready=False)
    ends = Ends(parts.jobs)
    early = parts.submit(request_of())
    assert early.state is JobState.QUEUED
    parts.engine.start(model)
    qtbot.waitUntil(lambda: bool(ends.ended))
    assert ends.ended == [(early.id, JobState.FINISHED)]

    broken = FakeEngine()
    broken.open_error = ImportError("no torch")
    parts = make_parts(broken, ready=False)
    ends = Ends(parts.jobs)
    early = parts.submit(request_of())
    parts.engine.start(model)
    qtbot.waitUntil(lambda: bool(ends.ended))
    assert early.state is JobState.FAILED
    assert "no torch" in early.message


def test_closing_ends_every_job(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    ends = Ends(hand_parts.jobs)
    made = [hand_parts.submit(request_of()) for _ in range(2)]
    hand_parts.fake.allow()
    qtbot.waitUntil(lambda: made[0].steps_done == 1)
    hand_parts.jobs.cancel_all()
    hand_parts.engine.close()
    assert {state for _, state in ends.ended} == {JobState.CANCELLED}
    assert len(ends.ended) == 2


def test_the_remaining_time_comes_from_the_job(request_of: Make, tmp_path: Path) -> None:
    request = request_of(steps=10)
    job = QueuedJob(1, Submission(Generate(request=request, run_path=tmp_path / "a.twrun"), request))
    job.state = JobState.RUNNING
    assert (job.eta_seconds, job.steps(" of ")) == (None, "0 of 10")
    job.steps_done, job.share, job.seconds = 4, 0.4, 2.0
    assert job.eta_seconds == pytest.approx(3.0)
    job.state = JobState.FINISHED
    assert job.eta_seconds is None


def test_the_second_stage_counts_in_the_bar_and_in_the_remaining_time(request_of: Make, tmp_path: Path) -> None:
    request = request_of(steps=10)
    job = QueuedJob(1, Submission(Generate(request=request, run_path=tmp_path / "a.twrun"), request))
    job.state, job.second = JobState.RUNNING, SecondStage(request, 0, measured=6.0)
    job.share, job.seconds = 0.5, 2.0
    job.measure_share()
    assert job.stage_text == "Step 0 of 10"
    assert job.eta_seconds == pytest.approx(2 + 6)
    assert job.whole_share == pytest.approx(0.2)
    job.share = 1.0
    shares = []
    for done in range(12):
        job.seconds = 4.0 + 0.25 * done
        job.second.advance(Enlarging(done, 12, job.seconds))
        job.measure_share()
        shares.append(job.whole_share)
    assert job.stage_text == "Enlarging 12 of 12"
    assert job.eta_seconds == pytest.approx(0.25), "its own calls, not the estimate"
    assert shares == sorted(shares)
    assert shares[0] == pytest.approx(0.4)
    assert shares[-1] < 1


def _did_a_step(job: QueuedJob) -> bool:
    return job.steps_done == 1


def _has_ended(job: QueuedJob) -> bool:
    return job.state.ended


def test_a_cancelled_job_is_no_failure_in_the_log(
    hand_parts: Parts, request_of: Make, qtbot: QtBot, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for fails in (False, True):
        job = hand_parts.submit(request_of())
        hand_parts.fake.allow()
        qtbot.waitUntil(partial(_did_a_step, job))
        if fails:
            hand_parts.fake.fail_at = 1
            hand_parts.fake.allow()
        else:
            hand_parts.jobs.cancel(job)
        qtbot.waitUntil(partial(_has_ended, job))
        assert any(record.exc_info for record in caplog.records) is fails


def test_a_job_along_the_flow_knows_its_share_and_not_its_steps(request_of: Make, tmp_path: Path) -> None:
    request = request_of()
    encode = Encode(request=request, rgb=np.zeros((16, 24, 3), np.uint8), run_path=tmp_path / "a.twrun")
    job = QueuedJob(1, Submission(encode, request))
    assert (job.verb, job.steps_total) == ("Encoding", 0)
    job.state, job.steps_done, job.share, job.seconds = JobState.RUNNING, 7, 0.25, 1.0
    assert job.steps(" of ") == "7"
    assert job.eta_seconds == pytest.approx(3.0)


def test_prices_count_calls_and_their_rows(request_of: Make) -> None:
    plain, guided = request_of(steps=10, guidance=1.0), request_of(steps=10, guidance=4.0)
    prices = Prices()
    assert prices.seconds(plain) is None
    prices.learn(plain, 1.0)
    assert prices.seconds(guided) == pytest.approx(2.0), "two rows in a call"
    prices.learn(replace(guided, seeds=(1, 2, 3)), 3.5)  # six rows: 0.35 s a call, so 0.05 s and 0.05 s a row
    assert prices.seconds(replace(guided, seeds=(4, 5, 6))) == pytest.approx(3.5)
    assert prices.seconds(guided) == pytest.approx(1.5)
    assert prices.seconds(request_of(steps=10, guidance=4.0, sampler="heun")) == pytest.approx(19 * 0.15)
    prices.learn(guided, 0.75, start=5)
    assert prices.seconds(guided) == pytest.approx(1.5), "the last half of a run is half of its calls"
    for seconds in (1.0, 1.0, 9.0):  # the machine was busy once
        prices.learn(plain, seconds)
    assert prices.seconds(plain) == pytest.approx(1.0)


def test_prices_survive_a_restart_for_each_device(request_of: Make, tmp_path: Path) -> None:
    request, path = request_of(steps=10, guidance=1.0), tmp_path / "times.json"
    prices = Prices(path)
    prices.device = "CPU, 2 threads"
    prices.learn(request, 1.0)
    again = Prices(path)
    assert again.seconds(request) is None
    again.device = "CPU, 2 threads"
    assert again.seconds(request) == pytest.approx(1.0)
    for damage in (b"", b"[]", b'{"version":1,"calls":[{"kind":"net"},7]}', path.read_bytes()[:-9]):
        path.write_bytes(damage)
        assert Prices(path).seconds(request) is None


def test_a_model_that_was_never_measured_is_estimated_roughly(request_of: Make, model: ModelInfo) -> None:
    request = request_of(steps=10, guidance=4.0)
    large = replace(model, sha256="1" * 64, bytes=4_270_000_000, config=model.config | {"codec": {"type": "kl"}})
    other = replace(request, model_sha256=large.sha256, width=512, height=512)
    prices = Prices(yardstick=model)
    prices.device = "CPU, 2 threads"
    assert prices.estimate(other, large) is None
    prices.learn(request_of(steps=10, guidance=1.0), 0.2)
    estimate = prices.estimate(other, large)
    assert estimate is not None
    assert estimate.seconds == pytest.approx(0.02 * 600 * 20)
    assert estimate.words == "about 4 min"
    prices.learn(other, 100.0)
    measured = prices.estimate(other, large)
    assert measured is not None
    assert (measured.words, measured.measured) == ("≈ 2 min", True)


def test_the_second_stage_has_a_price_of_its_own(request_of: Make) -> None:
    small = request_of(steps=10, guidance=1.0)
    stage = Enlargement(factor=4, sampler="ddim", sigmas=(80.0, 1.0, 0.02, 0.0), level=0.2)
    large = replace(small, enlargement=stage)
    prices = Prices()
    prices.learn(small, 1.0)
    assert prices.seconds(large) is None, "a guess from the small net would be far off"
    prices.learn(large, 1.0, finishing=6.0)
    assert prices.seconds(large) == pytest.approx(7.0)
    fewer = replace(large, enlargement=replace(stage, sigmas=(80.0, 0.02, 0.0)), seeds=(1, 2))
    assert prices.seconds(fewer) == pytest.approx(2 * (1.0 + 4.0))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.01, "0.1 s"), (0.62, "0.6 s"), (9.96, "10 s"), (42, "42 s"), (99.6, "2 min"), (600, "10 min"), (9000, "2.5 h")],
)
def test_times_are_rounded_to_their_precision(seconds: float, said: str) -> None:
    assert in_words(seconds) == said
