"""Convert a pickle to safetensors: on request only, and its arrays alone are read (torch.load with weights_only)."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.checkpoints.errors import CheckpointError
from engine.errors import why
from engine.files import replace_file

MOST = 200_000  # tensors
WORDS = "string_to_param."  # of a textual inversion by A1111; its safetensors files call it emb_params


def convert(path: Path, to: Path) -> int:
    """Write the tensors of the pickle at `path` to the new safetensors file `to`; return their number.

    Raises CheckpointError for a file that is none, or that holds anything but arrays, and OSError where `to` exists or
    cannot be written.
    """
    import torch
    from safetensors.torch import save

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            held = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, EOFError, KeyError, LookupError, RuntimeError, ValueError, TypeError, AttributeError,
            pickle.UnpicklingError) as error:  # fmt: skip
        if isinstance(error, OSError):
            raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
        raise CheckpointError(
            f"{path} is damaged, or holds more than arrays: it is not read, because it could run code."
        ) from error
    tensors = _tensors(held)
    if not tensors:
        raise CheckpointError(f"{path} holds no tensors: nothing was converted.")
    if len(words := [name for name in tensors if name.startswith(WORDS)]) == 1:  # beside it are ids
        tensors = {"emb_params": tensors[words[0]]}
    whole = {name: tensor.detach().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    with replace_file(to, fresh=True) as file:
        file.write(save(whole))
    return len(whole)


def _tensors(held: Any, prefix: str = "", depth: int = 3) -> dict[str, Any]:
    """The tensors of a pickle by name; those in a table called "state_dict" without its name."""
    import torch

    found: dict[str, Any] = {}
    if not isinstance(held, Mapping) or not depth:
        return found
    for name, value in held.items():
        if isinstance(value, torch.Tensor):
            found[f"{prefix}{name}"] = value
        elif isinstance(value, Mapping):
            inner = prefix if name in ("state_dict", "params", "params_ema") else f"{prefix}{name}."
            found |= _tensors(value, inner, depth - 1)
        if len(found) > MOST:
            raise CheckpointError(f"This pickle holds more than {MOST} tensors: it is no model.")
    return found
