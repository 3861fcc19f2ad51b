"""Tags of LoRAs in a prompt, `<lora:name:0.8>`, in the notation of A1111's studio.

The first number is the strength for the text encoders, the second one for the UNet, by default the same; `te=` and
`unet=` name them.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

_TAG = re.compile(r"<(lora|lyco|hypernet):([^<>:]{1,300})((?::[^<>:]{0,100})*)>")
LARGEST = 1000.0  # a number beyond it counts as none


class Tag(NamedTuple):
    """A tag: its kind ("lora", "lyco" or "hypernet"), the name in it, and both strengths."""

    kind: str
    name: str
    strength: float
    text_strength: float


def tags_in(prompt: str) -> list[Tag]:
    """Return the tags of a prompt in their order. What is no number is left out."""
    return [Tag(tag[1], tag[2].strip(), *_strengths(tag[3])) for tag in _TAG.finditer(prompt)]


def without_tags(prompt: str) -> str:
    """Return a prompt without its tags, and without the commas and lines that only held them; as it is without any."""
    if not _TAG.search(prompt):
        return prompt
    lines = re.sub(r"(?<=,)\s*,", "", _TAG.sub("", prompt)).split("\n")
    return "\n".join(line.rstrip() for line in lines if line.strip(" ,")).strip(" ,\n")


def _strengths(arguments: str) -> tuple[float, float]:
    """Return the strengths for the UNet and for the text encoders."""
    numbers: dict[str, float] = {}
    for k, argument in enumerate(arguments.split(":")[1:]):
        name, _, value = argument.rpartition("=")
        try:
            number = float(value)
        except ValueError:
            continue
        if math.isfinite(number) and abs(number) <= LARGEST:
            numbers[name.strip() or ("te", "unet", "dyn")[min(k, 2)]] = number
    text = numbers.get("te", 1.0)
    return numbers.get("unet", text), text
