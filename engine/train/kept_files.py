"""Files that training keeps for itself and reads again: checkpoints, and caches of what takes long to compute.

They lie in folders of a person's and may be damaged, or made by somebody else: a pickle in them runs no code
(weights_only), and their contents are checked. A damaged cache is computed again; a damaged checkpoint is an error.
"""

from __future__ import annotations

import errno
import math
import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.errors import EngineError
from engine.files import replace_file

DAMAGED = (
    EOFError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RuntimeError, RecursionError,
    AssertionError, pickle.UnpicklingError,
)  # what a file that no training wrote breaks  # fmt: skip
LARGEST = 1e12  # no number of a training is larger


class CheckpointError(EngineError, ValueError):
    """A checkpoint that cannot be gone on with; the message says what to do."""

    kind = "training"


def keep(path: Path, held: dict[str, Any]) -> None:
    """Write tensors, numbers and texts, atomically. Raises OSError."""
    with replace_file(path) as file:
        torch.save(held, file)


def read(path: Path) -> dict[str, Any]:
    """Read what keep() wrote. Raises OSError, and one of DAMAGED where it is something else."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on what is refused just below
            held = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise ValueError("a place before the beginning of the file") from error
    if not isinstance(held, dict):
        raise TypeError("no table")
    return held


def cache(path: Path, texts: str, **rows: tuple[torch.dtype, tuple[int, ...]]) -> dict[str, Any]:
    """Read a cache by texts: a list of them under the key `texts`, and for each key of `rows` a tensor with one row of
    that type and shape for each text. An empty one where the file is missing, damaged or of another kind.
    """
    empty = {texts: [], **{key: torch.empty(0, *shape, dtype=dtype) for key, (dtype, shape) in rows.items()}}
    try:
        held = read(path)
        names = held[texts]
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TypeError("no texts")
        for key, (dtype, shape) in rows.items():
            _check(held[key], dtype, (len(names), *shape))
    except (OSError, *DAMAGED):
        return empty
    return {key: held[key] for key in empty} if len(set(names)) == len(names) else empty


def pictures(path: Path, shape: Sequence[int | None]) -> np.ndarray | None:
    """Read an array of uint8 of this shape, None for any length; None where the file is missing or of another kind."""
    try:
        # Mapped: a header that claims more than the file holds is refused before any memory is taken.
        array = np.lib.format.open_memmap(path, mode="r")
        fits = len(array.shape) == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        return np.array(array) if fits and array.dtype == np.uint8 else None
    except (OSError, OverflowError, SyntaxError, TokenError, *DAMAGED):
        return None


def check_like(held: Any, own: Any) -> None:
    """Raise TypeError or ValueError unless `held` has the keys, the types and the shapes of `own`, and finite numbers.

    An empty table of `own` fits any table: what an optimizer has of a parameter before its first step.
    """
    if isinstance(own, Tensor):
        _check(held, own.dtype, tuple(own.shape))
        if own.dtype.is_floating_point and not held.isfinite().all():
            raise ValueError("not finite")
    elif isinstance(own, dict):
        if not isinstance(held, dict) or (own and set(held) != set(own)):
            raise TypeError("other keys")
        for key in own:
            check_like(held[key], own[key])
    elif isinstance(own, list | tuple):
        if type(held) is not type(own) or len(held) != len(own):
            raise TypeError("another list")
        for one, other in zip(held, own, strict=True):
            check_like(one, other)
    elif isinstance(own, float) and type(held) in (int, float):
        if not math.isfinite(held) or abs(held) > LARGEST:
            raise ValueError("no sane number")
    elif type(held) is not type(own):
        raise TypeError("another type")


def _check(value: object, dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_quantized:
        raise TypeError("no plain tensor")
    if value.dtype != dtype or tuple(value.shape) != shape:
        raise ValueError("another tensor")
