"""Make the job of an earlier run again, as a run of its own."""

from __future__ import annotations

from dataclasses import replace

from app.core.jobs.queue import JobState, QueuedJob
from app.core.jobs.submission import Queueable, Submission
from app.core.request.seeds import roll
from app.core.shown.runs import SUFFIX, RunLibrary
from engine.jobs.encode import own_start
from engine.jobs.generate import Fork, Generate, Resume
from engine.spec.request import Request
from engine.store import RunReader


def repeat(job: QueuedJob, library: RunLibrary) -> Submission:
    """Return the job again, with new seeds; one that failed or was cancelled is tried with its own seeds.

    Raises EngineError and OSError where the run or its parent cannot be read any more.
    """
    submission = job.submission
    if isinstance(submission.job, Resume):
        submission = _begun(submission.job, library)
    request = submission.request
    fresh = job.state not in (JobState.FAILED, JobState.CANCELLED) and isinstance(submission.job, Generate | Fork)
    if fresh:
        request = _with_new_seeds(request)
    path = library.new_path(request)
    again: Queueable
    if isinstance(submission.job, Generate | Fork):
        again = replace(submission.job, request=request, run_path=path)
    else:
        again = replace(submission.job, run_path=path)
    return Submission(again, request, submission.before, submission.placement)


def _with_new_seeds(request: Request) -> Request:
    first = roll()
    return replace(request, seeds=tuple(first + k for k in range(len(request.seeds))))


def _begun(job: Resume, library: RunLibrary) -> Submission:
    """The job that began the run of `job`, as its file says."""
    run = RunReader(job.run_path)
    inputs, aims, parent = run.inputs(), run.aims(), run.header["parent"]
    if parent is None:
        begun: Queueable = Generate(
            request=run.request, run_path=job.run_path, pictures=job.pictures, inputs=inputs, aims=aims, text=job.text
        )
        return Submission(begun, run.request)
    source = RunReader(library.root / f"{parent['run']}{SUFFIX}")
    step = int(parent["step"])
    at = step if "at" in parent else next((k for k, one in enumerate(source.steps) if one.i == step), len(source.steps))
    fork = Fork(
        source=source.path, at=at, share=parent.get("image"), request=run.request, run_path=job.run_path,
        pictures=job.pictures, inputs=inputs, aims=aims, text=job.text,
    )  # fmt: skip
    return Submission(fork, run.request, own_start(parent))
