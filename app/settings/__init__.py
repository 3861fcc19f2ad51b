"""What the studio remembers between starts: declared once, checked, saved atomically."""

from __future__ import annotations

from app.settings.declare import Declaration, SettingsError, declarations
from app.settings.file import load, peek, read, write
from app.settings.store import Settings, from_text, to_text
from app.settings.values import Values

__all__ = [
    "Declaration",
    "Settings",
    "SettingsError",
    "Values",
    "declarations",
    "from_text",
    "load",
    "peek",
    "read",
    "to_text",
    "write",
]
