"""The thread boundary: what the engine does arrives once, in order, and closing never aborts."""

from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from app.bridge.budget import PreviewBudget
from app.bridge.client import EngineClient
from app.bridge.errors import sentence
from app.core.jobs.queue import Engine
from app.core.jobs.work import Frame, Outcome, Progress, Work
from engine.models.errors import ModelError
from engine.pictures.png import read_settings
from engine.spec.catalog import CatalogError, ModelInfo
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from tests.app.conftest import Parts
from tests.fakes.engine import FakeEngine

Make = Callable[..., Request]


class Listener:
    """Keeps all that an engine says."""

    def __init__(self, engine: Engine) -> None:
        self.progress: list[Progress] = []
        self.frames: list[Frame] = []
        self.outcomes: list[Outcome] = []
        engine.progressed.connect(self.progress.append)
        engine.frame_arrived.connect(self.frames.append)
        engine.ended.connect(self.outcomes.append)


def work(request: Request, model: ModelInfo, tmp_path: Path, job: int = 1) -> Work:
    return Work(job, request, model, tmp_path / f"{job}.twrun", tmp_path / "pictures")


def test_a_run_arrives_step_by_step(
    hand_parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    engine, heard = hand_parts.engine, Listener(hand_parts.engine)
    engine.run(work(request_of(steps=3), model, tmp_path))
    hand_parts.fake.allow()
    qtbot.waitUntil(lambda: len(heard.progress) == 1)
    assert [(f.step, f.image) for f in heard.frames] == [(0, 0)], "the first x̂₀ comes after one model call"
    assert hand_parts.fake.calls == 1
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: bool(heard.outcomes))
    assert heard.frames[-1].step == 2, "the last x̂₀ always comes"
    assert (heard.progress[-1].done, heard.progress[-1].total) == (3, 3)
    (outcome,) = heard.outcomes
    assert outcome.ending == "finished"


def test_the_first_estimate_is_shown_after_one_model_call_also_where_a_step_takes_two(
    hand_parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    engine, heard = hand_parts.engine, Listener(hand_parts.engine)
    request = request_of(steps=3, sampler="heun")
    engine.run(work(request, model, tmp_path))
    hand_parts.fake.allow()
    qtbot.waitUntil(lambda: len(heard.frames) == 1)
    assert hand_parts.fake.calls == 1
    assert heard.progress[-1].done == 0, "the step itself is not done yet"
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: bool(heard.outcomes))
    assert hand_parts.fake.calls == request.evaluations == 5
    assert heard.frames[-1].step == 2


