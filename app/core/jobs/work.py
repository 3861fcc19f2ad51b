"""What the window and the engine say to each other: frozen and complete, so that neither touches the other's state."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QImage

from app.core.canvas.placement import Overlay, Placement
from engine.paths import path_of
from engine.spec.catalog import ModelInfo
from engine.spec.edit import Inputs, Pixels
from engine.spec.request import Request

Ending: TypeAlias = Literal["finished", "cancelled", "failed"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A stored step that a run goes on from: the `index`-th in the run file `path`, the path's step `step`.

    share -- the picture of that run whose state all pictures of the new one start from; None: each goes on from its own
    up    -- that run took a picture up to its noise, and this is the end of it: the new one begins with its own `step`
    """

    path: Path
    index: int
    step: int
    share: int | None = None
    up: bool = False

    @property
    def parent(self) -> dict[str, Any]:
        """As the header of the new run's file says it."""
        where = {"step": self.index, "at": self.step} if self.up else {"step": self.step}
        return {"run": self.path.stem, **where} | ({} if self.share is None else {"image": self.share})


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """The part of the artwork that a run makes anew, as it was when that was asked for, and where its pictures go.

    inputs -- what the engine is given; None where a fork keeps its parent's
    """

    inputs: Inputs | None
    placement: Placement


@dataclass(frozen=True, slots=True)
class Work:
    """One run for the engine: what to make, with which model, and where its run file and its pictures go.

    `origin` is where it goes on from; None for a run from the start. `snapshot` is what it makes anew of the artwork;
    None for a picture of its own. `aims` are the pictures that its guides aim at, besides those of its origin.
    `cancelled` is the only thing both threads touch: the window sets it, the engine looks at it between model calls.
    """

    job: int
    request: Request
    model: ModelInfo
    run_path: Path
    pictures: Path
    origin: Origin | None = None
    snapshot: Snapshot | None = None
    aims: tuple[Pixels, ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def steps(self) -> int:
        """How many steps are to be made."""
        return len(path_of(self.request)) - (self.origin.step if self.origin else 0)


@dataclass(frozen=True, slots=True, eq=False)
class Enlarging:
    """A picture (H, W, 3) for the second stage that `request` asks for; `cancelled` as for Work."""

    request: Request
    model: ModelInfo
    rgb: NDArray[np.uint8]
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` steps are in the run file, `seconds` after the run began; a fork's own steps alone count."""

    job: int
    done: int
    total: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Frame:
    """x̂₀ of picture `image` of the batch at step `step` (its index in the run file), ready to paint.

    overlay -- how it looks in its place in the artwork, where it has one
    """

    job: int
    step: int
    image: int
    picture: QImage
    overlay: Overlay | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended, with one sentence for people where it failed, and the pictures that were saved.

    seconds -- from the first model call to the last step; finishing, from there to the pictures: the second stage's
    """

    job: int
    ending: Ending
    seconds: float
    message: str = ""
    images: tuple[Path, ...] = ()
    finishing: float = 0.0
