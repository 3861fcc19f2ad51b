"""The tensors of an adapter: the ends of their names, and which of them belong together. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable

# how a tensor's name ends → its role in the formulas of engine.checkpoints.adapters.algebras
ROLES: dict[str, str] = {
    ".lora_down.weight": "down", ".lora_up.weight": "up", ".lora_mid.weight": "mid", ".alpha": "alpha",
    ".lora_down": "down", ".lora_up": "up", ".lora_A": "down", ".lora_B": "up",
    ".lora_A.weight": "down", ".lora_B.weight": "up", ".lora_B.bias": "up_bias", ".lora_up.bias": "up_bias",
    ".lora.down.weight": "down", ".lora.up.weight": "up", "_lora.down.weight": "down", "_lora.up.weight": "up",
    ".lora_linear_layer.down.weight": "down", ".lora_linear_layer.up.weight": "up", ".lora_linear_layer.alpha": "alpha",
    ".lora.alpha": "alpha", ".dora_scale": "magnitude",
    ".lora_magnitude_vector": "magnitude", ".lora_magnitude_vector.weight": "magnitude",
    ".hada_w1_a": "w1_a", ".hada_w1_b": "w1_b", ".hada_w2_a": "w2_a", ".hada_w2_b": "w2_b",
    ".hada_t1": "t1", ".hada_t2": "t2",
    ".lokr_w1": "k1", ".lokr_w2": "k2", ".lokr_w1_a": "k1_a", ".lokr_w1_b": "k1_b",
    ".lokr_w2_a": "k2_a", ".lokr_w2_b": "k2_b", ".lokr_t2": "kt2",
    ".diff": "diff", ".diff_b": "diff_b", ".w_norm": "diff", ".b_norm": "diff_b",
    ".oft_blocks": "OFT", ".oft_diag": "OFT", ".oft_R.weight": "OFT", ".on_input": "IA3", ".a1.weight": "GLoRA",
    ".a2.weight": "GLoRA", ".b1.weight": "GLoRA", ".b2.weight": "GLoRA", ".rescale": "OFT",
}  # fmt: skip
_NAMED = r"(\.(?:lora_A|lora_B|lora_magnitude_vector))\.(?!weight$|bias$)\w+(?=(?:\.weight|\.bias)?$)"  # PEFT: .default
_PEFT = re.compile(_NAMED)
_UNDERSCORED = tuple(end for end in ROLES if not end.startswith("."))


def split(name: str) -> tuple[str, str] | None:
    """Return the module that a tensor belongs to, as the file names it, and the tensor's role; None for another name.

    PEFT puts the name of an adapter, such as “default”, into the tensor's name; it is left out.
    """
    end = _end(name)
    if not end and ".lora_" in name:
        name = _PEFT.sub(r"\1", name)
        end = _end(name)
    return (name[: -len(end)], ROLES[end]) if end else None


def _end(name: str) -> str:
    """Return the longest end of a name that is a key of ROLES, "" without one."""
    if name.endswith(_UNDERSCORED):
        return next(end for end in _UNDERSCORED if name.endswith(end))
    found, at = "", len(name)
    for _ in range(3):  # no key has more dots
        at = name.rfind(".", 0, at)
        if at < 0:
            break
        if name[at:] in ROLES:
            found = name[at:]
    return found


def group(names: Iterable[str]) -> tuple[dict[str, dict[str, str]], list[str]]:
    """Sort tensors by module: {module: {role: tensor}}, and the tensors whose names are no adapter's.

    A second tensor with the role of a first one is among the others.
    """
    modules: dict[str, dict[str, str]] = {}
    others = []
    for name in names:
        found = split(name)
        if found is None or found[1] in modules.get(found[0], {}):
            others.append(name)
        else:
            modules.setdefault(found[0], {})[found[1]] = name
    return modules, others
