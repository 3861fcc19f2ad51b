"""Load the weights of a part: mapped from the file, renamed, strictly verified. Needs torch and safetensors.

A module is built on the meta device, where it takes no memory, and gets the file's own mapped arrays: nothing is read
before it is used, and nothing is copied that has the right dtype already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.names import Rename
from engine.checkpoints.recognise import PartFile
from engine.errors import Cancelled, one_line, why

M = TypeVar("M", bound=nn.Module)
SHOWN = 3  # tensors that a sentence names
UNUSED = ("position_ids", "num_batches_tracked")  # ends of names of tensors that are no parameters


class Progress:
    """Counts the bytes of a model that are loaded.

    report    -- called with the share, 0 … 1
    cancelled -- called before each tensor; True raises Cancelled
    """

    def __init__(
        self, total: int, report: Callable[[float], None] = lambda share: None, cancelled: Callable[[], bool] = bool
    ) -> None:
        self.total, self.report, self.cancelled, self.done = max(total, 1), report, cancelled, 0

    def add(self, count: int) -> None:
        if self.cancelled():
            raise Cancelled
        self.done += count
        self.report(min(self.done / self.total, 1.0))


def read_tensors(part: PartFile, rename: Rename = lambda name: name) -> dict[str, Tensor]:
    """Return the tensors of a part by their new names, mapped from its files: they take no memory until they are used.

    Raises CheckpointError for a file that changed or went away, and for two tensors of one name.
    """
    tensors: dict[str, Tensor] = {}
    for path in part.header.files:
        try:
            with safe_open(path, framework="pt", device="cpu") as file:
                for name in file.keys():  # noqa: SIM118  (no mapping)
                    if name.startswith(part.prefix) and not name.endswith(UNUSED):
                        new = rename(name[len(part.prefix) :])
                        if new in tensors:
                            raise CheckpointError(f"{path} has two tensors for {one_line(new, 100)}: get it again.")
                        tensors[new] = file.get_tensor(name)
        except (OSError, SafetensorError, RuntimeError, ValueError) as error:
            if isinstance(error, CheckpointError):
                raise
            reason = why(error) if isinstance(error, OSError) else "its header and its data do not agree"
            raise CheckpointError(f"{path} cannot be read ({one_line(reason, 200)}): get the file again.") from error
    return tensors


def fill(
    build: Callable[[], M],
    tensors: Mapping[str, Tensor],
    where: Path,
    title: str,
    device: torch.device,
    dtype: torch.dtype | None,
    progress: Progress | None = None,
) -> M:
    """Build a module on the meta device and give it `tensors`; return it frozen, on `device`, in `dtype`; in their own
    for None.

    where, title -- the file and what the part is, for the sentence of an error

    Raises CheckpointError where the tensors are not exactly those of the module, and Cancelled.
    """
    try:
        with torch.device("meta"):
            module = build()
    except (TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RuntimeError, AssertionError) as error:
        reason = one_line(str(error), 200) or type(error).__name__
        raise CheckpointError(f"{where}: no net can be built from the settings of its {title} ({reason}).") from error
    wanted: dict[str, Any] = module.state_dict()
    _compare({name: tuple(v.shape) for name, v in wanted.items()}, tensors, where, title)
    placed = {}
    for name, like in wanted.items():
        value = tensors[name]
        if value.shape != like.shape:
            value = value.reshape(like.shape)  # a 1×1 convolution that is a linear layer here
        if progress is not None:
            progress.add(value.nbytes)
        placed[name] = value.to(device, dtype if value.is_floating_point() else None)
    module.load_state_dict(placed, strict=True, assign=True)
    _check_placed(module, where)
    return module.eval().requires_grad_(False)


def _compare(wanted: Mapping[str, tuple[int, ...]], tensors: Mapping[str, Tensor], where: Path, title: str) -> None:
    """Raise CheckpointError unless the tensors are exactly the wanted ones."""
    missing = [name for name in wanted if name not in tensors]
    unknown = [name for name in tensors if name not in wanted]
    misfit = [
        f"{name} ({'×'.join(map(str, tensors[name].shape))} instead of {'×'.join(map(str, shape))})"
        for name, shape in wanted.items()
        if name in tensors and _trimmed(tuple(tensors[name].shape)) != _trimmed(shape)
    ]
    told = [f"{words} {_some(names)}" for words, names in
            (("it lacks", missing), ("it has the unknown", unknown), ("it has another", misfit)) if names]  # fmt: skip
    if told:
        raise CheckpointError(
            f"{where} does not fit its {title}: {'; '.join(told)}. Set by hand what it is, or get it again."
        )


def _trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without the ones at its end: a 1×1 convolution and a linear layer are one."""
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _some(names: list[str]) -> str:
    shown = ", ".join(one_line(name, 100) for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"


def _check_placed(module: nn.Module, where: Path) -> None:
    """Raise CheckpointError where something stayed on meta: a buffer that a state_dict does not hold."""
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        if value.is_meta:
            raise CheckpointError(f"{where} leaves {name} empty: this version of diffusers is not supported.")
