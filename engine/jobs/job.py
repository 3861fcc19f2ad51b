"""Job, Event and KINDS: a job is a frozen value that describes one piece of work completely. Needs no torch.

The window, the command line, a queue on disk and another process hand the same values to Session.perform. A job holds
data only. The table KINDS names its doer, the function that does it, which may need torch.

To add a kind of job, write its dataclass in one of the files beside this one and its doer beside the code that it
calls, and add one line here.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from engine.errors import EngineError, one_line

if TYPE_CHECKING:
    from engine.session import Session


class JobError(EngineError, ValueError):
    """A job that cannot be done or read; the message says in one sentence what to change."""

    kind = "job"


class Job:
    """The base of all jobs, which are frozen dataclasses that engine.jobs.serial can write and read.

    kind     -- its key in KINDS
    ahead    -- whether a person waits for it: it runs before, and between the model calls of, jobs without this flag
    finishes -- whether it still runs while the studio closes, because it saves the user's work
    """

    __slots__ = ()

    kind: ClassVar[str]
    ahead: ClassVar[bool] = False
    finishes: ClassVar[bool] = False


class Event:
    """The base of all events of a job: small frozen values with NumPy arrays, about thirty a second.

    latest -- whether a newer event of the same class replaces an older one that was not delivered yet
    """

    __slots__ = ()

    latest: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Progress(Event):
    """The progress of a job.

    done, total -- steps in its run file and all steps, both without the steps of a parent run; total is 0 where unknown
    share       -- of the whole job, 0 … 1
    seconds     -- the job's own time since its model was loaded
    """

    done: int
    total: int
    share: float
    seconds: float

    latest: ClassVar[bool] = True


@dataclass(frozen=True, slots=True, eq=False)
class Estimate(Event):
    """The x̂₀ of one step is known.

    step    -- its index in the run file; with progress.done = 0 it is the first step, which is not finished
    images  -- the number of pictures
    preview -- returns one of them, float32 (3 or 1, h, w) in [−1, 1], in a few milliseconds. It holds the state on the
               engine's device: call it in the engine's thread, and only for pictures that will be shown
    """

    progress: Progress
    step: int
    images: int
    preview: Callable[[int], Any]


def never_cancelled() -> bool:
    """The `cancelled` of a caller that never cancels."""
    return False


def _ignore(_: Event) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller of a job, as its doer sees it.

    cancelled -- called before each model call; True ends the job with engine.run.Cancelled. In the studio this call
                 also does urgent jobs, so the doer's state must be consistent then
    live      -- numbers by name that the caller may change while the job runs
    early     -- called with an event that cannot wait for the doer's next yield, within a step of several model calls
    clock     -- seconds, without the time of urgent jobs in between
    """

    cancelled: Callable[[], bool] = never_cancelled
    live: Mapping[str, float] = field(default_factory=dict)
    early: Callable[[Event], None] = _ignore
    clock: Callable[[], float] = time.perf_counter


Doer: TypeAlias = Callable[[Any, "Session", Caller], Iterator[Event]]

KINDS: dict[str, tuple[str, str]] = {  # kind: its class, its doer
    "decode": ("engine.jobs.encode:Decode", "engine.flow.roundtrip:decode"),
    "decode-step": ("engine.jobs.decode_step:DecodeStep", "engine.runs:decode_step"),
    "elbo": ("engine.jobs.likelihood:Elbo", "engine.flow.bound:elbo"),
    "encode": ("engine.jobs.encode:Encode", "engine.flow.roundtrip:encode"),
    "enlarge": ("engine.jobs.enlarge:Enlarge", "engine.runs:enlarge"),
    "fork": ("engine.jobs.generate:Fork", "engine.runs:fork"),
    "generate": ("engine.jobs.generate:Generate", "engine.runs:generate"),
    "hash-file": ("engine.jobs.load:HashFile", "engine.runs:hash_file"),
    "lab-coverage": ("engine.jobs.lab:LabCoverage", "engine.lab.doers:measure"),
    "lab-fields": ("engine.jobs.lab:LabFields", "engine.lab.doers:fields"),
    "lab-run": ("engine.jobs.lab:LabRun", "engine.lab.doers:run"),
    "lab-save": ("engine.jobs.lab:LabSave", "engine.lab.doers:save"),
    "lab-walk": ("engine.jobs.lab:LabWalk", "engine.lab.doers:chains"),
    "likelihood": ("engine.jobs.likelihood:Likelihood", "engine.flow.density:likelihood"),
    "load-clip": ("engine.jobs.load:LoadClip", "engine.guidance.scoring:load_clip"),
    "load-model": ("engine.jobs.load:LoadModel", "engine.runs:load_model"),
    "look": ("engine.jobs.score:Look", "engine.guidance.scoring:nearest_words"),
    "measure-calls": ("engine.jobs.measure:MeasureCalls", "engine.measuring:measure_calls"),
    "morph": ("engine.jobs.morph:Morphing", "engine.morph.render:morph"),
    "open-checkpoint": ("engine.jobs.load:OpenCheckpoint", "engine.runs:open_checkpoint"),
    "resume": ("engine.jobs.generate:Resume", "engine.runs:resume"),
    "score": ("engine.jobs.score:Score", "engine.guidance.scoring:score"),
    "suggest": ("engine.jobs.suggest:Suggest", "engine.models.meaning:suggest"),
    "sweep": ("engine.jobs.sweep:Sweep", "engine.guidance.sweeping:sweep"),
}


def class_of(kind: str) -> type[Job]:
    """Return the dataclass of a kind. Raises JobError for a kind that is not in KINDS."""
    if kind not in KINDS:
        raise JobError(f"There is no job of the kind “{one_line(kind, 100)}” here: update the studio.")
    found: type[Job] = _import(KINDS[kind][0])
    return found


def doer_of(job: Job) -> Doer:
    """Import and return the doer of a job; the import may load torch."""
    class_of(job.kind)
    found: Doer = _import(KINDS[job.kind][1])
    return found


def _import(path: str) -> Any:
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)
