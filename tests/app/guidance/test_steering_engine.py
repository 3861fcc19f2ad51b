"""Steering with the real engine and the CLIP in the box: a whole path, and what is wrong in one sentence each."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.bridge.worker import open_session
from app.core.document import Document
from app.core.jobs.queue import JobQueue, JobState
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from engine.spec.catalog import embedded_models
from engine.spec.guide_models import clips
from engine.spec.guides import ClipGuide

PATIENCE = 280_000  # ms: open_clip takes seconds to import, more on a busy machine

pytestmark = [
    pytest.mark.timeout(600),
    pytest.mark.skipif(all(info.folder is None for info in clips()), reason="no CLIP is in the box"),
]


class Canary:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[Path], object], tuple[Path]]:
        return Path.touch, (self.path,)


@pytest.fixture
def document(qtbot: QtBot, tmp_path: Path) -> Iterator[Document]:
    engine = EngineClient(open_session)
    model = next(info for info in embedded_models() if info.id == "emoji")
    library, prices = RunLibrary(tmp_path / "runs", tmp_path / "pictures"), Prices()
    jobs = JobQueue(engine, prices)
    document = Document([model], engine, jobs, library, prices)
    with qtbot.waitSignal(document.jobs.engine_changed, timeout=PATIENCE):
        engine.start(model)
    document.draft.update(steps=3, batch=2, enlarge=False, guidance=1.0, prompt="")
    yield document
    engine.close()
    document.shown.close()


def test_from_a_typed_text_to_a_scored_picture(document: Document, qtbot: QtBot) -> None:
    guidance, notices = document.guidance, list[str]()
    document.notice_raised.connect(lambda notice: notices.append(notice.text))

    def until(done: Callable[[], object]) -> None:
        qtbot.waitUntil(lambda: bool(done()), timeout=PATIENCE)

    guidance.steering.set_wish(0, text="a red apple")
    assert guidance.scores.loading
    until(lambda: not guidance.scores.loading)
    job = document.generate()
    assert job is not None
    until(lambda: job.state.ended)
    assert (job.state, job.message) == (JobState.FINISHED, "")
    guide = job.request.guides[0]
    assert isinstance(guide, ClipGuide)
    assert guide.clip == guidance.steering.clip
    until(lambda: (curve := guidance.scores.curve) and len(curve.guided) == 3)
    curve = guidance.scores.curve
    assert curve is not None
    assert all(-1 <= score <= 1 for _, score in (*curve.guided, *curve.raw))
    assert curve.raw  # what was steered is not what the model estimates by itself
    assert curve.guided[0][1] > curve.raw[0][1]  # the first estimate moves uphill
    guidance.concepts.watched = True
    until(lambda: guidance.concepts.nearest)
    assert guidance.concepts.nearest is not None
    assert len(guidance.concepts.nearest.names) == 8
    guidance.concepts.watched = False
    assert notices == []


@pytest.mark.parametrize(
    "text", ["红苹果" * 3, "تفاحة", "🍎🏳️‍🌈", "\u0000\u202e", "one two three four five six seven eight " * 20]
)
def test_any_script_and_any_length_is_drawn_or_refused_in_one_sentence(
    document: Document, qtbot: QtBot, text: str
) -> None:
    notices: list[str] = []
    document.notice_raised.connect(lambda notice: notices.append(notice.text))
    document.guidance.steering.set_wish(0, text=text)
    job = document.generate()
    if job is not None:
        qtbot.waitUntil(lambda: job.state.ended, timeout=PATIENCE)
        assert job.state is JobState.FINISHED or job.message
        if len(text) > 400:
            assert job.state is JobState.FAILED
            assert "shorten it" in job.message
    told = set(notices)
    assert len(told) <= 1
    assert not any("unexpectedly" in sentence for sentence in told)


@pytest.mark.parametrize("kind", ["name", "truncated", "hostile", "nothing"])
def test_a_checkpoint_that_cannot_be_used_is_refused_in_one_sentence(
    document: Document, qtbot: QtBot, tmp_path: Path, kind: str
) -> None:
    canary, path = tmp_path / "canary", tmp_path / "clip.pt"
    name = str(path)
    if kind == "name":
        name = "ViT-Z-99/nobody"
    elif kind == "truncated":
        path = path.with_suffix(".safetensors")
        source = next(info for info in clips() if info.folder is not None).folder
        assert source is not None
        path.write_bytes((source / "model.safetensors").read_bytes()[:5000])
        name = str(path)
    elif kind == "hostile":
        path.write_bytes(pickle.dumps({"state_dict": Canary(canary)}))
    notices: list[str] = []
    document.notice_raised.connect(lambda notice: notices.append(notice.text))
    document.guidance.steering.clip = name
    document.guidance.steering.set_wish(0, text="apple")
    qtbot.waitUntil(lambda: bool(notices), timeout=PATIENCE)
    assert len(notices) == 1
    assert "unexpectedly" not in notices[0]
    assert not canary.exists()
    document.guidance.steering.remove_wish(0)
    with qtbot.waitSignal(document.jobs.ended, timeout=PATIENCE):
        job = document.generate()
    assert job is not None
    assert job.state is JobState.FINISHED  # the studio lives on
    assert len(notices) == 1