def test_pictures_are_saved_with_what_made_them(
    parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    request = request_of(prompt="Red apple!", batch=3, seed=41)
    with qtbot.waitSignal(parts.engine.ended) as ended:
        parts.engine.run(work(request, model, tmp_path))
    (outcome,) = ended.args
    assert [p.name.split("-", 3)[3] for p in outcome.images] == [f"red-apple-{s}.png" for s in (41, 42, 43)]
    for path, seed in zip(outcome.images, request.seeds, strict=True):
        made_by = read_settings(path)
        assert made_by is not None
        assert made_by.seeds == (seed,)
        assert made_by.sigmas == request.sigmas


def test_the_same_settings_twice_never_overwrite(
    parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    kept: list[Path] = []
    for job in (1, 2, 3):
        with qtbot.waitSignal(parts.engine.ended) as ended:
            parts.engine.run(work(request_of(), model, tmp_path, job))
        kept += ended.args[0].images
    assert len(set(kept)) == 3
    assert all(p.stat().st_size for p in kept)


def test_cancel_acts_before_the_next_model_call_and_keeps_what_was_reached(
    hand_parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    engine, heard = hand_parts.engine, Listener(hand_parts.engine)
    todo = work(request_of(steps=5), model, tmp_path)
    engine.run(todo)
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: hand_parts.fake.calls == 2)
    engine.cancel()
    qtbot.waitUntil(lambda: bool(heard.outcomes))
    assert hand_parts.fake.calls == 2
    assert heard.outcomes[0].ending == "cancelled"
    assert heard.outcomes[0].images == ()
    assert not list(tmp_path.rglob("*.png"))
    run = RunReader(todo.run_path)
    assert run.ended == "cancelled"
    assert len(run.steps) == 2
    assert heard.frames[-1].step == 1, "the x̂₀ that was reached is shown"


def test_a_run_cancelled_before_its_first_step_leaves_no_file(
    hand_parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    todo = work(request_of(), model, tmp_path)
    todo.cancelled.set()
    with qtbot.waitSignal(hand_parts.engine.ended) as ended:
        hand_parts.engine.run(todo)
    assert ended.args[0].ending == "cancelled"
    assert not todo.run_path.exists()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (RequestError("A seed must be a number."), "A seed must be a number."),
        (CatalogError("The model is not here: choose another."), "The model is not here: choose another."),
        (ModelError("The weights are damaged."), "The weights are damaged."),
        (MemoryError("Too much: make fewer images."), "Too much: make fewer images."),
        (MemoryError(), "There is not enough memory for this: make fewer images at once."),
        (OSError(errno.ENOSPC, "No space", "/x/a.twrun"), "The disk is full (/x/a.twrun): free some space"),
        (PermissionError(errno.EACCES, "no", "/x"), "may not write its files (/x)"),
        (KeyError("cond"), "failed unexpectedly (KeyError: 'cond')"),
        (ValueError("shapes (3,) and (4,)"), "failed unexpectedly (ValueError: shapes (3,) and (4,))"),
    ],
)
def test_a_failure_is_one_sentence_and_the_engine_goes_on(
    error: Exception,
    said: str,
    parts: Parts,
    request_of: Make,
    model: ModelInfo,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    parts.fake.fail_at, parts.fake.error = 2, error
    with qtbot.waitSignal(parts.engine.ended) as ended:
        parts.engine.run(work(request_of(), model, tmp_path, 1))
    assert ended.args[0].ending == "failed"
    assert said in ended.args[0].message
    assert len(RunReader(tmp_path / "1.twrun").steps) == 2
    parts.fake.fail_at = -1
    with qtbot.waitSignal(parts.engine.ended) as ended:
        parts.engine.run(work(request_of(), model, tmp_path, 2))
    assert ended.args[0].ending == "finished"


def test_pictures_that_cannot_be_saved_fail_the_run_but_keep_its_steps(
    parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "pictures").write_text("a file where the folder should be")
    with qtbot.waitSignal(parts.engine.ended) as ended:
        parts.engine.run(work(request_of(), model, tmp_path))
    assert ended.args[0].ending == "failed"
    assert "could not be written" in ended.args[0].message
    assert len(RunReader(tmp_path / "1.twrun").steps) == 5


def test_a_preview_that_fails_cannot_fail_a_run(
    parts: Parts,
    request_of: Make,
    model: ModelInfo,
    tmp_path: Path,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no preview")

    monkeypatch.setattr("app.bridge.worker.preview", broken)
    with qtbot.waitSignal(parts.engine.ended) as ended:
        parts.engine.run(work(request_of(), model, tmp_path))
    assert ended.args[0].ending == "finished"


def test_nobody_watching_costs_no_frames_between_first_and_last(
    parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    heard = Listener(parts.engine)
    parts.engine.set_watched(False)
    parts.fake.call_seconds = 0.02
    parts.engine.run(work(request_of(steps=10), model, tmp_path))
    qtbot.waitUntil(lambda: bool(heard.outcomes))
    assert [f.step for f in heard.frames] == [0, 9]


def test_frames_are_of_the_picture_that_is_looked_at(
    parts: Parts, request_of: Make, model: ModelInfo, tmp_path: Path, qtbot: QtBot
) -> None:
    heard = Listener(parts.engine)
    parts.engine.show_image(1)
    parts.engine.run(work(request_of(batch=2), model, tmp_path, 1))
    qtbot.waitUntil(lambda: len(heard.outcomes) == 1)
    assert {f.image for f in heard.frames} == {1}
    parts.engine.run(work(request_of(batch=1), model, tmp_path, 2))
    qtbot.waitUntil(lambda: len(heard.outcomes) == 2)
    assert heard.frames[-1].image == 0, "a run of one picture shows its only one"


def test_an_engine_that_cannot_open_says_why(
    make_parts: Callable[..., Parts], fake: FakeEngine, model: ModelInfo, qtbot: QtBot
) -> None:
    fake.open_error = ImportError("libtorch.so: cannot open shared object")
    parts = make_parts(fake, ready=False)
    with qtbot.waitSignal(parts.engine.state_changed):
        parts.engine.start(model)
    assert parts.engine.state == "failed"
    assert "libtorch.so" in parts.engine.text


def test_a_model_that_cannot_be_loaded_leaves_the_engine_ready(
    make_parts: Callable[..., Parts], fake: FakeEngine, model: ModelInfo, qtbot: QtBot
) -> None:
    fake.load_error = ModelError("The weights are damaged: install the model again.")
    parts = make_parts(fake)
    assert parts.engine.state == "ready"
    assert [n.text for n in parts.notices] == ["The weights are damaged: install the model again."]


def test_closing_while_a_run_goes_on_cancels_waits_and_tells(
    make_parts: Callable[..., Parts], request_of: Make, model: ModelInfo, tmp_path: Path
) -> None:
    parts = make_parts(FakeEngine(by_hand=True))
    heard = Listener(parts.engine)
    parts.engine.run(work(request_of(), model, tmp_path))
    parts.engine.close()
    assert [o.ending for o in heard.outcomes] in (["cancelled"], []), "[]: the run had not begun"
    assert all(thread.isFinished() for thread in parts.engine.findChildren(QThread))
    parts.engine.close()


def test_closing_while_the_engine_still_loads_waits_for_it(fake: FakeEngine, model: ModelInfo, qtbot: QtBot) -> None:
    fake.opening.clear()
    engine = EngineClient(fake)
    engine.start(model)
    (thread,) = engine.findChildren(QThread)
    qtbot.waitUntil(thread.isRunning)
    fake.opening.set()
    engine.close()
    assert thread.isFinished()


def test_closing_what_was_never_started_is_nothing(fake: FakeEngine) -> None:
    EngineClient(fake).close()


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def simulate(call: float, cost: float, steps: int, painting: float = 0.0) -> tuple[list[float], float]:
    """(when previews were shown, the share of the run spent on them) for a net that takes `call` seconds a step."""
    clock = Clock()
    budget = PreviewBudget(steps, clock=clock)
    shown, paid = [], 0.0
    for k in range(steps):
        clock.now += call
        if k in (0, steps - 1) or budget.due(k + 1):
            clock.now += cost
            budget.made(cost)
            budget.painted(painting)
            paid += cost + painting
            shown.append(clock.now)
    return shown, paid / clock.now


@pytest.mark.parametrize("call", [0.005, 0.03, 0.1, 0.24])
@pytest.mark.parametrize(("cost", "painting"), [(0.0003, 0.0), (0.002, 0.003)])
def test_cheap_previews_come_every_250_ms_within_three_percent(call: float, cost: float, painting: float) -> None:
    shown, share = simulate(call, cost, 400, painting)
    assert share <= 0.03
    gaps = [b - a for a, b in pairwise(shown[1:])]
    assert max(gaps) <= 0.25 + call
    assert min(gaps[:-1], default=1) >= 0.04 - 1e-9


def test_dear_previews_come_as_often_as_the_budget_allows() -> None:
    shown, share = simulate(0.02, 0.03, 2000)
    assert share <= 0.03
    assert len(shown) > 30, "the budget is used, not saved"


def test_first_and_last_come_even_where_nothing_can_be_afforded() -> None:
    shown, _ = simulate(0.001, 0.5, 10)
    assert len(shown) == 2


def test_sentences_are_whole_sentences() -> None:
    for error in (MemoryError(), OSError(errno.EIO, "I/O error"), RuntimeError("x")):
        said = sentence(error)
        assert said[0].isupper()
        assert said.endswith(".")
        assert "\n" not in said
