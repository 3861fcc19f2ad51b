"""The thread boundary: what the engine does arrives once, in order, and closing never aborts."""

from __future__ import annotations

import errno
from collections.abc import Callable
from itertools import count, pairwise
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from app.bridge.budget import PreviewBudget
from app.bridge.client import EngineClient
from app.bridge.errors import sentence
from app.core.jobs.engine import CANCELLED, FINISHED, End, Frame, Task
from engine.jobs.generate import Generate, PictureSaved
from engine.jobs.job import Event, Progress
from engine.models.errors import ModelError
from engine.pictures.png import read_settings
from engine.spec.catalog import CatalogError, ModelInfo
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from tests.app.conftest import Parts
from tests.fakes.engine import FakeEngine

Make = Callable[..., Request]
Do: TypeAlias = "Callable[..., Heard]"


class Heard:
    """All that one run tells, and how it ends."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.progress: list[Progress] = []
        self.frames: list[Frame] = []
        self.images: list[Path] = []
        self.ends: list[End] = []
        task.told.connect(self._take)
        task.ended.connect(self.ends.append)

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Progress):
                self.progress.append(event)
            elif isinstance(event, Frame):
                self.frames.append(event)
            elif isinstance(event, PictureSaved):
                self.images.append(event.path)


@pytest.fixture
def do(request_of: Make, tmp_path: Path) -> Do:
    """Have an engine do a run of the choices: do(engine, steps=3). The n-th one writes n.twrun."""
    names = count(1)

    def run(engine: EngineClient, **choices: Any) -> Heard:
        path = tmp_path / f"{next(names)}.twrun"
        return Heard(engine.do(Generate(request=request_of(**choices), run_path=path, pictures=tmp_path / "pictures")))

    return run


def test_a_run_arrives_step_by_step(hand_parts: Parts, do: Do, qtbot: QtBot) -> None:
    heard = do(hand_parts.engine, steps=3)
    hand_parts.fake.allow()
    qtbot.waitUntil(lambda: len(heard.progress) == 1)
    assert [(f.step, f.image) for f in heard.frames] == [(0, 0)], "the first x̂₀ comes after one model call"
    assert hand_parts.fake.calls == 1
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert heard.frames[-1].step == 2, "the last x̂₀ always comes"
    assert (heard.progress[-1].done, heard.progress[-1].total, heard.progress[-1].share) == (3, 3, 1.0)
    assert heard.ends == [FINISHED]


def test_the_first_estimate_is_shown_after_one_model_call_also_where_a_step_takes_two(
    hand_parts: Parts, do: Do, qtbot: QtBot
) -> None:
    heard = do(hand_parts.engine, steps=3, sampler="heun")
    hand_parts.fake.allow()
    qtbot.waitUntil(lambda: len(heard.frames) == 1)
    assert hand_parts.fake.calls == 1
    assert heard.progress[-1].done == 0, "the step itself is not done yet"
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert hand_parts.fake.calls == 5
    assert heard.frames[-1].step == 2


def test_pictures_are_saved_with_their_settings(parts: Parts, do: Do, request_of: Make, qtbot: QtBot) -> None:
    choices: dict[str, Any] = {"prompt": "Red apple!", "batch": 3, "seed": 41}
    request, heard = request_of(**choices), do(parts.engine, **choices)
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert [p.name.split("-", 3)[3] for p in heard.images] == [f"red-apple-{s}.png" for s in (41, 42, 43)]
    for path, seed in zip(heard.images, request.seeds, strict=True):
        made_by = read_settings(path)
        assert made_by is not None
        assert made_by.seeds == (seed,)
        assert made_by.sigmas == request.sigmas


def test_the_same_settings_twice_never_overwrite(parts: Parts, do: Do, qtbot: QtBot) -> None:
    kept: list[Path] = []
    for _ in range(3):
        heard = do(parts.engine)
        qtbot.waitUntil(lambda heard=heard: bool(heard.ends))  # type: ignore[misc]
        kept += heard.images
    assert len(set(kept)) == 3
    assert all(p.stat().st_size for p in kept)


def test_cancel_acts_before_the_next_model_call_and_keeps_the_finished_steps(
    hand_parts: Parts, do: Do, tmp_path: Path, qtbot: QtBot
) -> None:
    heard = do(hand_parts.engine, steps=5)
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: hand_parts.fake.calls == 2)
    heard.task.cancel()
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert hand_parts.fake.calls == 2
    assert heard.ends == [CANCELLED]
    assert not list(tmp_path.rglob("*.png"))
    run = RunReader(tmp_path / "1.twrun")
    assert run.ended == "cancelled"
    assert len(run.steps) == 2
    assert heard.frames[-1].step == 1, "the x̂₀ that was reached is shown"


def test_a_run_cancelled_before_its_first_step_leaves_no_file(
    hand_parts: Parts, do: Do, tmp_path: Path, qtbot: QtBot
) -> None:
    heard = do(hand_parts.engine)
    qtbot.waitUntil(lambda: bool(hand_parts.fake.requests))
    heard.task.cancel()
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert heard.ends == [CANCELLED]
    assert not (tmp_path / "1.twrun").exists()


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
    error: Exception, said: str, parts: Parts, do: Do, tmp_path: Path, qtbot: QtBot
) -> None:
    parts.fake.fail_at, parts.fake.error = 2, error
    first = do(parts.engine)
    qtbot.waitUntil(lambda: bool(first.ends))
    assert first.ends[0].how == "failed"
    assert said in first.ends[0].sentence
    assert len(RunReader(tmp_path / "1.twrun").steps) == 2
    parts.fake.fail_at = -1
    second = do(parts.engine)
    qtbot.waitUntil(lambda: bool(second.ends))
    assert second.ends == [FINISHED]


def test_pictures_that_cannot_be_saved_fail_the_run_but_keep_its_steps(
    parts: Parts, do: Do, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "pictures").write_text("a file where the folder should be")
    heard = do(parts.engine)
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert heard.ends[0].how == "failed"
    assert "could not be written" in heard.ends[0].sentence
    assert len(RunReader(tmp_path / "1.twrun").steps) == 5


def test_a_preview_that_fails_cannot_fail_a_run(
    parts: Parts, do: Do, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no preview")

    monkeypatch.setattr("app.bridge.previews.to_image", broken)
    heard = do(parts.engine)
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert (heard.ends, heard.frames) == ([FINISHED], [])
    assert heard.progress[-1].share == 1.0


def test_nobody_watching_costs_no_frames_between_first_and_last(parts: Parts, do: Do, qtbot: QtBot) -> None:
    parts.engine.set_watched(False)
    parts.fake.call_seconds = 0.02
    heard = do(parts.engine, steps=10)
    qtbot.waitUntil(lambda: bool(heard.ends))
    assert [f.step for f in heard.frames] == [0, 9]


def test_frames_show_the_selected_picture_of_the_batch(parts: Parts, do: Do, qtbot: QtBot) -> None:
    parts.engine.show_image(1)
    two = do(parts.engine, batch=2)
    qtbot.waitUntil(lambda: bool(two.ends))
    assert {f.image for f in two.frames} == {1}
    one = do(parts.engine, batch=1)
    qtbot.waitUntil(lambda: bool(one.ends))
    assert one.frames[-1].image == 0, "a run of one picture shows its only one"


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


def test_closing_while_a_run_goes_on_cancels_waits_and_tells(make_parts: Callable[..., Parts], do: Do) -> None:
    parts = make_parts(FakeEngine(by_hand=True))
    heard = do(parts.engine)
    parts.engine.close()
    assert heard.ends == [CANCELLED]
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


def test_closing_an_engine_that_never_started_does_nothing(fake: FakeEngine) -> None:
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
            budget.add_rendering(cost)
            budget.add_painting(painting)
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
