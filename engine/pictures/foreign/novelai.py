"""NovelAI: a JSON object in the PNG text `Comment`, beside `Software` and `Source`; a copy hides in the opacity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.pictures.foreign.settings import (
    ForeignFile,
    ForeignSettings,
    read_json,
    real,
    rows,
    sides,
    table,
    whole,
    words,
)
from engine.pictures.foreign.weights import from_novelai
from engine.spec.foreign_samplers import COMFY

GRIDS = {"native": "normal", "karras": "karras", "exponential": "exponential", "polyexponential": "polyexponential"}
SWITCHES = {"sm": "SMEA", "sm_dyn": "SMEA DYN", "dynamic_thresholding": "Decrisper", "cfg_rescale": "Guidance rescale"}


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    """Read the settings in the texts of a picture; None where NovelAI wrote none."""
    said = table(read_json(texts.get("Comment", "")))
    if not said or not ("uc" in said or "v4_prompt" in said or "NovelAI" in texts.get("Software", "")):
        return None
    prompt = _caption(said.get("v4_prompt")) or words(said.get("prompt") or texts.get("Description"))
    negative = _caption(said.get("v4_negative_prompt")) or words(said.get("uc"))
    unused = [name for key, name in SWITCHES.items() if said.get(key)]
    if rows(table(table(said.get("v4_prompt")).get("caption")).get("char_captions")):
        unused.append("prompts for characters")
    if said.get("controlnet_model"):
        unused.append("ControlNet")
    if rows(said.get("reference_information_extracted_multiple")) or said.get("reference_image"):
        unused.append("Vibe Transfer")
    changed = words(said.get("request_type"), 100) in ("Img2ImgRequest", "NativeInfillingRequest")
    source = words(texts.get("Source"), 300)
    return ForeignSettings(
        program="NovelAI",
        version=source,
        names=COMFY,
        prompt=from_novelai(prompt),
        negative=from_novelai(negative),
        sampler=words(said.get("sampler"), 100).removesuffix("_v3"),
        grid=GRIDS.get(words(said.get("noise_schedule"), 40), ""),
        steps=whole(said.get("steps"), 1),
        guidance=real(said.get("scale")),
        seed=whole(said.get("seed")),
        size=sides(said.get("width"), said.get("height")),
        model=_model(source),
        strength=real(said.get("strength"), 0, 1) if changed else None,
        unused=tuple(unused),
    )


def _caption(value: object) -> str:
    """Read the base caption of a prompt of version 4."""
    found: Any = table(table(value).get("caption")).get("base_caption")
    return words(found)


def _model(source: str) -> ForeignFile | None:
    """NovelAI names its own models in `Source`: “NovelAI Diffusion V4 5AB81C7C”."""
    return ForeignFile(source) if source else None
