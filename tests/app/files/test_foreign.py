"""Pictures of other studios opened in the window: their settings are offered as our own pictures' are."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.window.main_window import MainWindow
from tests.app.conftest import Parts
from tests.app.files.conftest import drop, files
from tests.app.windows import until
from tests.engine.pictures.foreign.files import A1111, GRAPH, comfy, exif, png


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWEEDIE_HOME", str(tmp_path / "home"))


def offered(window: MainWindow, qtbot: QtBot, path: Path) -> str:
    """Drop a picture; return the notice that offers its settings."""
    drop(window, files(path))
    bar = window.area.notices
    until(qtbot, lambda: bar.notice is not None and bar.notice.actions)
    assert bar.notice is not None
    return bar.notice.text


@pytest.mark.parametrize("end", ["png", "jpg"])
def test_its_settings_go_on_the_panel(
    end: str, window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    path = tmp_path / f"cat.{end}"
    if end == "png":
        png(path, {"parameters": A1111})
    else:
        exif(path, {}, b"UNICODE\0" + A1111.encode("utf-16-be"))
    before = document.draft.current.prompt, document.draft.current.seed
    text = offered(window, qtbot, path)
    title = document.draft.model.title
    assert text.startswith(
        "Made with A1111: its prompt, negative prompt, sampler, schedule, steps, guidance and seed can"
    )
    assert f"Not here: the model “dream” (879db523c3), the LoRA “detail” (7c6bad76eb); {title} is used instead." in text
    assert "Not used: Hires upscale 1.5×, ADetailer, ControlNet" in text
    assert (document.draft.current.prompt, document.draft.current.seed) == before, "nothing is taken unasked"
    assert [button.text() for button in window.area.notices.actions_] == ["Use its settings", "All but the seed"]
    QTest.mouseClick(window.area.notices.actions_[0], Qt.MouseButton.LeftButton)
    draft = document.draft.current
    assert (draft.sampler, draft.spacing, draft.steps, draft.seed) == ("dpmpp-2m", "karras", 20, 123456)
    assert window.panel.prompt.text.toPlainText() == "a (cat:1.2), in a hat\nsecond line"
    assert window.panel.steps.field.value() == 20


def test_all_but_the_seed(window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path) -> None:
    document.draft.update(seed=5)
    assert offered(window, qtbot, png(tmp_path / "c.png", {"prompt": comfy(**GRAPH)}, "tEXt")).startswith(
        "Made with Comfy"
    )
    QTest.mouseClick(window.area.notices.actions_[1], Qt.MouseButton.LeftButton)
    assert (document.draft.current.seed, document.draft.current.steps) == (5, 25)


def test_a_damaged_text_leaves_the_picture_whole(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    drop(
        window,
        files(png(tmp_path / "d.png", {"prompt": '{"3": {"class_type": "KSampler", "inputs": [', "Comment": "{"})),
    )
    until(qtbot, lambda: document.artwork.is_open)
    assert parts.notices == []
