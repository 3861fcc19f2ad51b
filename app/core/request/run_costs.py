"""The estimated time of a run, from measured times of model calls."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from app.core.request.call_times import Called, CallTimes, Kind, Machine
from engine.spec.catalog import ModelInfo
from engine.spec.cost import enlargement_passes, hop_costs, work
from engine.spec.limits import DTYPES
from engine.spec.request import Request
from engine.spec.sizes import Size

# One row of the UNet of Stable Diffusion 1 at 512² is as much work as 600 rows of the embedded model at 32²: 0.8 TFLOP
# and 1.3 GFLOP. Other nets count by the bytes of their weights in float32, and by their pixels.
UNET_ROWS, UNET_BYTES, UNET_PIXELS = 600, 4_270_000_000, 512 * 512


class Estimate(NamedTuple):
    """Estimated seconds. measured -- from calls of the same model on this device; else it is rough"""

    seconds: float
    measured: bool = True

    @property
    def words(self) -> str:
        """“≈ 3.2 s” if measured, “about 3 min” if rough."""
        return f"{'≈' if self.measured else 'about'} {in_words(self.seconds)}"


class Prices(QObject):
    """Estimates runs: each evaluation of each hop costs one call of the net with all rows of the batch (engine.spec.
    cost counts them); the second stage and the decoder have times of their own.

    device    -- in words; set it when the engine is ready. Times of other devices stay for the day when they are back
    yardstick -- an embedded model: one that was never measured is estimated from its calls
    """

    changed = Signal()

    def __init__(
        self, path: Path | None = None, yardstick: ModelInfo | None = None, parent: QObject | None = None
    ) -> None:
        """`path`: the file of measured times; None keeps nothing."""
        super().__init__(parent)
        self._times, self.yardstick = CallTimes(path), yardstick
        self._device = ""

    @property
    def device(self) -> str:
        return self._device

    @device.setter
    def device(self, device: str) -> None:
        if device != self._device:
            self._device = device
            self.changed.emit()

    # measuring

    def learn(self, request: Request, seconds: float, start: int = 0, finishing: float = 0.0) -> None:
        """A run of `request` took `seconds` from the model call of its step `start` to its last step, and `finishing`
        from there to its pictures.
        """
        batch, costs = len(request.seeds), hop_costs(request)[start:]
        rows = max((cost.rows for cost in costs), default=1)
        calls = sum(cost.evaluations * (cost.rows + cost.besides) for cost in costs) / rows
        if calls:
            self._times.add(self._called("net", request), batch * rows, seconds / calls)
        if second := enlargement_passes(request):
            self._times.add(self._called("second", request), batch, finishing / second)
        else:
            self._times.add(self._called("finish", request), batch, finishing)
        self._keep()

    def learn_whole(self, request: Request, seconds: float) -> None:
        """A run of `request`, without a second stage, took `seconds` with all that makes its pictures."""
        known = self._times.seconds(self._called("finish", request), len(request.seeds)) or 0.0
        finishing = min(known, seconds / 2)
        self.learn(request, seconds - finishing, 0, finishing)

    def learn_call(self, request: Request, rows: int, seconds: float) -> None:
        """One call of the net with `rows` rows took `seconds`."""
        self._times.add(self._called("net", request), rows, seconds)
        self._keep()

    def learn_second(self, request: Request, seconds: float) -> None:
        """One call of the second stage's net for one picture took `seconds`."""
        self._times.add(self._called("second", request), 1, seconds)
        self._keep()

    def knows(self, request: Request) -> bool:
        """Whether calls of its net, and of its second stage if it has one, were measured at its size."""
        kinds: list[Kind] = ["net", "second"] if request.enlargement is not None else ["net"]
        return all(self._times.knows(self._called(kind, request)) for kind in kinds)

    def _keep(self) -> None:
        self._times.save()
        self.changed.emit()

    # estimating

    def seconds(self, request: Request, start: int = 0) -> float | None:
        """The estimated seconds of `request` from step `start` of its path; None before calls of its net, and of its
        second stage, were measured.
        """
        batch, second = len(request.seeds), enlargement_passes(request)
        total = 0.0
        for cost in hop_costs(request)[start:]:
            each = self._times.seconds(self._called("net", request), batch * cost.rows)
            if each is None:
                return None
            total += cost.evaluations * each * (1 + cost.besides / cost.rows)
        if not second:
            return total + (self._times.seconds(self._called("finish", request), batch) or 0.0)
        each = self._times.seconds(self._called("second", request), batch)
        return None if each is None else total + second * each

    def call_seconds(self, model: ModelInfo, size: Size, rows: int = 1) -> float | None:
        """The seconds of a call of the net of `model` with `rows` rows of that size; None before it was measured."""
        return self._times.seconds(Called("net", Machine(model.sha256, "", self._device), *size), rows)

    def estimate(self, request: Request, info: ModelInfo) -> Estimate | None:
        """Return the estimate of a run of the model `info`: a rough one from the bytes of its weights where it was
        never measured and the device is a processor; None where nothing is known.
        """
        if (seconds := self.seconds(request)) is not None:
            return Estimate(seconds)
        if self.yardstick is None or not info.latent or not info.bytes or not self._device.startswith("CPU"):
            return None
        row = self.call_seconds(self.yardstick, self.yardstick.size)
        if row is None:
            return None
        weights = info.bytes * DTYPES["float32"] / DTYPES[info.compute_dtype] / UNET_BYTES
        pixels = request.width * request.height / UNET_PIXELS
        rows = sum(work(request)) * len(request.seeds)
        return Estimate(row * UNET_ROWS * weights * pixels * rows, measured=False)

    def words(self, request: Request, start: int = 0) -> str:
        """The estimated time in words, such as "≈ 0.6 s"; "" where it was not measured."""
        seconds = self.seconds(request, start)
        return "" if seconds is None else Estimate(seconds).words

    def finishing(self, request: Request) -> float | None:
        """The estimated seconds of the request's second stage; None before one was measured."""
        each = self._times.seconds(self._called("second", request), len(request.seeds))
        return None if each is None else each * enlargement_passes(request)

    def _called(self, kind: Kind, request: Request) -> Called:
        machine = Machine(request.model_sha256, request.precision or "", self._device)
        return Called(kind, machine, request.width, request.height)


def in_words(seconds: float) -> str:
    """0.6 s, 12 s, 3 min: as exact as an estimate deserves."""
    if seconds < 0.095:
        return "0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 99.5 else f"{minutes / 60:.1f} h"
