"""The presets that come with the studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import resources

PICTURES = Path(resources.__file__).parent / "presets"


class BuiltIn(NamedTuple):
    """A preset by the choices that differ from the defaults of its model; `picture` is a file in PICTURES."""

    name: str
    model: str
    picture: str
    choices: dict[str, Any]


BUILT_IN = (
    BuiltIn("Quick sketch", "emoji", "quick.png",
        {"prompt": "red apple", "label": "noto", "steps": 8, "enlarge": False}),
    BuiltIn("Glossy, with time", "emoji", "glossy.png",
        {"prompt": "birthday cake", "label": "3d", "steps": 24, "guidance": 4.0}),
    BuiltIn("Eight that differ", "emoji", "varied.png",
        {"prompt": "cat face", "sampler": "ddpm", "steps": 30, "guidance": 1.5, "batch": 8}),
    BuiltIn("Sneaker", "fashion", "clothes.png", {"label": "sneaker", "steps": 20}),
)  # fmt: skip
