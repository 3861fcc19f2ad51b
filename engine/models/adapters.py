"""Put adapters on the nets of a loaded model, and take them off.

The originals of all changed weights are kept, on the CPU, so that a model without its adapters has the bits of before,
and a model with some adapters has the same bits whatever it had on before. Each weight is computed from its original:
W + Σ fᵢ·ΔWᵢ, in float32 (float64 for float64 nets), in the order of the adapters' hashes, and rounded once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from engine.checkpoints.adapters.fit import Change
from engine.checkpoints.adapters.modules import block_of
from engine.checkpoints.adapters.names import Names, names_of
from engine.errors import Cancelled, one_line
from engine.models.adapter_file import AdapterFile, Worn
from engine.models.clip_text import ClipText
from engine.models.deltas import bias_change, weight_change
from engine.models.errors import ModelError
from engine.models.memory import free_bytes
from engine.models.offload import Offload
from engine.types import Model

Key = tuple[str, str]  # a part, and the name of a parameter in its net
Changes = Sequence[tuple[AdapterFile, Change]]
Report = Callable[[float], object]
Ask = Callable[[], bool]
SPARE = 256 * 2**20  # bytes to leave free


def _ignore(share: float) -> None:
    pass


def _never() -> bool:
    return False


class Applied(NamedTuple):
    """What an adapter does to a model: `tensors` of `total` tensors of its file are applied, to `modules` modules; the
    others are of learned words beside it.
    """

    name: str
    tensors: int
    total: int
    modules: int

    @property
    def sentence(self) -> str:
        """What it does, for the user."""
        applied = f"{self.name}: {self.tensors} of {self.total} tensors applied to {self.modules} modules"
        if left := self.total - self.tensors:
            return f"{applied}; {left} of learned words are not used"
        return applied


@dataclass
class Fitting:
    """The nets of a model, and the adapters that they have on.

    nets  -- by part: "unet", "text", "text_2"
    names -- their modules
    title -- of the model's family, for sentences
    on    -- the adapters that the nets have on now; None: it is not known any more, since nets went away
    offload -- keeps one part on the device at a time; None: all of them stay
    """

    nets: Mapping[str, nn.Module]
    names: Names
    title: str
    on: tuple[Worn, ...] | None = ()
    offload: Offload | None = None
    applied: tuple[Applied, ...] = ()
    _originals: dict[tuple[str, str], Tensor] = field(default_factory=dict, repr=False)

    def make_ready(self, part: str, adapters: tuple[Worn, ...]) -> None:
        """Bring a part, "unet" or "text", to its device, with exactly these adapters on. Raises as ensure() does."""
        if self.offload is not None:
            self.offload.use(part)
        self.ensure(adapters)

    def forget(self, part: str) -> None:
        """A part has the parameters of its file again: forget what it had on."""
        self._originals = {key: held for key, held in self._originals.items() if not key[0].startswith(part)}
        self.on = None

    def ensure(self, adapters: tuple[Worn, ...], report: Report = _ignore, cancelled: Ask = _never) -> None:
        """Bring the nets to have on exactly these adapters. It costs nothing where they do already.

        report    -- called with the share of the changed weights that is computed, 0 … 1
        cancelled -- called before each weight; True raises Cancelled

        Raises ModelError for an adapter that does not fit, a file that cannot be read, and too little memory. After
        this and after Cancelled the nets have nothing on, to the bit.
        """
        if adapters is self.on or adapters == self.on:
            return
        try:
            with ExitStack() as stack:
                ordered = sorted(adapters, key=lambda worn: worn.use.sha256)
                files = [AdapterFile.open(worn, self.names, self.title, stack) for worn in ordered]
                self._change(self._parameters(files), report, cancelled)
        except BaseException:
            self._restore(set(self._originals))
            self.on, self.applied = (), ()
            raise
        self.on = adapters
        self.applied = tuple(Applied(f.worn.use.name, f.fit.mapped, f.fit.total, len(f.fit.changes)) for f in files)

    def _parameters(self, files: Sequence[AdapterFile]) -> dict[Key, Changes]:
        """Return every parameter that adapters change, with its changes; none of layers that this model leaves out."""
        found: dict[Key, list[tuple[AdapterFile, Change]]] = {}
        for file in files:
            for change in file.fit.changes:
                for kind in ("weight", "bias"):
                    if change.changes(kind) and self._has(change.part, change.module.name):
                        found.setdefault((change.part, f"{change.module.name}.{kind}"), []).append((file, change))
        return dict(found)

    def _has(self, part: str, module: str) -> bool:
        net = self.nets.get(part)
        if self.offload is not None and not (self.offload.there and part.startswith(self.offload.there)):
            return False  # it gets its adapters when it comes
        try:
            return net is not None and net.get_submodule(module) is not None
        except AttributeError:
            return False

    def _change(self, parameters: Mapping[Key, Changes], report: Report, cancelled: Ask) -> None:
        self._restore(set(self._originals) - set(parameters))
        self._check_memory(parameters)
        for k, (key, changes) in enumerate(parameters.items()):
            if cancelled():
                raise Cancelled
            report(k / len(parameters))
            parameter = self._parameter(key)
            original = self._originals.setdefault(key, parameter.data.to("cpu"))
            made = _with_changes(original.to(parameter.device), changes, key[1].endswith("weight"))
            if made is None:
                names = ", ".join(f"“{one_line(file.worn.use.name, 80)}”" for file, _ in changes)
                raise ModelError(
                    f"With {names} {key[1]} has values that are not numbers: set a smaller strength, or get the file "
                    "again."
                )
            parameter.data = made

    def _parameter(self, key: Key) -> nn.Parameter:
        return self.nets[key[0]].get_parameter(key[1])

    def _restore(self, keys: set[Key]) -> None:
        """Give back the originals of these parameters, bit for bit."""
        for key in keys:
            parameter = self._parameter(key)
            parameter.data = self._originals.pop(key).to(parameter.device)

    def _check_memory(self, parameters: Mapping[Key, Changes]) -> None:
        """Raise ModelError where the originals and the changed weights do not fit into the memory together."""
        needed = sum(self._parameter(key).nbytes for key in parameters if key not in self._originals)
        free = free_bytes(torch.device("cpu"))
        if free is not None and needed + SPARE > free:
            raise ModelError(
                f"These adapters take {needed / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free: use "
                "fewer, or close other programs."
            )


def _with_changes(original: Tensor, changes: Changes, of_weight: bool) -> Tensor | None:
    """Return the original and all its changes, summed in the wide dtype and rounded once; None where the sum has values
    that are not numbers in the original's dtype.
    """
    wide = original.to(torch.float64 if original.dtype == torch.float64 else torch.float32)
    total = wide
    for file, change in changes:
        factor = file.worn.use.factor(change.part, block_of(change.module.original))
        make = weight_change if of_weight else bias_change
        total = total.add(make(change, file.read(change, wide), wide, file.alphas.get(change.part)), alpha=factor)
    limit = torch.finfo(original.dtype).max
    low, high = (float(end) for end in total.aminmax())
    if not -limit <= low <= high <= limit:  # nor NaN
        return None
    return total.to(original.dtype)


class Fitted(nn.Module):
    """A net that has on exactly `adapters` at each call, whatever other views of the same model had on between.

    inner -- the net, called with the same arguments
    """

    def __init__(self, inner: nn.Module, fitting: Fitting, adapters: tuple[Worn, ...]) -> None:
        super().__init__()
        self.inner, self.fitting, self.adapters = inner, fitting, adapters

    def forward(self, *args: Any) -> Tensor:
        self.fitting.make_ready("unet", self.adapters)
        out: Tensor = self.inner(*args)
        return out


def names_of_model(unet: nn.Module, texts: Mapping[str, tuple[ClipText, int]]) -> Names:
    """Return the modules of a loaded model.

    unet  -- diffusers' UNet2DConditionModel
    texts -- for "text" and "text_2" the encoder, and how many last layers it leaves out
    """
    about = {part: text.config | {"dropped": dropped} for part, (text, dropped) in texts.items()}
    return names_of(dict(unet.config), about)  # type: ignore[arg-type]


@runtime_checkable
class Wearer(Protocol):
    """A model that takes adapters."""

    fitting: Fitting | None
    adapters: tuple[Worn, ...]

    def wearing(self, adapters: tuple[Worn, ...]) -> Model: ...


def wear(model: Model, adapters: tuple[Worn, ...]) -> Model:
    """Return a view of a model that has these adapters on from its next condition or call; the model itself for none.

    Raises ModelError for a model that takes none.
    """
    if not adapters:
        return model
    if not isinstance(model, Wearer):
        raise ModelError(f"The model “{model.id}” takes no adapters such as LoRA: take them off.")
    worn: Model = model.wearing(adapters)
    return worn


def applied_to(model: Model, report: Report = _ignore, cancelled: Ask = _never) -> tuple[Applied, ...]:
    """Put a view's adapters on now, and say what each does; () for a model that takes none.

    The other arguments and errors are those of Fitting.ensure().
    """
    if not isinstance(model, Wearer) or model.fitting is None:
        return ()
    model.fitting.ensure(model.adapters, report, cancelled)
    return model.fitting.applied
