"""How the studio feels, in figures. On a busy machine they say more about the machine."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot

from app.bootstrap import Studio
from app.bridge.client import EngineClient
from app.core.document import Document
from app.core.files.folders import Folders
from app.core.jobs.queue import JobQueue
from app.core.request.run_costs import Prices
from app.core.shown.render import View
from app.core.shown.runs import RunLibrary
from app.core.shown.viewer import Viewer
from engine.session import Session
from engine.spec.catalog import ModelInfo, embedded_models
from engine.spec.draft import Draft, resolve
from engine.spec.sizes import SizeRule
from tests.app.conftest import Parts
from tests.fakes.engine import FakeEngine
from tests.latent import SIZES, latent_info, latent_models

pytestmark = pytest.mark.bench
VIEWS: tuple[View, ...] = ("x0", "x", "eps")
ROOT = Path(__file__).parents[2]


def spread(name: str, seconds: list[float]) -> str:
    ordered = sorted(1000 * s for s in seconds)
    middle, p99 = statistics.median(ordered), ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))]
    return f"{name}: median {middle:.2f}, p99 {p99:.2f}, worst {ordered[-1]:.2f} ms, n = {len(ordered)}"


@pytest.mark.parametrize("side", [64, 512])
def test_scrubbing_a_live_run_takes_a_frame_at_most(
    side: int, make_parts: Callable[..., Parts], model: ModelInfo, qtbot: QtBot
) -> None:
    """A net that blocks 300 ms a call; each step is read, converted and put up within 16 ms, in every view."""
    parts = make_parts(FakeEngine(call_seconds=0.3))
    document = parts.document
    large = replace(model, sizes=SizeRule.fixed(side, side))
    document.draft._model = large
    document.draft.current = Draft.for_model(large, prompt="red apple", steps=10)
    job = document.generate()
    assert job is not None
    qtbot.waitUntil(lambda: document.shown.step_count >= 5, timeout=20_000)
    taken = []
    for view in VIEWS:
        document.shown.view = view
        for k in (0, 3, 1, 4, 2) * 4:
            began = time.perf_counter()
            document.shown.scrub(k)
            taken.append(time.perf_counter() - began)
    print(spread(f"scrub {side}²", taken))
    assert document.jobs.running is job, "the run was still going on"
    document.jobs.cancel()
    qtbot.waitUntil(lambda: document.jobs.running is None)
    assert statistics.median(taken) <= 0.016


class Beat(QObject):
    """Measures the gaps between the ticks of a 5 ms timer: how long the window did not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.gaps: list[float] = []
        self._last: float | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(5)
        self._timer.timeout.connect(self._tick)

    def measure(self, on: bool) -> None:
        self._last = None
        if on:
            self.gaps.clear()
            self._timer.start()
        else:
            self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        if self._last is not None:
            self.gaps.append(now - self._last)
        self._last = now


@pytest.fixture
def studio(qtbot: QtBot, tmp_path: Path) -> Iterator[Studio]:
    """The real engine with the first embedded model."""
    models = embedded_models()
    if not models:
        pytest.skip("no model is embedded yet")
    studio = Studio(models, Folders.under(tmp_path))
    qtbot.addWidget(studio.window)
    studio.show()
    qtbot.waitUntil(lambda: studio.document.jobs.engine_state == "ready", timeout=120_000)
    yield studio
    studio.close()


def generate(studio: Studio, qtbot: QtBot) -> tuple[float, list[float]]:
    """(seconds of a run, when its frames came)."""
    frames: list[float] = []
    with qtbot.waitSignal(studio.jobs.job_ended, timeout=120_000):
        job = studio.document.generate()
        heard = studio.document.shown.frame_changed.connect(lambda: frames.append(time.perf_counter()))
    studio.document.shown.frame_changed.disconnect(heard)
    assert job is not None
    assert job.state == "finished", job.message
    return job.seconds, frames


