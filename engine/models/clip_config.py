"""The allowed keys of a CLIP configuration from a file.

open_clip and transformers read settings that run code: `trust_remote_code` with an `auto_map` imports Python files of
the folder, names such as `hf-hub:…` download, and keyword arguments reach constructors unchecked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from reprlib import repr as shortened
from typing import Any

from engine.errors import one_line
from engine.models.errors import ModelError

MAX_NUMBER = 10_000_000  # no size in a CLIP is larger
LARGEST = {  # a net is built before its weights are looked at
    "layers": 256, "width": 2**14, "heads": 2**10, "head_width": 2**14, "image_size": 2**11, "patch_size": 2**10,
    "context_length": 2**12, "embed_dim": 2**14, "attn_pooler_queries": 2**12, "attn_pooler_heads": 2**10,
    "mlp_ratio": 64, "n_queries": 2**12, "dim_head": 2**14,
}  # fmt: skip
RUNS_CODE = ("auto_map", "trust_remote_code", "custom_pipelines")

_TOP = {"embed_dim", "quick_gelu", "custom_text", "init_logit_scale", "init_logit_bias", "nonscalar_logit_scale"}
_TRANSFORMER = {
    "layers", "width", "mlp_ratio", "ls_init_value", "pool_type", "final_ln_after_pool", "output_tokens", "block_type",
    "qk_norm", "scaled_cosine_attn", "scale_heads", "scale_attn_inner", "scale_attn", "scale_fc",
}  # fmt: skip
_VISION = _TRANSFORMER | {
    "image_size", "patch_size", "head_width", "patch_dropout", "attentional_pool", "attn_pooler_queries",
    "attn_pooler_heads", "no_ln_pre", "pos_embed_type", "timm_model_name", "timm_model_pretrained", "timm_pool",
    "timm_proj", "timm_proj_bias", "timm_drop", "timm_drop_path",
}  # fmt: skip
_TEXT = _TRANSFORMER | {
    "context_length", "vocab_size", "heads", "embed_cls", "pad_id", "eos_id", "no_causal_mask", "proj_bias",
    "proj_type", "hf_tokenizer_name", "tokenizer_mode", "hf_model_name", "hf_model_pretrained", "hf_proj_type",
    "hf_pooler_type",
}  # fmt: skip
_MULTIMODAL = _TEXT | {"dim_head", "n_queries", "attn_pooler_heads"}
_OF_TOKENIZERS = {"clean", "strip_sep_token", "language"}
_OF_LAYERS = {"norm_kwargs": {"eps"}, "act_kwargs": {"approximate"}}
_NAMES = {
    "timm_model_name": r"[A-Za-z0-9_.]+",  # a name of timm's table: no hf-hub:, no local-dir:, no path
    "hf_model_name": r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?",  # a repository in the cache
    "hf_tokenizer_name": r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?",
}


def allowed_shape(config: object) -> dict[str, Any]:
    """Return a checked copy of the model_cfg of an open_clip configuration.

    Raises ModelError for other keys, for values that are not plain, and for names with a path or an address.
    """
    shape = _part(config, _TOP, "model_cfg", {"vision_cfg", "text_cfg", "multimodal_cfg"})
    for name, keys in (("vision_cfg", _VISION), ("text_cfg", _TEXT), ("multimodal_cfg", _MULTIMODAL)):
        if name in shape:
            shape[name] = _tower(shape[name], keys, name)
    return shape


def refuse_code(held: Mapping[str, Any], where: str) -> None:
    """Raise ModelError if a configuration would run Python code."""
    for key in RUNS_CODE:
        if held.get(key):
            raise ModelError(
                f"{where} would run its own code ({key}), which the studio does not allow: choose another CLIP."
            )


def _tower(config: object, keys: set[str], where: str) -> dict[str, Any]:
    held = _part(config, keys, where, {"tokenizer_kwargs", *_OF_LAYERS})
    for name, allowed in ({"tokenizer_kwargs": _OF_TOKENIZERS} | _OF_LAYERS).items():
        if held.get(name) is not None:
            held[name] = _part(held[name], allowed, f"{where}, {name}")
    for name, pattern in _NAMES.items():
        value = held.get(name)
        if value and not (isinstance(value, str) and re.fullmatch(pattern, value)):
            raise ModelError(
                f"{name} of this CLIP must be a plain name, not {shortened(value)}: correct its configuration."
            )
    return held


def _part(config: object, keys: set[str], where: str, parts: set[str] = frozenset()) -> dict[str, Any]:  # type: ignore[assignment]
    if not isinstance(config, dict):
        raise ModelError(f"{where} of this CLIP is not a JSON object: save its configuration again.")
    refuse_code(config, where)
    if unknown := sorted(map(str, set(config) - keys - parts)):
        named = one_line(", ".join(unknown), 200)
        raise ModelError(f"{where} of this CLIP has unknown keys: remove {named}.")
    for key in set(config) & keys:
        if not _plain(config[key]) or not _sane(config[key], LARGEST.get(key, MAX_NUMBER)):
            raise ModelError(f"{key} in {where} of this CLIP is not a plain value: correct its configuration.")
    return dict(config)


def _sane(value: object, largest: int) -> bool:
    """Whether no number in it is larger."""
    values = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(one, bool) or not isinstance(one, int | float) or abs(one) <= largest for one in values)


def _plain(value: object) -> bool:
    """Return whether a value is a number of at most MAX_NUMBER, a text, a bool, None, or a short list of numbers."""
    if isinstance(value, list | tuple):
        return len(value) <= 4 and all(_plain(v) and not isinstance(v, str | list) for v in value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return abs(value) <= MAX_NUMBER
    return value is None or isinstance(value, bool | str)
