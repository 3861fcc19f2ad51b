"""The names that other studios give to samplers and grids, and what they are here: rule, options, spacing.

parse() reads one name in any spelling: "DPM++ 2M Karras", "dpmpp_2m", "k_dpm_2_a", "euler_ancestral". For a name that
two studios use differently, `program` decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from engine.rules import RULES, menu
from engine.schedules import SPACINGS
from engine.spec.validation import RequestError

A1111, COMFY, INVOKE, DIFFUSERS = "a1111", "comfyui", "invokeai", "diffusers"
PROGRAMS = (A1111, COMFY, INVOKE, DIFFUSERS)  # Forge and SD.Next use A1111's names


class Foreign(NamedTuple):
    """One sampler of ours and its names elsewhere.

    sampler, options -- as in a Request
    names   -- by program, alternatives separated by "|"
    differs -- in what it is not the same map; "" where it is
    """

    sampler: str
    names: dict[str, str]
    options: tuple[tuple[str, float], ...] = ()
    differs: str = ""


ORDER = "their last steps have a lower order"
FOREIGN: tuple[Foreign, ...] = (
    Foreign("ddim", {A1111: "Euler", COMFY: "euler", INVOKE: "euler", DIFFUSERS: "EulerDiscreteScheduler"}),
    Foreign("ddim", {A1111: "DDIM", COMFY: "ddim", INVOKE: "ddim", DIFFUSERS: "DDIMScheduler"}),
    Foreign(
        "ddpm",
        {
            A1111: "Euler a|Euler ancestral",
            COMFY: "euler_ancestral",
            INVOKE: "euler_a",
            DIFFUSERS: "EulerAncestralDiscreteScheduler",
        },
    ),
    Foreign("ddpm", {A1111: "DDPM", COMFY: "ddpm", INVOKE: "ddpm", DIFFUSERS: "DDPMScheduler"}),
    Foreign("heun", {A1111: "Heun", COMFY: "heun", INVOKE: "heun", DIFFUSERS: "HeunDiscreteScheduler"}),
    Foreign("dpm-2", {A1111: "DPM2|k_dpm_2", COMFY: "dpm_2", INVOKE: "kdpm_2", DIFFUSERS: "KDPM2DiscreteScheduler"}),
    Foreign(
        "dpm-2-a",
        {
            A1111: "DPM2 a|k_dpm_2_a|DPM2 ancestral",
            COMFY: "dpm_2_ancestral",
            INVOKE: "kdpm_2_a",
            DIFFUSERS: "KDPM2AncestralDiscreteScheduler",
        },
    ),
    Foreign("lms", {A1111: "LMS", COMFY: "lms", INVOKE: "lms", DIFFUSERS: "LMSDiscreteScheduler"}),
    Foreign("dpmpp-2m", {A1111: "DPM++ 2M", COMFY: "dpmpp_2m"}),
    Foreign("dpmpp-2m", {INVOKE: "dpmpp_2m", DIFFUSERS: "DPMSolverMultistepScheduler"}, differs=ORDER),
    Foreign("dpmpp-2m-sde", {A1111: "DPM++ 2M SDE", COMFY: "dpmpp_2m_sde|dpmpp_2m_sde_gpu"}),
    Foreign("dpmpp-2m-sde", {INVOKE: "dpmpp_2m_sde"}, differs=ORDER),
    Foreign("dpmpp-2m-sde-heun", {A1111: "DPM++ 2M SDE Heun", COMFY: "dpmpp_2m_sde_heun|dpmpp_2m_sde_heun_gpu"}),
    Foreign("dpmpp-3m-sde", {A1111: "DPM++ 3M SDE", COMFY: "dpmpp_3m_sde|dpmpp_3m_sde_gpu"}),
    Foreign("dpmpp-3m-sde", {INVOKE: "dpmpp_3m"}, (("eta", 0.0),), ORDER),
    Foreign("dpmpp-sde", {A1111: "DPM++ SDE", COMFY: "dpmpp_sde|dpmpp_sde_gpu"}),
    Foreign(
        "dpmpp-sde",
        {INVOKE: "dpmpp_sde", DIFFUSERS: "DPMSolverSDEScheduler"},
        differs="their steps are halves of two levels",
    ),
    Foreign("dpmpp-2s-a", {A1111: "DPM++ 2S a|DPM++ 2S ancestral", COMFY: "dpmpp_2s_ancestral"}),
    Foreign(
        "dpmpp-2s-a",
        {INVOKE: "dpmpp_2s", DIFFUSERS: "DPMSolverSinglestepScheduler"},
        (("eta", 0.0),),
        "their middle is the grid's next level",
    ),
    Foreign("unipc-2", {INVOKE: "unipc", DIFFUSERS: "UniPCMultistepScheduler"}, differs=ORDER),
    Foreign("unipc-3", {A1111: "UniPC", COMFY: "uni_pc|uni_pc_bh2"}, differs=f"{ORDER}; B(h) = h but for bh2"),
    Foreign("deis", {COMFY: "deis", A1111: "DEIS"}, differs="their polynomial is in the time of VP"),
    Foreign("deis", {INVOKE: "deis", DIFFUSERS: "DEISMultistepScheduler"}, (("order", 2.0),), ORDER),
    Foreign("ipndm-4", {A1111: "IPNDM", COMFY: "ipndm", DIFFUSERS: "IPNDMScheduler"}),
    Foreign(
        "ipndm-4",
        {A1111: "PLMS", INVOKE: "pndm", DIFFUSERS: "PNDMScheduler"},
        differs="their first steps are Runge–Kutta's or Heun's",
    ),
    Foreign("ge", {COMFY: "gradient_estimation"}),
    Foreign("lcm", {A1111: "LCM", COMFY: "lcm", INVOKE: "lcm"}),
    Foreign("lcm", {DIFFUSERS: "LCMScheduler"}, differs="they add the boundary factors, 0 and 1 to within 3e-3"),
    Foreign("tcd", {A1111: "TCD", COMFY: "tcd", INVOKE: "tcd", DIFFUSERS: "TCDScheduler"}),
    Foreign("restart", {A1111: "Restart", COMFY: "restart"}, differs="their steps include the restarts"),
)
GRIDS: dict[str, str] = {  # of ours: their names, alternatives separated by "|"
    "karras": "Karras|use_karras_sigmas",
    "log": "Exponential|use_exponential_sigmas",
    "uniform-t": "Normal|Uniform",
    "sgm-uniform": "SGM Uniform",
    "simple": "Simple",
    "beta": "Beta",
    "beta-sigma": "use_beta_sigmas",
    "ays": "Align Your Steps|AYS|Align Your Steps SD1|ays_sd15",
    "ays-xl": "AYS XL|Align Your Steps SDXL|ays_sdxl",
    "kl-optimal": "KL Optimal",
    "linear-quadratic": "Linear Quadratic",
    "leading": "DDIM Uniform|DDIM|leading",
}


class Sampling(NamedTuple):
    """What a name says: a key of RULES, options as in a Request, and a key of SPACINGS where it names a grid."""

    sampler: str
    options: tuple[tuple[str, float], ...] = ()
    spacing: str | None = None


def parse(name: str, program: str | None = None) -> Sampling:
    """Read the name of a sampler of any studio, with or without its grid; ours come first where no program is given.

    Case, signs and spaces do not count; "++" is "pp". Raises RequestError for an unknown name.
    """
    bare = plain(name)
    samplers, grids = _samplers(program), _grids()
    for key in (bare, bare.removeprefix("sample"), bare.removeprefix("k")):
        if key in samplers:
            return samplers[key]
        for ending in sorted(grids, key=len, reverse=True):
            if key.endswith(ending) and key.removesuffix(ending) in samplers:
                return samplers[key.removesuffix(ending)]._replace(spacing=grids[ending])
        if key.endswith("k") and key[:-1] in samplers:  # InvokeAI's ending for Karras
            return samplers[key[:-1]]._replace(spacing="karras")
    near = get_close_matches(bare, samplers, n=1)
    hint = f" Did you mean {samplers[near[0]].sampler}?" if near else ""
    raise RequestError(f"There is no sampler “{name}”: choose one of {', '.join(menu())}.{hint}")


def parse_spacing(name: str) -> str:
    """Read the name of a grid of any studio. Raises RequestError for an unknown name."""
    found = _grids().get(plain(name))
    if found is None:
        raise RequestError(f"There is no spacing “{name}”: choose one of {', '.join(SPACINGS)}.")
    return found


def plain(name: str) -> str:
    """Return the name without case, spaces and signs, "+" as "p"."""
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("+", "p"))


def other_names(sampler: str) -> tuple[str, ...]:
    """Return the names of a sampler of the menu elsewhere, each once, for search and tips."""
    rule = RULES[sampler]
    names = [name for entry in FOREIGN if RULES[entry.sampler] is rule for name, _ in _names(entry)]
    return tuple(dict.fromkeys([*names, *rule.aliases]))


def other_grids(spacing: str) -> tuple[str, ...]:
    """Return the names of a spacing elsewhere."""
    return tuple(name for name in GRIDS.get(spacing, "").split("|") if name)


def _names(entry: Foreign) -> Iterator[tuple[str, str]]:
    for program, names in entry.names.items():
        for name in names.split("|"):
            yield name, program


def _samplers(program: str | None) -> dict[str, Sampling]:
    """By plain name: the program's, then ours, then all others', first come."""
    entries = [(name, used, entry) for entry in FOREIGN for name, used in _names(entry)]
    entries.sort(key=lambda one: one[1] != program)
    ours = {plain(alias): Sampling(name) for name, rule in menu().items() for alias in (name, *rule.aliases)}
    theirs: dict[str, Sampling] = {}
    for name, used, entry in entries:
        read = Sampling(entry.sampler, entry.options)
        for key in (plain(name), plain(name.removesuffix("Scheduler").removesuffix("Discrete"))):
            if used == program or key not in ours:
                theirs.setdefault(key, read)
    return ours | theirs


def _grids() -> dict[str, str]:
    theirs = {plain(name): spacing for spacing, names in GRIDS.items() for name in names.split("|")}
    return theirs | {plain(name): name for name in SPACINGS}
