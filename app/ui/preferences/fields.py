"""The field of one setting, made from its declaration: a check box, a number, a choice or a folder."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QButtonGroup,
    QCheckBox,
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QWidget,
)

from app.settings.declare import Declaration
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.edits import clear_refusal, refuse
from app.ui.widgets.spin_box import RealSpinBox, WholeSpinBox, show_number

FEW = 3  # choices that stand side by side; more of them drop down


class Field(QWidget):
    """`chosen` carries a value that a person chose; show_value emits nothing. wide -- it stands under its title"""

    chosen = Signal(object)
    wide = False

    def show_value(self, value: Any) -> None:
        raise NotImplementedError

    def _on_value(self, value: Any) -> None:
        self.chosen.emit(value)

    def _lay_out(self, *widgets: QWidget) -> QHBoxLayout:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.6))
        for widget in widgets:
            row.addWidget(widget)
        self.setFocusProxy(widgets[0])
        return row


class CheckField(Field):
    """A check box with the setting's title as its words."""

    def __init__(self, declared: Declaration) -> None:
        super().__init__()
        self.box = QCheckBox(declared.title)
        self.box.setAccessibleName(declared.title)
        self.box.setAccessibleDescription(declared.description)
        self._lay_out(self.box).addStretch(1)
        self.box.clicked.connect(self._on_value)

    def show_value(self, value: Any) -> None:
        self.box.setChecked(bool(value))


class SpinField(Field):
    """A number between the setting's ends, with its unit."""

    def __init__(self, declared: Declaration) -> None:
        super().__init__()
        self.box: WholeSpinBox | RealSpinBox
        low, high = declared.low or 0, declared.high or 0
        if declared.kind is float:
            self.box = RealSpinBox()
            self.box.setDecimals(max(1, math.ceil(-math.log10(declared.step))))
            self.box.setRange(low, high)
            self.box.setSingleStep(declared.step)
        else:
            self.box = WholeSpinBox()
            self.box.setRange(int(low), int(high))
            self.box.setSingleStep(int(declared.step))
        self.box.setSuffix(f" {declared.unit}" if declared.unit else "")
        self.box.setSpecialValueText(declared.zero)
        self.box.setAccessibleName(declared.title)
        self.box.setAccessibleDescription(declared.description)
        self.box.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        self.box.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.box.setKeyboardTracking(False)
        self.box.setFixedWidth(em(self, 6.5))
        self._lay_out(self.box)
        self.box.valueChanged.connect(self._on_value)

    def show_value(self, value: Any) -> None:
        show_number(self.box, value)


class ChoiceField(Field):
    """One of the choices: side by side where they are few, else in a list that drops down."""

    def __init__(self, declared: Declaration) -> None:
        super().__init__()
        self._choices = declared.choices
        words = [declared.labels.get(choice, str(choice)) for choice in self._choices]
        self.buttons: list[QRadioButton] = []
        self.list: ComboBox | None = None
        if len(words) > FEW:
            self.list = ComboBox(declared.title)
            self.list.setAccessibleDescription(declared.description)
            self.list.addItems(words)
            self.list.setMinimumWidth(em(self, 11))
            self._lay_out(self.list)
            self.list.activated.connect(self._on_row)
            return
        group = QButtonGroup(self)
        for k, text in enumerate(words):
            button = QRadioButton(text)
            button.setAccessibleName(f"{declared.title}: {text}")
            button.setAccessibleDescription(declared.description)
            group.addButton(button, k)
            self.buttons.append(button)
        self._lay_out(*self.buttons)
        group.idClicked.connect(self._on_row)

    def show_value(self, value: Any) -> None:
        row = self._choices.index(value)
        if self.list is not None:
            self.list.setCurrentIndex(row)
        else:
            self.buttons[row].setChecked(True)

    def _on_row(self, row: int) -> None:
        self.chosen.emit(self._choices[row])


class FolderField(Field):
    """A path that can be typed or chosen. Left empty it is the usual folder."""

    wide = True

    def __init__(self, declared: Declaration, usual: Path | None = None) -> None:
        super().__init__()
        self._title, self._value = declared.title, ""
        self.dialog: QFileDialog | None = None
        self.line = QLineEdit()
        self.line.setAccessibleName(declared.title)
        self.line.setAccessibleDescription(declared.description)
        self.line.setPlaceholderText(str(usual or ""))
        self.browse = QPushButton("Choose…")
        self.browse.setAccessibleName(f"Choose the {declared.title[:1].lower()}{declared.title[1:]}")
        self.browse.setAutoDefault(False)
        self._lay_out(self.line, self.browse).setStretch(0, 1)
        self.line.textEdited.connect(lambda: clear_refusal(self.line))
        self.line.editingFinished.connect(self._on_typed)
        self.browse.clicked.connect(self._ask)

    def show_value(self, value: Any) -> None:
        self._value = str(value)
        if self.line.text().strip() != self._value:
            self.line.setText(self._value)

    def _on_typed(self) -> None:
        text = self.line.text().strip()
        if text == self._value:
            return
        if reason := why_not_folder(text):
            refuse(self.line, reason)
            self.line.setText(self._value)
            return
        self.chosen.emit(text)

    def _ask(self) -> None:
        dialog = QFileDialog(self, self._title)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setDirectory(self._value or self.line.placeholderText())
        dialog.fileSelected.connect(self.choose)
        self.dialog = dialog
        dialog.open()

    def choose(self, path: str) -> None:
        """Take this folder, as if it was typed."""
        self.line.setText(path)
        self._on_typed()


def why_not_folder(text: str) -> str:
    """Why files cannot be written to a folder, in one sentence; "" when they can, and for the usual folder."""
    if not text:
        return ""
    path = Path(text)
    if not path.is_absolute():
        return f"“{text}” is no whole path: it begins with {Path.home().anchor}."
    existing = next((one for one in (path, *path.parents) if one.exists()), path)
    if not existing.is_dir():
        return f"{existing} is a file: choose a folder."
    if not os.access(existing, os.W_OK):
        return f"Nothing can be written to {existing}: choose another folder."
    return ""


def field_for(declared: Declaration, usual: Callable[[str], Path | None] = lambda name: None) -> Field:
    """The field of a setting. `usual` returns the folder that an empty path stands for, by the setting's name."""
    if declared.field == "folder":
        return FolderField(declared, usual(declared.name))
    if declared.choices:
        return ChoiceField(declared)
    if declared.kind is bool:
        return CheckField(declared)
    return SpinField(declared)
