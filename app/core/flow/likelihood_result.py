"""What is asked of a model about a picture, and what came of it so far."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from PySide6.QtCore import QRectF

from app.core.flow.regions import Regions
from app.core.flow.subject import Pixels
from engine.jobs.likelihood import ElboTerms, LogDensity

Given: TypeAlias = Literal["nothing", "panel", "made"]  # what the model is told: which of three conditions


@dataclass(frozen=True, slots=True)
class Condition:
    """What the model is told of the picture that it judges; "" and None are nothing."""

    prompt: str = ""
    label: str | None = None

    @property
    def words(self) -> str:
        """Such as “red apple”, noto; "" for nothing."""
        return ", ".join(([f"“{self.prompt}”"] if self.prompt else []) + ([self.label] if self.label else []))


@dataclass(frozen=True, slots=True)
class Question:
    """Which picture is judged, by whom and told what: what a verdict is remembered by."""

    picture: Hashable
    model_sha256: str
    condition: Condition
    way: str


@dataclass(slots=True)
class LikelihoodResult:
    """What came of a question so far; `place` is the part of the canvas that was judged, `rgb` its pixels."""

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
class Doing:
    """The errands of one question that have not ended, the one that is done now first; `share` of it is done."""

    question: Question
    errands: OrderedDict[int, str] = field(default_factory=OrderedDict)  # their numbers, and what they do in words
    share: float = 0.0
    stopping: bool = False

    @property
    def words(self) -> str:
        return next(iter(self.errands.values()), "")
