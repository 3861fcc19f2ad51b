"""Keep all libraries of the engine off the network, whatever the environment variables are."""

from __future__ import annotations

import os
import sys

OFFLINE = {  # read when huggingface_hub is imported, by which transformers, open_clip, timm and diffusers fetch
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "DIFFUSERS_TRUST_REMOTE_KERNELS": "0",  # kernels are code from the hub
}


def stay_offline() -> None:
    """Set offline mode, against the environment too: before these libraries are imported, and again after."""
    os.environ.update(OFFLINE)
    if (constants := sys.modules.get("huggingface_hub.constants")) is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
