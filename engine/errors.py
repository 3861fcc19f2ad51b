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


class NotFiniteError(EngineError, ValueError):
    """A run came to values that are no numbers (NaN or infinite). The steps before it are whole.

    step, count -- the step that failed, counted from 1, and how many there are
    cause       -- "start": the state it began with; "estimate": what D answered; "move": the sampler's own move
    """

    kind = "run"

    def __init__(self, step: int, count: int, sigma: float, cause: str, told: str = "") -> None:
        self.step, self.count, self.sigma, self.cause = step, count, sigma, cause
        self.told = (
            told
            or {
                "start": "the state that it starts from holds values that are no numbers: go on from an earlier step",
                "estimate": "the model answered with values that are no numbers: its weights are damaged, get it again",
                "move": "the sampler left the range of numbers: choose another one, or its default options",
            }[cause]
        )
        super().__init__(f"Step {step} of {count} (σ = {sigma:.3g}) failed: {self.told}.")


class Cancelled(Exception):
    """The user cancelled the work; raised between two calls of the net."""
