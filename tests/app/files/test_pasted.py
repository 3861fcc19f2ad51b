"""Pictures pasted, taken from a run or made blank, and opened by the dialog."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.files.mime import local_files
from app.core.files.open import Arrival
from app.core.notices import Notice
from app.ui.canvas.size_sheets import NewSheet
from app.ui.request.seed_field import SeedField
from app.ui.window.main_window import MainWindow
from engine.pictures.image_file import Loaded, ReadingStopped, load
from tests.app.conftest import Parts
from tests.app.files.conftest import SUITS, files, focused, key, opened, saved
from tests.app.windows import finish, until

# in: paste


def test_a_picture_is_pasted_by_the_key(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    image = QImage(48, 32, QImage.Format.Format_ARGB32)
    image.fill(QColor(10, 20, 30, 255))
    image.setPixelColor(0, 0, QColor(0, 0, 0, 0))
    QGuiApplication.clipboard().setImage(image)
    window.setFocus()
    key(window, Qt.Key.Key_V)
    until(qtbot, lambda: document.artwork.is_open)
    assert document.artwork.rgb()[5, 5].tolist() == [10, 20, 30]
    assert document.artwork.rgb()[0, 0].tolist() == [255, 255, 255]
    assert document.artwork.title == "Pasted picture"


def test_bytes_on_the_clipboard_are_read_as_a_file_is(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[274] = 6
    Image.fromarray(np.ascontiguousarray(np.rot90(SUITS))).save(file, "PNG", exif=exif)
    mime = QMimeData()
    mime.setData("image/png", file.getvalue())
    QGuiApplication.clipboard().setMimeData(mime)
    window.actions_["paste"].trigger()
    opened(qtbot, document, SUITS)


def test_a_file_copied_in_a_file_manager_is_pasted(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    QGuiApplication.clipboard().setMimeData(files(saved(tmp_path, SUITS)))
    window.actions_["paste"].trigger()
    opened(qtbot, document, SUITS)


def test_a_file_named_with_its_host_is_a_file_of_this_machine(tmp_path: Path) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("file://localhost/tmp/a%20b.png"), QUrl("https://example.org/c.png")])
    assert local_files(mime) == [Path("/tmp/a b.png")]


def png_of(rgb: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "PNG")
    return file.getvalue()


def image_of(rgb: np.ndarray) -> QImage:
    height, width = rgb.shape[:2]
    return QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


def test_of_several_formats_the_first_whole_one_is_pasted(
    window: MainWindow, document: Document, qtbot: QtBot, parts: Parts
) -> None:
    mime = QMimeData()
    mime.setData("image/png", png_of(SUITS)[:60])
    mime.setData("image/x-portable-pixmap", b"P6 1 1 255\n")
    mime.setData("image/bmp", b"")
    mime.setImageData(image_of(SUITS))
    QGuiApplication.clipboard().setMimeData(mime)
    window.actions_["paste"].trigger()
    opened(qtbot, document, SUITS)
    assert not [notice for notice in parts.notices if notice.level == "error"]


def test_the_error_of_the_best_clipboard_format_is_shown(
    window: MainWindow, document: Document, qtbot: QtBot, parts: Parts
) -> None:
    mime = QMimeData()
    mime.setData("image/bmp", b"nothing")
    mime.setData("image/png", png_of(SUITS)[:60])
    QGuiApplication.clipboard().setMimeData(mime)
    window.actions_["paste"].trigger()
    until(qtbot, lambda: bool(parts.notices))
    assert "The pasted picture is damaged" in parts.notices[0].text
    assert not document.artwork.is_open


@pytest.mark.parametrize(("field", "kind"), [("prompt", "image"), ("prompt", "file"), ("seed", "image")])
def test_a_field_with_the_keyboard_leaves_a_picture_to_the_window(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path, field: str, kind: str
) -> None:
    if kind == "file":
        QGuiApplication.clipboard().setMimeData(files(saved(tmp_path, SUITS)))
    else:
        QGuiApplication.clipboard().setImage(image_of(SUITS))
    until(qtbot, window.isActiveWindow)
    widget: QWidget = window.panel.prompt.text if field == "prompt" else window.panel.findChildren(SeedField)[0].field
    widget.setFocus()
    before = document.draft.current.prompt, document.draft.current.seed
    QTest.keyClick(widget, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    opened(qtbot, document, SUITS)
    assert (document.draft.current.prompt, document.draft.current.seed) == before


def test_text_and_picture_together_are_text_to_a_field_and_a_picture_to_a_drop(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    def both() -> QMimeData:
        mime = QMimeData()
        mime.setText("rocket")
        mime.setImageData(image_of(SUITS))
        return mime

    field, dropped = window.panel.prompt.text, both()
    enter = QDragEnterEvent(field.rect().center(), Qt.DropAction.CopyAction, dropped, Qt.MouseButton.LeftButton,
                            Qt.KeyboardModifier.NoModifier)  # fmt: skip
    field.dragEnterEvent(enter)
    assert not enter.isAccepted(), "the window takes it"
    window._take(dropped)
    opened(qtbot, document, SUITS)
    QGuiApplication.clipboard().setMimeData(both())
    document.draft.update(prompt="")
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert document.draft.current.prompt == "rocket"


def test_a_newer_picture_and_closing_stop_what_is_being_read(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, stopped = Event(), Event()

    def endless(source: object, cancelled: Callable[[], bool]) -> Loaded:
        begun.set()
        while not cancelled():
            pass
        stopped.set()
        raise ReadingStopped

    opener = window.files.opener
    monkeypatch.setattr("app.core.files.open.load", endless)
    for stop in (partial(opener.blank, 3, 2, QColor("white")), opener.close):
        begun.clear()
        stopped.clear()
        opener.open_file(saved(tmp_path, SUITS))
        until(qtbot, begun.is_set)
        stop()
        until(qtbot, stopped.is_set)
    assert document.artwork.width == 3


def test_pasting_text_on_the_canvas_explains_what_to_copy(window: MainWindow, document: Document, parts: Parts) -> None:
    QGuiApplication.clipboard().setText("rocket")
    window.actions_["paste"].trigger()
    assert "no picture on the clipboard: copy one" in parts.notices[0].text
    document.draft.update(prompt="")
    field = window.panel.prompt.text
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert document.draft.current.prompt == "rocket"
    assert len(parts.notices) == 1


def test_a_large_picture_is_brought_into_shape_in_the_background_and_a_newer_one_wins(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.files.open.AT_ONCE", 0)
    heard: list[str] = []
    document.artwork.opened.connect(lambda: heard.append(document.artwork.title))
    window.files.opener.place(Arrival(SUITS, "large"))
    assert not document.artwork.is_open, "the window did not wait for it"
    opened(qtbot, document, SUITS)
    window.files.opener.place(Arrival(SUITS, "slow"))
    window.files.opener.blank(3, 2, QColor("white"))
    assert document.artwork.title == "large", "nor for this one"
    until(qtbot, lambda: window.files.opener._background.idle)
    assert heard == ["large", ""]
    assert (document.artwork.width, document.artwork.height) == (3, 2)


# in: by other ways


def test_the_shown_picture_is_taken_to_the_canvas_by_the_key(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    job = finish(qtbot, document, prompt="rocket")
    key(window, Qt.Key.Key_E)
    until(qtbot, lambda: document.artwork.is_open)
    assert np.array_equal(document.artwork.rgb(), load(job.images[0]).rgb)
    assert document.artwork.title == "rocket"
    document.shown.scrub(1)
    window.actions_["edit-shown"].trigger()
    assert not np.array_equal(document.artwork.rgb(), load(job.images[0]).rgb)


def test_a_blank_canvas_of_any_size_by_the_keyboard(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    key(window, Qt.Key.Key_N)
    sheet = window.files.sheet
    assert isinstance(sheet, NewSheet)
    until(qtbot, sheet.isActiveWindow)
    QTest.keyClicks(focused(), "70")
    QTest.keyClick(focused(), Qt.Key.Key_Tab)
    QTest.keyClicks(focused(), "50")
    QTest.keyClick(focused(), Qt.Key.Key_Tab)
    QTest.keyClick(focused(), Qt.Key.Key_Down)
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    until(qtbot, lambda: document.artwork.is_open)
    assert (document.artwork.width, document.artwork.height) == (70, 50)
    assert (document.artwork.rgb() == 128).all()


def test_another_colour_joins_the_list_and_is_chosen(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    window.files.new()
    sheet = window.files.sheet
    assert isinstance(sheet, NewSheet)
    sheet.colour.setCurrentIndex(sheet.colour.count() - 1)
    sheet.colour.activated.emit(sheet.colour.count() - 1)
    (dialog,) = sheet.findChildren(QWidget, "", Qt.FindChildOption.FindDirectChildrenOnly)[-1:]
    assert sheet.colour.currentText() == "White", "until one is chosen"
    dialog.close()
    sheet.take_colour(QColor("#0a6b62"))
    assert sheet.colour.currentText() == "#0a6b62"
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    assert document.artwork.rgb()[0, 0].tolist() == [0x0A, 0x6B, 0x62]


def test_the_open_dialog_knows_the_kinds_and_opens_the_file(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    window.actions_["open"].trigger()
    dialog = window.files.dialog
    assert isinstance(dialog, QFileDialog)
    assert "*.webp" in dialog.nameFilters()[0]
    assert "*.tiff" in dialog.nameFilters()[0]
    assert "*.eps" not in dialog.nameFilters()[0]
    dialog.fileSelected.emit(str(saved(tmp_path, SUITS)))
    dialog.close()
    opened(qtbot, document, SUITS)


def test_a_slow_picture_shows_a_notice_while_it_is_read(window: MainWindow, parts: Parts) -> None:
    window.files.opener._name = "holiday"
    window.files.opener._slow.timeout.emit()
    assert parts.notices == [Notice("info", "Reading holiday …")]
