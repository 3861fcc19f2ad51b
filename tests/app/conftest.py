"""The parts of a studio around a fake engine, and proof after each test that nothing of it is left running."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QThread, QTimer, SignalInstance
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.core.document import Document
from app.core.jobs.engine import Frame
from app.core.jobs.queue import JobQueue, QueuedJob
from app.core.jobs.submission import Submission
from app.core.notices import Notice
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from engine.jobs.generate import Generate
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request
from engine.spec.sizes import SizeRule
from tests.fakes.engine import FakeEngine

PATIENCE = 60_000  # milliseconds after which a test takes something for never
WORDS = "red\nblue\napple\ncat face\nrocket\nbirthday cake\nheart\npizza\n"


def pytest_itemcollected(item: pytest.Item) -> None:
    """The offscreen platform says so for windows with a minimum size, lists and menus; no real platform does."""
    lacks = "propagateSizeHints|raise\\(\\)|grabbing the keyboard|grabbing the mouse"
    item.add_marker(pytest.mark.qt_log_ignore(f"This plugin does not support ({lacks})"))


@pytest.fixture(autouse=True)
def _nothing_left_running() -> Iterator[None]:
    """No thread, no running QThread, no active timer and no window outlives its test.

    A widget without a parent is Python's: the collector deletes it whenever it comes by, and if that is while the
    style sheet is laid on all widgets, Qt goes on with what is no more.
    """
    threads = set(threading.enumerate())
    yield
    alive = shiboken6.getAllValidWrappers()
    assert not [t for t in alive if isinstance(t, QThread) and t.isRunning() and t is not QThread.currentThread()]
    assert not [t for t in alive if isinstance(t, QTimer) and t.isActive()]
    left = [t for t in threading.enumerate() if t not in threads and not isinstance(t, threading._DummyThread)]
    assert not left
    if QApplication.instance():
        assert not [w for w in QApplication.topLevelWidgets() if w.isVisible()]
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)  # as the loop would, later
        assert not [w for w in QApplication.topLevelWidgets() if w.parent() is None]
        # What a test leaves in cycles is collected here, where Qt is doing nothing, not in the midst of another test.
        gc.collect()
        gc.freeze()  # what stays is modules: looking through it after every test would take longer than the tests


class PatientBot(QtBot):
    """Waits for what comes however busy the machine is; pytest-qt's own five seconds pass on a loaded one."""

    waitActive = partialmethod(QtBot.waitActive, timeout=PATIENCE)
    waitExposed = partialmethod(QtBot.waitExposed, timeout=PATIENCE)
    waitSignal = partialmethod(QtBot.waitSignal, timeout=PATIENCE)
    waitSignals = partialmethod(QtBot.waitSignals, timeout=PATIENCE)
    waitUntil = partialmethod(QtBot.waitUntil, timeout=PATIENCE)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    return PatientBot(request)


@pytest.fixture
def model(tmp_path: Path) -> ModelInfo:
    """A model of 24×16 pictures that only the fake engine can run."""
    folder = tmp_path / "models" / "fake"
    folder.mkdir(parents=True)
    (folder / "words.txt").write_text(WORDS, encoding="utf-8")
    return ModelInfo(
        id="fake",
        title="Fake",
        folder=folder,
        sha256="f" * 64,
        labels=("noto", "twemoji"),
        label_kind="style",
        sizes=SizeRule.fixed(24, 16),
        takes=frozenset({"text", "negative", "label"}),
        defaults={
            "sampler": "ddim",
            "spacing": "karras",
            "steps": 5,
            "guidance": 3.0,
            "sigma_min": 0.01,
            "sigma_max": 80.0,
        },
        examples=("red apple", "rocket"),
        config={"vocabulary": "words.txt", "schedule": {"type": "flow"}},
    )


