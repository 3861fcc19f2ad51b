"""Bindings: the keys of every action, as the table has them or as the user changed them."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QKeySequence

from app.settings import Settings
from app.settings.keys import MOST_KEYS
from app.ui.actions import ACTIONS
from app.ui.actions.action import Action
from app.ui.actions.places import meet

NATIVE = QKeySequence.SequenceFormat.NativeText
FOCUS_KEYS = {Qt.Key.Key_Tab, Qt.Key.Key_Backtab}


class Bindings(QObject):
    """Changes are kept in the settings. The user's own keys win over a default key of another action."""

    changed = Signal()

    def __init__(self, settings: Settings, parent: QObject | None = None, actions: Sequence[Action] = ACTIONS) -> None:
        super().__init__(parent)
        self._settings, self._actions = settings, actions
        self._by_id = {action.id: action for action in actions}
        self._defaults = {action.id: tuple(map(normal, action.keys)) for action in actions}
        self._keys: dict[str, tuple[str, ...]] = {}
        self._read()
        settings.changed.connect(self._on_settings)

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of the action `name`, in Qt's portable text; the first one stands in menus."""
        return self._keys[name]

    def text(self, name: str) -> str:
        """Its first key as this system writes it; "" without one."""
        keys = self._keys[name]
        return native(keys[0]) if keys else ""

    def is_of_window(self, key: str) -> bool:
        """Whether an action has this key that works anywhere in the window."""
        return any(key in self._keys[action.id] for action in self._actions if action.where == "window")

    def is_changed(self, name: str) -> bool:
        """Whether the user changed its keys, or took one of them for another action."""
        return self._keys[name] != self.default(name)

    def default(self, name: str) -> tuple[str, ...]:
        """Its keys in the table."""
        return self._defaults[name]

    @property
    def changes(self) -> int:
        """The number of actions with keys of the user's own."""
        return sum(action.id in self._settings.values.shortcuts for action in self._actions)

    def conflicts(self, name: str, key: str) -> list[Action]:
        """The other actions that have this key in a place where that of `name` works too."""
        mine, wanted = self._by_id[name], normal(key)
        holders = (other for other in self._actions if other.id != name and wanted in self._keys[other.id])
        return [other for other in holders if meet(mine, other)]

    def set_keys(self, name: str, keys: Sequence[str]) -> None:
        """Give an action these keys alone. Whatever had one of them in the same place loses it."""
        wanted = tuple(dict.fromkeys(found for key in keys if (found := normal(key))))[:MOST_KEYS]
        own = dict(self._settings.values.shortcuts)
        for other in {action.id for key in wanted for action in self.conflicts(name, key)} & set(own):
            own[other] = tuple(key for key in self._keys[other] if key not in wanted)
        own[name] = wanted
        if wanted == self.default(name):
            del own[name]
        self._settings.update(shortcuts=own)

    def add_key(self, name: str, key: str) -> None:
        """Give an action one more key, which menus and tips show."""
        self.set_keys(name, (key, *self._keys[name]))

    def reset(self, name: str) -> None:
        """Give an action its default keys again; who had one of them in the same place loses it."""
        self.set_keys(name, self.default(name))

    def reset_all(self) -> None:
        self._settings.update(shortcuts={})

    def _on_settings(self, names: set[str]) -> None:
        if "shortcuts" in names:
            self._read()
            self.changed.emit()

    def _read(self) -> None:
        """Find the keys of all actions: first those that the user set, then the defaults that are still free."""
        own = self._settings.values.shortcuts
        self._keys = {action.id: () for action in self._actions}
        for action in sorted(self._actions, key=lambda action: action.id not in own):
            wanted = tuple(filter(None, map(normal, own[action.id]))) if action.id in own else self.default(action.id)
            self._keys[action.id] = tuple(key for key in wanted if not self.conflicts(action.id, key))


@functools.lru_cache(maxsize=1024)
def normal(key: str) -> str:
    """A key in Qt's portable text, "" for none."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText)


def native(key: str) -> str:
    """A key as this system writes it."""
    return QKeySequence(key).toString(NATIVE)


def why_not_key(sequence: QKeySequence) -> str:
    """Why a key can be no shortcut, in one sentence; "" when it can."""
    if sequence.isEmpty():
        return "Press a key, alone or with Ctrl, Alt and Shift."
    pressed = sequence[0]  # type: ignore[index]
    if pressed.key() in FOCUS_KEYS and not pressed.keyboardModifiers() & Qt.KeyboardModifier.ControlModifier:
        return "Tab moves from field to field: choose another key."
    return ""
