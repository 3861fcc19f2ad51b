"""A model of ten grey classes and no text, through the real engine: the window fits it from the panel to the PNG."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.core.document import Document
from app.core.jobs.queue import JobQueue, JobState
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from app.settings import Settings, Values
from app.ui.window.main_window import MainWindow
from engine import models
from engine.pictures.png import read_settings
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.sizes import SizeRule
from tests.app.windows import finish, open_window, painted, until

LEFT = Qt.MouseButton.LeftButton
CLASSES = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


@pytest.fixture
def grey(model: ModelInfo) -> ModelInfo:
    return replace(
        model,
        id="grey",
        title="Grey",
        sha256="9" * 64,
        takes=frozenset({"label"}),
        labels=CLASSES,
        label_kind="class",
        sizes=SizeRule.fixed(32, 32),
        examples=(),
        config={"kind": "grey", "schedule": {"type": "flow"}, "codec": {"type": "pixel"}},
    )


@pytest.fixture
def document(
    grey: ModelInfo, model: ModelInfo, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Document]:
    """A document with the grey model chosen, a text model beside it, and the real engine behind both."""
    monkeypatch.setitem(models.LOADERS, "grey", "tests.app.grey")
    engine = EngineClient(lambda: Session("cpu", [grey, model]))
    library, prices = RunLibrary(tmp_path / "runs", tmp_path / "pictures"), Prices()
    jobs = JobQueue(engine, prices)
    made = Document([grey, model], engine, jobs, library, prices)
    with qtbot.waitSignal(made.jobs.engine_changed, timeout=120_000):
        engine.start(grey)
    yield made
    engine.close()
    made.shown.close()


@pytest.fixture
def window(document: Document, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, document)


def test_the_panel_of_a_class_model_has_no_prompt(window: MainWindow) -> None:
    panel = window.panel
    assert panel.model.isVisible()
    assert panel.model.currentText() == "Grey"
    assert not panel.words.isVisible()
    assert not panel.prompt.isVisible()
    assert panel.no_text.isVisible()
    assert panel.no_text.text() == "Grey takes no text: choose a class."
    assert panel.label_heading.text() == "Class"
    assert [button.text() for button in panel.labels.chips.values()] == ["Any", *(name.title() for name in CLASSES)]
    assert panel.labels.chips[None].hasFocus(), "where the next picture is described"


def test_every_class_is_within_the_panel(window: MainWindow, qtbot: QtBot) -> None:
    until(qtbot, lambda: window.panel.labels.height() > 0)
    for button in window.panel.labels.chips.values():
        assert window.panel.labels.rect().contains(button.geometry())
        assert button.width() >= button.fontMetrics().horizontalAdvance(button.text())


def test_the_welcome_offers_the_classes(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    offers = {button.text(): button for button in window.area.welcome.chips.findChildren(QPushButton)}
    assert list(offers) == [name.title() for name in CLASSES]
    chips = window.area.welcome.chips
    until(qtbot, lambda: chips.height() > 0 and all(chips.rect().contains(b.geometry()) for b in offers.values()))
    assert "class" in window.area.welcome.hint.text()
    QTest.mouseClick(offers["Ankle Boot"], LEFT)
    until(qtbot, lambda: bool(document.jobs.all) and document.jobs.all[0].state.ended)
    assert document.jobs.all[0].request.label == "ankle boot"


def test_the_welcome_fits_the_offers_of_every_model(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    chips = window.area.welcome.chips
    for model in reversed(document.draft.models):
        document.draft.model = model
        until(qtbot, lambda: len(chips.findChildren(QPushButton)) == len(model.examples or model.labels))  # noqa: B023
        offers = chips.findChildren(QPushButton)
        until(qtbot, lambda: all(chips.rect().contains(offer.geometry()) for offer in offers))  # noqa: B023


def test_a_class_is_made_shown_in_grey_and_saved(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    QTest.mouseClick(window.panel.labels.chips["dress"], LEFT)
    job = finish(qtbot, document, steps=6, batch=2)
    assert job.state is JobState.FINISHED, job.message
    assert (job.request.label, job.request.prompt) == ("dress", "")
    assert window.canvas.frame is not None
    assert (window.canvas.frame.width(), window.canvas.frame.height()) == (32, 32)
    for view in ("x0", "x", "eps"):
        document.shown.view = view
        frame = window.canvas.frame
        assert frame is not None
        assert frame.allGray()
        assert len({frame.pixel(x, 0) for x in range(32)}) > 3
    document.shown.view = "x0"
    assert document.shown.frame == QImage(str(job.images[0])).convertToFormat(QImage.Format.Format_RGB32)
    with Image.open(job.images[0]) as image:
        assert image.size == (32, 32)
    assert read_settings(job.images[1]) == replace(job.request, seeds=job.request.seeds[1:])
    assert job.images[0].name.endswith(f"dress-{job.request.seeds[0]}.png")
    assert window.area.facts.text().startswith("Dress   32 × 32")
    assert window.windowTitle() == "Dress — Tweedie Studio"
    assert painted(window.area.batch).size().width() > 0


def test_without_a_class_a_picture_is_named_so(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    job = finish(qtbot, document, label=None, steps=3)
    assert job.state is JobState.FINISHED
    assert window.area.facts.text().startswith("A picture of any kind")
    assert window.status.message.text().startswith("Finished a picture of any kind")


def test_words_of_another_model_do_not_come_along(window: MainWindow, document: Document) -> None:
    grey, words = document.draft.models
    document.draft.model = words
    assert window.panel.prompt.isVisible()
    assert not window.panel.no_text.isVisible()
    document.draft.update(prompt="red apple", negative="blue")
    document.draft.model = grey
    assert (document.draft.current.prompt, document.draft.current.negative) == ("", "")
    document.draft.model = words
    assert document.draft.current.prompt == "red apple"


def test_ctrl_l_goes_to_the_chosen_class(window: MainWindow, document: Document) -> None:
    document.draft.update(label="coat")
    window.panel.steps.field.setFocus()
    QTest.keyClick(window.panel.steps.field, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert window.panel.labels.chips["coat"].hasFocus()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_forks_variations_and_thresholds_work_in_grey(theme: str, document: Document, qtbot: QtBot) -> None:
    open_window(qtbot, document, Settings(values=Values(theme=theme)))  # type: ignore[arg-type]
    finish(qtbot, document, label="bag", steps=6, threshold="dynamic", guidance=4.0)
    document.shown.scrub(2)
    document.draft.update(label="sandal")
    fork = document.fork()
    assert fork is not None
    until(qtbot, lambda: fork.state.ended)
    assert fork.state is JobState.FINISHED, fork.message
    assert document.shown.run is not None
    assert (document.shown.run.inherited, document.shown.step_count) == (2, 6)
    document.shown.scrub(3)
    document.draft.update(batch=3)
    varied = document.vary()
    assert varied is not None
    until(qtbot, lambda: varied.state.ended)
    assert varied.state is JobState.FINISHED, varied.message
    assert len({QImage(str(path)).pixel(9, 9) for path in varied.images}) > 1
