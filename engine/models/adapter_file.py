"""The file of an adapter, fitted to a model: which tensors change what, and the tensors as they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.checkpoints.adapters.facts import trained_alphas
from engine.checkpoints.adapters.fit import Change, Fit
from engine.checkpoints.adapters.names import Names
from engine.checkpoints.adapters.recognise import fit_to
from engine.checkpoints.adapters.usable import why_unfit
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.header import read_header
from engine.errors import one_line
from engine.errors import why as reason_of
from engine.models.errors import ModelError
from engine.spec.adapter import AdapterUse


class Worn(NamedTuple):
    """An adapter of a Request, and its file."""

    use: AdapterUse
    path: Path


@dataclass(frozen=True)
class AdapterFile:
    """An open adapter that fits a model with all its tensors.

    alphas -- α by part, where the metadata say it instead of tensors
    """

    worn: Worn
    fit: Fit
    alphas: Mapping[str, float]
    _file: Any

    @classmethod
    def open(cls, worn: Worn, names: Names, title: str, stack: ExitStack) -> AdapterFile:
        """Open the file until `stack` is closed, and fit it to the modules `names` of a model of the family `title`.

        Raises ModelError for a file that cannot be read, and for one with tensors that do not fit.
        """
        try:
            header = read_header(worn.path)
        except CheckpointError as error:
            raise ModelError(str(error)) from error
        fit = fit_to(header, names)
        if why := why_unfit(header, fit, title, f"“{one_line(worn.use.name, 100)}”"):
            raise ModelError(why)
        try:
            file = stack.enter_context(safe_open(worn.path, framework="pt", device="cpu"))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise _unreadable(worn.path, error) from error
        return cls(worn, fit, trained_alphas(header.metadata), file)

    def read(self, change: Change, like: Tensor) -> dict[str, Tensor]:
        """Return the tensors of one module by role, on the device and in the dtype of `like`."""
        try:
            return {role: self._file.get_tensor(name).to(like) for role, name in change.tensors.items()}
        except (OSError, SafetensorError, RuntimeError) as error:
            raise _unreadable(self.worn.path, error) from error


def _unreadable(path: Path, error: BaseException) -> ModelError:
    reason = reason_of(error) if isinstance(error, OSError) else "its header and its data do not agree"
    return ModelError(f"{path} cannot be read ({one_line(reason, 200)}): get the file again.")
