"""EngineError, the base of errors with a sentence for the user; Cancelled; why. Imports nothing else of the engine."""

from __future__ import annotations

import unicodedata
from typing import ClassVar

LONGEST = 600  # characters of a sentence; what a file holds may be longer
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # turn the direction of what follows


class EngineError(Exception):
    """The base of all errors whose message says in one sentence what is wrong and what to do.

    kind -- the subject: "settings", "model", "picture", "run", "flow" …
    """

    kind: ClassVar[str] = "engine"

    def __str__(self) -> str:
        return one_line(super().__str__())

    @property
    def sentence(self) -> str:
        return str(self)


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return a text that may quote a file, on one line: control characters and halves of characters become escapes.

    Of a text of more than `longest` characters the middle is left out.
    """
    if len(text) > longest:
        text = f"{text[: longest * 2 // 3]} … {text[-(longest // 3 - 3) :]}"
    if text.isprintable():
        return text
    hidden = {c for c in text if c in _TURNS or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")}
    return "".join(c.encode("unicode_escape").decode() if c in hidden else c for c in text)


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
    """The user cancelled the work; raised between two calls of the net. It is no failure: nothing logs it."""


def why(error: BaseException) -> str:
    """Why something failed, for the end of a sentence: never empty, and without the machine's numbers."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, MemoryError) and not isinstance(error, EngineError):
        return "there is not enough memory"
    return str(error) or type(error).__name__
