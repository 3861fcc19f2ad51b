"""`parameters` of A1111's web UI, which Forge and SD.Next write too: prompt, negative prompt, and a line of settings.

The line is `key: value, key: value`; a value with a comma, a colon or a line break is a JSON string. In a JPEG and a
WebP the text is EXIF's UserComment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.pictures.foreign.settings import (
    MAX_LORAS,
    ForeignLora,
    ForeignSettings,
    Hires,
    file_of,
    real,
    size_in,
    table,
    whole,
    words,
)
from engine.spec.prompt.tags import tags_in, without_tags

NEGATIVE = "Negative prompt:"
LEAST = 3  # pairs on the line of settings, where it does not begin with “Steps”
MAX_PAIRS = 500
MAX_TEXT = 2**19  # characters
KNOWN = {  # keys that are read, or that decide no pixel here
    "Steps", "Sampler", "Schedule type", "CFG scale", "Distilled CFG Scale", "Seed", "Size", "Size-1", "Size-2",
    "Model", "Model hash", "VAE", "VAE hash", "Clip skip", "CLIP skip", "Denoising strength", "Hashes", "Lora hashes",
    "Lora weights", "TI hashes", "TI", "Version", "App", "Backend", "Pipeline", "Parser", "User", "RNG", "ENSD", "Eta",
    "Batch size", "Batch pos", "Civitai resources", "Civitai metadata", "Created Date", "Operations", "Template",
    "Negative Template", "Raw prompt", "Raw negative prompt", "Scheduler", "Performance", "Styles", "NGMS", "Label",
    "Method", "Module 1", "Module 2", "Module 3", "Discard penultimate sigma", "Downcast alphas_cumprod",
}  # fmt: skip
TABLES = ("Hashes", "Civitai resources", "Civitai metadata")  # keys whose values are JSON without quotes
GROUPS = ("Hires", "ADetailer", "ControlNet", "FreeU", "Tiled Diffusion", "Tiled VAE", "Variation seed", "Refiner",
          "Dynamic thresholding", "Regional Prompter", "Soft inpainting", "Ultimate SD upscale", "Face restoration",
          "Token merging", "LLuL", "Latent Couple", "AnimateDiff", "Detailer", "Postprocess")  # fmt: skip
AUTOMATIC = {  # the grids of the samplers for which “Automatic” is not A1111's linear one
    "karras": ("dpm++ 2m", "dpm++ sde", "dpm++ 2s a", "dpm2", "dpm2 a", "restart"),
    "exponential": ("dpm++ 2m sde", "dpm++ 2m sde heun", "dpm++ 3m sde"),
    "ddim uniform": ("ddim", "plms"),
}
_KEY = re.compile(r"[^\W_][\w \-/.]{0,80}?(?=:)")
_EDITING = re.compile(r"\[[^\[\]]{0,300}:[^\[\]]{0,300}:\s*\d*\.?\d+\s*\]|\[[^\[\]|]{1,300}\|[^\[\]]{1,300}\]")


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    """Read the settings in the texts of a picture; None where they are none of this form."""
    for key in ("parameters", "UserComment", "ImageDescription"):
        found = parse(texts.get(key, ""))
        if found is not None:
            return found
    return None


def parse(text: str) -> ForeignSettings | None:
    """Read the settings in a `parameters` text; None where it has no line of settings."""
    parts = split(text)
    if parts is None:
        return None
    prompt, negative, line = parts
    said = pairs(line)
    loras, unused = list(loras_in(prompt, said)), []
    if _EDITING.search(prompt) or re.search(r"\bAND\b", prompt):
        unused.append("prompt editing")
    if any(tag.kind == "hypernet" for tag in tags_in(prompt)):
        unused.append("Hypernet")
    hires = hires_of(said)
    strength = real(said.get("Denoising strength"), 0, 1)
    found_hashes = table(said.get("Hashes"))
    return ForeignSettings(
        program=program(said),
        version=words(said.get("Version"), 100),
        prompt=without_tags(prompt),
        negative=without_tags(negative),
        sampler=words(said.get("Sampler"), 100),
        grid=grid_of(said),
        steps=whole(said.get("Steps"), 1),
        guidance=real(said.get("CFG scale")),
        distilled=real(said.get("Distilled CFG Scale")),
        seed=whole(said.get("Seed")),
        size=size_in(words(said.get("Size"), 40)),
        model=file_of(said.get("Model"), said.get("Model hash") or found_hashes.get("model")),
        vae=file_of(said.get("VAE"), said.get("VAE hash") or found_hashes.get("vae")),
        loras=tuple(loras),
        clip_skip=whole(said.get("Clip skip", said.get("CLIP skip")), 1, 64),
        strength=None if hires else strength,
        hires=hires,
        unused=(*unused, *groups(key for key in said if key not in KNOWN and not (hires and key[:5] == "Hires"))),
    )


def split(text: str) -> tuple[str, str, str] | None:
    """Split a `parameters` text into prompt, negative prompt and the line of settings; None where that is missing.

    Lines after the settings belong to extensions.
    """
    lines = text[:MAX_TEXT].strip().splitlines()
    last = next((k for k in range(len(lines) - 1, -1, -1) if lines[k].lstrip().startswith("Steps:")), None)
    if last is None and lines and len(pairs(lines[-1])) >= LEAST:
        last = len(lines) - 1
    if last is None:
        return None
    before = lines[:last]
    cut = next((k for k, one in enumerate(before) if one.lstrip().startswith(NEGATIVE)), len(before))
    negative = "\n".join(before[cut:]).strip().removeprefix(NEGATIVE)
    return words("\n".join(before[:cut])), words(negative), ", ".join(line.strip() for line in lines[last:])


def pairs(line: str) -> dict[str, Any]:
    """Read `key: value, …` into texts; the values of TABLES into what their JSON says."""
    found: dict[str, Any] = {}
    place = 0
    while place < len(line) and len(found) < MAX_PAIRS:
        key = _KEY.match(line, place)
        if key is None:  # no pair begins here: go on behind the next comma
            place = _after_comma(line, place)
            continue
        place = line.index(":", key.end()) + 1
        while place < len(line) and line[place] == " ":
            place += 1
        value, end = _value(line, place, key[0].strip())
        found.setdefault(key[0].strip(), value)
        place = _after_comma(line, end)
    return found


def _value(line: str, place: int, key: str) -> tuple[Any, int]:
    """Read one value: a JSON string, a JSON object of TABLES, else the text up to the next comma."""
    if line[place : place + 1] == '"' or key in TABLES:
        try:
            value, end = json.JSONDecoder().raw_decode(line, place)
            if line[end : end + 1] in ("", ","):
                return value, end
        except (ValueError, RecursionError):
            pass
    end = line.find(",", place)
    end = len(line) if end < 0 else end
    return line[place:end].strip(), end


def _after_comma(line: str, place: int) -> int:
    comma = line.find(",", place)
    if comma < 0:
        return len(line)
    place = comma + 1
    while place < len(line) and line[place] == " ":
        place += 1
    return place


def program(said: Mapping[str, Any]) -> str:
    """Name the program by its version."""
    app, version = words(said.get("App"), 100), words(said.get("Version"), 100)
    if "SD.Next" in app or "SD.Next" in version or "vladmandic" in version:
        return "SD.Next"
    if re.match(r"(f\d|neo|reForge|forge)", version, re.IGNORECASE):
        return "Forge"
    for name in ("ComfyUI", "Fooocus", "Tweedie Studio"):
        if version.startswith(name):
            return name
    return "A1111"


def grid_of(said: Mapping[str, Any]) -> str:
    """Return the grid in A1111's words. Where none is named, the sampler decides; its name may hold one."""
    grid = words(said.get("Schedule type") or said.get("Scheduler"), 100)
    if grid.lower() not in ("", "automatic", "default"):
        return "normal" if grid.lower() == "uniform" else grid
    bare = words(said.get("Sampler"), 100).lower()
    if not grid and re.search(r" (karras|exponential)$", bare):
        return ""
    named = next((grid for grid, samplers in AUTOMATIC.items() if bare in samplers), "normal")
    return named if grid or named != "karras" else "normal"  # older versions put “Karras” into the name


