"""The engine as the studio and the command line use it: a device, loaded models, runs that are written as they go."""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine import devices, models
from engine.catalog import CatalogError, ModelInfo, embedded
from engine.plan import MICRO_BATCH, Plan, plan
from engine.request import Request
from engine.run import Cancelled
from engine.store import RunReader, RunWriter
from engine.types import History, Model, Past, Step


@dataclass(frozen=True, slots=True)
class Start:
    """Where a run begins: None for x, at the start; else a stored step, with the run it is of."""

    x: torch.Tensor | None = None
    past: History = ()
    i: int = 0
    parent: str | None = None
    first: Callable[[torch.Tensor], None] | None = None


class OutOfMemory(MemoryError):
    """The device has no memory left for what was asked; the message says what to do."""


class Session:
    """One device and the models loaded onto it. Not thread-safe: one thread uses it.

    device -- "cuda", "xpu", "mps" or "cpu", None for the best there is. Raises DeviceError where it is not there.
    infos  -- the models that can be asked for, the embedded ones by default
    """

    def __init__(self, device: str | None = None, infos: Sequence[ModelInfo] | None = None) -> None:
        self.device = torch.device(devices.choose(devices.available(), device))
        if self.device.type == "cuda":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
            torch.use_deterministic_algorithms(True, warn_only=True)
        self.infos = {info.id: info for info in (embedded() if infos is None else infos)}
        self._models: dict[str, Model] = {}

    @property
    def device_name(self) -> str:
        return devices.describe(self.device)

    def load(self, info: ModelInfo) -> Model:
        """The model of `info` on this device, loaded at its first use. Raises ModelError when its files are damaged."""
        if info.sha256 not in self._models:
            self._models[info.sha256] = models.load(info, self.device)
        return self._models[info.sha256]

    def model(self, request: Request) -> Model:
        info = self.infos.get(request.model)
        if info is None:
            have = ", ".join(self.infos) or "none"
            raise CatalogError(f"The model “{request.model}” is not here (there is: {have}): choose another.")
        return self.load(info)

    def plan(self, request: Request, cancelled: threading.Event | None = None) -> Plan:
        stop = cancelled.is_set if cancelled is not None else (lambda: False)
        return plan(request, self.model(request), stop)

    def generate(
        self,
        request: Request,
        run_path: Path | None = None,
        cancelled: threading.Event | None = None,
        first: Callable[[torch.Tensor], None] | None = None,
    ) -> Iterator[Step]:
        """Run a request from the start, each step written to `run_path` before it is yielded.

        `first` is told the first x̂₀ after one evaluation, also where a step takes several.

        Raises Cancelled between two net calls once `cancelled` is set (what was reached stays in the file),
        RequestError for what the model cannot do, OutOfMemory, and OSError when the run file cannot be written.
        """
        return self._walk(request, Start(first=first), run_path, cancelled)

    def fork(
        self,
        parent: Path,
        k: int,
        request: Request | None = None,
        run_path: Path | None = None,
        cancelled: threading.Event | None = None,
    ) -> Iterator[Step]:
        """Go on from the stored step `k` of the run in `parent`, with another request or the same one.

        The same request gives the parent's own remaining steps bit for bit (given the same kind of device, torch and
        threads); another one drops the history, which belongs to the old denoiser.
        """
        reader = RunReader(parent)
        unchanged = request is None or request == reader.request
        start = self._stored(reader, k, keep_past=unchanged, parent=reader.header["id"])
        return self._walk(request or reader.request, start, run_path, cancelled)

    def go_on(self, run_path: Path, cancelled: threading.Event | None = None) -> Iterator[Step]:
        """Finish a run that broke off, in its own file, after its last whole step."""
        reader = RunReader(run_path, verify=True)
        if not reader.steps:
            run_path.unlink()
            return self.generate(reader.request, run_path, cancelled)
        last = len(reader.steps) - 1
        start = self._stored(reader, last, keep_past=True, parent=None)
        return self._walk(reader.request, start, run_path, cancelled, reopen=True)

    def environment(self) -> dict[str, Any]:
        """What bit-identity depends on besides the Request: stored in every run, fixed within it."""
        return {
            "device": self.device.type,
            "device_name": self.device_name,
            "threads": torch.get_num_threads(),
            "dtype": "float32",
            "micro_batch": MICRO_BATCH,
            "fold": True,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "studio": studio_version(),
        }

    def picture(self, request: Request, x0: torch.Tensor) -> np.ndarray:
        """x̂₀ → uint8 (B, H, W, 3), decoded."""
        with torch.no_grad():
            image = self.model(request).codec.decode(x0).clamp(-1, 1)
        image = image.expand(-1, 3, -1, -1) if image.shape[1] == 1 else image
        return ((image + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()

    def _stored(self, reader: RunReader, k: int, keep_past: bool, parent: str | None) -> Start:
        def tensor(array: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(array.copy()).to(self.device)

        # Where another request goes on, the old denoiser's history is dropped; a renoising only shows it.
        keep_past = keep_past or reader.steps[k].kind == "renoise"
        history = reader.past(k) if keep_past else []
        past = tuple(Past(s, **{name: tensor(array) for name, array in held.items()}) for s, held in history)
        return Start(tensor(reader.x(k)), past, reader.steps[k].i, parent)

    def _walk(
        self,
        request: Request,
        start: Start,
        run_path: Path | None,
        cancelled: threading.Event | None,
        reopen: bool = False,
    ) -> Iterator[Step]:
        planned = self.plan(request, cancelled)
        steps = planned.steps(start.x, start.past, start.i, start.first)
        if run_path is None:
            yield from _translated(steps)
            return
        with RunWriter.reopen(run_path) if reopen else self._writer(run_path, request, start) as writer:
            if reopen:
                next(steps)  # the last whole step is in the file; its history is rebuilt by doing it again
            else:
                writer.start(planned.x if start.x is None else start.x, start.past)
            outcome = "failed"
            try:
                for step in _translated(steps):
                    writer.step(step)
                    outcome = "open"
                    yield step
                    outcome = "failed"
                outcome = "finished"
            except Cancelled:
                outcome = "cancelled"
                raise
            finally:
                if outcome != "open":  # a consumer that just went away leaves a run that can be gone on with
                    writer.end(outcome, calls=planned.meter.calls, net_seconds=planned.meter.seconds)

    def _writer(self, path: Path, request: Request, start: Start) -> RunWriter:
        parent = None if start.parent is None else {"run": start.parent, "step": start.i}
        header = {"id": path.stem, "environment": self.environment(), "parent": parent, "preview": None}
        return RunWriter(path, request, header)


def _translated(steps: Iterator[Step]) -> Iterator[Step]:
    try:
        yield from steps
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
            raise OutOfMemory("There is not enough memory for this: make fewer images at once.") from error
        raise


def studio_version() -> str:
    try:
        return metadata.version("tweedie-studio")
    except metadata.PackageNotFoundError:
        return "unknown"
