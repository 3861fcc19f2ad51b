"""The engine as the studio and the command line use it: a device, loaded models, runs that are written as they go."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from engine import devices, models
from engine.cascade import enlarge
from engine.errors import EngineError
from engine.guidance.library import Library
from engine.jobs.encode import end_of_encoding, own_start, parent_of
from engine.jobs.job import Caller, Event, Job, doer_of, never
from engine.layout import NAME as LAYOUT
from engine.layout import canonical, from_array
from engine.meter import MICRO_BATCH
from engine.noise import Noise
from engine.paths import path_of
from engine.plan import Plan, pin, plan, second_stage, to_pictures, to_state
from engine.rules import RULES
from engine.spec.catalog import CatalogError, ModelInfo, embedded
from engine.spec.edit import Inputs, Pixels
from engine.spec.guides import digests, pictures_of
from engine.spec.request import Request, RequestError
from engine.store import RunReader, RunWriter, StoreError, append_picture
from engine.types import History, Model, Past, Step

T = TypeVar("T")
NO_MEMORY = ("allocate memory", "bad_alloc", "could not create a memory")  # of a RuntimeError


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins: None for x, at the start; else a stored state at level s, before hop i of the path.

    parent -- where that state is from, as the run file's header says it
    """

    x: torch.Tensor | None = None
    past: History = ()
    i: int = 0
    s: float = math.inf
    parent: dict[str, Any] | None = None
    first: Callable[[torch.Tensor], None] | None = None

    def shared(self, image: int, count: int) -> Start:
        """The state and the history of one image of the batch, `count` times."""

        def rows(v: torch.Tensor) -> torch.Tensor:
            return v[[image] * count]

        assert self.x is not None
        past = (Past(p.s, rows(p.x), rows(p.x0), None if p.log_w is None else rows(p.log_w)) for p in self.past)
        return replace(self, x=rows(self.x), past=tuple(past))


class OutOfMemory(EngineError, MemoryError):
    """The device has no memory left for what was asked; the message says what to do."""

    kind = "memory"


