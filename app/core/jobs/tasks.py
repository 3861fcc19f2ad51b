"""Errands: what the engine does besides runs. One thread does all, and none of them makes a run wait."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from engine.jobs.job import Job


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One errand on its way. `cancelled` is set by the window and looked at by the engine between two model calls.

    quick -- it takes at most a few dozen milliseconds and is done between two steps of whatever else goes on
    """

    id: int
    errand: Job
    quick: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)
