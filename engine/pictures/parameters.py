"""The `parameters` text in which A1111's web UI keeps settings: sites such as CivitAI and other studios read it.

Three parts by lines: the prompt, with LoRAs as <lora:name:0.8>; "Negative prompt: …"; and `key: value, key: value`, in
which a value with a comma, a colon or a quotation mark is a JSON string.
"""

from __future__ import annotations

import json
import re

from engine.checkpoints.hashes import SHORT
from engine.rules import RULES
from engine.spec.adapter import AdapterUse
from engine.spec.foreign_samplers import A1111, FOREIGN, other_grids
from engine.spec.picture_text import COMPLETE, PictureText
from engine.spec.request import Request

VERSION = "Tweedie Studio"


def parameters(request: Request, text: PictureText = COMPLETE) -> str:
    """Write the settings of a request with one seed, as far as `text` says.

    Readers go by lines and by ", key: ": so a text of several lines is written as one.
    """
    adapters = request.adapters if text.model else ()
    tags = "".join(f" <lora:{_bare(use.name)}:{_strengths(use)}>" for use in adapters)
    lines = [((_one_line(request.prompt) if text.prompt else "") + tags).strip()]
    if request.negative and text.prompt:
        lines.append(f"Negative prompt: {_one_line(request.negative)}")
    facts = (_settings(request) if text.settings else {}) | (_model(request) if text.model else {})
    if request.label and text.prompt:
        facts["Label"] = request.label
    if adapters:
        facts["Lora hashes"] = ", ".join(f"{_bare(use.name)}: {use.sha256[:SHORT]}" for use in adapters)
    facts["Version"] = VERSION
    return "\n".join([*lines, ", ".join(f"{key}: {_quote(str(value))}" for key, value in facts.items())])


def _model(request: Request) -> dict[str, object]:
    return {"Model hash": request.model_sha256[:SHORT], "Model": request.model}


def _settings(request: Request) -> dict[str, object]:
    sampler, options = sampler_name(request)
    facts: dict[str, object] = {
        "Steps": request.steps,
        "Sampler": sampler,
        "Schedule type": (*other_grids(request.spacing), request.spacing)[0],
        "CFG scale": f"{request.guidance:g}",
        "Seed": request.seeds[0],
        "Size": "{}x{}".format(*request.size),
    }
    if request.vae is not None:
        facts |= {"VAE hash": request.vae.sha256[:SHORT], "VAE": request.vae.name}
    facts |= {f"Sampler {name}": f"{value:g}" for name, value in options}
    if request.distilled is not None:
        facts["Distilled CFG Scale"] = f"{request.distilled:g}"
    if request.edit is not None:
        facts["Method"] = request.edit.method
        facts["Denoising strength"] = f"{request.edit.strength:.2g}"
    if request.clip_skip is not None:
        facts["Clip skip"] = request.clip_skip
    return facts


def sampler_name(request: Request) -> tuple[str, tuple[tuple[str, float], ...]]:
    """Return A1111's name for a request's sampler, ours where it has none, and the options that the name leaves out."""
    rule = RULES.get(request.sampler)
    for entry in FOREIGN:
        if RULES[entry.sampler] is rule and A1111 in entry.names and entry.options == request.options:
            return entry.names[A1111].split("|")[0], ()
    return request.sampler, request.options


def _strengths(use: AdapterUse) -> str:
    """The strength for the text encoders, then that for the net where it is another one."""
    same = use.strength == use.text_strength
    return f"{use.strength:g}" if same else f"{use.text_strength:g}:{use.strength:g}"


def _bare(name: str) -> str:
    """Return a name without the signs of tags and lists."""
    return re.sub(r"[<>:,\n\r]", "_", name)


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


def _quote(value: str) -> str:
    """Return the value, as a JSON string if it contains a separator."""
    return json.dumps(value, ensure_ascii=False) if re.search('[,:"\\n\\r]', value) else value
