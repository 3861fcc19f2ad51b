"""The list of samplers, by name. A new sampler is a function in a small file of its own and one line here."""

from __future__ import annotations

from engine.rules.consistency import LCM, TCD
from engine.rules.ddim import DDIM, DDPM, MU
from engine.rules.deis import DEIS
from engine.rules.dpm2 import DPM_2, DPM_2_A
from engine.rules.dpmpp import DPMPP_2M, DPMPP_2M_SDE, DPMPP_2M_SDE_HEUN, DPMPP_3M, DPMPP_3M_SDE
from engine.rules.dpmpp_single import DPMPP_2S_A, DPMPP_SDE
from engine.rules.gradient import GE
from engine.rules.heun import HEUN
from engine.rules.ipndm import IPNDM_4
from engine.rules.langevin import LANGEVIN, PC, PC_HMC
from engine.rules.lms import LMS
from engine.rules.restart import RESTART
from engine.rules.reverse import (
    ANCESTRAL_SUBVP,
    DDPM_BETA,
    REVERSE_DIFFUSION,
    REVERSE_DIFFUSION_SUBVP,
    REVERSE_DIFFUSION_VP,
    REVERSE_SDE,
    REVERSE_SDE_SUBVP,
    REVERSE_SDE_VP,
)
from engine.rules.unipc import UNIPC_2, UNIPC_3
from engine.types import Rule

_DISTINCT: dict[str, Rule] = {
    "dpmpp-2m": DPMPP_2M,
    "dpmpp-3m": DPMPP_3M,
    "ipndm-4": IPNDM_4,
    "unipc-2": UNIPC_2,
    "unipc-3": UNIPC_3,
    "deis": DEIS,
    "lms": LMS,
    "heun": HEUN,
    "dpm-2": DPM_2,
    "ddim": DDIM,
    "ge": GE,
    "ddpm": DDPM,
    "dpmpp-2m-sde": DPMPP_2M_SDE,
    "dpmpp-2m-sde-heun": DPMPP_2M_SDE_HEUN,
    "dpmpp-3m-sde": DPMPP_3M_SDE,
    "dpmpp-sde": DPMPP_SDE,
    "dpmpp-2s-a": DPMPP_2S_A,
    "dpm-2-a": DPM_2_A,
    "restart": RESTART,
    "lcm": LCM,
    "tcd": TCD,
    "mu": MU,
    "ddpm-beta": DDPM_BETA,
    "ancestral-sub-vp": ANCESTRAL_SUBVP,
    "reverse-sde": REVERSE_SDE,
    "reverse-sde-vp": REVERSE_SDE_VP,
    "reverse-sde-sub-vp": REVERSE_SDE_SUBVP,
    "reverse-diffusion": REVERSE_DIFFUSION,
    "reverse-diffusion-vp": REVERSE_DIFFUSION_VP,
    "reverse-diffusion-sub-vp": REVERSE_DIFFUSION_SUBVP,
    "pc": PC,
    "pc-hmc": PC_HMC,
    "langevin": LANGEVIN,
}
RULES: dict[str, Rule] = _DISTINCT | {alias: rule for rule in _DISTINCT.values() for alias in rule.aliases}
DEFAULT = "unipc-2"  # chosen together with schedules.DEFAULT by measurement: docs/samplers.md


def menu() -> dict[str, Rule]:
    """Return one entry per distinct map, under its first name, for menus."""
    return dict(_DISTINCT)
