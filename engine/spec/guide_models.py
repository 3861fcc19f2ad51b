"""The guides available here: embedded CLIPs and classifiers, and those in the user's cache. Needs no torch.

The folder of one holds config.json (id, title, sha256 of each file …), model.safetensors and card.md.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.spec.catalog import CatalogError, resource_root
from engine.spec.model_config import check_guide, read_config
from engine.spec.model_hash import model_hash

HUB = "hf-hub:"
CHECKPOINTS = (".safetensors", ".bin", ".pt", ".pth")


@dataclass(frozen=True, slots=True)
class GuideInfo:
    """One CLIP or classifier that the user can choose.

    id     -- its name in a Request and for load()
    where  -- its place, as a text for the user
    sha256 -- of its files; "" where its config does not have it and only reading the files would tell
    noisy  -- whether it reads x_t with its σ; otherwise it reads clean pictures
    model  -- the model that an embedded one was trained for ("" for any)
    labels -- of a classifier
    """

    id: str
    title: str
    where: str
    sha256: str = ""
    noisy: bool = False
    model: str = ""
    labels: tuple[str, ...] = ()
    folder: Path | None = None
    config: dict[str, Any] = field(default_factory=dict, repr=False)


def clips() -> list[GuideInfo]:
    """Return the embedded CLIPs, then those that open_clip has already downloaded into the user's cache."""
    return [*_embedded_clips("clips"), *_cached_clips()]


def classifiers() -> list[GuideInfo]:
    """Return the embedded classifiers: for each model one that was trained on noise, and its twin for clean
    pictures.
    """
    return _embedded_clips("classifiers")


def read(folder: Path, where: str = "") -> GuideInfo:
    """Read the CLIP or classifier in `folder`. Raises CatalogError when its config is missing or damaged."""
    try:
        config = read_config(folder / "config.json")
        check_guide(config)
        return GuideInfo(
            id=config["id"],
            title=config["title"],
            where=where or str(folder),
            sha256=model_hash(config),
            noisy=config["noisy"],
            model=config.get("model", ""),
            labels=tuple(config.get("labels", ())),
            folder=folder,
            config=config,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CatalogError(f"{folder} cannot be used as a guide: its config.json is missing or damaged.") from error


def _embedded_clips(kind: str) -> list[GuideInfo]:
    found = []
    for path in sorted((resource_root() / kind).glob("*/config.json")):
        try:
            found.append(read(path.parent, "in the box"))
        except CatalogError:
            continue
    return found


def hub_cache() -> Path:
    """Return the download cache of Hugging Face's libraries."""
    if kept := os.environ.get("HF_HUB_CACHE"):
        return Path(kept)
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(home) / "hub"


def _cached_clips() -> list[GuideInfo]:
    """List the repositories in the user's cache that hold an open_clip checkpoint, by name."""
    found = []
    for folder in sorted(hub_cache().glob("models--*--*")):
        files = [path.name for path in folder.glob("snapshots/*/*")]
        if any(name.startswith("open_clip_") and name.endswith(CHECKPOINTS) for name in files):
            name = folder.name.removeprefix("models--").replace("--", "/", 1)
            found.append(GuideInfo(f"{HUB}{name}", name, "in your cache"))
    return found
