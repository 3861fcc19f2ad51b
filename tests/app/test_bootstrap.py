"""The whole studio: the window opens before torch loads, closing is orderly, choices are restored."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QObject, QRect
from pytestqt.qtbot import QtBot

from app.bootstrap import Studio, computing_of, set_scale
from app.core.files.folders import Folders
from app.core.jobs.queue import JobState, QueuedJob
from app.core.notices import Notice
from app.crash import CrashReporter
from app.settings import Values, write
from app.ui.canvas.tool_options import ToolOptions
from engine.devices import AUTOMATIC, Computing
from engine.jobs.generate import Generate, PictureSaved, Resume
from engine.pictures.unsaved import Note, unsaved_runs
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft
from engine.spec.picture_text import PictureText
from tests.fakes.engine import FakeEngine

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    return Folders.under(tmp_path / "home")


@pytest.fixture
def open_studio(qtbot: QtBot, model: ModelInfo, folders: Folders) -> Iterator[Callable[..., Studio]]:
    opened: list[Studio] = []

    def make(fake: FakeEngine, reporter: CrashReporter | None = None, said: list[Notice] | None = None) -> Studio:
        studio = Studio([model], folders, fake, reporter)
        if said is not None:
            studio.document.notice_raised.connect(said.append)
        qtbot.addWidget(studio.window)
        opened.append(studio)
        studio.show()
        qtbot.waitUntil(lambda: studio.document.jobs.engine_state == "ready")
        return studio

    yield make
    for studio in opened:
        studio.close()


def test_garbage_is_collected_in_the_windows_thread_from_its_first_day_to_its_last(
    open_studio: Callable[..., Studio], fake: FakeEngine
) -> None:
    assert gc.isenabled()
    studio = open_studio(fake)
    assert not gc.isenabled()
    assert gc.get_freeze_count() > 10_000, "the collector skips the engine's objects"
    studio.window.close()
    studio.close()
    assert gc.isenabled()


def test_preferences_act_on_the_next_picture(
    open_studio: Callable[..., Studio], fake: FakeEngine, tmp_path: Path, qtbot: QtBot
) -> None:
    studio = open_studio(fake)
    elsewhere = tmp_path / "elsewhere"
    studio.settings.update(
        pictures_folder=str(elsewhere), written_prompt=False, bare_exports=True, preview_share=10, seed_locked=True
    )
    assert studio.document.draft.seed_locked
    studio.document.draft.update(prompt="red apple", steps=3)
    job = studio.document.generate()
    assert job is not None
    assert studio.document.library.exports.empty
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    assert job.images[0].parent == elsewhere
    assert isinstance(job.job, Generate)
    assert job.job.text == PictureText(prompt=False)
    studio.settings.update(pictures_folder="")
    assert studio.document.library.pictures != elsewhere


def test_the_device_and_the_scale_are_those_of_the_settings(tmp_path: Path) -> None:
    values = Values(device="cpu", threads=3, headroom=2, scale=150)
    assert computing_of(values) == Computing("cpu", 3, 2 * 2**30)
    assert computing_of(Values()) == AUTOMATIC
    write(tmp_path / "settings.json", values)
    environ: dict[str, str] = {}
    set_scale(tmp_path / "settings.json", environ)
    assert environ == {"QT_SCALE_FACTOR": "1.5"}
    environ = {}
    set_scale(tmp_path / "none.json", environ)
    assert environ == {}


def test_a_typed_prompt_becomes_a_picture_on_disk(
    open_studio: Callable[..., Studio], fake: FakeEngine, folders: Folders, qtbot: QtBot
) -> None:
    studio = open_studio(fake)
    studio.document.draft.update(prompt="red apple", steps=3)
    job = studio.document.generate()
    assert job is not None
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    assert job.images[0].parent == folders.pictures
    assert job.run_path.parent == folders.runs
    assert studio.document.shown.step_count == 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", 2**63),
        ("strength", 1e308),
        ("batch", 2**31),
        ("truncation", 10**29),
        ("sampler", "no such sampler"),
        ("spacing", "no such spacing"),
        ("prompt", "x" * 4010),
        ("options", [["no such option", 1e300]]),
    ],
)
def test_no_value_in_the_settings_stops_the_start(
    name: str, value: object, open_studio: Callable[..., Studio], fake: FakeEngine, folders: Folders, model: ModelInfo
) -> None:
    path = folders.config / "settings.json"
    write(path, Values(model="fake", drafts={"fake": Draft.for_model(model, prompt="rocket")}))
    data = json.loads(path.read_text(encoding="utf-8"))
    data["drafts"]["fake"][name] = value
    path.write_text(json.dumps(data), encoding="utf-8")
    studio = open_studio(fake)
    assert studio.window.isVisible()
    studio.document.generate()  # or says why not


def test_the_choices_are_restored(open_studio: Callable[..., Studio], fake: FakeEngine, folders: Folders) -> None:
    studio = open_studio(fake)
    studio.document.draft.update(prompt="birthday cake", steps=9, seed=2**40)
    studio.document.draft.seed_locked = True
    studio.window.close()
    studio.close()
    again = open_studio(FakeEngine())
    assert (again.document.draft.current.prompt, again.document.draft.current.steps) == ("birthday cake", 9)
    assert again.document.draft.current.seed == 2**40
    assert again.document.draft.seed_locked


def test_the_tools_come_back_as_they_were_held(open_studio: Callable[..., Studio], fake: FakeEngine) -> None:
    studio = open_studio(fake)
    tools = studio.window.tools
    tools.tool = "eraser"
    tools.choose(size=7, hardness=0.25)
    tools.tool = "fill"
    tools.choose(tolerance=9, everywhere=True)
    tools.tool = "noise"
    tools.choose(opacity=0.5)
    tools.colour = 200, 30, 4
    tools.edge = 17
    tools.mask_shown = False
    studio.window.close()
    studio.close()
    window = open_studio(FakeEngine()).window
    again = window.tools
    assert again.state == tools.state
    assert (again.tool, again.of("brush").size, again.of("fill").tolerance) == ("noise", 7, 9)
    assert again.mask_shown
    assert window.actions_["tool-noise"].isChecked()
    options = window.area.findChild(ToolOptions)
    assert options is not None
    assert options.numbers["opacity"].field.value() == 50


def test_the_artwork_is_restored_at_the_next_start(
    open_studio: Callable[..., Studio], fake: FakeEngine, folders: Folders, qtbot: QtBot
) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (30, 45, 3), dtype=np.uint8)
    studio = open_studio(fake)
    studio.document.artwork.open(rgb, "mine")
    studio.document.artwork.apply_mask(QRect(0, 0, 9, 9), np.full((9, 9), 180, np.uint8), "Brush")
    studio.window.close()
    studio.close()
    assert (folders.artwork / "artwork.png").exists()
    again = open_studio(FakeEngine())
    artwork = again.document.artwork
    qtbot.waitUntil(lambda: artwork.is_open)
    assert np.array_equal(artwork.rgb(), rgb)
    assert (artwork.mask[:9, :9] == 180).all()
    assert again.document.editing.shows_artwork
    assert again.window.canvas.isVisible()
    assert again.window.windowTitle() == "mine — Tweedie Studio"
    notice = again.window.area.notices.notice
    assert notice is not None
    assert notice.text == "“mine” is back as you left it."


def test_closing_while_a_run_goes_on_ends_it_and_closes_once(
    open_studio: Callable[..., Studio], by_hand: FakeEngine, qtbot: QtBot
) -> None:
    studio = open_studio(by_hand)
    jobs = [studio.document.generate() for _ in range(2)]
    by_hand.allow()
    qtbot.waitUntil(lambda: studio.document.jobs.steps_done == 1)
    studio.window.close()
    studio.close()
    studio.close()
    assert [j.state for j in jobs if j] == [JobState.CANCELLED] * 2


def test_damaged_settings_and_an_earlier_crash_give_notices(
    open_studio: Callable[..., Studio],
    fake: FakeEngine,
    folders: Folders,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folders.config.mkdir(parents=True)
    (folders.config / "settings.json").write_text("{")
    folders.log.mkdir(parents=True)
    (folders.log / "last-crash.txt").write_text("Fatal Python error")
    reporter = CrashReporter(folders.log)
    told: list[str] = []
    monkeypatch.setattr(Studio, "_complain", lambda _, sentence: told.append(sentence))
    open_studio(fake, reporter)
    assert "settings-damaged-" in told[0]
    assert str(reporter.earlier) in told[1]


def test_the_engine_begins_after_the_first_paint(
    model: ModelInfo, folders: Folders, fake: FakeEngine, qtbot: QtBot
) -> None:
    studio = Studio([model], folders, fake)
    qtbot.addWidget(studio.window)
    order: list[str] = []
    studio.engine._start.connect(lambda _: order.append("engine"))

    class Watch(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                order.append("paint")
            return False

    watch = Watch(studio.window)
    studio.window.installEventFilter(watch)
    studio.show()
    qtbot.waitUntil(lambda: "engine" in order)
    studio.window.removeEventFilter(watch)
    assert order[0] == "paint"
    studio.window.close()
    studio.close()


PAINTS = """
import sys
from pathlib import Path
from PySide6.QtCore import QEvent, QObject
from app.bootstrap import Studio, make_application
from app.bridge.worker import open_session
from app.core.files.folders import Folders
from engine.spec.catalog import read_model

