"""Pictures out: saved, exported enlarged, and never lost."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.files.autosave import Autosave
from app.core.files.autosave_file import read
from app.ui.window.main_window import MainWindow
from engine.pictures.image_file import load
from engine.pictures.png import read_settings
from tests.app.conftest import Parts
from tests.app.files.conftest import STAGE, SUITS, drop, export, files, focused, key, opened, saved
from tests.app.windows import finish, until

# out


def test_the_artwork_is_saved_as_it_is_and_then_has_a_file(
    window: MainWindow, document: Document, autosave: Autosave, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS, "my holiday")
    assert autosave.unsaved
    key(window, Qt.Key.Key_S)
    dialog = window.files.dialog
    assert isinstance(dialog, QFileDialog)
    assert Path(dialog.selectedFiles()[0]).name == "my-holiday.png"
    with qtbot.waitSignal(window.files.exporter.written):
        dialog.fileSelected.emit(str(tmp_path / "out.png"))
    dialog.close()
    assert np.array_equal(load(tmp_path / "out.png").rgb, SUITS)
    assert not autosave.unsaved


def test_what_is_painted_while_it_is_saved_is_still_unsaved(
    window: MainWindow, document: Document, autosave: Autosave, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS)
    with qtbot.waitSignal(window.files.exporter.written):
        window.files.save_to(str(tmp_path / "out.png"))
        document.artwork.apply(document.artwork.rect, 255 - SUITS, "Brush")
    assert np.array_equal(load(tmp_path / "out.png").rgb, SUITS)
    assert autosave.unsaved


def test_a_picture_is_exported_enlarged_by_the_keyboard_and_the_choice_is_remembered(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS, "holiday")
    sheet = export(window, qtbot)
    QTest.keyClicks(focused(), "3")
    QTest.keyClick(focused(), Qt.Key.Key_Tab)
    assert sheet.said.text() == "48 × 32 becomes 144 × 96, PNG"
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    dialog = window.files.dialog
    assert isinstance(dialog, QFileDialog)
    assert Path(dialog.selectedFiles()[0]).name == "holiday-144x96.png"
    with qtbot.waitSignal(window.files.exporter.written):
        dialog.fileSelected.emit(str(tmp_path / "out.png"))
    dialog.close()
    assert np.array_equal(load(tmp_path / "out.png").rgb, SUITS.repeat(3, 0).repeat(3, 1))
    assert window.settings.values.export_factor == 3
    assert export(window, qtbot).factor.value() == 3


def test_other_kinds_have_a_quality_and_lanczos_is_smooth(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS)
    sheet = export(window, qtbot)
    assert not sheet.quality.isEnabled()
    sheet.kind.setFocus()
    QTest.keyClick(sheet.kind, Qt.Key.Key_Down)
    assert sheet.choice.kind == "jpg"
    assert sheet.quality.isEnabled()
    sheet.factor.setValue(2)
    QTest.mouseClick(sheet.method.rows["lanczos"], Qt.MouseButton.LeftButton)
    subject = window.files.subject()
    assert subject is not None
    with qtbot.waitSignal(window.files.exporter.written):
        window.files.export_to(subject, sheet.choice, str(tmp_path / "out.jpg"))
    with Image.open(tmp_path / "out.jpg") as out:
        assert (out.format, out.size) == ("JPEG", (96, 64))
    smooth = np.asarray(Image.fromarray(SUITS).resize((96, 64), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(load(tmp_path / "out.jpg").rgb - smooth).mean() < 8
    sheet.close()


def test_an_export_too_large_for_its_format_cannot_be_chosen(window: MainWindow, qtbot: QtBot) -> None:
    window.document.artwork.open(np.zeros((4, 64, 3), np.uint8))
    sheet = export(window, qtbot)
    sheet.factor.setValue(256)
    assert sheet.yes.isEnabled()
    for kind, allowed in (("webp", False), ("jpg", True), ("webp", False), ("png", True)):
        sheet.kind.setCurrentIndex(sheet.kind.findData(kind))
        sheet.refresh()
        assert sheet.yes.isEnabled() == allowed
        assert ("WebP has at most 16383 pixels a side here: choose PNG" in sheet.said.text()) != allowed


def test_an_exported_picture_of_a_run_keeps_its_settings(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    job = finish(qtbot, document, prompt="rocket", batch=2)
    document.shown.image_index = 1
    subject = window.files.subject()
    assert subject is not None
    sheet = export(window, qtbot)
    sheet.factor.setValue(4)
    with qtbot.waitSignal(window.files.exporter.written):
        window.files.export_to(subject, sheet.choice, str(tmp_path / "out.png"))
    settings = read_settings(tmp_path / "out.png")
    assert settings is not None
    assert settings.prompt == "rocket"
    assert settings.seeds == job.request.seeds[1:]
    assert load(tmp_path / "out.png").rgb.shape == (64, 96, 3)
    sheet.close()


def test_where_the_second_stage_cannot_be_had_its_row_says_why(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    document.artwork.open(SUITS)
    sheet = export(window, qtbot)
    row = sheet.method.rows["cascade"]
    assert not row.isEnabled()
    assert row.about == "Fake has no second stage"
    document.draft.model = replace(document.draft.model, id="l", config=document.draft.model.config | STAGE)
    row = export(window, qtbot).method.rows["cascade"]
    assert row.about == "Only for pictures of 24 × 16, the size that it has learnt"


def test_export_can_enlarge_by_the_second_stage(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    document.draft.model = replace(document.draft.model, id="l", config=document.draft.model.config | STAGE)
    document.artwork.open(SUITS[:16, :24])
    sheet = export(window, qtbot)
    row = sheet.method.rows["cascade"]
    assert row.isEnabled()
    QTest.mouseClick(row, Qt.MouseButton.LeftButton)
    assert not sheet.factor.isEnabled()
    assert sheet.said.text() == "24 × 16 becomes 96 × 64, PNG"
    subject, choice = window.files.subject(), sheet.choice
    assert subject is not None
    with qtbot.waitSignal(window.files.exporter.written):
        window.files.export_to(subject, choice, str(tmp_path / "out.png"))
    assert np.array_equal(load(tmp_path / "out.png").rgb, SUITS[:16, :24].repeat(4, 0).repeat(4, 1))
    asked = parts.fake.requests[-1]
    assert asked.edit is None
    assert asked.enlargement is not None
    assert not asked.enlargement.truncated

    parts.fake.fail_at, parts.fake.error = 0, MemoryError("no more")
    window.files.export_to(subject, choice, str(tmp_path / "other.png"))
    until(qtbot, lambda: parts.notices[-1].level == "error")
    assert "other.png could not be saved" in parts.notices[-1].text
    assert not (tmp_path / "other.png").exists()
    sheet.close()


@pytest.mark.parametrize("name", ["out.bmp", "missing/"])
def test_a_picture_that_cannot_be_written_is_one_notice(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path, name: str
) -> None:
    document.artwork.open(SUITS)
    (tmp_path / "missing").mkdir()
    window.files.save_to(str(tmp_path / name))
    until(qtbot, lambda: parts.notices)
    assert parts.notices[-1].level == "error"
    assert "could not be saved" in parts.notices[-1].text
    assert not list(tmp_path.rglob("*.part"))


# nothing is lost


def test_opening_a_picture_keeps_the_unsaved_one(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS, "mine")
    assert not window.actions_["earlier"].isEnabled()
    drop(window, files(saved(tmp_path, 255 - SUITS)))
    opened(qtbot, document, 255 - SUITS)
    until(qtbot, window.actions_["earlier"].isEnabled)
    assert any(notice.text == "“mine” was not saved; the studio has kept it." for notice in parts.notices)
    window.actions_["earlier"].trigger()
    opened(qtbot, document, SUITS)
    until(qtbot, lambda: not window.actions_["earlier"].isEnabled())


def test_closing_the_picture_goes_back_to_the_welcome_and_keeps_it(
    window: MainWindow, document: Document, autosave: Autosave, qtbot: QtBot
) -> None:
    assert not window.actions_["close-picture"].isEnabled()
    document.artwork.open(SUITS, "mine")
    key(window, Qt.Key.Key_W)
    assert not document.artwork.is_open
    assert window.area.welcome.isVisible()
    until(qtbot, lambda: autosave.has_earlier)


def test_the_artwork_outlives_the_window(
    window: MainWindow, document: Document, autosave: Autosave, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS, "mine")
    document.artwork.apply_mask(document.artwork.rect, np.full((32, 48), 200, np.uint8), "Brush")
    window.close()
    autosave.close()
    back = read(tmp_path / "artwork")
    assert np.array_equal(back.rgb, SUITS)
    assert (back.mask == 200).all()


def test_every_sheet_is_named_and_reached_by_the_keyboard(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS)
    for begin in (window.files.new, window.files.resize_canvas, window.files.export):
        begin()
        sheet = window.files.sheet
        assert sheet is not None
        until(qtbot, sheet.isActiveWindow)
        seen: list[QWidget] = []
        while (now := QApplication.focusWidget()) not in seen:
            assert now is not None
            seen.append(now)
            assert now.accessibleName() or getattr(now, "text", str)(), f"{type(now).__name__} of {sheet.windowTitle()}"
            QTest.keyClick(now, Qt.Key.Key_Tab)
        assert sheet.yes in seen
        assert sheet.no in seen
