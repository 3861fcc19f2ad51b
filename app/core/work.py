"""What the window and the engine say to each other: frozen and complete, so that neither touches the other's state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

from PySide6.QtGui import QImage

from engine.catalog import ModelInfo
from engine.request import Request

Ending: TypeAlias = Literal["finished", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Work:
    """One run for the engine: what to make, with which model, and where its run file and its pictures go.

    `cancelled` is the only thing both threads touch: the window sets it, the engine looks at it between model calls.
    """

    job: int
    request: Request
    model: ModelInfo
    run_path: Path
    pictures: Path
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` steps are in the run file, `seconds` after the run began."""

    job: int
    done: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Frame:
    """x̂₀ of picture `image` of the batch at step `step` (its index in the run), ready to paint."""

    job: int
    step: int
    image: int
    picture: QImage


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, with one sentence for people where it failed, and the pictures that were saved."""

    job: int
    ending: Ending
    seconds: float
    message: str = ""
    images: tuple[Path, ...] = ()