class Session:
    """One device and the models loaded onto it. Not thread-safe: one thread uses it.

    device -- "cuda", "xpu", "mps" or "cpu", None for the best there is. Raises DeviceError where it is not there.
    infos  -- the models that can be asked for, the embedded ones by default
    library -- where its CLIPs and classifiers come from, by default the engine's own
    """

    def __init__(
        self, device: str | None = None, infos: Sequence[ModelInfo] | None = None, library: Library | None = None
    ) -> None:
        self.device = torch.device(devices.choose(devices.available(), device))
        if self.device.type == "cuda":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)
        self.infos = {info.id: info for info in (embedded() if infos is None else infos)}
        self._models: dict[str, Model] = {}
        self.library = library or Library(self.device)
        self.save: bool | None = None  # as engine.plan.plan takes it

    @property
    def device_name(self) -> str:
        return devices.describe(self.device)

    def load(self, info: ModelInfo) -> Model:
        """The model of `info` on this device, loaded at its first use. Raises ModelError when its files are damaged."""
        if info.sha256 not in self._models:
            self._models[info.sha256] = models.load(info, self.device)
        return self._models[info.sha256]

    def info(self, model: str) -> ModelInfo:
        """The model of that id. Raises CatalogError where it is not here."""
        info = self.infos.get(model)
        if info is None:
            have = ", ".join(self.infos) or "none"
            raise CatalogError(f"The model “{model}” is not here (there is: {have}): choose another.")
        return info

    def model(self, request: Request) -> Model:
        return self.load(self.info(request.model))

    def plan(
        self,
        request: Request,
        cancelled: Callable[[], bool] = never,
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
    ) -> Plan:
        pictures = pictures_of(request.guides, aims)
        return plan(request, self.model(request), cancelled, inputs, pictures, self.library, self.save)

    def generate(
        self,
        request: Request,
        run_path: Path | None = None,
        cancelled: Callable[[], bool] = never,
        first: Callable[[torch.Tensor], None] | None = None,
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
    ) -> Iterator[Step]:
        """Run a request from the start, each step written to `run_path` before it is yielded.

        `first` is told the first x̂₀ after one evaluation, also where a step takes several. `inputs` are the picture and
        the mask that the request's Edit names, `aims` the pictures, uint8 (H, W, 3), that its guides aim at: they are
        kept in the file.

        Raises Cancelled between two net calls once `cancelled` says so (what was reached stays in the file),
        RequestError for what the model cannot do, OutOfMemory, and OSError when the run file cannot be written.
        """
        return self._walk(request, Start(first=first), run_path, cancelled, inputs, aims)

    def fork(
        self,
        parent: Path,
        k: int,
        request: Request | None = None,
        run_path: Path | None = None,
        cancelled: Callable[[], bool] = never,
        first: Callable[[torch.Tensor], None] | None = None,
        share: int | None = None,
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
    ) -> Iterator[Step]:
        """Go on from the stored step `k` of the run in `parent`, with another request or the same one.

        The same request gives the parent's own remaining steps bit for bit (given the same kind of device, torch and
        threads); another one drops the history, which belongs to the old denoiser. `first` is as for generate().

        share -- an image of the parent, counted from 0: every image of this run starts from that one's state x_t, and
                 what differs between them is the noise of the steps that are left. They are samples of p(x0 | x_t),
                 alike in what x_t had decided by then (Ho et al. 2020, figure 7), if the sampler draws noise; if it
                 draws none they are all the same. The request may have any number of seeds, the parent's own among
                 them: engine.spec.draft.vary() makes it. The history is kept where nothing but the seeds is different.

        inputs -- the picture and the mask that the request's Edit names; None: those of the parent
        aims -- pictures that its guides aim at, besides those of the parent

        Where the parent is an encoding (engine.jobs.encode.Encode), `k` = its number of steps is its x_T: the request
        runs from there, from its own first step, with its prompt.

        The run file is whole by itself: it holds the state it started from, and its header's "parent" says which run,
        step and, for a shared one, image that was. go_on() finishes it whether or not the parent is still there.
        Raises StoreError for a run that cannot be read, RequestError for a step or an image that it does not have and
        for a request whose noise levels do not go through the stored state's.
        """
        reader = RunReader(parent)
        origin, images = parent_of(reader, k, share), len(reader.request.seeds)
        request = reader.request if request is None else request
        if share is None and len(request.seeds) != images:
            raise RequestError(f"The run {parent.name} holds {images} images: keep as many seeds, or share one image.")
        seeds = request.seeds if share is None else reader.request.seeds
        if k == len(reader.steps):
            x, sigma = end_of_encoding(reader)
            start = Start(self._tensor(x), i=0, s=sigma)
        else:
            start = self._stored(reader, k, keep_past=replace(request, seeds=seeds) == reader.request)
        if share is not None:
            start = start.shared(share, len(request.seeds))
        if inputs is None and request.edit is not None:
            inputs = reader.inputs()
        if digests(request.guides):
            aims = (*reader.aims(), *aims)
        return self._walk(request, replace(start, parent=origin, first=first), run_path, cancelled, inputs, aims)

    def go_on(self, run_path: Path, cancelled: Callable[[], bool] = never) -> Iterator[Step]:
        """Finish a run that broke off or was cancelled, in its own file, after its last whole step.

        Raises StoreError for a run that is finished and for a fork that broke off before the state it starts from was
        written.
        """
        reader = RunReader(run_path, verify=True)
        if reader.ended == "finished":
            raise StoreError(f"The run {run_path.name} is finished: fork it to go on from one of its steps.")
        if "flow" in reader.header:
            raise StoreError(f"The run {run_path.name} followed the flow and broke off: encode the picture anew.")
        parent, inputs, aims = reader.header["parent"], reader.inputs(), reader.aims()
        if reader.steps:
            start = self._stored(reader, len(reader.steps) - 1, keep_past=True)
        elif parent is None:
            run_path.unlink()
            return self.generate(reader.request, run_path, cancelled, inputs=inputs, aims=aims)
        else:
            x, past = reader.start()
            at = own_start(parent)
            start = Start(self._tensor(x), self._history(past), at, path_of(reader.request)[at].s)
        redo = bool(reader.steps)
        return self._walk(reader.request, start, run_path, cancelled, inputs, aims, reopen=True, redo=redo)

    def environment(self) -> dict[str, Any]:
        """What bit-identity depends on besides the Request: stored in every run, fixed within it."""
        return {
            "device": self.device.type,
            "device_name": self.device_name,
            "threads": torch.get_num_threads(),
            "dtype": "float32",
            "micro_batch": MICRO_BATCH,
            "fold": True,
            "layout": LAYOUT,
            "kernels": devices.kernels(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "studio": studio_version(),
        }

    def picture(
        self,
        request: Request,
        x: torch.Tensor,
        cancelled: Callable[[], bool] = never,
        inputs: Inputs | None = None,
    ) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The pictures of the state that a run of `request` ended with: uint8 (B, H, W, 3), decoded and enlarged.

        The second stage keeps of `inputs` what the first one kept. Raises Cancelled and OutOfMemory as generate() does,
        and RequestError where the model has no second stage and one is asked for.
        """
        with _memory_errors():
            return self._picture(request, x, cancelled, inputs)

    def _picture(
        self, request: Request, x: torch.Tensor, cancelled: Callable[[], bool], inputs: Inputs | None
    ) -> np.ndarray[Any, np.dtype[np.uint8]]:
        model, x = self.model(request), canonical(x)
        second = second_stage(request, model)
        if second is not None and request.enlargement is not None:
            label, constraint, origin = model.condition("", request.label).label, None, None
            if inputs is not None and request.edit is not None:
                y = to_state(inputs, model, request.size)
                origin = y if request.edit.strength < 1 else None
                if request.edit.pinned:
                    steady = not RULES[request.enlargement.sampler].stochastic
                    constraint = pin(inputs, y, request.enlargement.sigmas, steady)
            x = enlarge(second, request.enlargement, x, label, Noise(request.seeds), cancelled, constraint, origin)
        return to_pictures(x, model)

    def enlarged(
        self,
        request: Request,
        rgb: np.ndarray[Any, np.dtype[np.uint8]],
        cancelled: Callable[[], bool] = never,
    ) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """A picture (height, width, 3) of the request's first size, drawn larger by the second stage that it asks for.

        Whatever made the picture: it stands where that of the request's first seed would. Raises RequestError for one
        of another size and for a request whose second stage is none or sees an unfinished picture, and Cancelled as
        generate() does.
        """
        if request.enlargement is None or request.enlargement.truncated:
            raise RequestError("A finished picture is drawn larger by a whole second stage alone: ask for one.")
        if rgb.shape != (request.height, request.width, 3):
            raise RequestError(
                f"The second stage draws pictures of {request.width}×{request.height} larger, and this one has "
                f"{rgb.shape[1]}×{rgb.shape[0]}: bring it to that size."
            )
        x = to_state(Inputs(rgb), self.model(request), (request.width, request.height))
        return self.picture(replace(request, edit=None, seeds=request.seeds[:1]), x[None], cancelled)[0]

    def keep_picture(self, request: Request, rgb: np.ndarray[Any, np.dtype[np.uint8]], run_path: Path | None) -> None:
        """Write the finished pictures at the end of a run's file where they are not what its last step shows.

        Raises OSError and StoreError. Call it after the pictures are saved for themselves: the file may be gone.
        """
        if run_path is not None and request.enlargement is not None:
            append_picture(run_path, rgb)

    def perform(self, job: Job, cancelled: Callable[[], bool] = never, **more: Any) -> Iterator[Event]:
        """Do a job, and yield what it tells as it comes.

        `cancelled` and `more` are a Caller's fields. Raises what the job's class says, and OutOfMemory.
        """
        return _translated(doer_of(job)(job, self, Caller(cancelled, **more)))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return from_array(array, self.device)

    def _history(self, held: Sequence[tuple[float, dict[str, np.ndarray]]]) -> History:
        return tuple(Past(s, **{name: self._tensor(array) for name, array in arrays.items()}) for s, arrays in held)

    def _stored(self, reader: RunReader, k: int, keep_past: bool) -> Start:
        info = reader.steps[k]
        # Where another request goes on, the old denoiser's history is dropped; a renoising only shows it.
        past = reader.past(k) if keep_past or info.kind == "renoise" else []
        return Start(self._tensor(reader.x(k)), self._history(past), info.i, info.s)

    def _walk(
        self,
        request: Request,
        start: Start,
        run_path: Path | None,
        cancelled: Callable[[], bool],
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
        reopen: bool = False,
        redo: bool = False,
    ) -> Iterator[Step]:
        planned = self.plan(request, cancelled, inputs, aims)
        if start.x is not None and not (start.i < len(planned.path) and planned.path[start.i].s == start.s):
            raise RequestError(
                f"Step {start.i} of these settings does not start at the stored noise level {start.s:g}: "
                "keep the noise levels down to that step as they were."
            )
        steps = planned.steps(start.x, start.past, start.i, start.first)
        if run_path is None:
            yield from _translated(steps)
            return
        with RunWriter.reopen(run_path) if reopen else self._writer(run_path, request, start) as writer:
            if redo:
                next(steps)  # the last whole step is in the file; its history is rebuilt by doing it again
            if not reopen:
                if inputs is not None and request.edit is not None:
                    writer.inputs(inputs)
                if kept := pictures_of(request.guides, aims):
                    writer.aims(kept)
                writer.start(planned.x if start.x is None else start.x, start.past)
            yield from writer.record(_translated(steps), planned.meter.spent)

    def _writer(self, path: Path, request: Request, start: Start) -> RunWriter:
        header = {"id": path.stem, "environment": self.environment(), "parent": start.parent, "preview": None}
        return RunWriter(path, request, header)


def _translated(items: Iterator[T]) -> Iterator[T]:
    with _memory_errors():
        yield from items


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Raise OutOfMemory for every way in which torch and Python say that there is no memory left."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, OutOfMemory):
            raise
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(words in str(error) for words in NO_MEMORY):
            raise OutOfMemory("There is not enough memory for this: make fewer images at once.") from error
        raise


def studio_version() -> str:
    try:
        return metadata.version("tweedie-studio")
    except metadata.PackageNotFoundError:
        return "unknown"
