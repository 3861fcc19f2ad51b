"""How to step: every sampler by name. A new one is a function in a small file of its own and one line here."""

from __future__ import annotations

from engine.rules.dpmpp import DPMPP_2M
from engine.rules.family import DDIM, DDPM
from engine.rules.heun import HEUN
from engine.rules.ipndm import IPNDM_4
from engine.types import Rule

RULES: dict[str, Rule] = {
    "dpmpp-2m": DPMPP_2M,
    "ipndm-4": IPNDM_4,
    "heun": HEUN,
    "ddim": DDIM,
    "ddpm": DDPM,
    "euler-a": DDPM,  # the same map: Rule.aliases
}
DEFAULT = "dpmpp-2m"


def menu() -> dict[str, Rule]:
    """One entry per distinct map, under its first name."""
    first: dict[int, str] = {}
    for name, rule in RULES.items():
        first.setdefault(id(rule), name)
    return {name: RULES[name] for name in first.values()}