@pytest.fixture
def request_of(model: ModelInfo) -> Callable[..., Request]:
    """A Request by the choices that matter to a test: request_of(steps=3, batch=2)."""

    def make(**choices: Any) -> Request:
        return resolve(Draft.for_model(model, **{"seed": 7} | choices), model)

    return make


@pytest.fixture
def fake() -> FakeEngine:
    """An engine that runs by itself, as fast as it can."""
    return FakeEngine()


@pytest.fixture
def by_hand() -> FakeEngine:
    """An engine whose model calls each wait for fake.allow()."""
    return FakeEngine(by_hand=True)


@dataclass
class Parts:
    """One studio without its window."""

    fake: FakeEngine
    engine: EngineClient
    library: RunLibrary
    jobs: JobQueue
    document: Document
    notices: list[Notice] = field(default_factory=list)

    def submit(self, request: Request) -> QueuedJob:
        """Queue a run of `request` as the document would, without its panel."""
        library = self.library
        job = Generate(request=request, run_path=library.new_path(request), pictures=library.pictures)
        return self.jobs.submit(Submission(job, request))


@pytest.fixture
def make_parts(qtbot: QtBot, model: ModelInfo, tmp_path: Path) -> Iterator[Callable[..., Parts]]:
    """Parts around a FakeEngine, ready to generate unless ready=False; closed after the test."""
    made: list[Parts] = []

    def make(fake: FakeEngine, ready: bool = True) -> Parts:
        engine = EngineClient(fake)
        library = RunLibrary(tmp_path / "runs", tmp_path / "pictures")
        prices = Prices()
        jobs = JobQueue(engine, prices)
        second = replace(model, id="other", title="Other", sha256="e" * 64, config=model.config | {"vocabulary": None})
        draft = Draft.for_model(model, prompt="red apple", seed=7)
        document = Document([model, second], engine, jobs, library, prices, draft=draft)
        parts = Parts(fake, engine, library, jobs, document)
        document.notice_raised.connect(parts.notices.append)
        made.append(parts)
        if ready:
            with qtbot.waitSignal(document.jobs.engine_changed):
                engine.start(model)
        return parts

    yield make
    for parts in made:
        parts.fake.opening.set()
        parts.engine.close()
        parts.document.shown.close()


@pytest.fixture
def parts(make_parts: Callable[..., Parts], fake: FakeEngine) -> Parts:
    return make_parts(fake)


@pytest.fixture
def hand_parts(make_parts: Callable[..., Parts], by_hand: FakeEngine) -> Parts:
    return make_parts(by_hand)


@pytest.fixture
def document(parts: Parts) -> Document:
    """A document whose engine is ready and runs by itself."""
    return parts.document


# what tests do with the parts


def count(signal: SignalInstance) -> list[object]:
    """A list that grows by one at each emission."""
    heard: list[object] = []
    signal.connect(lambda *args: heard.append(args))
    return heard


def reach(parts: Parts, qtbot: QtBot, steps: int) -> None:
    """Let the engine make `steps` more steps, and wait until the document has read them."""
    have = parts.document.shown.step_count
    parts.fake.allow(steps)
    qtbot.waitUntil(lambda: read_newest(parts.document) == have + steps)


def read_newest(document: Document) -> int:
    """How many steps the document has read, after a look at the file: words of progress come within the budget only."""
    document.shown.grow(document.shown.live)
    return document.shown.step_count


def finish(parts: Parts, qtbot: QtBot, **choices: object) -> QueuedJob:
    parts.document.draft.update(**choices)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = parts.document.generate()
    assert job is not None
    return job


def reach_told(parts: Parts, qtbot: QtBot, done: int) -> None:
    """Let one call through and wait for its progress and its picture: the first always come."""
    jobs = parts.document.jobs

    def has_frame(_: object, events: Sequence[object]) -> bool:
        return any(isinstance(event, Frame) for event in events)

    with qtbot.waitSignal(jobs.told, check_params_cb=has_frame):
        parts.fake.allow()
    assert jobs.steps_done == done
