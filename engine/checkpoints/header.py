"""Read the header of a checkpoint: the name, dtype and shape of every tensor, and the metadata. Needs no torch.

A safetensors file begins with the length of its header (8 bytes, little-endian), then the header in JSON, then the
data: https://huggingface.co/docs/safetensors. Only the header is read, so a file of 7 GB takes a few milliseconds.
Nothing in a file is trusted: every length is bounded before anything is allocated or parsed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from engine.checkpoints.errors import CheckpointError, PickleError
from engine.errors import one_line, why

MAX_HEADER = 16 * 2**20  # bytes; the largest header in use has 1 MB, and the text of a LoRA's captions a few more
MAX_TENSORS = 200_000
MAX_RANK = 8
MAX_SHARDS = 1000
INDEX_ENDING = ".safetensors.index"  # then .json, or .fp16.json of a variant
BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32,
    "I64": 64, "U64": 64, "F64": 64, "C64": 64,
    "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8,
    "F6_E2M3": 6, "F6_E3M2": 6, "F4": 4,
}  # fmt: skip


class Entry(NamedTuple):
    """One tensor: its dtype as the file writes it ("F16"), its shape, and its bytes in the file."""

    dtype: str
    shape: tuple[int, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Header:
    """The tensors of one file, or of the shards of one model.

    path     -- the file, or the index of the shards
    files    -- every file that holds tensors
    tensors  -- by name
    metadata -- text by name, as the writer of the file put it there
    """

    path: Path
    files: tuple[Path, ...]
    tensors: Mapping[str, Entry] = field(repr=False)
    metadata: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def bytes(self) -> int:
        """The bytes of all tensors."""
        return sum(entry.bytes for entry in self.tensors.values())

    def shape(self, name: str) -> tuple[int, ...] | None:
        """The shape of a tensor; None where there is no such tensor."""
        entry = self.tensors.get(name)
        return None if entry is None else entry.shape


def read_header(path: Path) -> Header:
    """Read the header of a safetensors file or of an index of shards.

    Raises PickleError for a pickle, and CheckpointError, in one sentence, for anything else that is none or is damaged.
    """
    if path.name.endswith(".json"):
        return _read_index(path)
    try:
        if not path.is_file():  # a pipe would be waited for
            raise CheckpointError(f"{path} is no file: choose a .safetensors file or the folder of a diffusers model.")
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            start = file.read(64)
            if len(start) < 8:
                raise _damaged(path, "it is too short")
            length = int.from_bytes(start[:8], "little")
            if length > min(MAX_HEADER, size - 8) or start[8:9] != b"{":
                _refuse(path, start, length, size)
            file.seek(8)
            text = file.read(length)
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        raise _damaged(path, "its header is no JSON") from None
    if not isinstance(listed, dict) or len(listed) > MAX_TENSORS:
        raise _damaged(path, f"its header is no table of up to {MAX_TENSORS} tensors")
    metadata = _metadata(path, listed.pop("__metadata__", None))
    return Header(path, (path,), _tensors(path, listed, size - 8 - length), metadata)


def _tensors(path: Path, listed: dict[str, Any], size: int) -> dict[str, Entry]:
    """Check every tensor: a known dtype, a shape of whole numbers that fills its bytes, and bytes without a gap."""
    tensors: dict[str, Entry] = {}
    ranges: list[tuple[int, int]] = []
    for name, about in listed.items():
        try:
            dtype, shape, (start, end) = about["dtype"], about["shape"], about["data_offsets"]
            bits = BITS[dtype]
            if type(shape) is not list or len(shape) > MAX_RANK:
                raise ValueError
            for side in shape:
                if type(side) is not int or side < 0:
                    raise ValueError
            if type(start) is not int or type(end) is not int or not 0 <= start <= end <= size:
                raise ValueError
            if (prod(shape) * bits + 7) // 8 != end - start:
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise _unfit(path, name, about, size) from None
        tensors[name] = Entry(dtype, tuple(shape), end - start)
        ranges.append((start, end))
    ranges.sort()
    at = 0
    for start, end in ranges:
        if start != at:
            raise _damaged(path, "the bytes of its tensors overlap or leave a gap")
        at = end
    if at != size:
        raise _damaged(path, f"{size - at} bytes follow its last tensor")
    return tensors


def _unfit(path: Path, name: str, about: object, size: int) -> CheckpointError:
    """The error for a tensor that does not fit; a file that is cut off is named as such."""
    offsets = about.get("data_offsets") if isinstance(about, dict) else None
    if isinstance(offsets, list) and len(offsets) == 2 and type(offsets[1]) is int and offsets[1] > size:
        return _damaged(path, "it is cut off")
    dtype = about.get("dtype") if isinstance(about, dict) else None
    if isinstance(dtype, str) and dtype not in BITS:
        return _damaged(path, f"the dtype {one_line(dtype, 30)} of “{one_line(name, 100)}” is unknown")
    return _damaged(path, f"its header describes “{one_line(name, 100)}” wrongly")


def _metadata(path: Path, found: object) -> dict[str, str]:
    """Check the metadata: texts by name. A value of another kind is left out, since some tools write numbers."""
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _damaged(path, "its metadata are no table")
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _read_index(path: Path) -> Header:
    """Read the index of a model in shards: {"weight_map": {tensor: file beside the index}}."""
    try:
        if not path.is_file():
            raise CheckpointError(f"{path} is no file: choose a .safetensors file or the folder of a diffusers model.")
        with open(path, "rb") as file:
            text = file.read(MAX_HEADER + 1)
        if len(text) > MAX_HEADER:
            raise _damaged(path, f"it is larger than {MAX_HEADER // 2**20} MiB")
        listed = json.loads(text)
        where: Any = listed["weight_map"]
        names = sorted(set(where.values()))
        plain = all(name.endswith(".safetensors") and Path(name).name == name for name in names)
        if not plain or not 1 <= len(names) <= MAX_SHARDS:
            raise ValueError
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
    except CheckpointError:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise _damaged(path, "it is no list of shards") from None
    tensors: dict[str, Entry] = {}
    metadata: dict[str, str] = {}
    for name in names:
        shard = read_header(path.with_name(name))
        if any(where.get(tensor) != name for tensor in shard.tensors):
            raise _damaged(path, f"it does not describe the shard {one_line(name, 100)}")
        tensors.update(shard.tensors)
        metadata.update(shard.metadata)
    if len(tensors) != len(where):
        missing = next(tensor for tensor in where if tensor not in tensors)
        raise _damaged(path, f"no shard holds “{one_line(str(missing), 100)}”")
    return Header(path, tuple(path.with_name(name) for name in names), tensors, metadata)


def _refuse(path: Path, start: bytes, length: int, size: int) -> NoReturn:
    """Say what a file is that is no safetensors file."""
    if start[:2] == b"PK" or (start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05"):
        raise PickleError(
            f"{path} is a pickle, and opening a pickle can run any code in it: get the .safetensors version, "
            "or convert it with “run.py models FILE --convert NEW.safetensors”, which reads its arrays alone."
        )
    if start[:4] == b"GGUF":
        raise CheckpointError(f"{path} is a GGUF file, which cannot be opened here yet: get the .safetensors version.")
    if start.startswith(b"version https://git-lfs"):
        raise CheckpointError(f"{path} is a pointer of Git LFS, not the model itself: fetch it with “git lfs pull”.")
    if start.lstrip()[:1] == b"<":
        raise CheckpointError(f"{path} is a web page, not a model: download the file again.")
    if MAX_HEADER < length <= size:
        raise _damaged(path, f"its header is larger than {MAX_HEADER // 2**20} MiB")
    if start[8:9] == b"{":
        raise _damaged(path, "it is cut off")
    raise CheckpointError(f"{path} is no safetensors file: choose a .safetensors file.")


def _damaged(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(f"{path} is damaged ({reason}): download or save it again.")
