"""What sampling a checkpoint needs besides its weights: schedule, sizes, memory, and the hash that names it.

Needs no torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from math import prod
from pathlib import Path
from typing import Any

from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.families import Family, families
from engine.checkpoints.hashes import Hashes
from engine.checkpoints.recognise import Found

BETAS = {"scaled_linear": "scaled_linear", "linear": "linear", "squaredcos_cap_v2": "cosine"}  # diffusers: ours
MOST_STEPS = 100_000


def schedule_of(found: Found, about: Family) -> dict[str, Any]:
    """Return the schedule as engine.schedules.from_config reads it: of the folder's scheduler, else of the family.

    Raises CheckpointError for a scheduler with another noise schedule than these.
    """
    said: Mapping[str, Any] = found.schedule
    schedule = dict(about.schedule)
    if "beta_schedule" in said or "num_train_timesteps" in said:
        kind = BETAS.get(str(said.get("beta_schedule", "linear")))
        steps = said.get("num_train_timesteps", 1000)
        low, high = said.get("beta_start", 1e-4), said.get("beta_end", 0.02)
        real = all(isinstance(beta, float | int) and 0 < beta < 1 for beta in (low, high))
        if kind is None or said.get("trained_betas") is not None or not real or not _whole(steps, 2, MOST_STEPS):
            raise CheckpointError(f"{found.path} has a noise schedule that is not known here: choose another model.")
        schedule = {"type": kind, "steps": steps}
        if kind != "cosine":
            schedule |= {"beta_start": float(low), "beta_end": float(high)}
    offset = said.get("steps_offset", about.steps_offset)
    schedule["steps_offset"] = offset if _whole(offset, 0, schedule["steps"] - 1) else 0
    return schedule | ({"zero_snr": True} if found.zero_snr else {})


def _whole(value: object, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def native_sizes(found: Found, about: Family) -> tuple[tuple[int, int], ...]:
    """Return the sizes (width, height) that a checkpoint was trained on, its default first."""
    unet = found.part("unet")
    config = dict(unet.config if unet is not None else {}) | dict(found.by_hand.get("unet", {}))
    side, factor = config.get("sample_size"), about.codec["factor"]
    sizes = [(width, height) for width, height in about.sizes["native"]]
    if _whole(side, 1, 1024) and (side * factor, side * factor) != sizes[0]:
        first = (side * factor, side * factor)
        sizes = [first, *(size for size in sizes if size != first)] if first in sizes else [first]
    return tuple(sizes)


def memory(found: Found) -> dict[str, int]:
    """Return what its weights take: the numbers of the "net", and the bytes of "text" encoders and "vae" in float32."""
    total = {"net": 0, "text": 0, "vae": 0}
    for part in found.parts:
        numbers = sum(prod(e.shape) for name, e in part.header.tensors.items() if name.startswith(part.prefix))
        if part.role == "unet":
            total["net"] += numbers
        else:
            total["text" if part.role.startswith("text") else "vae"] += 4 * numbers
    return total


def identity(
    found: Found,
    hashes: Hashes,
    report: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> str:
    """Return the hash by which a Request names a checkpoint: of a single file its SHA-256.

    Where more than a file decides the pixels (a folder's configs, what the user set), it is the SHA-256 of
    all of it. Raises Cancelled, and CheckpointError for a file that cannot be read.
    """
    files = sorted({file for part in found.parts for file in part.header.files})
    digests = {}
    for k, file in enumerate(files):
        share = k / len(files)
        digests[str(k)] = hashes.of(file, lambda s, k=share: report(k + s / len(files)), cancelled)  # type: ignore[misc]
    configs = {part.role: dict(part.config) for part in found.parts if part.config}
    if len(files) == 1 and not configs and not found.by_hand:
        return digests["0"]
    whole: dict[str, Any] = {
        "files": digests,
        "configs": configs,
        "schedule": dict(found.schedule),
        "by_hand": dict(found.by_hand),
    }
    about = families().get(found.family)
    if found.force_zeros is not None and about is not None and found.force_zeros != about.force_zeros:
        whole["force_zeros"] = found.force_zeros
    return hashlib.sha256(json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def known_identity(found: Found, hashes: Hashes) -> str:
    """Return identity() where no file must be read for it, else ""."""
    return identity(found, hashes) if all(hashes.known(file) is not None for file in files_of(found)) else ""


def files_of(found: Found, vae: Path | None = None) -> list[Path]:
    """Return the files that decide the pixels of a checkpoint, with another VAE than its own or not."""
    files = {file for part in found.parts for file in part.header.files}
    return sorted(files if vae is None else files | {vae})
