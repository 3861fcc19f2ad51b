"""Session: a device, loaded models, runs that write their steps to a file, and the performer of jobs."""

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

from engine import devices
from engine.checkpoints.adapters.files import AdapterFiles
from engine.devices import Computing
from engine.errors import EngineError
from engine.finishing import Finished, finish
from engine.guidance.library import Library
from engine.jobs.encode import end_of_encoding, own_start, parent_of
from engine.jobs.job import Caller, Event, Job, doer_of, never_cancelled
from engine.lab.laws import Laws
from engine.layout import NAME as LAYOUT
from engine.layout import from_array
from engine.models.adapter_file import Worn
from engine.models.adapters import Applied, applied_to, wear
from engine.models.cache import Models
from engine.models.inversion import know
from engine.models.meaning import Meanings
from engine.paths import path_of
from engine.plan import Plan, plan, to_state
from engine.settings_folder import settings_folder
from engine.spec.catalog import CatalogError, ModelInfo, embedded_models, named_checkpoint
from engine.spec.edit import Inputs, Pixels
from engine.spec.guides import digests, pictures_of
from engine.spec.memory import SPARE
from engine.spec.request import Request, RequestError
from engine.store import RunReader, RunWriter, StoreError, append_picture
from engine.types import History, Model, Past, Step

T = TypeVar("T")
NO_MEMORY = ("allocate memory", "bad_alloc", "could not create a memory")  # of a RuntimeError


@dataclass(frozen=True, slots=True)
class Start:
    """The start of a run: None for x, at the start; else a stored state at level s, before hop i of the path.

    parent -- the "parent" entry of the run file's header
    micro_batch -- as the stored run was begun; None: the model's
    """

    x: torch.Tensor | None = None
    past: History = ()
    i: int = 0
    s: float = math.inf
    parent: dict[str, Any] | None = None
    first: Callable[[torch.Tensor], None] | None = None
    micro_batch: int | None = None

    def share_image(self, image: int, count: int) -> Start:
        """Return the state and the history of one image of the batch, `count` times."""

        def rows(v: torch.Tensor) -> torch.Tensor:
            return v[[image] * count]

        assert self.x is not None
        past = (Past(p.s, rows(p.x), rows(p.x0), None if p.log_w is None else rows(p.log_w)) for p in self.past)
        return replace(self, x=rows(self.x), past=tuple(past))


class OutOfMemory(EngineError, MemoryError):
    """The device has no memory left; the message says what to do."""

    kind = "memory"


