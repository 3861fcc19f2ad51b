"""The errors that a person can do something about, and the one way to stop. Needs nothing else of the engine."""

from __future__ import annotations

from typing import ClassVar


class EngineError(Exception):
    """The base of every error whose message says in one sentence what is wrong and what to do.

    kind -- what it is about: "settings", "model", "picture", "run", "flow" …
    """

    kind: ClassVar[str] = "engine"

    @property
    def sentence(self) -> str:
        return str(self)


class Cancelled(Exception):
    """The run was asked to stop; raised between two calls of the net."""
