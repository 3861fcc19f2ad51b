"""From a module's name in an adapter to the module of a net: the dialects of those who write adapters. No torch.

Each dialect puts a prefix before the name of a module; kohya's trainers also write “_” for every “.”.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from engine.checkpoints.adapters.modules import Module, clip_modules, unet_modules
from engine.checkpoints.families import families

NET = "unet"  # the part that a prefix without a text encoder means


class Prefix(NamedTuple):
    """A dialect's prefix, the part that it means, and whether the rest has “_” for every “.”."""

    text: str
    part: str
    joined: bool
    dialect: str


KOHYA, LYCORIS, DIFFUSERS, PEFT, ORIGINAL, BARE = "kohya", "LyCORIS", "diffusers", "PEFT", "original", "no prefix"
PREFIXES: tuple[Prefix, ...] = (
    Prefix("lora_unet_", NET, True, KOHYA),
    Prefix("lora_transformer_", NET, True, KOHYA),
    Prefix("lora_te_", "text", True, KOHYA),
    Prefix("lora_te1_", "text", True, KOHYA),
    Prefix("lora_te2_", "text_2", True, KOHYA),
    Prefix("lora_te3_", "text_3", True, KOHYA),
    Prefix("lycoris_", NET, True, LYCORIS),
    Prefix("base_model.model.", NET, False, PEFT),
    Prefix("base_model.model.", "text", False, PEFT),
    Prefix("model.diffusion_model.", NET, False, ORIGINAL),
    Prefix("diffusion_model.", NET, False, ORIGINAL),
    Prefix("unet.", NET, False, DIFFUSERS),
    Prefix("transformer.", NET, False, DIFFUSERS),
    Prefix("text_encoder.", "text", False, DIFFUSERS),
    Prefix("text_encoder_2.", "text_2", False, DIFFUSERS),
    Prefix("text_encoder_3.", "text_3", False, DIFFUSERS),
    Prefix("text_encoders.clip_l.transformer.", "text", False, ORIGINAL),
    Prefix("text_encoders.clip_g.transformer.", "text_2", False, ORIGINAL),
    Prefix("clip_l.transformer.", "text", False, ORIGINAL),
    Prefix("clip_g.transformer.", "text_2", False, ORIGINAL),
    Prefix("cond_stage_model.transformer.", "text", False, ORIGINAL),
    Prefix("cond_stage_model.model.", "text", False, ORIGINAL),
    Prefix("conditioner.embedders.0.transformer.", "text", False, ORIGINAL),
    Prefix("conditioner.embedders.1.model.", "text_2", False, ORIGINAL),
    Prefix("", NET, False, BARE),
    Prefix("", "text", False, BARE),
)
_UNPREFIXED = PREFIXES[-2:]
_BY_START = {
    start: tuple(prefix for prefix in PREFIXES if prefix.text[:5] in (start, ""))
    for start in {prefix.text[:5] for prefix in PREFIXES if prefix.text}
}
_WRAPPERS = ("base_model.model.unet.", "base_model.model.transformer.")  # both prefixes
_PROCESSOR = re.compile(r"\.processor\.(to_out|to_[qkv])$")  # diffusers' attention processors, before 2024
_TEXT_MODEL = "text_model."


class Place(NamedTuple):
    """A module of a family's nets and the dialect in which an adapter names it."""

    part: str
    module: Module
    dialect: str


class Names:
    """The modules of a family's nets, to be found by the names of any dialect.

    parts -- the modules of each part: "unet", "text", "text_2"
    """

    def __init__(self, parts: Mapping[str, Iterable[Module]]) -> None:
        self.parts = {part: {module.name: module for module in modules} for part, modules in parts.items()}
        self._dotted: dict[str, dict[str, Module]] = {}
        self._joined: dict[str, dict[str, Module]] = {}
        for part, modules in self.parts.items():
            dotted = dict(modules)
            for module in modules.values():
                if module.original:
                    dotted.setdefault(module.original, module)
            self._dotted[part] = dotted
            self._joined[part] = {name.replace(".", "_"): module for name, module in dotted.items()}

    def find(self, name: str) -> Place | None:
        """Return the module that an adapter's name means; None where it means none."""
        for wrapper in _WRAPPERS:
            if name.startswith(wrapper):
                place = self.find(name[len("base_model.model.") :])
                return None if place is None else place._replace(dialect=PEFT)
        for prefix in prefixes_of(name, "text_2" in self.parts):
            listed = (self._joined if prefix.joined else self._dotted).get(prefix.part)
            if listed is None:
                continue
            module = listed.get(plain(name[len(prefix.text) :], prefix))
            if module is not None:
                return Place(prefix.part, module, prefix.dialect)
        return None


def prefixes_of(name: str, several: bool) -> list[Prefix]:
    """Return the prefixes that a name begins with, the longest first.

    several -- whether the family has several text encoders: kohya's trainers number them then, and only then
    """
    starts = _BY_START.get(name[:5], _UNPREFIXED)
    found = [prefix for prefix in starts if name.startswith(prefix.text)]
    return [prefix for prefix in found if prefix.text != "lora_te_"] if several else found


def plain(name: str, prefix: Prefix) -> str:
    """Return the rest of a module's name without what older writers put into it."""
    if prefix.joined:
        return name.removeprefix("text_model_") if prefix.part != NET else name
    if prefix.part != NET:
        return name.removeprefix(_TEXT_MODEL)
    if ".processor." in name:
        return _PROCESSOR.sub(lambda match: f".{match[1]}{'.0' if match[1] == 'to_out' else ''}", name)
    return name


def names_of(unet: Mapping[str, Any], texts: Mapping[str, Mapping[str, Any]]) -> Names:
    """The modules of a model of Stable Diffusion's kind.

    unet  -- arguments of diffusers' UNet2DConditionModel
    texts -- for each text encoder, "text" and "text_2", the arguments of clip_modules()
    """
    return Names({NET: unet_modules(unet)} | {part: clip_modules(net) for part, net in texts.items()})


@lru_cache(maxsize=8)
def names_of_family(name: str) -> Names:
    """The modules of a family that can be loaded."""
    about = families()[name]
    texts = {text["part"]: {**text["net"], "dropped": text.get("dropped", 0)} for text in about.text}
    return names_of(about.unet, texts)
