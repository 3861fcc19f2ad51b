"""Jobs that generate pictures: a new run, a fork of a stored step, and a resumed run. Needs no torch.

Each sends Progress and an Estimate for every step, Enlarging for every call of a second stage, PictureSaved for every
saved picture, and at the end RunEnded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

from engine.jobs.job import Event, Job
from engine.spec.edit import Inputs, Pixels
from engine.spec.picture_text import COMPLETE, PictureText
from engine.spec.request import Request


@dataclass(frozen=True, slots=True)
class PictureSaved(Event):
    """A finished picture is completely written at `path`."""

    path: Path


@dataclass(frozen=True, slots=True)
class Enlarging(Event):
    """All steps are done, and the second stage enlarges the pictures.

    done, total -- the calls of its net
    seconds     -- the job's own time since its model was loaded
    """

    done: int
    total: int
    seconds: float

    latest: ClassVar[bool] = True


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

    run_path -- the run file; it is deleted if the run did no step. None: no file
    pictures -- the folder for the finished pictures, which get names of their own; None: no picture is saved
    inputs   -- the picture and the mask that the request's Edit names
    aims     -- the aim pictures of the request's guides, uint8 (H, W, 3)
    text     -- what the saved pictures say about how they were made

    Raises RequestError for settings that the model does not support, ModelError, OutOfMemory, OSError, Cancelled.
    """

    kind: ClassVar[str] = "generate"
    ahead: ClassVar[bool] = True

    request: Request
    run_path: Path | None = None
    pictures: Path | None = None
    inputs: Inputs | None = None
    aims: tuple[Pixels, ...] = ()
    text: PictureText = COMPLETE


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fork(Job):
    """Continue from the stored step `at` of the run in `source`, as described at engine.session.Session.fork.

    request -- other settings; None: the parent's
    share   -- the image of that run whose state all images start from (variations); None: each image starts from its
               own
    inputs  -- as for Generate; None: the parent's
    aims    -- aim pictures in addition to the parent's
    text    -- as Generate's

    Raises StoreError for a run that cannot be read, and the errors of Generate.
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
    text: PictureText = COMPLETE


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Job):
    """Finish a cancelled or interrupted run, in its own file `run_path`.

    pictures -- as Generate's; of a finished run only those that its note (engine.pictures.unsaved) does not list as
                saved
    text     -- as Generate's

    Raises StoreError for a run that cannot be read and, without `pictures`, for a finished one; and as Generate does.
    """

    kind: ClassVar[str] = "resume"
    ahead: ClassVar[bool] = True

    run_path: Path
    pictures: Path | None = None
    text: PictureText = COMPLETE


Run: TypeAlias = Generate | Fork | Resume