class Session:
    """One device and the models loaded onto it. Not thread-safe: one thread uses it.

    device  -- "cuda", "xpu", "mps" or "cpu"; None: the best available. Raises DeviceError for a missing one
    infos   -- the available models; None: the embedded ones, and the user's checkpoints by their names
    library -- the source of CLIPs and classifiers, by default the engine's own
    threads -- of the processor, 0 for torch's own number; they are this thread's and those that start later
    spare   -- bytes that stay free beside a large model
    """

    def __init__(
        self,
        device: str | None = None,
        infos: Sequence[ModelInfo] | None = None,
        library: Library | None = None,
        *,
        threads: int = 0,
        spare: int = SPARE,
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        self.device = torch.device(devices.choose(devices.available(), device))
        if self.device.type == "cuda":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)
        self._finds = infos is None
        self.infos = {info.id: info for info in (embedded_models() if infos is None else infos)}
        self.models = Models(self.device, spare)
        self.library = library or Library(self.device)
        self.laws = Laws()  # of the 2-D lab
        self.meanings: dict[str, Meanings] = {}  # of the names that a model knows, by its hash
        self.adapters = AdapterFiles(settings_folder())
        self.embeddings = AdapterFiles(settings_folder(), "embedding")
        self.vaes = AdapterFiles(settings_folder(), "VAE")
        self.remark = ""  # after the name of the device
        self.save: bool | None = None  # see engine.plan.plan

    @property
    def device_name(self) -> str:
        return devices.describe(self.device) + self.remark

    @classmethod
    def on(cls, computing: Computing) -> Session:
        """Open a session as the user wants it. A device that is not there is replaced by the best one that is."""
        wanted = computing.device
        device = wanted if wanted is None or devices.available().get(wanted) else None
        session = cls(device, threads=computing.threads, spare=computing.spare)
        if wanted != device:
            session.remark = f" (there is no {devices.NAMES.get(wanted or '', wanted)})"
        return session

    def load(
        self,
        info: ModelInfo,
        report: Callable[[float], None] = lambda share: None,
        cancelled: Callable[[], bool] = never_cancelled,
    ) -> Model:
        """Load the model of `info` onto this device at its first use, and return it. `report` is called with the share
        that is loaded.

        Raises ModelError or CheckpointError for damaged files and for too little memory, and Cancelled.
        """
        with _memory_errors():
            return self.models.get(info, report, cancelled)

    def info(self, model: str) -> ModelInfo:
        """Return the model of that id, or the user's checkpoint of that name. Raises CatalogError for neither."""
        info = self.infos.get(model)
        if info is None and self._finds and (info := named_checkpoint(model, settings_folder())) is not None:
            self.infos[model] = info
        if info is None:
            have = ", ".join(self.infos) or "none"
            raise CatalogError(f"The model “{model}” is not here (available: {have}): choose another.")
        return info

    def described(self, request: Request) -> ModelInfo:
        """Return the model of a request in its precision, with its VAE. Raises CatalogError, and CheckpointError for a
        VAE that is not here.
        """
        info = self.info(request.model)
        if "precision" in info.takes:
            info = info.in_precision(request.precision or "float32")
        if "vae" not in info.takes or request.vae == info.vae:
            return info
        vae = request.vae
        return info.with_vae(None) if vae is None else info.with_vae(self.vaes.path(vae.name, vae.sha256), vae.sha256)

    def model(
        self,
        request: Request,
        report: Callable[[float], None] = lambda share: None,
        cancelled: Callable[[], bool] = never_cancelled,
    ) -> Model:
        """Return the model of a request in its precision, with its VAE and its adapters.

        Raises DoesNotFit before anything is loaded where the run does not fit into the memory. The other arguments and
        errors are those of load().
        """
        info = self.described(request)
        if self.models.held(info) is None:
            self.models.check_run(request, info)
        model = self.load(info, report, cancelled)
        if request.embeddings:
            files = {use.name: self.embeddings.path(use.name, use.sha256) for use in request.embeddings}
            model = know(model, files)
        return wear(model, tuple(Worn(use, self.adapters.path(use.name, use.sha256)) for use in request.adapters))

    def applied(
        self,
        request: Request,
        report: Callable[[float], None] = lambda share: None,
        cancelled: Callable[[], bool] = never_cancelled,
    ) -> tuple[Applied, ...]:
        """Put the adapters of a request on its model, which takes seconds for a large one, and say how many tensors of
        each are applied. `report` is called with the share that is done.

        Raises ModelError for one that does not fit, and Cancelled: then the model has nothing on.
        """
        return applied_to(self.model(request), report, cancelled) if request.adapters else ()

    def plan(
        self,
        request: Request,
        cancelled: Callable[[], bool] = never_cancelled,
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
        micro_batch: int | None = None,
    ) -> Plan:
        self.models.check_run(request, self.described(request))
        pictures, model = pictures_of(request.guides, aims), self.model(request)
        return plan(request, model, cancelled, inputs, pictures, self.library, self.save, micro_batch=micro_batch)

    def generate(
        self,
        request: Request,
        run_path: Path | None = None,
        cancelled: Callable[[], bool] = never_cancelled,
        first: Callable[[torch.Tensor], None] | None = None,
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
    ) -> Iterator[Step]:
        """Run a request from the start; each step is written to `run_path` before it is yielded.

        first  -- called with the first x̂₀ after one evaluation, also within a step of several
        inputs -- the picture and the mask that the request's Edit names
        aims   -- aim pictures of its guides, uint8 (H, W, 3); inputs and aims are kept in the file

        Raises Cancelled between two net calls when `cancelled` returns True (finished steps stay in the file),
        RequestError for settings that the model does not support, OutOfMemory, and OSError when the run file cannot be
        written.
        """
        return self._walk(request, Start(first=first), run_path, cancelled, inputs, aims)

    def fork(
        self,
        parent: Path,
        k: int,
        request: Request | None = None,
        run_path: Path | None = None,
        cancelled: Callable[[], bool] = never_cancelled,
        first: Callable[[torch.Tensor], None] | None = None,
        share: int | None = None,
        inputs: Inputs | None = None,
        aims: Sequence[Pixels] = (),
    ) -> Iterator[Step]:
        """Continue from the stored step `k` of the run in `parent`, with another request or the same one.

        The same request gives the parent's own remaining steps bit for bit (on the same kind of device, torch and
        threads). Another request drops the history, which belongs to the old denoiser.

        first  -- as for generate()
        share  -- an image of the parent, counted from 0: every image of this run starts from its state x_t, and they
                  differ by the noise of the remaining steps. If the sampler draws noise, they are samples of p(x0 |
                  x_t) and agree in what x_t has decided (Ho et al. 2020, figure 7); if it draws none, they are all the
                  same. The request may have any number of seeds, also the parent's own: engine.spec.draft.vary() makes
                  it. The history is kept if only the seeds differ
        inputs -- the picture and the mask that the request's Edit names; None: the parent's
        aims   -- aim pictures of its guides, besides the parent's

        If the parent is an encoding (engine.jobs.encode.Encode), `k` = its number of steps is its x_T: the request runs
        from there, from its own first step, with its prompt.

        The run file is complete by itself: it holds its first state, and its header's "parent" names that run, step and
        shared image. go_on() finishes it even if the parent is gone. Raises StoreError for a run that cannot be read,
        RequestError for a step or an image that it does not have, and for noise levels that do not include the stored
        state's.
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
            start = self._stored_start(reader, k, keep_past=replace(request, seeds=seeds) == reader.request)
        if share is not None:
            start = start.share_image(share, len(request.seeds))
        if inputs is None and request.edit is not None:
            inputs = reader.inputs()
        if digests(request.guides):
            aims = (*reader.aims(), *aims)
        start = replace(start, parent=origin, first=first, micro_batch=reader.micro_batch)
        return self._walk(request, start, run_path, cancelled, inputs, aims)

    def go_on(self, run_path: Path, cancelled: Callable[[], bool] = never_cancelled) -> Iterator[Step]:
        """Finish a cancelled or interrupted run, in its own file, after its last complete step.

        Raises StoreError for a finished run, and for a fork that broke off before its first state was written.
        """
        reader = RunReader(run_path, verify=True)
        if reader.ended == "finished":
            raise StoreError(f"The run {run_path.name} is finished: fork it to continue from one of its steps.")
        if "flow" in reader.header:
            raise StoreError(f"The run {run_path.name} is an unfinished encoding: encode the picture again.")
        parent, inputs, aims = reader.header["parent"], reader.inputs(), reader.aims()
        if reader.steps:
            start = self._stored_start(reader, len(reader.steps) - 1, keep_past=True)
        elif parent is None:
            run_path.unlink()
            start = Start(micro_batch=reader.micro_batch)
            return self._walk(reader.request, start, run_path, cancelled, inputs, aims)
        else:
            x, past = reader.start()
            at = own_start(parent)
            start = Start(self._tensor(x), self._history(past), at, path_of(reader.request)[at].s)
        redo, start = bool(reader.steps), replace(start, micro_batch=reader.micro_batch)
        return self._walk(reader.request, start, run_path, cancelled, inputs, aims, reopen=True, redo=redo)

    def header(
        self, path: Path, model: Model, parent: dict[str, Any] | None = None, micro_batch: int | None = None
    ) -> dict[str, Any]:
        """Return the header of a run file of `model`, without its request (docs/run-file.md)."""
        codec, environment = model.codec, self.environment(model)
        environment["micro_batch"] = micro_batch or model.micro_batch
        linear = None if codec.linear is None else codec.linear._asdict()
        head = {"id": path.stem, "environment": environment, "parent": parent, "preview": linear}
        return head if codec.identity else head | {"factor": codec.factor}

    def environment(self, model: Model) -> dict[str, Any]:
        """Return the facts besides the Request that decide the bits: stored in every run, fixed within it."""
        return {
            "device": self.device.type,
            "device_name": self.device_name,
            "threads": torch.get_num_threads(),
            "dtype": "float32",
            "compute_dtype": str(model.compute_dtype).removeprefix("torch."),
            "micro_batch": model.micro_batch,
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
        cancelled: Callable[[], bool] = never_cancelled,
        inputs: Inputs | None = None,
    ) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Return the pictures of the last state of a run of `request`: uint8 (B, H, W, 3), decoded and enlarged.

        The second stage keeps the same pixels of `inputs` as the first one. Raises Cancelled and OutOfMemory as
        generate() does, and RequestError where the model does not have the request's second stage.
        """
        return self.finished_pictures(request, x, cancelled, inputs).on_white

    def finished_pictures(
        self,
        request: Request,
        x: torch.Tensor,
        cancelled: Callable[[], bool] = never_cancelled,
        inputs: Inputs | None = None,
        transparent: bool = False,
        report: Callable[[int, int], None] = lambda done, total: None,
    ) -> Finished:
        """Return picture(), and the pictures to save: with `transparent`, (B, H, W, 4) of a model that draws alpha.

        report -- called before each call of the second stage's net with the number of calls done, and of all
        """
        with _memory_errors():
            return finish(request, self.model(request), x, cancelled, inputs, transparent, report)

    def enlarge(
        self,
        request: Request,
        rgb: np.ndarray[Any, np.dtype[np.uint8]],
        cancelled: Callable[[], bool] = never_cancelled,
    ) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Enlarge a picture (height, width, 3) of the request's first size by the request's second stage.

        The picture may come from anywhere; it counts as that of the request's first seed. Raises RequestError for a
        picture of another size, for a request without a second stage or with a truncated first stage, and Cancelled as
        generate() does.
        """
        if request.enlargement is None or request.enlargement.truncated:
            raise RequestError(
                "A finished picture needs a whole second stage: switch it on, without a truncated first stage."
            )
        if rgb.shape != (request.height, request.width, 3):
            raise RequestError(
                f"The second stage enlarges pictures of {request.width}×{request.height}, but this one has "
                f"{rgb.shape[1]}×{rgb.shape[0]}: resize it."
            )
        x = to_state(Inputs(rgb), self.model(request), (request.width, request.height))
        return self.picture(replace(request, edit=None, seeds=request.seeds[:1]), x[None], cancelled)[0]

    def keep_picture(self, request: Request, on_white: Pixels, run_path: Path | None) -> None:
        """Append the finished pictures (B, H, W, 3) to a run's file where its last step does not show them.

        Raises OSError and StoreError. Call it after the pictures are saved for themselves: the file may be gone.
        """
        if run_path is not None and (request.enlargement is not None or not self.model(request).codec.identity):
            append_picture(run_path, on_white)

    def perform(self, job: Job, cancelled: Callable[[], bool] = never_cancelled, **more: Any) -> Iterator[Event]:
        """Do a job, and yield its events.

        `cancelled` and `more` are the fields of a Caller. Raises the errors of the job's class, and OutOfMemory.
        """
        return _translate_memory_errors(doer_of(job)(job, self, Caller(cancelled, **more)))

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        return from_array(array, self.device)

    def _history(self, held: Sequence[tuple[float, dict[str, np.ndarray]]]) -> History:
        return tuple(Past(s, **{name: self._tensor(array) for name, array in arrays.items()}) for s, arrays in held)

    def _stored_start(self, reader: RunReader, k: int, keep_past: bool) -> Start:
        info = reader.steps[k]
        # Another request drops the old denoiser's history; a renoising hop only shows it.
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
        planned = self.plan(request, cancelled, inputs, aims, start.micro_batch)
        if start.x is not None and not (start.i < len(planned.path) and planned.path[start.i].s == start.s):
            raise RequestError(
                f"Step {start.i} of these settings does not start at the stored noise level {start.s:g}: "
                "keep the noise levels down to that step."
            )
        steps = planned.steps(start.x, start.past, start.i, start.first)
        if run_path is None:
            yield from _translate_memory_errors(steps)
            return
        with RunWriter.reopen(run_path) if reopen else self._writer(run_path, request, start) as writer:
            if redo:
                next(steps)  # repeat the last complete step of the file to rebuild its history
            if not reopen:
                if inputs is not None and request.edit is not None:
                    writer.inputs(inputs)
                if kept := pictures_of(request.guides, aims):
                    writer.aims(kept)
                writer.start(planned.x if start.x is None else start.x, start.past)
            yield from writer.record(_translate_memory_errors(steps), planned.meter.spent)

    def _writer(self, path: Path, request: Request, start: Start) -> RunWriter:
        return RunWriter(path, request, self.header(path, self.model(request), start.parent, start.micro_batch))


def _translate_memory_errors(items: Iterator[T]) -> Iterator[T]:
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
