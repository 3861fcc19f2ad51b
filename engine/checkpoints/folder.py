"""Read the folder of a diffusers model: its configs and the headers of its weights. Needs no torch, runs no code.

A pipeline's folder holds model_index.json and a folder for each component; a component's folder holds config.json and
its weights, whole or in shards, maybe in variants ("….fp16.safetensors").
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from engine.checkpoints.errors import CheckpointError, PickleError
from engine.checkpoints.header import Header, read_header
from engine.errors import one_line, why

INDEX, CONFIG = "model_index.json", "config.json"
ZEROS = "force_zeros_for_empty_prompt"  # of a pipeline's index
MAX_CONFIG = 4 * 2**20  # bytes
MAX_DEPTH = 6
MAX_SIDE = 2**16  # of any size that a config may give
STEMS = ("diffusion_pytorch_model", "model")
_WEIGHTS = re.compile(rf"^({'|'.join(STEMS)})(?:\.(?P<v>\w+))?\.safetensors$")
_SHARDS = re.compile(rf"^({'|'.join(STEMS)})\.safetensors\.index(?:\.(?P<v>\w+))?\.json$")
_PICKLES = (".bin", ".pt", ".ckpt", ".pth")


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a pipeline.

    cls      -- the name of its class, such as "UNet2DConditionModel"
    config   -- its config.json
    variants -- the variants of its weights that are there, "" for the plain one
    header   -- of the chosen variant; None for a component without weights (a scheduler, a tokenizer)
    """

    name: str
    folder: Path
    cls: str
    config: Mapping[str, Any] = field(repr=False)
    variants: tuple[str, ...] = ()
    header: Header | None = field(default=None, repr=False)


class Pipeline(NamedTuple):
    """A pipeline's folder.

    cls         -- the name of its class
    components  -- those that have a folder, by name
    force_zeros -- whether the condition of an empty negative prompt is zero; None where it does not say
    """

    cls: str
    components: dict[str, Component]
    force_zeros: bool | None


def is_folder(path: Path) -> bool:
    """Whether a folder holds a diffusers model or a component of one; the studio's own models have another config."""
    if (path / INDEX).is_file():
        return True
    try:
        return (path / CONFIG).is_file() and "_class_name" in read_config(path / CONFIG)
    except CheckpointError:
        return False


def model_name(path: Path) -> str:
    """Return the name of a model: of its file without the ending, or of its folder.

    In a cache of the Hugging Face hub the folder's name is a hash, and the model's name stands two folders above it:
    models--OWNER--NAME/snapshots/HASH.
    """
    if not path.is_dir():
        return path.stem
    cached = path.parent.parent.name
    if path.parent.name == "snapshots" and cached.startswith("models--"):
        return cached.split("--")[-1] or path.name
    return path.name


def read_pipeline(path: Path, variant: str | None = None) -> Pipeline:
    """Read a pipeline's folder.

    variant -- of the weights; None: the plain weights where they are, else the first variant

    Raises CheckpointError for a folder that is damaged or incomplete.
    """
    index = read_config(path / INDEX)
    components = {}
    for name, about in index.items():
        if not (isinstance(about, list) and len(about) == 2 and isinstance(about[1], str)):
            continue  # a number of the pipeline, or a component that it does not have
        if Path(name).name != name:
            raise CheckpointError(f"{path / INDEX} is damaged (it names “{one_line(name, 100)}”): download it again.")
        if (path / name).is_dir():
            components[name] = read_component(path / name, name, about[1], variant)
    cls = index.get("_class_name", "")
    zeros = index.get(ZEROS)
    return Pipeline(cls if isinstance(cls, str) else "", components, zeros if isinstance(zeros, bool) else None)


def read_component(folder: Path, name: str = "", cls: str = "", variant: str | None = None) -> Component:
    """Read a component's folder. Raises CheckpointError for damaged files, and for weights that are pickles alone."""
    settings = folder / ("scheduler_config.json" if (folder / "scheduler_config.json").is_file() else CONFIG)
    config = read_config(settings) if settings.is_file() else {}
    own = config.get("_class_name")
    cls = cls or (own if isinstance(own, str) else "")
    weights: dict[str, Path] = {}
    pickles = []
    for path in sorted(folder.iterdir()):
        match = _WEIGHTS.match(path.name) or _SHARDS.match(path.name)
        if match:
            weights.setdefault(match["v"] or "", path)
        elif path.suffix in _PICKLES and path.name.startswith(STEMS):
            pickles.append(path)
    if not weights:
        if pickles:
            raise PickleError(
                f"{folder} has its weights as a pickle alone ({pickles[0].name}), and opening a pickle can run any "
                "code in it: get the .safetensors version of this model."
            )
        return Component(name, folder, cls, config)
    if variant is not None and variant not in weights:
        have = ", ".join(sorted(weights) or ["none"])
        raise CheckpointError(f"{folder} has no variant “{one_line(variant, 30)}” (there is {have}): choose another.")
    chosen = variant if variant is not None else min(weights)
    return Component(name, folder, cls, config, tuple(sorted(weights)), read_header(weights[chosen]))


def read_config(path: Path) -> dict[str, Any]:
    """Read a config: a JSON table of plain values within bounds. Raises CheckpointError for anything else."""
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_CONFIG + 1)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: download this model again.") from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
    try:
        if len(text) > MAX_CONFIG:
            raise ValueError("it is too large")
        found = json.loads(text)
        if not isinstance(found, dict):
            raise ValueError("it is no table")
        _check(found, MAX_DEPTH)
    except (ValueError, RecursionError) as error:
        reason = "it is no JSON" if isinstance(error, json.JSONDecodeError | RecursionError) else str(error)
        raise CheckpointError(f"{path} is damaged ({one_line(reason, 100)}): download this model again.") from None
    return found


def _check(value: object, depth: int) -> None:
    """Raise ValueError for a number that would build a net without end, and for nesting that is too deep."""
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError("it is nested too deep")
        for inner in value.values() if isinstance(value, dict) else value:
            _check(inner, depth - 1)
    elif isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) <= 1e9:
        raise ValueError("a number is out of range")
