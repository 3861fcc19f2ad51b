"""Errands: told in order, ended once, stopped between model calls; and no run waits for one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.bridge.work_queue import MOST_NEWS, Desk
from app.core.jobs.queue import Engine
from app.core.jobs.tasks import Task
from app.core.jobs.work import Work
from engine.jobs.job import KINDS, Job
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.request import Request, RequestError
from tests.app.conftest import Parts
from tests.fakes.engine import FakeEngine

Make = Callable[..., Request]


@dataclass(frozen=True)
class Count(Job):
    """Tells 0 … upto − 1, and fails there with `error`."""

    kind: ClassVar[str] = "count"

    upto: int
    error: str = ""


def count(job: Count, session: object, caller: object) -> Iterator[object]:
    """The doer of Count."""
    return counted(job)


def counted(errand: Count) -> Iterator[object]:
    yield from range(errand.upto)
    if errand.error:
        raise RequestError(errand.error)


class Listener:
    def __init__(self, engine: Engine) -> None:
        self.news: list[tuple[int, object]] = []
        self.ended: list[tuple[int, str]] = []
        self.runs: list[int] = []
        engine.told.connect(lambda id, news: self.news.extend((id, one) for one in news))
        engine.errand_ended.connect(lambda id, message: self.ended.append((id, message)))
        engine.ended.connect(lambda outcome: self.runs.append(outcome.job))


@pytest.fixture
def by_hand() -> FakeEngine:
    fake = FakeEngine(by_hand=True)
    fake.answers[Count] = counted
    return fake


def work(request: Request, model: ModelInfo, tmp_path: Path) -> Work:
    return Work(1, request, model, tmp_path / "1.twrun", tmp_path / "pictures")


def test_news_come_in_order_and_then_the_end(hand_parts: Parts, qtbot: QtBot) -> None:
    heard = Listener(hand_parts.engine)
    first, second = hand_parts.engine.do(Count(3)), hand_parts.engine.do(Count(1))
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: len(heard.ended) == 2)
    assert heard.news == [(first, 0), (first, 1), (first, 2), (second, 0)]
    assert heard.ended == [(first, ""), (second, "")]


def test_what_fails_says_why_and_the_next_is_done(hand_parts: Parts, qtbot: QtBot) -> None:
    heard = Listener(hand_parts.engine)
    first, second = hand_parts.engine.do(Count(1, "The picture is not there.")), hand_parts.engine.do(Count(1))
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: len(heard.ended) == 2)
    assert heard.ended == [(first, "The picture is not there."), (second, "")]
    assert heard.news == [(first, 0), (second, 0)]


def test_one_that_is_stopped_ends_before_its_next_model_call_without_complaint(hand_parts: Parts, qtbot: QtBot) -> None:
    heard = Listener(hand_parts.engine)
    id = hand_parts.engine.do(Count(5))
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: len(heard.news) == 2)
    hand_parts.engine.stop(id)
    qtbot.waitUntil(lambda: bool(heard.ended))
    assert heard.ended == [(id, "")]
    assert len(heard.news) == 2


def test_one_that_is_stopped_before_it_began_never_begins(hand_parts: Parts, qtbot: QtBot) -> None:
    heard = Listener(hand_parts.engine)
    first, second = hand_parts.engine.do(Count(1)), hand_parts.engine.do(Count(1))
    hand_parts.engine.stop(second)
    hand_parts.fake.allow(1)
    qtbot.waitUntil(lambda: len(heard.ended) == 2)
    assert hand_parts.fake.errands == [Count(1)]
    assert heard.news == [(first, 0)]


def test_a_run_does_not_wait_for_an_errand(
    hand_parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    heard = Listener(hand_parts.engine)
    id = hand_parts.engine.do(Count(3))
    hand_parts.fake.allow(1)
    qtbot.waitUntil(lambda: len(heard.news) == 1)
    hand_parts.engine.run(work(request_of(steps=2), model, tmp_path))
    qtbot.waitUntil(lambda: bool(hand_parts.fake.requests))  # begun, in the midst of the errand
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: bool(heard.runs))
    assert (len(heard.news), heard.ended) == (1, []), "the errand stands where it was"
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: bool(heard.ended))
    assert [news for _, news in heard.news] == [0, 1, 2]
    assert heard.ended == [(id, "")]


def test_a_quick_errand_does_not_wait_for_a_run(
    hand_parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    heard = Listener(hand_parts.engine)
    hand_parts.engine.run(work(request_of(steps=3), model, tmp_path))
    hand_parts.fake.allow(1)
    qtbot.waitUntil(lambda: hand_parts.fake.calls == 1)
    quick, slow = hand_parts.engine.do(Count(1), quick=True), hand_parts.engine.do(Count(1))
    hand_parts.fake.allow(2)  # a step of the run, and the quick errand's only call
    qtbot.waitUntil(lambda: bool(heard.ended))
    assert heard.ended == [(quick, "")]
    assert heard.runs == []
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: len(heard.ended) == 2)
    assert heard.runs == [1]
    assert heard.ended[1] == (slow, "")


def test_a_run_that_was_stopped_for_an_errand_keeps_its_picture(
    hand_parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(hand_parts.engine.ended) as ended:
        hand_parts.engine.run(work(request_of(steps=3), model, tmp_path))
        hand_parts.engine.do(Count(1), quick=True)
        hand_parts.fake.allow(4)
    (outcome,) = ended.args
    assert outcome.ending == "finished"
    assert len(outcome.images) == 1


def test_closing_ends_every_errand_once(make_parts: Callable[..., Parts], by_hand: FakeEngine, qtbot: QtBot) -> None:
    parts = make_parts(by_hand)
    heard = Listener(parts.engine)
    going, waiting = parts.engine.do(Count(9)), parts.engine.do(Count(9))
    parts.fake.allow(1)
    qtbot.waitUntil(lambda: len(heard.news) == 1)
    parts.engine.close()
    assert sorted(heard.ended) == [(going, ""), (waiting, "")]


def test_one_asked_for_before_the_engine_is_there_is_done_when_it_is(
    by_hand: FakeEngine, model: ModelInfo, qtbot: QtBot
) -> None:
    engine = EngineClient(by_hand)
    heard = Listener(engine)
    id = engine.do(Count(1))
    by_hand.allow(1)
    engine.start(model)
    qtbot.waitUntil(lambda: bool(heard.ended))
    assert heard.ended == [(id, "")]
    engine.close()


def test_an_engine_that_could_not_start_says_so_of_an_errand(
    by_hand: FakeEngine, model: ModelInfo, qtbot: QtBot
) -> None:
    by_hand.open_error = RequestError("no engine")
    engine = EngineClient(by_hand)
    heard = Listener(engine)
    engine.start(model)
    engine.do(Count(1))
    qtbot.waitUntil(lambda: bool(heard.ended))
    assert "has not started" in heard.ended[0][1]
    engine.close()


def test_news_that_nobody_takes_hold_the_errand_up(qtbot: QtBot) -> None:
    desk, task = Desk(), Task(1, Count(0))

    def talk() -> None:
        for k in range(MOST_NEWS + 5):
            desk.tell(task, k)

    thread = threading.Thread(target=talk)
    thread.start()
    taken: list[object] = []
    while len(taken) < MOST_NEWS + 5:
        news = desk.take()
        assert len(news) <= MOST_NEWS
        taken += [one for _, one in news]
    thread.join()
    assert taken == list(range(MOST_NEWS + 5))


def test_the_session_does_what_the_table_of_kinds_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "count", (f"{__name__}:Count", f"{__name__}:count"))
    told: list[object] = list(Session("cpu", []).perform(Count(3)))
    assert told == [0, 1, 2]
