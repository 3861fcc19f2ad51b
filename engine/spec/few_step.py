"""Few-step checkpoints (LCM, Turbo, Lightning, Hyper, DMD, TCD): how to recognise one, and the settings it is made for.

The settings are offered, never forced: a name can mislead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class Preset(NamedTuple):
    """Settings of a distilled checkpoint, as a Draft takes them.

    title            -- the method, for the user
    steps            -- the usual number; a number in the file's name ("4step") wins
    guidance         -- γ: 1 is none, which these checkpoints are distilled with
    sampler, options -- as in a Request
    spacing          -- a key of SPACINGS
    source           -- where the values are published
    """

    title: str
    steps: int
    guidance: float
    sampler: str
    spacing: str
    source: str
    options: tuple[tuple[str, float], ...] = ()


PRESETS: dict[str, Preset] = {
    "lcm": Preset("LCM", 6, 1.5, "lcm", "sgm-uniform", "Luo et al. 2023: 2 to 8 steps, guidance 1 to 2"),
    "tcd": Preset("TCD", 4, 1.0, "tcd", "trailing", "Zheng et al. 2024: γ = .3", (("gamma", 0.3),)),
    "turbo": Preset("Turbo", 4, 1.0, "ddpm", "trailing", "Sauer et al. 2023: 1 to 4 steps"),
    "lightning": Preset("Lightning", 4, 1.0, "ddim", "trailing", "Lin et al. 2024: Euler, as many steps as distilled"),
    "hyper": Preset("Hyper-SD", 8, 1.0, "ddim", "trailing", "Ren et al. 2024: DDIM, as many steps as distilled"),
    "dmd": Preset("DMD2", 4, 1.0, "lcm", "trailing", "Yin et al. 2024: 4 steps at 999, 749, 499, 249"),
}
HYPER_ONE_STEP = (("gamma", 1.0),)  # Hyper-SD's one-step LoRA: TCD with γ = 1
WORDS = {  # whole words of a name
    "lcm": "lcm",
    "tcd": "tcd",
    "turbo": "turbo",
    "lightning": "lightning",
    "hyper": "hyper",
    "hypersd": "hyper",
    "hypersdxl": "hyper",
    "dmd": "dmd",
    "dmd2": "dmd",
}
LCM_KEYS = ("time_embedding.cond_proj.weight", "time_embed.cond_proj.weight")  # the guidance that an LCM's net takes
MOST_STEPS = 16  # "20steps" in a name is no few-step checkpoint


def recognise(texts: Iterable[str], keys: Iterable[str] = ()) -> Preset | None:
    """Return the preset of a checkpoint or LoRA from its file name and metadata strings, and the names of its tensors.

    None where nothing names a method. The first text that does wins, so give the file name first.
    """
    for text in texts:
        words = _words(text)
        method = next((WORDS[word] for word in words if word in WORDS), None)
        if method is not None:
            return _with_steps(method, words)
    return PRESETS["lcm"] if any(key.endswith(LCM_KEYS) for key in keys) else None


def _words(text: str) -> list[str]:
    """Return the words between signs, and those that capital letters divide: "dreamXL_v2Turbo_4step"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])", " ", text)
    words = re.findall(r"[a-z0-9]+", apart.lower())
    whole = re.findall(r"[a-z0-9]+", text.lower())
    return [*whole, *words]


def _with_steps(method: str, words: list[str]) -> Preset:
    preset = PRESETS[method]
    joined = " ".join(words)
    named = re.search(r"\b(\d{1,2}) ?steps?\b", joined)
    steps = int(named[1]) if named else preset.steps
    if not 1 <= steps <= MOST_STEPS:
        return preset
    if method == "hyper" and steps == 1:
        return preset._replace(steps=1, sampler="tcd", options=HYPER_ONE_STEP)
    return preset._replace(steps=steps)
