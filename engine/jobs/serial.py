"""Write jobs as JSON and read them: a queue on disk, another process and another machine read the same value.

A file holds the kind and every field. An array is stored beside it as <SHA-256>.npy, once even if several jobs use it,
and is checked when it is read; paths are strings. Reading follows the types of the dataclass's fields, so it returns
only complete jobs of this version. Needs no torch.
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError, one_line
from engine.jobs.job import Job, JobError, class_of
from engine.spec.edit import digest
from engine.spec.morph import Morph
from engine.spec.request import Request

FORMAT = 1
ARRAY = "array"  # the key of an array's digest

Keep = Callable[[NDArray[Any]], str]  # keeps an array and returns its digest
Find = Callable[[str], NDArray[Any]]


def save(job: Job, path: Path) -> None:
    """Write a job to `path` and its arrays beside it. The file is complete or absent. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = to_json(job, lambda array: _keep(path.parent, array))
    data = text.encode("utf-8", errors="backslashreplace")  # half a letter of a path becomes \udxxx, which is JSON
    _write(path, lambda file: file.write_bytes(data))


def load(path: Path) -> Job:
    """Read a job from a file. Raises JobError for a file without a job or with a missing array, and OSError."""
    return from_json(path.read_bytes(), lambda name: _find(path.parent, name))


def to_json(job: Job, keep: Keep) -> str:
    """Return the job as JSON; equal jobs give equal text. `keep` is called with each array."""
    data = {"format": FORMAT, "kind": job.kind, "job": _fields(job, keep)}
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def from_json(text: str | bytes, find: Find) -> Job:
    """Read the job from a text. Raises JobError for any other text; `find` returns an array by its digest."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JobError("This is not a job: the file is damaged.") from error
    if not isinstance(data, dict) or data.get("format") != FORMAT or set(data) != {"format", "kind", "job"}:
        raise JobError("This version of the studio cannot read this job: create it again.")
    if not isinstance(data["kind"], str):
        raise JobError("This is not a job: it names no kind.")
    job_class = class_of(data["kind"])
    try:
        job: Job = _dataclass(job_class, data["job"], find)
        return job
    except JobError:
        raise
    except EngineError as error:  # of a Request or a Morph inside: its sentence is whole
        raise JobError(f"The settings of this job are damaged: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        told = one_line(str(error), 200)
        raise JobError(f"This job of the kind “{data['kind']}” is damaged ({told}): create it again.") from error


# to JSON, by value


def _fields(value: Any, keep: Keep) -> dict[str, Any]:
    return {field.name: _plain(getattr(value, field.name), keep) for field in dataclasses.fields(value)}


def _plain(value: Any, keep: Keep) -> Any:
    if isinstance(value, Request | Morph):
        return value.to_dict()
    if dataclasses.is_dataclass(value):
        return _fields(value, keep)
    if isinstance(value, np.ndarray):
        return {ARRAY: keep(value)}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(each, keep) for key, each in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(each, keep) for each in value]
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"A job cannot hold a {type(value).__name__}.")


# from JSON, by the type of the field


def _dataclass(kind: type, data: Any, find: Find) -> Any:
    if not isinstance(data, dict):
        raise TypeError(f"there is no {kind.__name__}")
    hints, fields = typing.get_type_hints(kind), {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(set(data) - set(fields)):
        raise ValueError(f"it has unknown fields ({', '.join(map(str, unknown))})")
    if missing := sorted(set(fields) - set(data)):
        raise ValueError(f"it lacks {', '.join(missing)}")
    return kind(**{name: _value(hints[name], data[name], find, name) for name in fields})


def _value(hint: Any, data: Any, find: Find, name: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (each for each in arguments if each is not type(None))  # T | None
        return None if data is None else _value(inner, data, find, name)
    if origin is tuple:
        return _tuple(arguments, data, find, name)
    if origin is np.ndarray:
        return _array(arguments, data, find, name)
    if origin is not None and issubclass(origin, Mapping):
        return {str(key): _value(arguments[1], each, find, name) for key, each in data.items()}
    if hint is Request:
        return Request.from_dict(data)
    if hint is Morph:
        return Morph.from_json(json.dumps(data))
    if dataclasses.is_dataclass(hint):
        return _dataclass(typing.cast(type, hint), data, find)
    return _scalar(hint, data, name)


def _scalar(hint: Any, data: Any, name: str) -> Any:
    if hint is Path and isinstance(data, str) and data and "\0" not in data:
        return Path(data)
    if hint is float and isinstance(data, int | float) and not isinstance(data, bool) and math.isfinite(data):
        return float(data)
    if hint in (str, bool, int) and type(data) is hint:
        return data
    raise TypeError(f"its {name} has the wrong type")


def _tuple(arguments: tuple[Any, ...], data: Any, find: Find, name: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise TypeError(f"its {name} is no list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_value(arguments[0], each, find, name) for each in data)
    return tuple(_value(hint, each, find, name) for hint, each in zip(arguments, data, strict=True))


def _array(arguments: tuple[Any, ...], data: Any, find: Find, name: str) -> NDArray[Any]:
    if not isinstance(data, dict) or set(data) != {ARRAY} or not isinstance(data[ARRAY], str):
        raise TypeError(f"its {name} names no array")
    array = find(data[ARRAY])
    (scalar,) = typing.get_args(arguments[1])
    if array.dtype != np.dtype(scalar):
        raise TypeError(f"its {name} is an array of {array.dtype}")
    return array


# arrays, in a folder


def _keep(folder: Path, array: NDArray[Any]) -> str:
    array = np.ascontiguousarray(array)
    name = digest(array)
    path = folder / f"{name}.npy"
    if not path.exists():
        with_array = typing.cast("Callable[[Path], object]", lambda file: _save_array(file, array))
        _write(path, with_array)
    return name


def _save_array(path: Path, array: NDArray[Any]) -> None:
    with open(path, "wb") as file:
        np.save(file, array, allow_pickle=False)


def _find(folder: Path, name: str) -> NDArray[Any]:
    if len(name) != 64 or not set(name) <= set("0123456789abcdef"):
        raise JobError("An array of this job is not named by its digest: create the job again.")
    try:
        # Map the file first: this refuses a header that promises more than the file holds, without allocating it.
        array = np.array(np.lib.format.open_memmap(folder / f"{name}.npy", mode="r"))
    except (OSError, ValueError, TypeError, EOFError, OverflowError, SyntaxError, TokenError, MemoryError) as error:
        raise JobError("A picture of this job is missing or damaged: create the job again.") from error
    if digest(array) != name:
        raise JobError("A picture of this job has changed: create the job again.")
    array.setflags(write=False)
    return array


def _write(path: Path, write: Callable[[Path], object]) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
