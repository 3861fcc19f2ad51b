"""Jobs that had not begun when the studio closed: kept in a folder of their own each, for the next start."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.core.jobs.submission import Queueable, Submission
from engine.errors import EngineError
from engine.files import replace_file
from engine.jobs import serial
from engine.jobs.generate import Resume
from engine.jobs.job import JobError
from engine.spec.request import MAX_HOPS, Request
from engine.spec.validation import integer

SUFFIX = ".waiting"
JOB, SUBMITTED = "job.json", "submitted.json"
MOST = 200  # jobs that are looked at


def keep(submission: Submission) -> None:
    """Keep a job beside its future run file. Raises OSError.

    A Resume is not kept: the note beside its run says that it is not finished. Its place on the artwork is not kept
    either, because another picture may lie there by then.
    """
    if isinstance(submission.job, Resume):
        return
    folder = folder_of(submission.run_path)
    serial.save(submission.job, folder / JOB)
    told = {"request": submission.request.to_dict(), "before": submission.before}
    with replace_file(folder / SUBMITTED) as file:  # the last: without it there is nothing to do
        file.write(json.dumps(told, allow_nan=False).encode())


def folder_of(run_path: Path) -> Path:
    """The folder of the kept job that will make that run."""
    return run_path.with_name(run_path.name + SUFFIX)


def kept(runs: Path) -> list[Path]:
    """The folders of the jobs kept in a folder of run files, oldest first. Those that cannot be done are removed."""
    found = sorted(runs.glob(f"*{SUFFIX}"))[:MOST]
    for folder in found:
        if not (folder / SUBMITTED).exists() or folder.with_name(folder.name.removesuffix(SUFFIX)).exists():
            drop(folder)
    return [folder for folder in found if folder.exists()]


def take(folders: list[Path]) -> Iterator[Submission]:
    """Read kept jobs and remove their folders; a damaged one is left out."""
    for folder in folders:
        try:
            yield read(folder)
        except (EngineError, OSError):
            continue
        finally:
            drop(folder)


def read(folder: Path) -> Submission:
    """Read a kept job. Raises JobError where it is damaged, OSError where it cannot be read."""
    job = serial.load(folder / JOB)
    try:
        told = json.loads((folder / SUBMITTED).read_bytes())
        request, before = Request.from_dict(told["request"]), integer(told["before"])
        if not 0 <= before < MAX_HOPS:
            raise ValueError("a step that no path has")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise JobError("This job is damaged: create it again.") from error
    if not isinstance(job, Queueable) or job.run_path is None:
        raise JobError("This job makes no run: create it again.")
    return Submission(job, request, before)


def drop(folder: Path) -> None:
    """Remove a kept job. Raises nothing."""
    with suppress(OSError):
        shutil.rmtree(folder)
