"""What the metadata of an adapter say: title, trigger words, base model, rank and α as trained. Needs no torch.

Trainers write `ss_…` (kohya's scripts) and `modelspec.…` (https://github.com/Stability-AI/ModelSpec). None of it is
trusted: everything is text within bounds, and what cannot be read is left out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import one_line

MAX_JSON = 4 * 2**20  # characters of a table of tags
MAX_TAGS = 50
MAX_TEXT = 300  # characters
_BASES = {  # the beginning of a base model's name → the families that it can be, in the words of trainers
    "sdxl": ("sdxl",), "stable-diffusion-xl-v1-base": ("sdxl",), "stable-diffusion-xl-v1-refiner": ("sdxl-refiner",),
    "sd_v1": ("sd1",), "sd_1": ("sd1",), "stable-diffusion-v1": ("sd1",), "sd_v2": ("sd2",), "sd_2": ("sd2",),
    "stable-diffusion-v2": ("sd2",), "pony": ("sdxl",), "illustrious": ("sdxl",), "flux-2": ("flux2",),
    "flux2": ("flux2",), "flux": ("flux",), "sd3": ("sd3",), "stable-diffusion-3": ("sd3",), "qwen": ("qwen-image",),
    "anima": ("anima",), "wan": ("wan",), "zimage": ("z-image",), "z-image": ("z-image",), "z_image": ("z-image",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What an adapter's metadata say.

    title    -- "" where none is said
    base     -- the base model, in the trainer's words
    triggers -- words that the author gives for the prompt
    tags     -- the captions' most frequent tags, with their counts, the most frequent first
    rank, alpha -- as trained; None where they are not said
    network  -- the module of the trainer, such as "lycoris.kohya"
    """

    title: str = ""
    base: str = ""
    triggers: tuple[str, ...] = ()
    tags: tuple[tuple[str, int], ...] = ()
    rank: float | None = None
    alpha: float | None = None
    network: str = ""

    @property
    def families(self) -> tuple[str, ...]:
        """The families that the base model's name means; () where it says nothing."""
        said = self.base.lower().replace(" ", "-").removeprefix("black-forest-labs/")
        return next((families for start, families in _BASES.items() if said.startswith(start)), ())


def read_facts(metadata: Mapping[str, str]) -> Facts:
    """Read the metadata of a file. Raises nothing."""

    def said(*keys: str) -> str:
        found = next((metadata[key] for key in keys if metadata.get(key, "").strip() not in ("", "None")), "")
        return one_line(found.strip(), MAX_TEXT)

    return Facts(
        title=said("modelspec.title", "ss_output_name"),
        base=said("modelspec.architecture", "ss_base_model_version", "baseModel", "ss_sd_model_name"),
        triggers=_triggers(said("modelspec.trigger_phrase", "trigger_words", "trainedWords")),
        tags=_tags(metadata.get("ss_tag_frequency", "")),
        rank=_number(metadata.get("ss_network_dim", "")),
        alpha=_number(metadata.get("ss_network_alpha", "")),
        network=said("ss_network_module"),
    )


def trained_alphas(metadata: Mapping[str, str]) -> Mapping[str, float]:
    """The α that diffusers and PEFT keep in the metadata (“lora_adapter_metadata”) instead of in tensors, by part.

    {} where there is none. The parts are "unet", "text" and "text_2".
    """
    found = _json(metadata.get("lora_adapter_metadata", ""))
    if not isinstance(found, dict):
        return {}
    parts = {"unet": "unet", "transformer": "unet", "text_encoder": "text", "text_encoder_2": "text_2", "": "unet"}
    made = {}
    for prefix, part in parts.items():
        key = f"{prefix}.lora_alpha" if prefix else "lora_alpha"
        if (alpha := _number(found.get(key, ""))) is not None:
            made[part] = alpha
    return made


def _tags(text: str) -> tuple[tuple[str, int], ...]:
    """Sum the counts of each tag over the folders of the data: {folder: {tag: count}}."""
    found = _json(text)
    counts: dict[str, int] = {}
    for folder in found.values() if isinstance(found, dict) else ():
        for tag, count in folder.items() if isinstance(folder, dict) else ():
            if type(count) is int and 0 < count < 2**31 and isinstance(tag, str) and tag.strip():
                name = one_line(tag.strip(), MAX_TEXT)
                counts[name] = counts.get(name, 0) + count
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MAX_TAGS])


def _triggers(text: str) -> tuple[str, ...]:
    listed = _json(text) if text.startswith("[") else None
    words = listed if isinstance(listed, list) else text.split(",")
    return tuple(word.strip() for word in words if isinstance(word, str) and word.strip())[:MAX_TAGS]


def _json(text: str) -> Any:
    if not text or len(text) > MAX_JSON:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _number(value: object) -> float | None:
    """A finite number above 0 from a text or a number; None for anything else."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except (ValueError, OverflowError):
        return None
    return found if 0 < found < 1e9 else None
