"""The scripts that make the pictures of the docs: their steps fit the window, and every linked picture is made."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import PICTURES, ROOT
from pytestqt.qtbot import QtBot
from walk import THEMES, Walk, linked

from app.bootstrap import Studio
from app.core.files.folders import Folders
from engine.jobs.morph import Morphing
from engine.jobs.suggest import Suggest, Suggested
from engine.spec.catalog import embedded_models
from tests.app.encoded import Flow
from tests.app.fake_clips import answer
from tests.app.judged import Judge
from tests.fakes.engine import FakeEngine
from tests.fakes.lab import FakeLab
from tests.fakes.morph import morphed

SCRIPTS = {  # those that open the window, and the pictures that they take in each theme
    "screenshots": ("welcome", "running", "finished", "scrubbed", "lab", "forked", "varied", "words", "fashion",
                    "canvas", "candidate", "shortcuts"),
    "steering_pictures": ("steering", "sweep"),
    "likelihood_pictures": ("likelihood", "encoded"),
    "morph_pictures": ("morph",),
    "model_pictures": ("models",),
    "history_pictures": ("history", "compare"),
}  # fmt: skip


@pytest.fixture
def walk(qtbot: QtBot, fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Walk]:
    """A walk through a window with the embedded models and fake engines, which saves no pictures."""
    monkeypatch.setattr("app.bootstrap.open_lab", FakeLab())
    Judge(fake)
    Flow(fake)
    answer(fake)
    fake.answers[Morphing] = morphed
    fake.answers[Suggest] = lambda job: [Suggested(word, ("apple",)) for word in job.words]
    studio = Studio(embedded_models(), Folders.under(tmp_path), fake)
    qtbot.addWidget(studio.window)
    yield Walk(studio, None)
    studio.window.close()
    studio.close()


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_step_of_a_script_fits_the_window(script: str, walk: Walk) -> None:
    importlib.import_module(script).walk(walk)
    expected = [f"{name}-{theme}" for name in SCRIPTS[script] for theme in THEMES]
    assert [name for name in walk.taken if name != "morph-sheet"] == expected


def test_every_linked_picture_is_there_and_every_picture_is_linked() -> None:
    cards = [path.read_text(encoding="utf-8") for path in (ROOT / "resources").rglob("*.md")]
    pictures = {path.stem for path in PICTURES.glob("*.png")}
    taken = {f"{name}-{theme}" for names in SCRIPTS.values() for name in names for theme in THEMES}
    assert {name for name in linked() if name.endswith(THEMES)} <= taken
    assert linked() <= pictures
    assert not [name for name in pictures - linked() if not any(f"pictures/{name}.png" in card for card in cards)]
