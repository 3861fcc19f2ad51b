"""Folders where other studios keep models: offered at the first use where they exist, never read unasked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

PLACES = (  # below the user's home folder
    "ComfyUI/models", "stable-diffusion-webui/models", "stable-diffusion-webui-forge/models", "automatic/models",
    "InvokeAI/models", "invokeai/models", "Fooocus/models", "SwarmUI/Models", "StabilityMatrix/Models",
    "StabilityMatrix/Data/Models", "Documents/ComfyUI/models", "models", "Models",
)  # fmt: skip
HUB = ".cache/huggingface/hub"


def usual_places(environ: Mapping[str, str] = os.environ, home: Path | None = None) -> list[Path]:
    """Return those that exist, each once. Raises nothing."""
    home = home or Path.home()
    wanted = [home / place for place in PLACES]
    if (cache := environ.get("HF_HOME")) is not None:
        wanted.append(Path(cache) / "hub")
    wanted.append(home / HUB)
    found: dict[str, Path] = {}
    for path in wanted:
        if os.path.isdir(path):
            found.setdefault(os.path.normcase(os.path.realpath(path)), path)
    return list(found.values())