def hires_of(said: Mapping[str, Any]) -> Hires | None:
    """Read the facts of the hires fix; None where it was off."""
    if not any(key in said for key in ("Hires upscale", "Hires resize", "Hires upscaler")):
        return None
    return Hires(
        real(said.get("Hires upscale"), 0, 100),
        size_in(words(said.get("Hires resize"), 40)),
        whole(said.get("Hires steps")),
        real(said.get("Denoising strength"), 0, 1),
        words(said.get("Hires upscaler"), 100),
    )


def loras_in(prompt: str, said: Mapping[str, Any]) -> Iterator[ForeignLora]:
    """Yield the LoRAs that the prompt's tags name, `<lora:name:0.8>`, with their hashes from the settings.

    A tag's first number is the strength for the text encoders, the second one for the net; `te=` and `unet=` name them.
    """
    digests = {name: value for name, value, _ in named_hashes(said.get("Lora hashes"))}
    digests |= {key[5:]: value for key, value in table(said.get("Hashes")).items() if key.startswith("lora:")}
    for count, tag in enumerate(tags_in(prompt)):
        if tag.kind == "hypernet" or count >= MAX_LORAS:
            continue
        file = file_of(tag.name, digests.get(tag.name))
        if file is not None:
            yield ForeignLora(file, tag.strength, tag.text_strength)


def named_hashes(value: object) -> list[tuple[str, str, str]]:
    """Read "name: hash, name: hash: weight" into (name, hash, weight), "" where there is none."""
    found = []
    for one in words(value).split(", ")[:MAX_LORAS]:
        name, _, rest = one.partition(": ")
        digest, _, weight = rest.partition(": ")
        if name and digest:
            found.append((name.strip(), digest.strip(), weight.strip()))
    return found


def groups(keys: Iterable[str]) -> tuple[str, ...]:
    """Return the names of what settings belong to, each once: “ADetailer” for “ADetailer model” and its others."""
    names = (next((group for group in GROUPS if key.lower().startswith(group.lower())), key) for key in keys)
    return tuple(dict.fromkeys("Hires upscale" if name == "Hires" else words(name, 60) for name in names))
