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
    """A run reached values that are NaN or infinite. The steps before it are complete.

    step, count -- the failed step, counted from 1, and the number of all
    cause       -- "start": the first state; "estimate": the output of D; "move": the sampler's own move
    """

    kind = "run"

    def __init__(self, step: int, count: int, sigma: float, cause: str, advice: str = "") -> None:
        self.step, self.count, self.sigma, self.cause = step, count, sigma, cause
        self.advice = (
            advice
            or {
                "start": "its first state has values that are not numbers: continue from an earlier step",
                "estimate": "the model returned values that are not numbers: its weights are damaged, install it again",
                "move": "the sampler exceeded the range of numbers: choose another one, or its default options",
            }[cause]
        )
        super().__init__(f"Step {step} of {count} (σ = {sigma:.3g}) failed: {self.advice}.")


class Cancelled(Exception):
    """The user cancelled the work; raised between two calls of the net."""
