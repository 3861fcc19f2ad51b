"""The sheet of presets: save the settings on the panel, apply, rename and delete."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QImage, QKeySequence, QPixmap, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.request.presets import LONGEST_NAME, Preset, Presets
from app.core.shown.naming import shorten
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.widgets.label import label

LONGEST = 46  # characters of the prompt in a line
ROLE = Qt.ItemDataRole.UserRole


class PresetSheet(QDialog):
    """Enter or a double click applies a preset, F2 renames it, Del deletes it. No other window is blocked.

    shown -- returns the picture on the canvas, which a saved preset gets; None without one
    """

    def __init__(self, presets: Presets, shown: Callable[[], QImage | None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._presets, self._shown = presets, shown
        self._filling = False
        self.setWindowTitle("Presets")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.name = QLineEdit()
        self.name.setMaxLength(LONGEST_NAME)
        self.name.setPlaceholderText("Name for the settings on the panel")
        self.name.setAccessibleName("Name of the new preset")
        self.save = QPushButton("Save")
        self.save.setToolTip("Keep all settings on the panel under this name, with the picture on the canvas")
        self.list = QListWidget()
        self.list.setAccessibleName("Presets")
        side = em(self, 3)
        self.list.setIconSize(QSize(side, side))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed)
        self.use = QPushButton("Apply")
        set_kind(self.use, "primary")
        self.but_prompt = QPushButton("All but the prompt")
        self.but_prompt.setToolTip("Apply the preset, and keep the prompt and the negative prompt on the panel")
        self.rename = QPushButton("Rename")
        self.remove = QPushButton("Delete")
        self.back = QPushButton("Undo delete")
        self.said = label("", "muted")
        for button in (self.save, self.use, self.but_prompt, self.rename, self.remove, self.back):
            button.setAutoDefault(False)
        self._lay_out()
        self.save.clicked.connect(self._save)
        self.name.returnPressed.connect(self._save)
        self.use.clicked.connect(lambda _=False: self._apply())
        self.but_prompt.clicked.connect(lambda _=False: self._apply(prompt=False))
        self.rename.clicked.connect(lambda _=False: self.list.editItem(self.list.currentItem()))
        self.remove.clicked.connect(self._remove)
        self.back.clicked.connect(lambda _=False: presets.bring_back())
        self.list.itemActivated.connect(lambda _item: self._apply())
        self.list.itemChanged.connect(self._rename)
        self.list.currentItemChanged.connect(self._offer)
        delete = QShortcut(QKeySequence(Qt.Key.Key_Delete), self.list, self._remove)
        delete.setContext(Qt.ShortcutContext.WidgetShortcut)
        # Later: a renamed item must not be deleted while Qt tells of its change.
        presets.changed.connect(self.refresh, Qt.ConnectionType.QueuedConnection)
        self.refresh()
        self.list.setFocus()

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.name, 1)
        top.addWidget(self.save)
        below = QHBoxLayout()
        for button in (self.rename, self.remove, self.back):
            below.addWidget(button)
        below.addStretch(1)
        below.addWidget(self.but_prompt)
        below.addWidget(self.use)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 1), em(self, 1), em(self, 1), em(self, 0.8))
        column.setSpacing(em(self, 0.6))
        column.addLayout(top)
        column.addWidget(self.list, 1)
        column.addWidget(self.said)
        column.addLayout(below)
        self.resize(em(self, 36), em(self, 26))

    @property
    def current(self) -> Preset | None:
        item = self.list.currentItem()
        return None if item is None else item.data(ROLE)

    def refresh(self) -> None:
        """Show the presets; the same one stays current."""
        kept = self.current.name if self.current else ""
        self._filling = True
        self.list.clear()
        for preset in self._presets.all:
            item = QListWidgetItem(preset.name)
            item.setData(ROLE, preset)
            item.setToolTip(describe(preset))
            if preset.picture:
                pixmap = QPixmap()
                pixmap.loadFromData(preset.picture)
                icon = QIcon(pixmap)
                icon.addPixmap(pixmap, QIcon.Mode.Selected)  # else Qt tints it
                item.setIcon(icon)
            if preset.path is not None:
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            self.list.addItem(item)
            if preset.name == kept:
                self.list.setCurrentItem(item)
        if self.list.currentRow() < 0:
            self.list.setCurrentRow(0)
        self._filling = False
        self._offer()

    def _offer(self) -> None:
        preset = self.current
        own = preset is not None and preset.path is not None
        self.rename.setEnabled(own)
        self.remove.setEnabled(own)
        self.use.setEnabled(preset is not None)
        self.but_prompt.setEnabled(preset is not None)
        self.back.setVisible(self._presets.can_bring_back)
        self.said.setText(describe(preset) if preset else "")

    def _save(self) -> None:
        if self._presets.save(self.name.text(), self._shown()) is not None:
            self.name.clear()

    def _apply(self, prompt: bool = True) -> None:
        if (preset := self.current) is not None and self._presets.apply(preset, prompt):
            self.said.setText(f"“{preset.name}” is on the panel.")

    def _rename(self, item: QListWidgetItem) -> None:
        preset: Preset = item.data(ROLE)
        if not self._filling and self._presets.rename(preset, item.text()) in (None, preset):
            self._filling = True
            item.setText(preset.name)
            self._filling = False

    def _remove(self) -> None:
        if (preset := self.current) is not None and preset.path is not None:
            self._presets.remove(preset)


def describe(preset: Preset) -> str:
    """What a preset sets, in one line."""
    request = preset.request
    what = [f"“{shorten(request.prompt, LONGEST)}”"] if request.prompt else []
    what += [request.label] if request.label else []
    what += [request.model, request.sampler, f"{request.steps} steps", f"guidance {request.guidance:g}"]
    own = "" if preset.path is not None else "Comes with the studio: "
    return own + ", ".join(what)
