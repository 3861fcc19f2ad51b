"""The doers of engine.jobs.generate, enlarge, load and decode_step: do runs, send an event for each step, save the
pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from engine import devices
from engine.checkpoints.hashes import Hashes
from engine.checkpoints.settings import load as load_settings
from engine.errors import Cancelled, EngineError, why
from engine.finishing import to_pictures
from engine.jobs.decode_step import StepDecoded
from engine.jobs.encode import own_start, parent_of
from engine.jobs.enlarge import Enlarged
from engine.jobs.generate import Enlarging, PictureSaved, RunEnded
from engine.jobs.job import Estimate, Progress
from engine.jobs.load import AdapterApplied, Applying, CheckpointOpened, FileHashed, Loading
from engine.layout import from_array
from engine.models.interruptible import cancelled_between_layers
from engine.models.pixel import to_uint8
from engine.paths import path_of
from engine.pictures.naming import save_new
from engine.pictures.unsaved import Note
from engine.rules import RULES
from engine.settings_folder import settings_folder
from engine.spec.catalog import checkpoint
from engine.spec.memory import weights_of
from engine.spec.picture_text import COMPLETE, PictureText
from engine.spec.request import RequestError
from engine.store import RunReader, StoreError

SOON = 0.15  # seconds of a decode that a person does not wait for
PARTS = 1, 2, 4  # of the width and the height that a TAESD decodes first

if TYPE_CHECKING:
    from torch import Tensor

    from engine.jobs.decode_step import DecodeStep
    from engine.jobs.enlarge import Enlarge
    from engine.jobs.generate import Fork, Generate, Resume
    from engine.jobs.job import Caller, Event
    from engine.jobs.load import HashFile, LoadModel, OpenCheckpoint
    from engine.models.cache import Models
    from engine.session import Session
    from engine.spec.edit import Inputs
    from engine.spec.request import Request
    from engine.types import Codec, Model, Step


def generate(job: Generate, session: Session, caller: Caller) -> Iterator[Event]:
    run = _Run(session, caller, job.request, inputs=job.inputs, text=job.text)
    steps = session.generate(job.request, job.run_path, caller.cancelled, run.on_first_x0, job.inputs, job.aims)
    yield from run.finish(steps, job.run_path, job.pictures)


def fork(job: Fork, session: Session, caller: Caller) -> Iterator[Event]:
    reader = RunReader(job.source)
    request = reader.request if job.request is None else job.request
    parent = parent_of(reader, job.at, job.share)
    inputs = reader.inputs() if job.inputs is None and request.edit is not None else job.inputs
    run = _Run(session, caller, request, own_start(parent), parent, inputs, job.text)
    steps = session.fork(
        job.source, job.at, request, job.run_path, caller.cancelled, run.on_first_x0, job.share, inputs, job.aims
    )
    yield from run.finish(steps, job.run_path, job.pictures)


def resume(job: Resume, session: Session, caller: Caller) -> Iterator[Event]:
    stored = RunReader(job.run_path, verify=True)
    parent = stored.header["parent"]
    start = own_start(parent) if parent else 0
    begins = stored.steps[-1].i + 1 if stored.steps else start
    run = _Run(session, caller, stored.request, begins, parent, stored.inputs(), job.text)
    if begins == len(path_of(stored.request)):
        run.take(stored)
    whole = stored.ended == "finished" and job.pictures is not None
    steps = iter(()) if whole else session.go_on(job.run_path, caller.cancelled)
    yield from run.finish(steps, job.run_path, job.pictures)


def enlarge(job: Enlarge, session: Session, caller: Caller) -> Iterator[Event]:
    yield Enlarged(session.enlarge(job.request, job.rgb, caller.cancelled))


def decode_step(job: DecodeStep, session: Session, caller: Caller) -> Iterator[Event]:
    reader = RunReader(job.path)
    if not (0 <= job.k < len(reader.steps) and 0 <= job.image < len(reader.request.seeds)):
        raise RequestError(f"This run has no image {job.image} at step {job.k}: choose another image or step.")
    info = session.info(reader.request.model)
    if info.sha256 != reader.request.model_sha256:
        raise RequestError(f"This run belongs to another version of “{info.title}”: its steps stay as they are shown.")
    info = session.described(reader.request)
    x0 = from_array(reader.x0(job.k)[job.image : job.image + 1], session.device)
    if job.tiny is not None:
        yield from decode_tiny(job, x0, session.models.tiny_codec(job.tiny, info), session.models, caller)
        return
    model = session.load(info, cancelled=caller.cancelled) if job.load else session.models.held(info)
    if model is None or (not job.load and "offload" in info.saving):  # a run would have to bring its net again
        return
    with cancelled_between_layers(model.codec, caller.cancelled):
        rgb = to_pictures(x0, model, cancelled=caller.cancelled)[0]
    yield StepDecoded(job.path, job.k, job.image, rgb)


@torch.no_grad()
def decode_tiny(job: DecodeStep, x0: Tensor, codec: Codec, models: Models, caller: Caller) -> Iterator[Event]:
    """Decode x0, (1, C, h, w), by a TAESD: first at a part of the size where the whole would come late.

    The means of neighbouring latents show the same picture at a smaller size. Each stage measures the next one's time.
    """
    height, width = x0.shape[2:]
    large = (height * codec.factor, width * codec.factor)
    part = _part(models.tiny_seconds, height * width)
    while True:
        size = (-(-height // part), -(-width // part))
        latent = x0 if part == 1 else F.interpolate(x0, size=size, mode="area")
        began = caller.clock()
        with cancelled_between_layers(codec, caller.cancelled):
            seen = codec.decode(latent, caller.cancelled)
        models.tiny_seconds = (caller.clock() - began) / (size[0] * size[1])
        if part > 1:
            seen = F.interpolate(seen, size=large, mode="bilinear", antialias=False)
        yield StepDecoded(job.path, job.k, job.image, to_uint8(seen)[0], tiny=True, small=part > 1)
        if part == 1:
            return
        part = min(part // 2, _part(models.tiny_seconds, height * width))


def _part(each: float | None, cells: int) -> int:
    """Return by what to divide the sides of a latent of `cells` cells, so that its decoding takes SOON.

    each -- seconds for each cell, as measured last; None: not measured yet
    """
    if each is None:
        return PARTS[-1]
    return next((part for part in PARTS if each * cells <= SOON * part**2), PARTS[-1])


def load_model(job: LoadModel, session: Session, caller: Caller) -> Iterator[Event]:
    began = caller.clock()

    def report(share: float) -> None:
        caller.early(Progress(0, 0, share, caller.clock() - began))

    session.load(session.info(job.model), report, caller.cancelled)
    yield from ()


def open_checkpoint(job: OpenCheckpoint, session: Session, caller: Caller) -> Iterator[Event]:
    where = settings_folder()
    settings, hashes = load_settings(where), Hashes(where)
    info = checkpoint(job.path, settings, job.vae, job.compute_dtype, hashes)
    half = checkpoint(job.path, settings, job.vae, "float16", hashes)
    info = session.infos[job.model] = replace(info, id=job.model)
    models, device = session.models, session.device
    held, weights = models.held(info) is not None, weights_of(half)
    yield CheckpointOpened(
        job.model,
        info.bytes,
        half.bytes,
        models.spare,
        models.room(),
        held,
        devices.precisions(device),
        devices.best_precision(device),
        weights.text,
        weights.vae,
    )


def hash_file(job: HashFile, session: Session, caller: Caller) -> Iterator[Event]:
    began = caller.clock()

    def report(share: float) -> None:
        caller.early(Progress(0, 0, share, caller.clock() - began))

    yield FileHashed(job.path, Hashes(settings_folder()).of(job.path, report, caller.cancelled))


def previewer(model: Model, x0: Tensor) -> Callable[[int], NDArray[np.float32]]:
    """Return the preview of an Estimate: a function from an index of the states x0 (B, C, h, w) to float32 (3 or 1, h,
    w).
    """

    def preview(image: int) -> NDArray[np.float32]:
        picture = model.codec.preview(x0[image : image + 1])[0]
        return np.asarray(picture.detach().cpu(), np.float32)

    return preview


class _Run:
    """One run in progress: turns the engine's Steps into events and saved pictures.

    start  -- the first step of its path
    parent -- the "parent" entry of its run file
    inputs -- the picture and the mask that it edits
    text   -- what its pictures say about how they were made
    """

    def __init__(
        self,
        session: Session,
        caller: Caller,
        request: Request,
        start: int = 0,
        parent: dict[str, Any] | None = None,
        inputs: Inputs | None = None,
        text: PictureText = COMPLETE,
    ) -> None:
        self._session, self._caller, self.request = session, caller, request
        self._parent, self._inputs, self._text = parent, inputs, text
        # loaded before the clock starts
        self._model = session.model(request, lambda share: caller.early(Loading(share)), caller.cancelled)
        count = len(request.adapters)
        for on in session.applied(request, lambda share: caller.early(Applying(share, count)), caller.cancelled):
            caller.early(AdapterApplied(on.name, on.tensors, on.total))
        self._total = len(path_of(request)) - start
        self._began = caller.clock()
        self._last: Tensor | None = None
        self._stored: NDArray[np.uint8] | None = None  # pictures of a second stage that the run file holds already
        self._remark = ""

    @property
    def on_first_x0(self) -> Callable[[Any], None] | None:
        """Return the function that sends the first x̂₀ early; None where a step takes one model call."""
        rule = RULES.get(self.request.sampler)
        return None if rule is None or rule.evals == 1 else lambda x0: self._caller.early(self._estimate(x0, 0))

    def take(self, stored: RunReader) -> None:
        """Begin where a run with all its steps ended. Raises StoreError."""
        self._last = from_array(stored.next(len(stored.steps) - 1), self._session.device)
        self._stored = stored.picture()

    def finish(self, steps: Iterator[Step], run_path: Path | None, folder: Path | None) -> Iterator[Event]:
        """Tell every step, then save the pictures. Nothing is left on disk of a new run that did no step."""
        event, fresh = None, run_path is not None and not run_path.exists()
        note = Note(run_path, folder) if run_path is not None and folder is not None else None
        keep = True  # the note, for the next start
        try:
            for event in self._step_events(steps):
                yield event
            yield from self._finish_pictures(run_path, folder, note)
            keep = False
        except (Cancelled, OSError):  # the window closes, or the disk is full: perhaps the next start has more luck
            keep = self._last is not None
            raise
        except Exception:
            keep = False
            raise
        finally:
            if event is None and fresh and run_path is not None and self._last is None:
                run_path.unlink(missing_ok=True)
                keep = False
            if note is not None:
                note.close() if keep else note.done()

    def _step_events(self, steps: Iterator[Step]) -> Iterator[Event]:
        done = 0
        try:
            for done, step in enumerate(steps, 1):
                self._last = step.move.x
                yield self._estimate(step.move.x0, done)
        except (OSError, StoreError) as error:
            if done < self._total or isinstance(error, MemoryError):
                raise
            self._remark = f"The run file could not be finished ({why(error)}); the pictures are saved."

    def _finish_pictures(self, run_path: Path | None, folder: Path | None, note: Note | None) -> Iterator[Event]:
        """Make the pictures of the last state, save each for itself, and only then write them into the run file."""
        assert self._last is not None, "a path has at least one step"
        seconds = self._seconds
        if self._stored is not None:
            pictures = on_white = self._stored
        else:
            try:
                pictures, on_white = self._session.finished_pictures(
                    self.request, self._last, self._caller.cancelled, self._inputs, report=self._report
                )
            except EngineError as error:
                if folder is not None and self.request.enlargement is not None and isinstance(error, MemoryError):
                    yield from self._save_first_stage(folder, error)
                raise
        finishing = self._seconds - seconds
        if folder is not None:
            yield from self._save(folder, pictures, self.request, note)
        if self._stored is None:
            try:
                self._session.keep_picture(self.request, on_white, run_path)
            except (OSError, StoreError) as error:
                self._remark = f"The run file could not be finished ({why(error)}); the pictures are saved."
        yield RunEnded(seconds, finishing, self._remark)

    def _save(
        self, folder: Path, pictures: NDArray[np.uint8], request: Request, note: Note | None = None
    ) -> Iterator[Event]:
        for k, rgb in enumerate(pictures):
            if note is not None and k in note.saved:
                continue
            path = save_new(folder, rgb, request, k, self._parent, self._text)
            if note is not None:
                note.add(k)
            yield PictureSaved(path)

    def _save_first_stage(self, folder: Path, error: EngineError) -> Iterator[Event]:
        """Save the first stage's pictures if the second stage has no memory, then raise an error that names it."""
        assert self._last is not None
        assert self.request.enlargement is not None
        if self.request.enlargement.truncated:
            return  # they are not finished
        small = replace(self.request, enlargement=None)
        yield from self._save(folder, self._session.picture(small, self._last), small)
        raise type(error)(
            "There is not enough memory for the second stage: the small pictures are saved; make fewer images at once."
        ) from error

    def _report(self, done: int, total: int) -> None:
        self._caller.early(Enlarging(done, total, self._seconds))

    @property
    def _seconds(self) -> float:
        return self._caller.clock() - self._began

    def _estimate(self, x0: Tensor, done: int) -> Estimate:
        progress = Progress(done, self._total, done / self._total, self._seconds)
        return Estimate(progress, max(0, done - 1), len(self.request.seeds), previewer(self._model, x0))