class Watch(QObject):
    torch_at_paint = None
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint and self.torch_at_paint is None:
            self.torch_at_paint = "torch" in sys.modules
        return False

def end():
    print("at the first paint:", watch.torch_at_paint, "| when ready:", "torch" in sys.modules, studio.document.why_not)
    app.quit()

app = make_application(["studio"])
studio = Studio([read_model(Path(sys.argv[1]))], Folders.under(Path(sys.argv[2])), open_session)
watch = Watch()
studio.window.installEventFilter(watch)
studio.document.jobs.engine_changed.connect(end)
studio.show()
print("before:", studio.document.why_not)
app.exec()
studio.close()
"""

CONFIG = {
    "id": "empty",
    "title": "Empty",
    "conditioning": {"text": None, "labels": []},
    "size": [8, 8],
    "sha256": {},
    "defaults": {"sampler": "ddim", "spacing": "karras", "steps": 2, "guidance": 1, "sigma_min": 0.01, "sigma_max": 80},
    "schedule": {"type": "flow"},
}


def python(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    return subprocess.run(
        [sys.executable, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env=kept | environ,
    )


def test_the_window_is_painted_before_torch_is_imported(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text(json.dumps(CONFIG))
    done = python("-c", PAINTS, str(tmp_path / "empty"), str(tmp_path / "home"), QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
    assert "before: The engine is loading" in done.stdout
    assert "at the first paint: False | when ready: True" in done.stdout


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a display is optional on Linux only")
def test_without_a_display_it_says_what_to_do(tmp_path: Path) -> None:
    done = python("-m", "app", TWEEDIE_HOME=str(tmp_path))
    assert done.returncode == 2
    assert "generate" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_barriers_are_passive_before_anything_can_load_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)  # a choice of the user's stays
    done = python("-c", "import app.__main__, os, sys; print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)")
    assert done.stdout.split() == ["passive", "False"]


def a_finished_run(studio: Studio, qtbot: QtBot) -> Path:
    studio.document.draft.update(prompt="red apple", steps=3)
    job = studio.document.generate()
    assert job is not None
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    return job.run_path


def test_the_next_start_saves_the_pictures_of_a_run_that_was_killed_while_it_saved(
    open_studio: Callable[..., Studio], fake: FakeEngine, folders: Folders, qtbot: QtBot
) -> None:
    studio = open_studio(fake)
    run = a_finished_run(studio, qtbot)
    studio.window.close()
    studio.close()
    Note(run, folders.pictures).close()  # as a killed process leaves it
    fake.answers[Resume] = lambda job: (PictureSaved(job.pictures / "a.png"), PictureSaved(job.pictures / "b.png"))
    said: list[Notice] = []
    open_studio(fake, said=said)
    qtbot.waitUntil(lambda: any("2 pictures of the last time" in notice.text for notice in said))
    (job,) = [job for job in fake.jobs if isinstance(job, Resume)]
    assert (job.run_path, job.pictures) == (run, folders.pictures)


def test_the_next_start_offers_to_finish_a_run_that_broke_off(
    open_studio: Callable[..., Studio], fake: FakeEngine, folders: Folders, qtbot: QtBot
) -> None:
    studio = open_studio(fake)
    run = a_finished_run(studio, qtbot)
    studio.window.close()
    studio.close()
    data = run.read_bytes()
    run.write_bytes(data[: data.rindex(b'{"kind":"step"') + 5])
    Note(run, folders.pictures).close()
    said: list[Notice] = []
    open_studio(fake, said=said)
    qtbot.waitUntil(lambda: any("broke off after 2 of 3 steps" in notice.text for notice in said))
    (notice,) = [notice for notice in said if "broke off" in notice.text]
    assert [action.text for action in notice.actions] == ["Finish it", "Leave it"]
    notice.actions[1].do()
    assert list(unsaved_runs(folders.runs)) == []


def waiting_runs(studio: Studio, by_hand: FakeEngine, qtbot: QtBot) -> list[QueuedJob]:
    """Three runs, of which the first has done one step."""
    jobs = []
    for k in range(3):
        studio.document.draft.update(prompt="red apple", steps=3, seed=k)
        jobs.append(studio.document.generate())
    by_hand.allow()
    qtbot.waitUntil(lambda: studio.document.jobs.steps_done == 1)
    studio.window.close()
    studio.close()
    return [job for job in jobs if job is not None]


def test_runs_that_were_waiting_when_the_studio_closed_are_made_at_the_next_start(
    open_studio: Callable[..., Studio], by_hand: FakeEngine, fake: FakeEngine, folders: Folders, qtbot: QtBot
) -> None:
    begun, *waiting = waiting_runs(open_studio(by_hand), by_hand, qtbot)
    Note(begun.run_path, folders.pictures).close()  # which the fake engine does not write
    said: list[Notice] = []
    studio = open_studio(fake, said=said)
    qtbot.waitUntil(lambda: any("waiting" in notice.text for notice in said))
    (notice,) = [notice for notice in said if "waiting" in notice.text]
    assert notice.text == "“red apple” broke off after 1 of 3 steps and 2 runs were waiting."
    assert [action.text for action in notice.actions] == ["Finish them", "Leave them"]
    fake.answers[Resume] = lambda _: ()
    notice.actions[0].do()
    qtbot.waitUntil(lambda: len(studio.document.jobs.all) == 3 and all(j.state.ended for j in studio.document.jobs.all))
    again = studio.document.jobs.all
    assert [job.run_path for job in again] == [begun.run_path, *(job.run_path for job in waiting)]
    assert [job.request for job in again[1:]] == [job.request for job in waiting]
    assert all(len(job.images) == 1 for job in again[1:])
    assert list(folders.runs.glob("*.waiting")) == []


def test_waiting_runs_can_be_left(
    open_studio: Callable[..., Studio], by_hand: FakeEngine, fake: FakeEngine, folders: Folders, qtbot: QtBot
) -> None:
    studio = open_studio(by_hand)
    jobs = [studio.document.generate() for _ in range(2)]  # neither has done a step
    studio.window.close()
    studio.close()
    assert [job.state for job in jobs if job] == [JobState.CANCELLED] * 2
    said: list[Notice] = []
    open_studio(fake, said=said)
    qtbot.waitUntil(lambda: any("waiting" in notice.text for notice in said))
    (notice,) = [notice for notice in said if "waiting" in notice.text]
    assert notice.text == "2 runs were waiting when the studio closed."
    assert [action.text for action in notice.actions] == ["Make them", "Leave them"]
    notice.actions[1].do()
    assert list(folders.runs.iterdir()) == []


def test_a_run_that_a_person_cancelled_does_not_come_back(
    open_studio: Callable[..., Studio], by_hand: FakeEngine, folders: Folders, qtbot: QtBot
) -> None:
    studio = open_studio(by_hand)
    for _ in range(2):
        studio.document.generate()
    studio.document.jobs.cancel_all()
    qtbot.waitUntil(lambda: all(job.state.ended for job in studio.document.jobs.all))
    studio.window.close()
    studio.close()
    assert list(folders.runs.glob("*.waiting")) == []
