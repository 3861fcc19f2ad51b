"""The families of checkpoints that can be loaded, one JSON file each. Needs no torch.

A family says what the tensors alone do not: the nets' hyper-parameters, the schedule, the prediction, the sizes, the
text encoders with the layer that is read, the codec's scale, and the factors of the linear preview. The figures are
those of the published configurations (CompVis and Stability AI); the preview factors are those that ComfyUI publishes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

from engine.checkpoints.errors import CheckpointError


@dataclass(frozen=True, slots=True)
class Family:
    """One family, as its JSON file says.

    predicts     -- "eps" or "v" by variant ("" for the usual one); "" where checkpoints of both sorts exist
    schedule     -- for engine.schedules.from_config
    steps_offset -- of the grid "leading", in training steps
    sizes        -- "native" (width, height) pairs, the default first, "multiple", "least" and "most", in pixels
    codec        -- "channels", "factor" (pixels per latent), "scale", "linear" (channels × RGB) and its "bias"
    text         -- for each text encoder its "part", its "net", the "layer" that is read, what pads its ids, and how
                    many last layers of the published encoder are "dropped" from it
    numbers      -- the numbers of its condition: "" for none, "sizes" for (height, width) before the crop, the crop's
                    corner and the target; "score" for the same with an aesthetic score instead of the target
    force_zeros  -- whether the condition of an empty negative prompt is zero
    micro_batch  -- the most images in one call of the net
    memory       -- bytes that a call takes besides the weights, in float32 (engine.spec.memory): "base" at any size,
                    and "pixel" for each pixel of each image
    unet, vae    -- arguments of diffusers' UNet2DConditionModel and AutoencoderKL
    """

    name: str
    title: str
    predicts: Mapping[str, str]
    schedule: Mapping[str, Any]
    steps_offset: int
    sizes: Mapping[str, Any]
    codec: Mapping[str, Any]
    text: tuple[Mapping[str, Any], ...]
    numbers: str
    force_zeros: bool
    defaults: Mapping[str, Any]
    micro_batch: int
    memory: Mapping[str, int]
    unet: Mapping[str, Any] = field(repr=False)
    vae: Mapping[str, Any] = field(repr=False)

    def prediction(self, variant: str) -> str:
        """Return "eps", "v" or "" (it must be asked) for a variant."""
        return self.predicts.get(variant, self.predicts[""])


@lru_cache(maxsize=1)
def families() -> Mapping[str, Family]:
    """Return the families that can be loaded, by name."""
    found = {}
    for file in resources.files(__name__).iterdir():
        if file.name.endswith(".json"):
            about = json.loads(file.read_text(encoding="utf-8"))
            about["text"] = tuple(about["text"])
            about["force_zeros"] = about.pop("force_zeros_for_empty_prompt")
            found[about["name"]] = Family(**about)
    return dict(sorted(found.items()))


def family(name: str) -> Family:
    """Return the family of that name. Raises CheckpointError for one that cannot be loaded."""
    if name not in families():
        raise CheckpointError(f"Models of the family “{name}” cannot be loaded: choose one of {', '.join(families())}.")
    return families()[name]
