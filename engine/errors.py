"""EngineError, the base of errors with a sentence for the user, and Cancelled. Imports nothing else of the engine."""

from __future__ import annotations

from typing import ClassVar


class EngineError(Exception):
    """The base of all errors whose message says in one sentence what is wrong and what to do.

    kind -- the subject: "settings", "model", "picture", "run", "flow" …
    """

    kind: ClassVar[str] = "engine"

    @property
    def sentence(self) -> str:
        return str(self)


class UsageError(EngineError, ValueError):
    """Impossible flags of a command, or flags that do not belong together."""

    kind = "usage"


class Cancelled(Exception):
    """The user cancelled the work; raised between two calls of the net."""
