"""Pictures of another size than the model's, and canvases that are made larger or smaller."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.canvas.size_sheets import CanvasSheet
from app.ui.window.main_window import MainWindow
from tests.app.files.conftest import STAGE, SUITS, WIDE, arrival, focused, opened, saved
from tests.app.windows import painted, until


def test_a_picture_of_another_shape_asks_and_keeps_every_pixel_by_default(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    sheet = arrival(window, qtbot, saved(tmp_path, WIDE))
    assert not document.artwork.is_open
    assert [row.outcome for row in sheet.pick.rows.values()] == ["120 × 40", "24 × 16", "24 × 8", "24 × 16"]
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    opened(qtbot, document, WIDE)
    assert (document.artwork.box.width(), document.artwork.box.height()) == (60, 40)


def test_the_arrows_choose_another_way_and_the_drawing_follows(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    sheet = arrival(window, qtbot, saved(tmp_path, WIDE))
    pictures = [painted(sheet.plan)]
    for _ in range(3):
        QTest.keyClick(focused(), Qt.Key.Key_Down)
        pictures.append(painted(sheet.plan))
    assert sheet.pick.chosen == "pad"
    assert all(a != b for k, a in enumerate(pictures) for b in pictures[:k])
    QTest.mouseClick(sheet.yes, Qt.MouseButton.LeftButton)
    until(qtbot, lambda: document.artwork.is_open)
    assert (document.artwork.width, document.artwork.height) == (24, 16)
    assert (document.artwork.mask[0] == 255).all()
    assert (document.artwork.mask[8] == 0).all()


def test_escape_leaves_everything_as_it_was(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    sheet = arrival(window, qtbot, saved(tmp_path, WIDE))
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    until(qtbot, lambda: window.files.sheet is None)
    assert not document.artwork.is_open


def test_the_panels_size_is_the_first_offer(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    document.draft.model = replace(document.draft.model, id="large", config=document.draft.model.config | STAGE)
    document.draft.update(enlarge=True)
    sheet = arrival(window, qtbot, saved(tmp_path, WIDE))
    assert sheet.target == (96, 64)
    sheet.close()
    until(qtbot, lambda: window.files.sheet is None)
    document.draft.update(enlarge=False)
    sheet = arrival(window, qtbot, saved(tmp_path, WIDE))
    assert sheet.size_.isVisible()
    assert sheet.target == (24, 16)
    sheet.pick.chosen = "crop"
    sheet.size_.setFocus()
    QTest.keyClick(sheet.size_, Qt.Key.Key_Down)
    assert sheet.target == (96, 64)
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    until(qtbot, lambda: document.artwork.is_open)
    assert (document.artwork.width, document.artwork.height) == (96, 64)


# another size


def test_the_canvas_grows_on_the_chosen_sides_and_undo_restores_it(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    document.artwork.open(SUITS, "holiday", (24, 16))
    window.actions_["canvas-size"].trigger()
    sheet = window.files.sheet
    assert isinstance(sheet, CanvasSheet)
    until(qtbot, sheet.isActiveWindow)
    QTest.keyClicks(focused(), "10")
    QTest.keyClick(focused(), Qt.Key.Key_Tab)
    QTest.keyClicks(focused(), "-4")
    QTest.keyClick(focused(), Qt.Key.Key_Tab)
    assert sheet.said.text() == "48 × 32 becomes 58 × 28"
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    assert (document.artwork.width, document.artwork.height) == (58, 28)
    assert np.array_equal(document.artwork.rgb()[:, 10:], SUITS[4:])
    assert (document.artwork.mask[:, :10] == 255).all()
    assert (document.artwork.mask[:, 10:] == 0).all()
    document.artwork.undo()
    assert np.array_equal(document.artwork.rgb(), SUITS)


def test_an_empty_or_too_large_canvas_cannot_be_chosen(window: MainWindow, document: Document) -> None:
    document.artwork.open(SUITS)
    window.actions_["canvas-size"].trigger()
    sheet = window.files.sheet
    assert isinstance(sheet, CanvasSheet)
    for value, says in ((-48, "Nothing of the picture would be left"), (16384, "16384 pixels a side are the most")):
        sheet.sides["Left"].setValue(value)
        assert says in sheet.said.text()
        assert not sheet.yes.isEnabled()
        QTest.keyClick(sheet, Qt.Key.Key_Return)
        assert document.artwork.width == 48
    sheet.sides["Left"].setValue(0)
    assert sheet.yes.isEnabled()


def test_a_sheet_closes_with_its_picture(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    document.artwork.open(SUITS)
    window.actions_["canvas-size"].trigger()
    assert window.files.sheet is not None
    document.artwork.close()
    until(qtbot, lambda: window.files.sheet is None)
