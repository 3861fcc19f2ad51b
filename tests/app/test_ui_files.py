"""Pictures in and out through the window: real drops, pastes, keys and sheets."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.keeping import Keeper
from app.core.kept import read
from app.core.notices import Notice
from app.core.opening import Arrival
from app.ui.arrival_sheet import ArrivalSheet
from app.ui.canvas_sheets import CanvasSheet, NewSheet
from app.ui.export_sheet import ExportSheet
from app.ui.main_window import MainWindow
from engine.imagefile import load
from engine.picture import read_settings
from tests.app.conftest import Parts
from tests.app.windows import colours, finish, open_window, painted, until

WIDE = np.random.default_rng(8).integers(0, 256, (40, 120, 3), dtype=np.uint8)
STAGE = {
    "cascade": {
        "net": {"factor": 4},
        "schedule": {"type": "flow"},
        "defaults": {
            "level": 0.1,
            "sampler": "ddim",
            "spacing": "karras",
            "steps": 2,
            "sigma_min": 0.01,
            "sigma_max": 80,
        },
    }
}
SUITS = np.random.default_rng(9).integers(0, 256, (32, 48, 3), dtype=np.uint8)  # twice the fake model's 24 × 16


@pytest.fixture
def keeper(document: Document, tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(document.artwork, tmp_path / "artwork")
    made.restore()
    yield made
    made.close()


@pytest.fixture
def window(document: Document, keeper: Keeper, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, document, keeper=keeper)


@pytest.fixture(autouse=True)
def _own_clipboard() -> Iterator[None]:
    yield
    QGuiApplication.clipboard().clear()


def focused() -> QWidget:
    """Where the keys go."""
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget


def saved(folder: Path, rgb: np.ndarray, name: str = "holiday.png") -> Path:
    Image.fromarray(rgb).save(folder / name)
    return folder / name


def files(*paths: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def enter(widget: QWidget, mime: QMimeData, at: QPoint) -> bool:
    event = QDragEnterEvent(
        at, Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def drop(widget: QWidget, mime: QMimeData) -> bool:
    at = widget.rect().center()
    enter(widget, mime, at)
    event = QDropEvent(
        QPointF(at), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return event.isAccepted()


def opened(qtbot: QtBot, document: Document, rgb: np.ndarray) -> None:
    until(qtbot, lambda: document.artwork.is_open and np.array_equal(document.artwork.rgb(), rgb))


def key(window: MainWindow, code: Qt.Key, control: bool = True, shift: bool = False) -> None:
    modifiers = Qt.KeyboardModifier.NoModifier
    if control:
        modifiers |= Qt.KeyboardModifier.ControlModifier
    if shift:
        modifiers |= Qt.KeyboardModifier.ShiftModifier
    QTest.keyClick(window.canvas if window.canvas.isVisible() else window, code, modifiers)


# in: drop


def test_a_picture_dropped_on_the_window_is_on_the_canvas(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    path = saved(tmp_path, SUITS)
    assert enter(window, files(path), QPoint(50, 50))
    hint = window._drops.hint
    assert hint.isVisible()
    assert hint.size() == window.area.size()
    assert hint.text == "Drop to open this picture"
    assert len(colours(painted(hint).scaled(80, 60))) > 3
    assert drop(window, files(path))
    assert not hint.isVisible()
    opened(qtbot, document, SUITS)
    assert document.editing.shows_artwork
    assert document.artwork.title == "holiday"
    assert window.canvas.isVisible()
    assert window.canvas.hasFocus()


def test_it_may_be_dropped_on_the_prompt_the_canvas_or_the_timeline_as_well(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    """Whatever lies under the pointer, the drag comes up to the window."""
    finish(qtbot, document)
    mime = files(saved(tmp_path, SUITS))
    for widget in (window.panel.prompt.text.viewport(), window.canvas, window.timeline.strip, window.recent):
        assert enter(widget, mime, QPoint(3, 3)), type(widget).__name__
        assert window._drops.hint.isVisible()
        QApplication.sendEvent(window, QDragLeaveEvent())


def test_a_drag_that_leaves_again_leaves_no_hint(window: MainWindow, document: Document, tmp_path: Path) -> None:
    enter(window, files(saved(tmp_path, SUITS)), QPoint(50, 50))
    assert window._drops.hint.isVisible()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not window._drops.hint.isVisible()
    assert not document.artwork.is_open


def test_words_are_not_taken_from_the_prompt(window: MainWindow, tmp_path: Path) -> None:
    words = QMimeData()
    words.setText("red apple")
    assert not enter(window, words, QPoint(50, 50))
    assert not window._drops.hint.isVisible()
    assert window.panel.prompt.text.canInsertFromMimeData(words)
    assert not window.panel.prompt.text.canInsertFromMimeData(files(tmp_path / "a.png")), "the window takes files"


def test_of_several_files_the_first_is_opened_and_that_is_said(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    first, second = saved(tmp_path, SUITS, "a.png"), saved(tmp_path, 255 - SUITS, "b.png")
    enter(window, files(first, second), QPoint(50, 50))
    assert window._drops.hint.text == "Drop to open the first of 2 files"
    drop(window, files(first, second))
    opened(qtbot, document, SUITS)
    assert any(notice.text.startswith("Of 2 files the first is opened, a.png") for notice in parts.notices)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda path: path / "gone.png", "gone.png is not there"),
        (lambda path: path, "is a folder: choose a picture in it"),
        (lambda path: (path / "notes.txt", (path / "notes.txt").write_text("words"))[0], "is not a picture that can"),
        (lambda path: (path / "none.png", (path / "none.png").touch())[0], "none.png is empty"),
    ],
)
def test_what_is_no_picture_is_one_notice_and_nothing_changes(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path,
    make: Callable[[Path], Path], says: str,
) -> None:  # fmt: skip
    drop(window, files(make(tmp_path)))
    until(qtbot, lambda: parts.notices)
    assert [notice.level for notice in parts.notices] == ["error"]
    assert says in parts.notices[0].text
    assert not document.artwork.is_open
    assert window.area.notices.isVisible()


def test_a_picture_on_another_machine_is_not_fetched(window: MainWindow, parts: Parts) -> None:
    mime = QMimeData()
    mime.setUrls([QUrl("https://example.org/cat.png")])
    drop(window, mime)
    assert [notice.text for notice in parts.notices] == [
        "That picture is on another machine, and the studio does not go there: save it first, then open it."
    ]


def test_the_newest_of_two_pictures_asked_for_is_the_one_that_stays(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    heard: list[str] = []
    document.artwork.opened.connect(lambda: heard.append(document.artwork.title))
    drop(window, files(saved(tmp_path, SUITS, "first.png")))
    drop(window, files(saved(tmp_path, 255 - SUITS, "second.png")))
    opened(qtbot, document, 255 - SUITS)
    until(qtbot, lambda: window.files.opening._background.idle)
    assert heard == ["second"]


@pytest.mark.parametrize(("choice", "seed"), [("Use its settings", 11), ("All but the seed", 22)])
def test_a_picture_that_was_made_here_offers_its_settings_with_its_seed_and_without(
    choice: str, seed: int, window: MainWindow, document: Document, parts: Parts, qtbot: QtBot
) -> None:
    job = finish(qtbot, document, prompt="rocket", steps=7, seed=11)
    document.update_draft(prompt="apple", steps=3, seed=22)
    drop(window, files(job.images[0]))
    until(qtbot, lambda: document.artwork.is_open)
    until(qtbot, lambda: parts.notices and "how it was made" in parts.notices[-1].text)
    assert document.draft.prompt == "apple", "not before they are asked for"
    bar = window.area.notices
    (button,) = (button for button in bar.actions_ if button.text() == choice and button.isVisible())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert (document.draft.prompt, document.draft.steps, document.draft.seed) == ("rocket", 7, seed)
    assert not bar.isVisible()


def test_a_drop_while_the_lab_is_open_comes_back_to_the_canvas(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    window.show_room("lab")
    drop(window, files(saved(tmp_path, SUITS)))
    until(qtbot, lambda: document.artwork.is_open)
    assert window.room.name == "pictures"
    assert window.canvas.isVisible()


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


def test_pasting_words_says_what_to_copy_and_the_prompt_keeps_its_own_key(
    window: MainWindow, document: Document, parts: Parts
) -> None:
    QGuiApplication.clipboard().setText("rocket")
    window.actions_["paste"].trigger()
    assert "no picture on the clipboard: copy one" in parts.notices[0].text
    document.update_draft(prompt="")
    field = window.panel.prompt.text
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert document.draft.prompt == "rocket"
    assert len(parts.notices) == 1


def test_a_large_picture_is_brought_into_shape_in_the_background_and_a_newer_one_wins(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.core.opening.AT_ONCE", 0)
    heard: list[str] = []
    document.artwork.opened.connect(lambda: heard.append(document.artwork.title))
    window.files.opening.place(Arrival(SUITS, "large"))
    assert not document.artwork.is_open, "the window did not wait for it"
    opened(qtbot, document, SUITS)
    window.files.opening.place(Arrival(SUITS, "slow"))
    window.files.opening.blank(3, 2, QColor("white"))
    until(qtbot, lambda: window.files.opening._background.idle)
    assert heard == ["large", ""]
    assert (document.artwork.width, document.artwork.height) == (3, 2)


# in: another size than the model's


def arrival(window: MainWindow, qtbot: QtBot, path: Path) -> ArrivalSheet:
    drop(window, files(path))
    until(qtbot, lambda: isinstance(window.files.sheet, ArrivalSheet))
    sheet = window.files.sheet
    assert isinstance(sheet, ArrivalSheet)
    until(qtbot, sheet.isActiveWindow)
    return sheet


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


def test_the_second_stages_size_can_be_chosen(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    model = replace(document.model, id="large", config=document.model.config | STAGE)
    document.model = model
    sheet = arrival(window, qtbot, saved(tmp_path, WIDE))
    assert sheet.size_.isVisible()
    sheet.pick.chosen = "crop"
    sheet.size_.setFocus()
    QTest.keyClick(sheet.size_, Qt.Key.Key_Down)
    assert sheet.target == (96, 64)
    QTest.keyClick(sheet, Qt.Key.Key_Return)
    until(qtbot, lambda: document.artwork.is_open)
    assert (document.artwork.width, document.artwork.height) == (96, 64)


# in: by other ways


def test_the_shown_picture_is_taken_to_the_canvas_by_the_key(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    job = finish(qtbot, document, prompt="rocket")
    key(window, Qt.Key.Key_E)
    until(qtbot, lambda: document.artwork.is_open)
    assert np.array_equal(document.artwork.rgb(), load(job.images[0]).rgb)
    assert document.artwork.title == "rocket"
    document.scrub(1)
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


# another size


def test_the_canvas_grows_on_the_sides_that_are_asked_for_and_undo_takes_it_back(
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


def test_a_canvas_of_nothing_or_too_large_cannot_be_asked_for(window: MainWindow, document: Document) -> None:
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


def test_a_sheet_goes_with_the_picture_that_it_is_about(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    document.artwork.open(SUITS)
    window.actions_["canvas-size"].trigger()
    assert window.files.sheet is not None
    document.artwork.close()
    until(qtbot, lambda: window.files.sheet is None)


# out


def test_the_artwork_is_saved_as_it_is_and_then_has_a_file(
    window: MainWindow, document: Document, keeper: Keeper, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS, "my holiday")
    assert keeper.unsaved
    key(window, Qt.Key.Key_S)
    dialog = window.files.dialog
    assert isinstance(dialog, QFileDialog)
    assert Path(dialog.selectedFiles()[0]).name == "my-holiday.png"
    with qtbot.waitSignal(window.files.exporting.written):
        dialog.fileSelected.emit(str(tmp_path / "out.png"))
    dialog.close()
    assert np.array_equal(load(tmp_path / "out.png").rgb, SUITS)
    assert not keeper.unsaved


def test_what_is_painted_while_it_is_saved_is_still_unsaved(
    window: MainWindow, document: Document, keeper: Keeper, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS)
    with qtbot.waitSignal(window.files.exporting.written):
        window.files.save_to(str(tmp_path / "out.png"))
        document.artwork.apply(document.artwork.rect, 255 - SUITS, "Brush")
    assert np.array_equal(load(tmp_path / "out.png").rgb, SUITS)
    assert keeper.unsaved


def export(window: MainWindow, qtbot: QtBot) -> ExportSheet:
    window.activateWindow()
    until(qtbot, window.isActiveWindow)
    key(window, Qt.Key.Key_E, shift=True)
    sheet = window.files.sheet
    assert isinstance(sheet, ExportSheet)
    until(qtbot, sheet.isActiveWindow)
    return sheet


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
    with qtbot.waitSignal(window.files.exporting.written):
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
    with qtbot.waitSignal(window.files.exporting.written):
        window.files.export_to(subject, sheet.choice, str(tmp_path / "out.jpg"))
    with Image.open(tmp_path / "out.jpg") as out:
        assert (out.format, out.size) == ("JPEG", (96, 64))
    smooth = np.asarray(Image.fromarray(SUITS).resize((96, 64), Image.Resampling.LANCZOS)).astype(int)
    assert np.abs(load(tmp_path / "out.jpg").rgb - smooth).mean() < 8
    sheet.close()


def test_an_exported_picture_of_a_run_keeps_its_settings(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    job = finish(qtbot, document, prompt="rocket", batch=2)
    document.image_index = 1
    subject = window.files.subject()
    assert subject is not None
    sheet = export(window, qtbot)
    sheet.factor.setValue(4)
    with qtbot.waitSignal(window.files.exporting.written):
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
    document.model = replace(document.model, id="l", config=document.model.config | STAGE)
    row = export(window, qtbot).method.rows["cascade"]
    assert row.about == "Only for pictures of 24 × 16, the size that it has learnt"


def test_the_second_stage_draws_a_picture_of_its_size_and_that_is_written(
    window: MainWindow, document: Document, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    document.model = replace(document.model, id="l", config=document.model.config | STAGE)
    document.artwork.open(SUITS[:16, :24])
    sheet = export(window, qtbot)
    row = sheet.method.rows["cascade"]
    assert row.isEnabled()
    QTest.mouseClick(row, Qt.MouseButton.LeftButton)
    assert not sheet.factor.isEnabled()
    assert sheet.said.text() == "24 × 16 becomes 96 × 64, PNG"
    subject, choice = window.files.subject(), sheet.choice
    assert subject is not None
    with qtbot.waitSignal(window.files.exporting.written):
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


def test_opening_another_picture_keeps_the_one_that_was_not_saved(
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
    window: MainWindow, document: Document, keeper: Keeper, qtbot: QtBot
) -> None:
    assert not window.actions_["close-picture"].isEnabled()
    document.artwork.open(SUITS, "mine")
    key(window, Qt.Key.Key_W)
    assert not document.artwork.is_open
    assert window.area.welcome.isVisible()
    until(qtbot, lambda: keeper.has_earlier)


def test_the_artwork_outlives_the_window(
    window: MainWindow, document: Document, keeper: Keeper, qtbot: QtBot, tmp_path: Path
) -> None:
    document.artwork.open(SUITS, "mine")
    document.artwork.apply_mask(document.artwork.rect, np.full((32, 48), 200, np.uint8), "Brush")
    window.close()
    keeper.close()
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


def test_a_slow_picture_is_said_to_be_on_its_way(window: MainWindow, parts: Parts) -> None:
    window.files.opening._name = "holiday"
    window.files.opening._slow.timeout.emit()
    assert parts.notices == [Notice("info", "Reading holiday …")]