def test_previews_cost_three_percent_at_most(studio: Studio, qtbot: QtBot) -> None:
    """Thirty interleaved pairs of the same run, watched and unwatched (which still shows the first and the last)."""
    studio.document.draft.update(prompt="red apple", steps=15)
    studio.document.draft.seed_locked = True
    generate(studio, qtbot)
    watched, alone, gaps = list[float](), list[float](), list[float]()
    for k in range(30):
        for watch in (k % 2 == 0, k % 2 == 1):
            studio.document.jobs.set_watched(watch)
            seconds, frames = generate(studio, qtbot)
            (watched if watch else alone).append(seconds)
            if watch:
                gaps += [b - a for a, b in pairwise(frames)]
    ratios = [w / a - 1 for w, a in zip(watched, alone, strict=True)]
    error = statistics.stdev(ratios) / len(ratios) ** 0.5
    print(f"preview cost: mean {statistics.mean(ratios):+.2%} ± {error:.2%}, median {statistics.median(ratios):+.2%}")
    print(f"a run: {statistics.median(alone):.3f} s unwatched, {statistics.median(watched):.3f} s watched")
    print(spread("between frames", gaps))
    assert statistics.median(ratios) - 2 * error <= 0.03


def test_the_window_answers_while_the_engine_computes(studio: Studio, qtbot: QtBot) -> None:
    studio.document.draft.update(prompt="red apple", steps=30)
    generate(studio, qtbot)
    beat = Beat()
    beat.measure(True)
    qtbot.wait(3000)
    beat.measure(False)
    print(spread("window, idle", beat.gaps))
    beat.measure(True)
    generate(studio, qtbot)
    beat.measure(False)
    print(spread("window, running", beat.gaps))
    assert statistics.median(beat.gaps) <= 0.016


START = """
import sys, time
began = time.perf_counter()
import app.__main__
from pathlib import Path
from PySide6.QtCore import QEvent, QObject
from app.bootstrap import Studio, make_application
from app.core.files.folders import Folders
from engine.spec.catalog import embedded_models

class Watch(QObject):
    painted = None
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and self.painted is None:
            self.painted = time.perf_counter() - began
        return False

def end():
    print(f"window painted after {watch.painted:.2f} s, ready after {time.perf_counter() - began:.2f} s")
    application.quit()

application = make_application(["studio"])
studio = Studio(embedded_models(), Folders.under(Path(sys.argv[1])))
watch = Watch()
studio.window.installEventFilter(watch)
studio.document.jobs.engine_changed.connect(end)
studio.show()
application.exec()
studio.close()
"""


def test_start_up(tmp_path: Path) -> None:
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-c", START, str(tmp_path)],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        )
        assert done.returncode == 0, done.stderr
        print(done.stdout.strip())


def test_scrubbing_latents_takes_a_frame_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    """A finished run of 128×128×4 latents: each step is read, mapped to colour and put up within 16 ms."""
    latent_models(monkeypatch)
    info = replace(latent_info(tmp_path), sizes=replace(SIZES, most=1024))
    request = resolve(Draft.for_model(info, prompt="red apple", seed=1, width=1024, height=1024, steps=20), info)
    path = tmp_path / "a.twrun"
    list(Session("cpu", [info]).generate(request, path))
    viewer = Viewer(lambda _: False)
    assert viewer.show_run(path)
    for view in VIEWS:
        viewer.view = view
        taken = []
        for k in (0, 7, 3, 15, 9) * 8:
            began = time.perf_counter()
            viewer.scrub(k)
            taken.append(time.perf_counter() - began)
        assert viewer.frame is not None
        assert viewer.frame.width() == 128
        print(spread(f"scrub latents 128², {view}", taken))


def test_a_resting_step_of_latents_becomes_sharp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> None:
    """Seconds from the last move of the cursor to the decoded 1024×1024 picture; the codec is a linear map."""
    latent_models(monkeypatch)
    info = replace(latent_info(tmp_path), sizes=replace(SIZES, most=1024))
    engine = EngineClient(lambda: Session("cpu", [info]))
    prices = Prices()
    document = Document([info], engine, JobQueue(engine, prices), RunLibrary(tmp_path, tmp_path / "pictures"), prices)
    with qtbot.waitSignal(document.jobs.engine_changed, timeout=120_000):
        engine.start(info)
    document.draft.update(prompt="red apple", width=1024, height=1024, steps=10)
    with qtbot.waitSignal(document.jobs.ended, timeout=120_000):
        document.generate()
    taken = []
    for k in range(8):
        began = time.perf_counter()
        document.shown.scrub(k)
        with qtbot.waitSignal(document.shown.frame_changed, timeout=20_000):
            pass
        taken.append(time.perf_counter() - began)
        assert document.shown.frame is not None
        assert document.shown.frame.width() == 1024
    engine.close()
    document.shown.close()
    print(spread("sharp after", taken))
