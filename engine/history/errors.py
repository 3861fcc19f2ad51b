"""What goes wrong with the history. Imports no SQLite: the window opens without it."""

from __future__ import annotations

from engine.errors import EngineError


class HistoryError(EngineError):
    """The history cannot be opened or written; the sentence says what to do."""

    kind = "history"


class DamagedHistory(HistoryError):
    """The file of the history is damaged, or is no database."""
