"""Check a model's config.json: types and ranges, before anything is made from it. Needs no torch.

A net is built before its weights are read, so a depth of 10³⁰ would hang, and a width of 10⁹ would fill the memory.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from engine.rules import RULES
from engine.schedules import SPACINGS, from_config
from engine.spec.limits import MAX_GUIDANCE, MAX_LEVEL, MAX_NAME, MAX_SIGMA, MAX_STEPS
from engine.spec.validation import MAX_SIDE, integer, number, text, within

MAX_BYTES = 64 * 2**20  # of a config.json: far more than training writes
MOST_LABELS = 100_000
NET_SIDE = 1024  # pixels of the side that one of our nets reads: a call at more would take gigabytes
NETS: dict[str, tuple[int, int]] = {  # the whole numbers that shape a net, each with its range
    "side": (1, NET_SIDE), "patch": (1, 256), "channels": (1, 4), "width": (1, 2**15), "depth": (1, 256),
    "head": (1, 2**15), "text_length": (0, 2**13), "text_width": (0, 2**15), "labels": (0, MOST_LABELS),
    "detail": (0, 2**12), "factor": (2, 64), "embed_dim": (1, 2**15), "image_size": (1, NET_SIDE),
    "patch_size": (1, 256), "layers": (1, 256), "head_width": (1, 2**15), "context_length": (1, 2**13),
}  # fmt: skip


def read_config(path: Path) -> dict[str, Any]:
    """Read a JSON table. Raises OSError, and ValueError for anything else."""
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES // 2**20} MiB")
    try:
        return _table(json.loads(data), "it")
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def check_model(config: Mapping[str, Any]) -> None:
    """Check the config of a model. Raises KeyError, TypeError or ValueError that names what is wrong."""
    _check_named(config)
    width, height = config["size"]
    for side in (width, height):
        _whole(side, "size", 1, MAX_SIDE)
    condition = _table(config["conditioning"], "conditioning")
    _names(condition["labels"], "labels")
    _name(condition.get("label_kind", "class"), "label_kind")
    if condition["text"] is not None:
        _name(_table(condition["text"], "text")["encoder"], "encoder")
        _whole(condition["text"].get("length", 1), "length", 1, 2**13)
    _names(config.get("examples", []), "examples", longest=4000)
    if config.get("vocabulary"):
        _name(config["vocabulary"], "vocabulary")
    _name(_table(config.get("codec", {}), "codec").get("type", "pixel"), "type of the codec")
    _check_stage(config)
    defaults = config["defaults"]
    if not within(number(defaults["guidance"]), -MAX_GUIDANCE, MAX_GUIDANCE):
        raise ValueError("guidance is out of range")
    if config.get("cascade") is not None:
        stage = _table(config["cascade"], "cascade")
        _check_stage(stage)
        _whole(stage["net"]["factor"], "factor", *NETS["factor"])
        if not within(number(stage["defaults"]["level"]), 0, MAX_LEVEL):
            raise ValueError("level is out of range")


def check_guide(config: Mapping[str, Any]) -> None:
    """Check the config of a CLIP or a classifier. Raises KeyError, TypeError or ValueError that names what is wrong."""
    _check_named(config)
    _names(config.get("labels", []), "labels")
    if not isinstance(config["noisy"], bool):
        raise TypeError("noisy is neither true nor false")
    text(config.get("model", ""))
    for part in ("net", "model_cfg"):
        check_net(config.get(part, {}))


def check_net(shape: object) -> None:
    """Check the numbers that shape a net, in tables inside it too. Raises TypeError or ValueError."""
    for name, value in _table(shape, "net").items():
        if isinstance(value, dict):
            check_net(value)
        elif name == "widths":
            if not isinstance(value, list) or not 1 <= len(value) <= 64:
                raise ValueError("widths are no list of 1 to 64 numbers")
            for width in value:
                _whole(width, "widths", *NETS["width"])
        elif name in NETS:
            _whole(value, name, *NETS[name])
        elif isinstance(value, int | float) and not within(value, -1e6, 1e6):
            raise ValueError(f"{name} is {shortened(value)}, which is out of range")


def _check_named(config: Mapping[str, Any]) -> None:
    for key in ("id", "title"):
        if not _name(config[key], key):
            raise ValueError(f"{key} is empty")
    for name, digest in _table(config["sha256"], "sha256").items():
        _name(name, "sha256")
        _name(digest, "sha256")


def _check_stage(stage: Mapping[str, Any]) -> None:
    """What a model and its second stage share: net, schedule, prediction and defaults."""
    check_net(stage.get("net", {}))
    schedule = _table(stage["schedule"], "schedule")
    for name, value in schedule.items():
        if name == "alphas_cumprod":
            if not isinstance(value, list) or len(value) > 100_000:
                raise ValueError("alphas_cumprod is no list of 100000 numbers at most")
            for one in value:
                number(one)
        elif name != "type" and not within(number(value), -MAX_SIGMA, MAX_SIGMA):
            raise ValueError(f"{name} of the schedule is out of range")
    from_config(schedule)
    _name(stage.get("predicts", ""), "predicts")
    defaults = _table(stage["defaults"], "defaults")
    for key, known in (("sampler", RULES), ("spacing", SPACINGS)):
        if text(defaults[key]) not in known:
            raise ValueError(f"there is no {key} {shortened(defaults[key])}")
    _whole(defaults["steps"], "steps", 1, MAX_STEPS)
    low, high = number(defaults["sigma_min"]), number(defaults["sigma_max"])
    if not 0 < low < high <= MAX_SIGMA:
        raise ValueError("sigma_min and sigma_max are no range of noise levels")


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"{name} is no table")
    return value


def _whole(value: object, name: str, low: int, high: int) -> None:
    if not low <= integer(value) <= high:
        raise ValueError(f"{name} is {shortened(value)}: {low} to {high} are possible")


def _name(value: object, name: str) -> str:
    if len(text(value)) > MAX_NAME:
        raise ValueError(f"{name} is longer than {MAX_NAME} characters")
    return text(value)


def _names(value: object, name: str, longest: int = MAX_NAME) -> None:
    if not isinstance(value, list) or len(value) > MOST_LABELS:
        raise TypeError(f"{name} is no list of {MOST_LABELS} at most")
    for one in value:
        if len(text(one)) > longest:
            raise ValueError(f"{name} has one that is longer than {longest} characters")
