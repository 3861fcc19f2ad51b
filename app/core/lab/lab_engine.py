"""What the lab and its engine say to each other: frozen and complete, as `app.core.jobs.work` is for pictures."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.jobs.lab import Ask, Trial, Walk
from engine.spec.lab_data import Data


@dataclass(frozen=True, slots=True)
class Cover:
    """Measure how well noise at many scales covers the plane, with this many chains."""

    data: Data
    particles: int


@dataclass(frozen=True, slots=True, eq=False)
class Save:
    """Write frames (H, W, 3) to `path`; several are an animation."""

    path: Path
    frames: Sequence[NDArray[np.uint8]]
    settings: str


Job: TypeAlias = Trial | Walk | Cover | Save


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One thing to do. `cancelled` is set by the window and looked at by the engine between two model calls."""

    id: int
    job: Job
    cancelled: threading.Event = field(default_factory=threading.Event)


class LabEngine(QObject):
    """What the lab needs of an engine. `app.bridge.lab.LabClient` is one."""

    field_arrived = Signal(object)  # Field
    told = Signal(int, list)  # of a task, what is new: Snapshot, Flow, Points of walking chains (the latest), Coverage
    ended = Signal(int, str)  # a task, once each; why it failed, or ""

    @abstractmethod
    def ask(self, asks: Sequence[Ask]) -> None:
        """The fields that are wanted now, the most urgent first; what was asked before and not begun is forgotten."""

    @abstractmethod
    def do(self, task: Task) -> None:
        """Begin `task` as soon as the one before has ended; saving begins at once, whatever else goes on."""

    @abstractmethod
    def set_level(self, sigma: float) -> None:
        """The noise level that chains walk at, from their next hop on."""
