"""Fooocus: a JSON object in `parameters`, or A1111's text with keys of its own; in JPEG and WebP EXIF's UserComment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.pictures.foreign import a1111
from engine.pictures.foreign.settings import (
    MAX_LORAS,
    ForeignLora,
    ForeignSettings,
    file_of,
    read_json,
    real,
    rows,
    size_in,
    table,
    whole,
    words,
)
from engine.spec.foreign_samplers import COMFY
from engine.spec.prompt.tags import without_tags

NOT_USED = {  # key: the value that changes nothing, and its name
    "refiner_model": ("None", "Refiner"),
    "sharpness": ("0", "Sharpness"),
    "adm_guidance": ("(1.0, 1.0, 0.0)", "ADM guidance"),
    "freeu": ("", "FreeU"),
    "adaptive_cfg": ("0", "CFG mimicking"),
    "inpaint_engine_version": ("", "Inpainting"),
}
NOT_USED_TEXT = {"Sharpness", "ADM Guidance", "CFG Mimicking from TSNR", "Refiner Model", "Refiner Switch", "FreeU"}


def read(texts: Mapping[str, str]) -> ForeignSettings | None:
    """Read the settings in the texts of a picture; None where Fooocus wrote none."""
    for key in ("parameters", "UserComment"):
        text = texts.get(key, "")
        said = table(read_json(text)) if text.lstrip().startswith("{") else {}
        if "base_model" in said and "guidance_scale" in said:
            return _of_json(said)
        found = a1111.parse(text) if "Fooocus" in text else None
        if found is not None and found.program == "Fooocus":
            return _of_text(text, found)
    return None


def _of_json(said: Mapping[str, Any]) -> ForeignSettings:
    unused = [name for key, (none, name) in NOT_USED.items() if str(said.get(key, none)) not in (none, "None", "")]
    prompt, negative = words(said.get("prompt")), words(said.get("negative_prompt"))
    full, full_negative = _joined(said.get("full_prompt")), _joined(said.get("full_negative_prompt"))
    notes = () if full in ("", prompt) else ("Fooocus' styles are written into the prompt.",)
    return ForeignSettings(
        program="Fooocus",
        version=words(said.get("version"), 100),
        names=COMFY,
        prompt=without_tags(full or prompt),
        negative=full_negative or negative,
        sampler=words(said.get("sampler"), 100),
        grid=_grid(said.get("scheduler")),
        steps=whole(said.get("steps"), 1),
        guidance=real(said.get("guidance_scale")),
        seed=whole(said.get("seed")),
        size=size_in(words(said.get("resolution"), 40)),
        model=file_of(said.get("base_model"), said.get("base_model_hash")),
        vae=file_of(said.get("vae")),
        loras=tuple(_loras(said)),
        clip_skip=whole(said.get("clip_skip"), 1, 64),
        unused=tuple(unused),
        notes=notes,
    )


def _of_text(text: str, found: ForeignSettings) -> ForeignSettings:
    """Correct what A1111's reader made of the text of Fooocus: names of ComfyUI, LoRAs in a list of their own."""
    parts = a1111.split(text)
    said = a1111.pairs(parts[2]) if parts is not None else {}
    digests = {name: digest for name, digest, _ in a1111.named_hashes(said.get("Lora hashes"))}
    weights = {name: weight for name, _, weight in a1111.named_hashes(said.get("Lora hashes")) if weight}
    weights |= {name: weight for name, weight, _ in a1111.named_hashes(said.get("Lora weights"))}
    files = {name: file_of(name, digests.get(name)) for name in weights}
    loras = [_lora(files[name], weight) for name, weight in weights.items()]
    sampler = found.sampler.removesuffix(" Karras")
    return ForeignSettings(
        program="Fooocus",
        version=found.version,
        names=found.names if sampler != sampler.lower() else COMFY,
        prompt=found.prompt,
        negative=found.negative,
        sampler=sampler,
        grid=_grid(said.get("Scheduler")) or found.grid,
        steps=found.steps,
        guidance=found.guidance,
        seed=found.seed,
        size=found.size,
        model=found.model,
        vae=found.vae,
        loras=tuple(lora for lora in loras if lora is not None),
        clip_skip=found.clip_skip,
        unused=tuple(name for name in found.unused if name in NOT_USED_TEXT),
    )


def _loras(said: Mapping[str, Any]) -> Iterator[ForeignLora]:
    listed = [[*row[:3], "", "", ""][:3] for row in rows(said.get("loras"))[:MAX_LORAS] if isinstance(row, list)]
    if not listed:  # as its log has them: "name : weight"
        for key, value in said.items():
            if key.startswith("lora_combined_") and len(listed) < MAX_LORAS:
                name, _, weight = words(value, 1000).rpartition(" : ")
                listed.append([name, weight, ""])
    for name, weight, digest in listed:
        lora = _lora(file_of(name, digest), weight)
        if lora is not None:
            yield lora


def _lora(file: Any, weight: object) -> ForeignLora | None:
    strength = real(weight, -1000, 1000)
    return None if file is None else ForeignLora(file, *(1.0 if strength is None else strength,) * 2)


def _joined(value: object) -> str:
    return words(", ".join(filter(None, (words(one) for one in rows(value)[:100]))))


def _grid(value: object) -> str:
    return words(value, 100)
