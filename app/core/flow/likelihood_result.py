"""A question about a picture's likelihood, and its result so far."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from PySide6.QtCore import QRectF

from app.core.flow.regions import Regions
from app.core.flow.subject import Pixels
from app.core.jobs.engine import Task
from engine.jobs.likelihood import ElboTerms, LogDensity

ConditionSource: TypeAlias = Literal["nothing", "panel", "made"]  # which of three conditions the model has


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of the judged picture; "" and None are no condition."""

    prompt: str = ""
    label: str | None = None

    @property
    def words(self) -> str:
        """Such as “red apple”, noto; "" for nothing."""
        return ", ".join(([f"“{self.prompt}”"] if self.prompt else []) + ([self.label] if self.label else []))


@dataclass(frozen=True, slots=True)
class LikelihoodQuestion:
    """The judged picture, the model and the condition: the key of a result."""

    picture: Hashable
    model_sha256: str
    condition: Condition
    way: str


@dataclass(slots=True)
class LikelihoodResult:
    """The result of a question so far; `place` is the judged part of the canvas, `rgb` its pixels."""

    place: QRectF
    rgb: Pixels
    density: LogDensity | None = None
    terms: ElboTerms | None = None
    problem: str = ""  # why there is no more, in one sentence


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Bits by region over `place` of the canvas, and the picture (h, w, 3) that they are of."""

    place: QRectF
    rgb: Pixels
    regions: Regions


@dataclass(slots=True)
class Measurement:
    """The tasks of one question that have not ended, the running one first; `share` of it is done."""

    question: LikelihoodQuestion
    tasks: OrderedDict[str, Task] = field(default_factory=OrderedDict)  # by their names, in words
    share: float = 0.0
    stopping: bool = False

    @property
    def words(self) -> str:
        return next(iter(self.tasks), "")
