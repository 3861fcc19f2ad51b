"""InvokeAI: JSON in the PNG text `invokeai_metadata` (from 3.0), `sd-metadata` (2.x), or the command line `Dream`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from engine.pictures.foreign.settings import (
    MAX_LORAS,
    ForeignFile,
    ForeignLora,
    ForeignSettings,
    Hires,
    file_of,
    read_json,
    real,
    rows,
    sides,
    table,
    whole,
    words,
)
from engine.pictures.foreign.weights import blends, from_compel
from engine.spec.foreign_samplers import INVOKE

NOT_USED = {
    "controlnets": "ControlNet",
    "ipAdapters": "IP-Adapter",
    "t2iAdapters": "T2I-Adapter",
    "refiner_model": "Refiner",
    "seamless_x": "Seamless",
    "seamless_y": "Seamless",
    "cfg_rescale_multiplier": "CFG rescale",
    "hrf_enabled": "High resolution fix",
    "regions": "Regional prompts",
    "positive_style_prompt": "Style prompt",
    "threshold": "Threshold",
    "perlin": "Perlin noise",
    "postprocessing": "Postprocessing",
    "variations": "Variations",
}
MAX_COMMAND = 20_000  # characters
_NEGATIVE = re.compile(r"\[([^\[\]]*)\]")
_LORA = re.compile(r"\bwithLora\(([^(),]{1,300})(?:,\s*(-?[\d.]{1,12}))?\)")
_FLAGS = {"-s": "steps", "-S": "seed", "-W": "width", "-H": "height", "-C": "cfg_scale", "-A": "sampler"}
_FLAGS |= {"-f": "strength", "--steps": "steps", "--seed": "seed", "--width": "width", "--height": "height"}
_FLAGS |= {"--cfg_scale": "cfg_scale", "--sampler": "sampler", "--strength": "strength"}


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    """Read the settings in the texts of a picture, the newest form first; None where InvokeAI wrote none."""
    said = table(read_json(texts.get("invokeai_metadata", "")))
    if "positive_prompt" in said or "steps" in said or "model" in said:
        return _new(said)
    said = table(read_json(texts.get("sd-metadata", "")))
    if isinstance(said.get("image"), dict):
        return _old(said)
    return _dream(texts.get("Dream", ""))


def _new(said: Mapping[str, Any]) -> ForeignSettings:
    prompt, negative = words(said.get("positive_prompt")), words(said.get("negative_prompt"))
    style = words(said.get("positive_style_prompt"))
    unused = [
        name for key, name in NOT_USED.items() if said.get(key) and not (name == "Style prompt" and style == prompt)
    ]
    if blends(prompt) or blends(negative):
        unused.append("prompt blending")
    mode, skipped = words(said.get("generation_mode"), 100), whole(said.get("clip_skip"), 0, 63)
    strength = real(said.get("strength"), 0, 1) if "img2img" in mode or said.get("init_image") else None
    hires = None
    if said.get("hrf_enabled"):
        hires = Hires(strength=real(said.get("hrf_strength"), 0, 1), upscaler=words(said.get("hrf_method"), 100))
    return ForeignSettings(
        program="InvokeAI",
        version=words(said.get("app_version"), 100),
        names=INVOKE,
        prompt=from_compel(prompt),
        negative=from_compel(negative),
        sampler=words(said.get("scheduler"), 100),
        steps=whole(said.get("steps"), 1),
        guidance=real(said.get("cfg_scale")),
        distilled=real(said.get("guidance")),
        seed=whole(said.get("seed")),
        size=sides(said.get("width"), said.get("height")),
        model=_model(said.get("model")),
        vae=_model(said.get("vae")),
        loras=tuple(_loras(said)),
        clip_skip=skipped + 1 if skipped else None,
        strength=strength,
        hires=hires,
        unused=tuple(dict.fromkeys(unused)),
    )


def _model(value: object) -> ForeignFile | None:
    """Read a model's table of 4.x (name, hash) or of 3.x (model_name)."""
    said = table(value)
    return file_of(said.get("name") or said.get("model_name"), said.get("hash"))


def _loras(said: Mapping[str, Any]) -> Iterator[ForeignLora]:
    for one in rows(said.get("loras"))[:MAX_LORAS]:
        row = table(one)
        file = _model(row.get("model") or row.get("lora"))
        weight = real(row.get("weight"), -1000, 1000)
        if file is not None:
            yield ForeignLora(file, *(1.0 if weight is None else weight,) * 2)


def _old(said: Mapping[str, Any]) -> ForeignSettings:
    image = table(said.get("image"))
    prompt = image.get("prompt")
    if isinstance(prompt, list):
        prompt = ", ".join(filter(None, (words(table(one).get("prompt")) for one in prompt[:100])))
    return _of_one_prompt(image, words(prompt), said, words(said.get("app_version"), 100))


def _dream(command: str) -> ForeignSettings | None:
    """Read a command line such as `"a cat [dog]" -s 50 -S 1 -W 512 -H 512 -C 7.5 -A k_lms`."""
    try:
        parts = shlex.split(command[:MAX_COMMAND])
    except ValueError:
        return None
    image: dict[str, Any] = {}
    for k, part in enumerate(parts):
        bare = re.fullmatch(r"(-[sSWHCAf])(.+)", part, re.DOTALL)
        if part in _FLAGS and k + 1 < len(parts):
            image[_FLAGS[part]] = parts[k + 1]
        elif k > 0 and bare is not None:
            image.setdefault(_FLAGS[bare[1]], bare[2])
    if not parts or not image:
        return None
    return _of_one_prompt(image, words(parts[0]), {}, "")


def _of_one_prompt(image: Mapping[str, Any], prompt: str, about: Mapping[str, Any], version: str) -> ForeignSettings:
    """Read the settings of 2.x: its prompt holds the negative one in square brackets, and withLora(name, weight)."""
    loras: list[ForeignLora] = []
    for tag in _LORA.finditer(prompt):
        file, weight = file_of(tag[1]), real(tag[2], -1000, 1000) if tag[2] else None
        if file is not None and len(loras) < MAX_LORAS:
            loras.append(ForeignLora(file, *(1.0 if weight is None else weight,) * 2))
    prompt = _LORA.sub("", prompt)
    negative = ", ".join(match[1].strip() for match in _NEGATIVE.finditer(prompt))
    kind = words(image.get("type"), 100)
    unused = [name for key, name in NOT_USED.items() if image.get(key) not in (None, 0, "", [], {})]
    return ForeignSettings(
        program="InvokeAI",
        version=version,
        names=INVOKE,
        prompt=from_compel(words(_NEGATIVE.sub("", prompt))),
        negative=from_compel(words(negative)),
        sampler=words(image.get("sampler"), 100),
        steps=whole(image.get("steps"), 1),
        guidance=real(image.get("cfg_scale")),
        seed=whole(image.get("seed")),
        size=sides(image.get("width"), image.get("height")),
        model=file_of(about.get("model_weights"), about.get("model_hash")),
        loras=tuple(loras),
        strength=real(image.get("strength"), 0, 1) if kind == "img2img" or image.get("init_image_path") else None,
        unused=tuple(dict.fromkeys(unused)),
    )
