"""Recognise adapters (LoRA, LoHa, LoKr, DoRA …) and their family by names and shapes. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from engine.checkpoints.header import Entry, Header

# how the name of an adapter's tensor ends → its sort
ENDINGS: dict[str, str] = {
    ".lora_down.weight": "LoRA", ".lora_up.weight": "LoRA", ".lora_mid.weight": "LoRA", ".alpha": "LoRA",
    ".lora_A.weight": "LoRA", ".lora_B.weight": "LoRA", ".lora_A.default.weight": "LoRA",
    ".lora_B.default.weight": "LoRA", ".lora.down.weight": "LoRA", ".lora.up.weight": "LoRA",
    "_lora.down.weight": "LoRA", "_lora.up.weight": "LoRA", ".lora_linear_layer.down.weight": "LoRA",
    ".lora_linear_layer.up.weight": "LoRA", ".lora_B.bias": "LoRA", ".lora_up.bias": "LoRA",
    ".dora_scale": "DoRA", ".lora_magnitude_vector": "DoRA", ".lora_magnitude_vector.weight": "DoRA",
    ".hada_w1_a": "LoHa", ".hada_w1_b": "LoHa", ".hada_w2_a": "LoHa", ".hada_w2_b": "LoHa", ".hada_t1": "LoHa",
    ".hada_t2": "LoHa", ".lokr_w1": "LoKr", ".lokr_w2": "LoKr", ".lokr_w1_a": "LoKr", ".lokr_w1_b": "LoKr",
    ".lokr_w2_a": "LoKr", ".lokr_w2_b": "LoKr", ".lokr_t2": "LoKr", ".diff": "difference", ".diff_b": "difference",
    ".w_norm": "difference", ".b_norm": "difference", ".oft_blocks": "OFT", ".oft_diag": "OFT", ".on_input": "IA3",
}  # fmt: skip
_ENDS = re.compile(rf"({'|'.join(re.escape(end) for end in sorted(ENDINGS, key=len, reverse=True))})$")
_SORTS = ("DoRA", "LoHa", "LoKr", "OFT", "IA3", "LoRA", "difference")  # the first that occurs names the file


class Rule(NamedTuple):
    """Names the family of an adapter: some module's name matches `pattern`, and its input has one of `widths`.

    widths -- () for any
    """

    family: str
    title: str
    pattern: str
    widths: tuple[int, ...] = ()


_CROSS = r"attn2[._](to_k|to_v|processor[._]to_k|processor[._]to_v)"
FAMILIES: tuple[Rule, ...] = (
    Rule("flux", "Flux.1", r"(^|[._])(double_blocks|single_blocks|single_transformer_blocks)[._]"),
    Rule("anima", "Anima", r"(^|[._])blocks[._]\d+[._](cross_attn|self_attn|mlp)[._]", (2048,)),
    Rule("wan", "Wan video", r"(^|[._])blocks[._]\d+[._](cross_attn|self_attn)[._]", (1536, 3072, 5120)),
    Rule("sdxl", "Stable Diffusion XL", _CROSS, (2048,)),
    Rule("sd2", "Stable Diffusion 2", _CROSS, (1024,)),
    Rule("sd1", "Stable Diffusion 1", _CROSS, (768,)),
    Rule("sdxl-refiner", "Stable Diffusion XL refiner", _CROSS, (1280,)),
    Rule("sd3", "Stable Diffusion 3", r"(^|[._])(joint_blocks|transformer_blocks)[._].*context|joint_blocks"),
    Rule("qwen-image", "Qwen-Image", r"^(transformer[._]|diffusion_model[._]|lora_unet_)?transformer_blocks[._]\d+[._]",
         (3072,)),
    Rule("z-image", "Z-Image", r"(^|[._])layers[._]\d+[._](attention|feed_forward|adaLN)", (3840,)),
    Rule("sdxl", "Stable Diffusion XL", r"^(lora_te2_|text_encoder_2[._])"),
    Rule("sdxl", "Stable Diffusion XL", r"attentions[._]\d+[._]transformer_blocks[._][1-9]"),
    Rule("sd2", "Stable Diffusion 2", r"^(lora_te_|text_encoder[._]).*(layers|resblocks)", (1024,)),
    Rule("sd1", "Stable Diffusion 1", r"^(lora_te_|text_encoder[._]).*(layers|resblocks)", (768,)),
)  # fmt: skip


class Adapter(NamedTuple):
    """A recognised adapter.

    sort    -- "LoRA", "DoRA", "LoHa", "LoKr" …
    family  -- "" where no rule of FAMILIES fits
    title   -- of the family
    modules -- the number of the net's modules that it changes
    tensors -- the number of its tensors that are an adapter's
    others  -- its other tensors
    """

    sort: str
    family: str
    title: str
    modules: int
    tensors: int
    others: tuple[str, ...]


def find_adapter(header: Header) -> Adapter | None:
    """Return the adapter in a file; None where less than half of its tensors are those of one."""
    modules: dict[str, dict[str, Entry]] = {}
    others: list[str] = []
    sorts: set[str] = set()
    for name, entry in header.tensors.items():
        match = _ENDS.search(name)
        if match is None:
            others.append(name)
        else:
            end = match.group(1)
            sorts.add(ENDINGS[end])
            modules.setdefault(name[: match.start()], {})[end] = entry
    if not modules or 2 * len(others) > len(header.tensors):
        return None
    widths = {name: _width(tensors) for name, tensors in modules.items()}
    rule = next((rule for rule in FAMILIES if _fits(rule, widths)), None)
    sort = next(sort for sort in _SORTS if sort in sorts)
    count = len(header.tensors) - len(others)
    family, title = ("", "") if rule is None else rule[:2]
    return Adapter(sort, family, title, len(modules), count, tuple(others))


def _fits(rule: Rule, widths: Mapping[str, int | None]) -> bool:
    pattern = re.compile(rule.pattern)
    return any(
        (not rule.widths or width in rule.widths) and pattern.search(name) is not None for name, width in widths.items()
    )


def _width(tensors: Mapping[str, Entry]) -> int | None:
    """Return the input width of the module that an adapter changes; None where its tensors do not tell it."""

    def side(end: str) -> int | None:
        entry = tensors.get(end)
        return entry.shape[1] if entry is not None and len(entry.shape) > 1 else None

    for end in (
        ".lora_down.weight", ".lora_A.weight", ".lora_A.default.weight", ".lora.down.weight", "_lora.down.weight",
        ".lora_linear_layer.down.weight", ".hada_w1_b", ".diff",
    ):  # fmt: skip
        if (found := side(end)) is not None:
            return found
    first = side(".lokr_w1") or side(".lokr_w1_b")
    second = side(".lokr_w2") or side(".lokr_w2_b")
    return None if first is None or second is None else first * second
