"""Jobs that make pictures: a run from the start, one that goes on from a stored step, one that finishes its own file.

Each tells Progress and an Estimate for every step, PictureSaved for every picture that is safe on disk, and at the end
RunEnded. Needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

from engine.jobs.job import Event, Job
from engine.spec.edit import Inputs, Pixels
from engine.spec.request import Request


@dataclass(frozen=True, slots=True)
class PictureSaved(Event):
    """A finished picture is whole at `path`."""

    path: Path


@dataclass(frozen=True, slots=True)
class RunEnded(Event):
    """A run is finished, and its pictures are saved.

    seconds   -- of its own steps
    finishing -- from the last one to its pictures
    remark    -- what went wrong beside the pictures, in one sentence, or ""
    """

    seconds: float
    finishing: float
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Generate(Job):
    """Run a request from the start.

    run_path -- where the run file goes; none is left of a run that did no step. None: no file
    pictures -- the folder that the finished pictures go into, each under a name of its own; None: none is saved
    inputs   -- the picture and the mask that the request's Edit names
    aims     -- pictures, uint8 (H, W, 3), that its guides aim at
    Raises RequestError for what the model cannot do, ModelError, OutOfMemory, OSError, Cancelled.
    """

    kind: ClassVar[str] = "generate"
    ahead: ClassVar[bool] = True

    request: Request
    run_path: Path | None = None
    pictures: Path | None = None
    inputs: Inputs | None = None
    aims: tuple[Pixels, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fork(Job):
    """Go on from the stored step `at` of the run in `source`, as engine.session.Session.fork says.

    request -- another one, or None for the parent's own
    share   -- the image of that run whose state all images of this one start from (variations); None: each its own
    inputs  -- as Generate's; None: those of the parent. aims: besides those of the parent
    Raises StoreError for a run that cannot be read, and as Generate does.
    """

    kind: ClassVar[str] = "fork"
    ahead: ClassVar[bool] = True

    source: Path
    at: int
    request: Request | None = None
    share: int | None = None
    run_path: Path | None = None
    pictures: Path | None = None
    inputs: Inputs | None = None
    aims: tuple[Pixels, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Job):
    """Finish the run in `run_path`, which broke off or was cancelled, in its own file.

    pictures -- as Generate's; of a finished run only those that its note (engine.pictures.unsaved) does not list as
                saved
    Raises StoreError for a run that cannot be read and, without `pictures`, for a finished one; and as Generate does.
    """

    kind: ClassVar[str] = "resume"
    ahead: ClassVar[bool] = True

    run_path: Path
    pictures: Path | None = None


Run: TypeAlias = Generate | Fork | Resume
