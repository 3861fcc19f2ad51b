"""What can guide a run: the CLIPs and classifiers in the box and in the user's cache, listed without torch.

A folder of one holds config.json (id, title, sha256 of each file …), model.safetensors and card.md.
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
    """One CLIP or classifier as a person chooses it.

    id is what Request and load() call it; where tells a person where it lies; sha256 is of its files where its config
    tells it ("" where only reading them would). noisy: it is told σ and reads x_t, else it reads clean pictures.
    model is the model that a classifier or CLIP in the box was made for ("" for any); labels are a classifier's.
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
    """The CLIPs in the box, then those whose weights open_clip has already fetched into the user's cache."""
    return [*_embedded("clips"), *_cached()]


def classifiers() -> list[GuideInfo]:
    """The classifiers in the box: for each model one that is told σ, and its twin that knows clean pictures only."""
    return _embedded("classifiers")


def read(folder: Path, where: str = "") -> GuideInfo:
    """The CLIP or classifier in `folder`. Raises CatalogError when its config is missing or damaged."""
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
        raise CatalogError(f"{folder} cannot be used to guide: its config.json is missing or damaged.") from error


def _embedded(kind: str) -> list[GuideInfo]:
    found = []
    for path in sorted((resource_root() / kind).glob("*/config.json")):
        try:
            found.append(read(path.parent, "in the box"))
        except CatalogError:
            continue
    return found


def hub_cache() -> Path:
    """Where Hugging Face's libraries keep what they have fetched."""
    if kept := os.environ.get("HF_HUB_CACHE"):
        return Path(kept)
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(home) / "hub"


def _cached() -> list[GuideInfo]:
    """Repositories in the user's cache that hold an open_clip checkpoint, by name."""
    found = []
    for folder in sorted(hub_cache().glob("models--*--*")):
        files = [path.name for path in folder.glob("snapshots/*/*")]
        if any(name.startswith("open_clip_") and name.endswith(CHECKPOINTS) for name in files):
            name = folder.name.removeprefix("models--").replace("--", "/", 1)
            found.append(GuideInfo(f"{HUB}{name}", name, "in your cache"))
    return found
