"""The preferences: every declared setting has a field that changes it, and a search finds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListView, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.settings import Settings, Values, declarations
from app.settings.subjects import SUBJECTS
from app.ui.help.about_sheet import AboutSheet
from app.ui.help.guide_sheet import GuideSheet
from app.ui.look.motion import motion_reduced, reduce_motion
from app.ui.preferences.fields import CheckField, ChoiceField, FolderField, SpinField, why_not_folder
from app.ui.preferences.parts import PreferenceParts
from app.ui.preferences.pen import PenTrial
from app.ui.preferences.row import NOW_WAITING, SettingRow
from app.ui.preferences.search import find
from app.ui.preferences.sheet import Preferences
from app.ui.preferences.shortcuts import ShortcutPage
from app.ui.widgets.combo_box import ComboBox

SHOWN = [declared for declared in declarations(Values).values() if declared.subject]


def page_of(sheet: Preferences) -> QWidget:
    """The page in front."""
    page = sheet.pages.currentWidget()
    assert page is not None
    return page


def row_of(sheet: Preferences, name: str) -> SettingRow:
    """The row of a setting, on the page that is in front."""
    sheet.open_page(name)
    rows = page_of(sheet).findChildren(SettingRow)
    return next(row for row in rows if row.declared.name == name)


def change(row: SettingRow, tmp_path: Path) -> object:
    """Change the setting as a person does; return the value that it should have."""
    field = row.field
    if isinstance(field, CheckField):
        QTest.mouseClick(field.box, Qt.MouseButton.LeftButton, pos=QPoint(8, field.box.height() // 2))
        return not row.declared.default
    if isinstance(field, SpinField):
        field.box.setFocus()
        up = field.box.value() < field.box.maximum()
        before = field.box.value()
        QTest.keyClick(field.box, Qt.Key.Key_Up if up else Qt.Key.Key_Down)
        return pytest.approx(before + (row.declared.step if up else -row.declared.step))
    if isinstance(field, FolderField):
        field.line.setFocus()
        QTest.keyClicks(field.line, str(tmp_path))
        QTest.keyClick(field.line, Qt.Key.Key_Return)
        return str(tmp_path)
    assert isinstance(field, ChoiceField)
    if field.list is not None:
        field.list.setFocus()
        QTest.keyClick(field.list, Qt.Key.Key_Down)
    else:
        QTest.mouseClick(field.buttons[1], Qt.MouseButton.LeftButton, pos=QPoint(8, field.buttons[1].height() // 2))
    return row.declared.choices[1]


def test_every_setting_can_be_changed_on_its_page_and_reset(
    sheet: Preferences, preference_parts: PreferenceParts, tmp_path: Path
) -> None:
    settings = preference_parts.settings
    for declared in SHOWN:
        row = row_of(sheet, declared.name)
        assert sheet.subject == declared.subject
        assert not row.reset.isVisible(), declared.name
        wanted = change(row, tmp_path)
        assert getattr(settings.values, declared.name) == wanted, declared.name
        assert row.reset.isVisible(), declared.name
        assert (row.waits.text() == NOW_WAITING) == declared.restart, declared.name
        row.reset.click()
        assert getattr(settings.values, declared.name) == declared.default
    assert settings.values == Values()


def test_a_row_follows_a_change_from_elsewhere(sheet: Preferences, preference_parts: PreferenceParts) -> None:
    row = row_of(sheet, "reduced_motion")
    preference_parts.settings.update(reduced_motion=True)
    assert isinstance(row.field, CheckField)
    assert row.field.box.isChecked()


def test_a_search_finds_titles_and_descriptions_of_all_subjects(sheet: Preferences) -> None:
    assert {hits.subject.name for hits in find("folder")} >= {"folders"}
    assert [one.name for hits in find("blink") for one in hits.settings] == ["reduced_motion"]
    assert {hits.subject.name for hits in find("hash")} == {"privacy"}
    assert find("no such words") == []
    for declared in SHOWN:
        assert declared in [one for hits in find(declared.title) for one in hits.settings]
    QTest.keyClicks(sheet.search, "export")
    rows = {row.declared.name for row in page_of(sheet).findChildren(SettingRow)}
    assert {"export_factor", "bare_exports"} <= rows
    QTest.keyClick(sheet.search, Qt.Key.Key_Escape)
    assert sheet.isVisible()
    assert sheet.subject == SUBJECTS[0].name


def test_a_search_leads_to_the_keys_of_a_command(sheet: Preferences) -> None:
    QTest.keyClicks(sheet.search, "another seed")
    links = page_of(sheet).findChildren(QPushButton)
    next(link for link in links if "Another seed" in link.text()).click()
    assert sheet.subject == "shortcuts"
    assert sheet.findChildren(ShortcutPage)[0].chosen == "roll"


def test_a_key_is_changed_on_the_page_and_a_conflict_is_told(
    sheet: Preferences, preference_parts: PreferenceParts
) -> None:
    bindings = preference_parts.bindings
    sheet.find_command("generate")
    page = sheet.findChildren(ShortcutPage)[0]
    page.key.setFocus()
    QTest.keyClick(page.key, Qt.Key.Key_F6)
    assert page.said.text() == "F6 is free."
    page.add.click()
    assert bindings.keys("generate")[0] == "F6"
    QTest.keyClick(page.key, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    assert "“Go to the prompt”" in page.said.text()
    assert "“Generate”" in page.said.text()
    assert not page.add.isEnabled()
    page.take.click()
    assert (bindings.keys("generate"), bindings.keys("prompt")) == (("Ctrl+L",), ())
    page.choose("prompt")
    page.reset.click()  # its default key is another's by now: nothing is taken unasked
    assert bindings.keys("prompt") == ()
    assert "“Generate”" in page.said.text()
    page.take.click()
    assert bindings.keys("prompt") == ("Ctrl+L",)
    page.all.click()
    assert bindings.changes == 0


def test_the_precision_of_models_is_kept_with_their_settings(
    sheet: Preferences, preference_parts: PreferenceParts
) -> None:
    sheet.open_page("computing")
    box = next(box for box in page_of(sheet).findChildren(ComboBox) if box.accessibleName() == "Precision of models")
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Down)
    assert preference_parts.library.settings.precision == "float32"


def test_an_impossible_folder_is_refused_with_a_reason(sheet: Preferences, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "no whole path" in why_not_folder("pictures")
    assert "is a file" in why_not_folder(str(tmp_path / "file" / "below"))
    assert why_not_folder(str(tmp_path / "new")) == ""
    row = row_of(sheet, "pictures_folder")
    assert isinstance(row.field, FolderField)
    row.field.line.setFocus()
    QTest.keyClicks(row.field.line, "pictures")
    QTest.keyClick(row.field.line, Qt.Key.Key_Return)
    assert "no whole path" in row.field.line.toolTip()
    assert row.field.line.text() == ""


def test_the_pens_curve_is_that_of_the_test_field(qtbot: QtBot) -> None:
    settings = Settings()
    trial = PenTrial(settings)
    qtbot.addWidget(trial)
    settings.update(pen_curve=2.0)
    assert trial.field.pen.share(0.5) == pytest.approx(0.25)
    assert "25%" in trial.plot.accessibleDescription()
    settings.update(pen_pressure=False)
    assert trial.field.pen.share(0.1) == 1.0
    settings.flush()


def test_reduced_motion_stops_the_cursor_and_gives_it_back(qtbot: QtBot) -> None:
    before = QGuiApplication.styleHints().cursorFlashTime()
    reduce_motion(True)
    assert motion_reduced()
    reduce_motion(False)
    assert QGuiApplication.styleHints().cursorFlashTime() == before


def test_everything_that_takes_the_keyboard_has_a_name(
    sheet: Preferences, preference_parts: PreferenceParts, qtbot: QtBot
) -> None:
    """Screen readers speak it."""
    about = AboutSheet("a device", preference_parts.folders, lambda path: None)
    guide = GuideSheet()
    for made in (about, guide):
        qtbot.addWidget(made)
    for subject in SUBJECTS:
        sheet.open_page(subject.name)
    for top in (sheet, about, guide):
        for widget in top.findChildren(QWidget):
            drops_down = type(widget) is QListView  # which is named when it opens
            takes = widget.focusPolicy() & Qt.FocusPolicy.TabFocus and not drops_down
            if takes and not widget.objectName().startswith("qt_"):
                text = widget.accessibleName() or widget.property("text")
                assert text, (type(widget), widget.objectName())
