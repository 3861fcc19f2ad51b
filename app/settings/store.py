"""The settings of the running studio: changed by name, saved after a flurry of changes."""

from __future__ import annotations

import base64
import dataclasses
from pathlib import Path
from typing import Any

from PySide6.QtCore import QByteArray, QObject, QTimer, Signal

from app.settings.declare import SettingsError, declarations
from app.settings.file import write
from app.settings.values import Values
from engine.errors import why

SAVE_AFTER_MS = 500  # a flurry of changes is one write
RETRY_MS = 20_000  # after what could not be written


class Settings(QObject):
    """The current values and their file. Without a `path` they are not kept."""

    changed = Signal(object)  # the set of names that changed
    save_failed = Signal(str)  # one sentence

    def __init__(self, path: Path | None = None, values: Values | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._path = path
        self._values = values or Values()
        self.at_start = self._values
        """The values at the start of the studio, which those settings that need a restart go by."""
        self._dirty = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_AFTER_MS)
        self._timer.timeout.connect(self.flush)
        self._complained = False
        self._retry = QTimer(self)
        self._retry.setSingleShot(True)
        self._retry.setInterval(RETRY_MS)
        self._retry.timeout.connect(self.flush)

    @property
    def values(self) -> Values:
        return self._values

    def update(self, **changes: Any) -> None:
        """Change settings by name. Only changed values are emitted and saved.

        Raises SettingsError for an unknown name, and for a value of another type or out of range: nothing changes then.
        """
        declared = declarations(Values)
        for name, value in changes.items():
            if name not in declared:
                raise SettingsError(f"“{name}” is unknown")
            declared[name].check(value)
        names = {name for name, value in changes.items() if getattr(self._values, name) != value}
        if not names:
            return
        self._values = dataclasses.replace(self._values, **changes)
        self._dirty = True
        self._timer.start()
        self.changed.emit(names)

    def reset(self, name: str) -> None:
        """Give a setting its default. Raises SettingsError for an unknown name."""
        if name not in declarations(Values):
            raise SettingsError(f"“{name}” is unknown")
        self.update(**{name: declarations(Values)[name].default})

    def flush(self) -> None:
        """Write what has not been written yet."""
        self._timer.stop()
        if not self._path or not self._dirty:
            return
        try:
            write(self._path, self._values)
        except (OSError, MemoryError) as error:
            self._retry.start()
            if not self._complained:  # once, and again only after a write in between
                self._complained = True
                self.save_failed.emit(f"The settings could not be saved in {self._path}: {why(error)}.")
        else:
            self._dirty = self._complained = False


def to_text(state: QByteArray) -> str:
    """Qt's saved geometry or state as the settings keep it."""
    return base64.b64encode(state.data()).decode("ascii")


def from_text(text: str) -> QByteArray:
    """The inverse; empty, which Qt takes for "nothing saved", where it is damaged."""
    try:
        return QByteArray(base64.b64decode(text, validate=True))
    except ValueError:
        return QByteArray()
