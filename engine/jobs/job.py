"""What a job is: a frozen, complete value that says everything about one piece of work. Needs no torch.

The window, the command line, a queue on disk and another process hand the same values to Session.perform. A job is
data alone; the table KINDS names the function that does it, its doer, which may need torch.

To add a kind of job: write its dataclass in one of the files beside this one, its doer near what it computes with, and
one line here.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.session import Session


class JobError(EngineError, ValueError):
    """A job that cannot be done or read; the message says in one sentence what to change."""

    kind = "job"


class Job:
    """The base of all jobs, each of which is a frozen dataclass that engine.jobs.serial can write and read.

    kind     -- its key in KINDS
    ahead    -- whether a person waits for it: it is done in the midst of jobs of which that is not so
    finishes -- whether it is still done when the studio closes, because it writes what a person made
    """

    __slots__ = ()

    kind: ClassVar[str]
    ahead: ClassVar[bool] = False
    finishes: ClassVar[bool] = False


class Event:
    """The base of all that a job tells while it is done: small frozen values of NumPy arrays, some thirty a second.

    latest -- whether a newer event of the class makes an older one worthless, which then need not arrive
    """

    __slots__ = ()

    latest: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """How far a job is.

    done, total -- steps that are in its run file, of those that it makes itself; total is 0 where nobody knows it yet
    share       -- of the whole job, 0 … 1
    seconds     -- of its own time since its model was loaded
    """

    done: int
    total: int
    share: float
    seconds: float

    latest: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class Estimate(Event):
    """The x̂₀ of one step is known.

    step    -- its index in the run file; with progress.done = 0 the first step, which is still under way
    images  -- how many pictures there are
    preview -- makes one of them, float32 (3 or 1, h, w) in [−1, 1], for a few milliseconds. It holds the state on the
               engine's device, so it is called where the job is done, and only for what will be looked at
    """

    progress: Progress
    step: int
    images: int
    preview: Callable[[int], Any]


def never() -> bool:
    """The answer to "cancelled?" where nobody can cancel."""
    return False


def _ignore(_: Event) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asked for a job, as its doer sees it.

    cancelled -- asked before each model call: True ends the job with engine.run.Cancelled. In the studio that question
                 is also when urgent jobs are done, so nothing may be half changed then
    live      -- numbers that the caller may change while the job goes on, by name
    early     -- called with an event that cannot wait until the doer yields: within a step of several model calls
    clock     -- seconds; what the caller did in between (urgent jobs) does not count
    """

    cancelled: Callable[[], bool] = never
    live: Mapping[str, float] = field(default_factory=dict)
    early: Callable[[Event], None] = _ignore
    clock: Callable[[], float] = time.perf_counter


Doer: TypeAlias = Callable[[Any, "Session", Caller], Iterator[Event]]

KINDS: dict[str, tuple[str, str]] = {  # kind: its class, its doer
    "decode": ("engine.jobs.encode:Decode", "engine.flow.roundtrip:decode"),
    "elbo": ("engine.jobs.likelihood:Elbo", "engine.flow.bound:elbo"),
    "encode": ("engine.jobs.encode:Encode", "engine.flow.roundtrip:encode"),
    "enlarge": ("engine.jobs.enlarge:Enlarge", "engine.runs:enlarge"),
    "fork": ("engine.jobs.generate:Fork", "engine.runs:fork"),
    "generate": ("engine.jobs.generate:Generate", "engine.runs:generate"),
    "likelihood": ("engine.jobs.likelihood:Likelihood", "engine.flow.density:likelihood"),
    "load-clip": ("engine.jobs.load:LoadClip", "engine.guidance.scoring:load_clip"),
    "load-model": ("engine.jobs.load:LoadModel", "engine.runs:load_model"),
    "look": ("engine.jobs.score:Look", "engine.guidance.scoring:look"),
    "morph": ("engine.jobs.morph:Morphing", "engine.morph.render:morph"),
    "resume": ("engine.jobs.generate:Resume", "engine.runs:resume"),
    "score": ("engine.jobs.score:Score", "engine.guidance.scoring:score"),
    "sweep": ("engine.jobs.sweep:Sweep", "engine.guidance.sweeping:sweep"),
}


def class_of(kind: str) -> type[Job]:
    """The dataclass of a kind. Raises JobError for a kind that is not in KINDS."""
    if kind not in KINDS:
        raise JobError(f"There is no job of the kind “{kind}” here: update the studio.")
    found: type[Job] = _imported(KINDS[kind][0])
    return found


def doer_of(job: Job) -> Doer:
    """The function that does a job, imported when it is first needed: that may bring torch in."""
    class_of(job.kind)
    found: Doer = _imported(KINDS[job.kind][1])
    return found


def _imported(path: str) -> Any:
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)
