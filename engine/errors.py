"""EngineError, the base of errors with a sentence for the user; Cancelled; why. Imports nothing else of the engine."""

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
    """Flags of a command that cannot be, or do not belong together."""

    kind = "usage"


class Cancelled(Exception):
    """The user cancelled the work; raised between two calls of the net."""


def why(error: BaseException) -> str:
    """Why something failed, for the end of a sentence: never empty, and without the machine's numbers."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError) and not isinstance(error, EngineError):
        return "there is not enough memory"
    return str(error) or type(error).__name__
