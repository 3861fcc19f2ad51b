"""The user orders and pauses the queue; it is the same after a restart."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.core.jobs import queue_order
from app.core.jobs.queue import JobState, QueuedJob
from app.core.jobs.queue_keeper import QueueKeeper
from app.core.jobs.queue_order import QueueOrder
from app.core.jobs.unfinished import Unfinished
from app.core.notices import Notice
from engine.jobs.generate import Generate
from engine.pictures.unsaved import Note
from engine.spec.request import Request
from engine.store import RunReader
from tests.app.conftest import Parts
from tests.fakes.engine import FakeEngine

Make = Callable[..., Request]


def begin(parts: Parts, job: QueuedJob, qtbot: QtBot, steps: int = 1) -> None:
    parts.fake.allow(steps)
    qtbot.waitUntil(lambda: job.steps_done >= steps)


def test_a_paused_run_goes_on_in_its_own_file_to_the_same_steps(
    hand_parts: Parts, request_of: Make, qtbot: QtBot
) -> None:
    jobs, request = hand_parts.document.jobs, request_of(steps=4)
    run = hand_parts.submit(request)
    begin(hand_parts, run, qtbot)
    jobs.pause(run)
    qtbot.waitUntil(lambda: run.state is JobState.PAUSED)
    assert (jobs.running, run.steps(" of "), run.eta_seconds) == (None, "1 of 4", None)
    other = hand_parts.submit(request)  # the same, never paused; it runs meanwhile
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: other.state is JobState.FINISHED)
    jobs.resume(run)
    hand_parts.fake.allow(3)
    qtbot.waitUntil(lambda: run.state is JobState.FINISHED)
    assert (run.steps_done, run.share, len(run.images)) == (4, 1.0, 1)
    paused, whole = RunReader(run.run_path), RunReader(other.run_path)
    assert [step.i for step in paused.steps] == [0, 1, 2, 3]
    assert all((paused.next(k) == whole.next(k)).all() for k in range(4))


def test_a_run_paused_before_its_first_step_begins_anew(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    jobs, run = hand_parts.document.jobs, hand_parts.submit(request_of(steps=2))
    jobs.pause(run)
    qtbot.waitUntil(lambda: run.state is JobState.PAUSED)
    assert isinstance(run.job, Generate)
    jobs.resume(run)
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: run.state is JobState.FINISHED)


def test_a_run_that_is_resumed_while_it_stops_goes_on_first(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    jobs = hand_parts.document.jobs
    run, other = (hand_parts.submit(request_of(steps=2, seed=k)) for k in range(2))
    jobs.pause(run)
    jobs.resume(run)
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: run.state is JobState.FINISHED and other.state is JobState.FINISHED)
    assert [request.seeds[0] for request in hand_parts.fake.requests][-2:] == [0, 1]


def test_a_paused_queue_stops_its_run_and_begins_nothing(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    jobs = hand_parts.document.jobs
    run, other = (hand_parts.submit(request_of(steps=2)) for _ in range(2))
    begin(hand_parts, run, qtbot)
    jobs.paused = True
    qtbot.waitUntil(lambda: jobs.running is None)
    assert jobs.rows == [run, other]
    assert [job.state for job in jobs.rows] == [JobState.QUEUED, JobState.QUEUED]
    jobs.paused = False
    assert jobs.running is run
    hand_parts.fake.allow(3)
    qtbot.waitUntil(lambda: other.state is JobState.FINISHED)
    assert jobs.rows == [other, run], "the newest end comes first"


def test_jobs_run_in_the_order_that_the_user_gives(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    jobs = hand_parts.document.jobs
    a, b, c, d = (hand_parts.submit(request_of(steps=1, seed=k)) for k in range(4))
    jobs.move(d, 0)
    jobs.pause(c)
    jobs.remove([b])
    assert jobs.rows == [a, d, c]
    assert (b.state, b in jobs.all) == (JobState.CANCELLED, False)
    jobs.run_next(c)
    assert jobs.rows == [a, c, d]
    hand_parts.fake.allow(3)
    qtbot.waitUntil(lambda: d.state is JobState.FINISHED)
    assert [request.seeds[0] for request in hand_parts.fake.requests] == [0, 2, 3]
    jobs.remove([a, c, d])
    assert jobs.rows == []


def test_cancelling_a_run_that_stops_to_pause_ends_it(hand_parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    jobs, run = hand_parts.document.jobs, hand_parts.submit(request_of(steps=2))
    jobs.pause(run)
    jobs.cancel()
    qtbot.waitUntil(lambda: run.state is JobState.CANCELLED)
    assert jobs.waiting == ()


def test_a_repeated_run_has_new_seeds_and_a_failed_one_its_own(parts: Parts, request_of: Make, qtbot: QtBot) -> None:
    run = parts.submit(request_of(steps=1, batch=2))
    qtbot.waitUntil(lambda: run.state is JobState.FINISHED)
    again = parts.document.repeat(run)
    assert again is not None
    assert again.request.seeds != run.request.seeds
    assert again.run_path != run.run_path
    qtbot.waitUntil(lambda: again.state is JobState.FINISHED)
    parts.fake.fail_at = 0
    failed = parts.document.repeat(again)
    assert failed is not None
    qtbot.waitUntil(lambda: failed.state is JobState.FAILED)
    parts.fake.fail_at = -1
    tried = parts.document.repeat(failed)
    assert tried is not None
    assert tried.request == failed.request
    qtbot.waitUntil(lambda: tried.state is JobState.FINISHED)


@pytest.mark.parametrize("whole", [False, True])
def test_the_queue_survives_a_restart(
    make_parts: Callable[..., Parts], request_of: Make, qtbot: QtBot, tmp_path: Path, whole: bool
) -> None:
    first = make_parts(FakeEngine(by_hand=True))
    QueueKeeper(first.jobs, first.library.root, first.jobs)
    jobs = first.document.jobs
    begun, a, b, c = (first.submit(request_of(steps=3, seed=k)) for k in range(4))
    begin(first, begun, qtbot)
    jobs.pause(begun)
    qtbot.waitUntil(lambda: begun.state is JobState.PAUSED)
    Note(begun.run_path, tmp_path / "pictures").close()  # which the fake engine does not write
    jobs.move(c, 1)
    jobs.pause(b)
    jobs.paused = whole
    jobs.cancel_all(closing=True)
    first.engine.close()

    second = make_parts(FakeEngine(by_hand=True), ready=False)
    QueueKeeper(second.jobs, second.library.root, second.jobs)
    unfinished, said = Unfinished(second.library, second.document.jobs, second.engine), list[Notice]()
    unfinished.notice_raised.connect(said.append)
    with qtbot.waitSignal(second.document.jobs.engine_changed):
        second.engine.start()
    rows = second.document.jobs.rows
    assert second.document.jobs.paused is whole
    assert [job.run_path for job in rows] == [job.run_path for job in (a, begun, c, b)], "a was running"
    waits = JobState.QUEUED if whole else JobState.PAUSED
    assert [job.state for job in rows] == [waits, JobState.PAUSED, waits, JobState.PAUSED]
    assert rows[1].steps(" of ") == "1 of 3"
    if not whole:
        (notice,) = said
        assert notice.text == "2 runs were waiting when the studio closed."
        notice.actions[0].do()
        assert [job.state for job in rows] == [JobState.RUNNING, JobState.PAUSED, JobState.QUEUED, JobState.PAUSED]
    second.document.jobs.remove(rows)
    qtbot.waitUntil(lambda: second.document.jobs.running is None)
    second.document.jobs.paused = False
    assert sorted(second.library.root.iterdir()) == [begun.run_path], "its steps stay, and nothing of the queue"


@pytest.mark.parametrize("data", [b"", b"[]", b'{"version":1,"jobs":[3],"paused":1}', b'{"version":9}'])
def test_a_damaged_order_is_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / queue_order.NAME).write_bytes(data)
    assert queue_order.load(tmp_path) == QueueOrder()
