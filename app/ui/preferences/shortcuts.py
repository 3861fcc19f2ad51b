"""The page of shortcuts: every command with its keys, and the field that gives it another one."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QHeaderView,
    QKeySequenceEdit,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core.palette.fuzzy import score
from app.ui.actions import ACTIONS
from app.ui.actions.bindings import Bindings, native, normal, why_not_key
from app.ui.look.theme import em
from app.ui.widgets.label import label, paragraph
from app.ui.window.shortcut_sheet import WHERE

NAME = Qt.ItemDataRole.UserRole
WALKS = (Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_PageDown, Qt.Key.Key_PageUp)
ADVICE = "Choose a command, then press its new key in the field."


class KeyField(QKeySequenceEdit):
    """Takes one key. Tab leaves it; `taken` carries the key as Qt's portable text."""

    taken = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setMaximumSequenceLength(1)
        self.setAccessibleName("New key")
        self.setClearButtonEnabled(True)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            if event.type() == QEvent.Type.KeyPress:
                self.focusNextPrevChild(event.key() == Qt.Key.Key_Tab)
                return True
            return False
        return super().event(event)


class ShortcutPage(QWidget):
    """The list is by menu. A key that another command has is told with its name, and given over only by the button."""

    def __init__(self, bindings: Bindings) -> None:
        super().__init__()
        self._bindings = bindings
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find a command, or a key such as Ctrl+L")
        self.search.setAccessibleName("Find a command")
        self.tree = QTreeWidget()
        self.tree.setAccessibleName("Commands and their keys")
        self.tree.setHeaderLabels(["Command", "Keys", "Works"])
        self.tree.setRootIsDecorated(False)
        self.tree.setUniformRowHeights(True)
        self.tree.setMinimumHeight(em(self, 9))
        header = self.tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setStretchLastSection(False)
        header.resizeSection(1, em(self, 11))
        header.resizeSection(2, em(self, 9))
        self.title = label("", "heading")
        self.key = KeyField()
        self.add = QPushButton("Add this key")
        self.replace = QPushButton("Use this key alone")
        self.none = QPushButton("No key")
        self.reset = QPushButton("Reset")
        self.said = paragraph(ADVICE)
        self.take = QPushButton("Take it")
        self.all = QPushButton("Reset all")
        for button in (self.add, self.replace, self.none, self.reset, self.take, self.all):
            button.setAutoDefault(False)
        fields = QHBoxLayout()
        fields.setSpacing(em(self, 0.4))
        fields.addWidget(self.key, 1)
        for button in (self.replace, self.add, self.none, self.reset):
            fields.addWidget(button)
        foot = QHBoxLayout()
        foot.addWidget(self.said, 1)
        foot.addWidget(self.take)
        foot.addWidget(self.all)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.4))
        column.addWidget(self.search)
        column.addWidget(self.tree, 1)
        column.addWidget(self.title)
        column.addLayout(fields)
        column.addLayout(foot)
        self._items = {action.id: QTreeWidgetItem() for action in ACTIONS}
        self._menus: dict[str, QTreeWidgetItem] = {}
        self._fill()
        self.search.textChanged.connect(self._filter)
        self.search.installEventFilter(self)
        self.tree.currentItemChanged.connect(lambda *_: self._on_current())
        self.tree.itemActivated.connect(lambda *_: self.key.setFocus(Qt.FocusReason.OtherFocusReason))
        self.key.keySequenceChanged.connect(lambda _: self._on_key())
        self.add.clicked.connect(lambda: self._set(add=True))
        self.replace.clicked.connect(lambda: self._set(add=False))
        self.take.clicked.connect(lambda: self._set(add=False, over=True))
        self.none.clicked.connect(self._on_none)
        self.reset.clicked.connect(self._on_reset)
        self.all.clicked.connect(bindings.reset_all)
        bindings.changed.connect(self.refresh)
        self.refresh()

    @property
    def chosen(self) -> str:
        """The id of the chosen command, "" for none."""
        item = self.tree.currentItem()
        return str(item.data(0, NAME) or "") if item is not None and not item.isHidden() else ""

    def choose(self, name: str) -> None:
        """Choose a command by its id, and show it."""
        self.search.clear()
        self.tree.setCurrentItem(self._items[name])
        self.tree.scrollToItem(self._items[name])

    def refresh(self) -> None:
        for action in ACTIONS:
            item = self._items[action.id]
            item.setText(1, "   ".join(map(native, self._bindings.keys(action.id))))
            font = item.font(1)
            font.setBold(self._bindings.is_changed(action.id))
            item.setFont(1, font)
        changes = self._bindings.changes
        self.all.setVisible(changes > 0)
        self.all.setText(f"Reset all {changes}" if changes > 1 else "Reset all")
        self._on_current()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in WALKS:
            self.tree.setFocus(Qt.FocusReason.OtherFocusReason)
            self.tree.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)

    def _fill(self) -> None:
        menus = self._menus
        for action in ACTIONS:
            if action.menu not in menus:
                menu = menus[action.menu] = QTreeWidgetItem([action.menu])
                menu.setFlags(Qt.ItemFlag.ItemIsEnabled)
                font = menu.font(0)
                font.setBold(True)
                menu.setFont(0, font)
                self.tree.addTopLevelItem(menu)
                menu.setExpanded(True)
            item = self._items[action.id]
            item.setText(0, action.text.rstrip("…"))
            item.setText(2, WHERE.get(action.where, "everywhere" if action.where == "window" else ""))
            item.setData(0, NAME, action.id)
            menus[action.menu].addChild(item)
        self.tree.setCurrentItem(self._items[ACTIONS[0].id])

    def _filter(self, text: str) -> None:
        """Show the commands that have the text in their name, menu or keys."""
        first = None
        for action in ACTIONS:
            item = self._items[action.id]
            fits = score(text, f"{action.text} {action.menu}") > 0 or text.casefold() in item.text(1).casefold()
            item.setHidden(not fits)
            if fits and first is None:
                first = item
        for menu in self._menus.values():
            menu.setHidden(True)
        for action in ACTIONS:
            if not self._items[action.id].isHidden():
                self._menus[action.menu].setHidden(False)
        if not self.chosen and first is not None:
            self.tree.setCurrentItem(first)
        self._on_current()

    def _on_current(self) -> None:
        name = self.chosen
        action = next((action for action in ACTIONS if action.id == name), None)
        self.title.setText(action.text.rstrip("…") if action else "No command is chosen.")
        self.key.setEnabled(bool(name))
        self.none.setEnabled(bool(name) and bool(self._bindings.keys(name)))
        self.reset.setEnabled(bool(name) and self._bindings.is_changed(name))
        self.key.clear()
        self._on_key()

    def _key(self) -> str:
        return normal(self.key.keySequence().toString(QKeySequence.SequenceFormat.PortableText))

    def _on_key(self) -> None:
        """Say whose the typed key is."""
        name, sequence, key = self.chosen, self.key.keySequence(), self._key()
        held = self._bindings.conflicts(name, key) if name and key else []
        usable = bool(name) and not why_not_key(sequence)
        for button in (self.add, self.replace):
            button.setEnabled(usable and not held)
        self.take.setVisible(usable and bool(held))
        if not key:
            self.said.setText(ADVICE)
        elif reason := why_not_key(sequence):
            self.said.setText(reason)
        elif held:
            names = " and ".join(f"“{action.text.rstrip('…')}”" for action in held)
            mine = self.title.text()
            self.said.setText(f"{native(key)} is the key of {names}. “{mine}” can take it from there.")
            self.take.setAccessibleName(f"Take {native(key)} for “{mine}” from {names}")
        elif key in self._bindings.keys(name):
            self.said.setText(f"{native(key)} is a key of this command already.")
        else:
            self.said.setText(f"{native(key)} is free.")

    def _set(self, add: bool, over: bool = False) -> None:
        name, key = self.chosen, self._key()
        if not name or not key or (self._bindings.conflicts(name, key) and not over):
            return
        (self._bindings.add_key if add else lambda n, k: self._bindings.set_keys(n, (k,)))(name, key)

    def _on_none(self) -> None:
        self._bindings.set_keys(self.chosen, ())

    def _on_reset(self) -> None:
        """Give the default keys back; where another command has one of them by now, ask first."""
        held = [key for key in self._bindings.default(self.chosen) if self._bindings.conflicts(self.chosen, key)]
        if held:
            self.key.setKeySequence(QKeySequence(held[0]))
        else:
            self._bindings.reset(self.chosen)
