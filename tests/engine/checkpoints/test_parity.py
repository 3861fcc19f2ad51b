"""Latents and pictures equal those of diffusers' pipelines: same weights, prompt, noise; 10 steps, guided, two images.

diffusers has no DDIM on karras, and its DDIM on linspace steps to t − T/n, a level that the run never visits. There the
reference is DPM-Solver++ of order 1, which is DDIM (Lu et al. 2022). Its DPM-Solver++ takes n of the n + 1 levels of
"leading" and "linspace", and rounds the net's time to whole training steps: here too.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.denoisers import adapt
from engine.models.latent import LatentModel, load
from engine.noise import Noise
from engine.paths import descending
from engine.rules import RULES
from engine.run import run
from engine.schedules import Discrete, grid
from engine.spec.catalog import checkpoint
from engine.transforms import cfg
from engine.types import Said
from tests.fakes.tiny_sd import SCHEDULER, nets, write_folder

# diffusers warns of schedulers' configs without every key, and NumPy of how diffusers makes arrays of tensors
pytestmark = [pytest.mark.filterwarnings(f"ignore::{kind}") for kind in ("FutureWarning", "DeprecationWarning")]

STEPS, SCALE = 10, 7.5
CLOSE = 1e-5  # relative to the largest value
DDIM, EULER, DPM = "DDIMScheduler", "EulerDiscreteScheduler", "DPMSolverMultistepScheduler"
COMMON = {key: SCHEDULER[key] for key in ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule")}


class Rounded(Discrete):
    """A schedule whose net is called at whole training steps."""

    def _t(self, sigma: Any) -> Any:
        return np.round(super()._t(sigma))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LatentModel:
    folder = write_folder(tmp_path_factory.mktemp("parity") / "tiny", nets(small=True))
    return load(checkpoint(folder), torch.device("cpu"))


@pytest.fixture(scope="module")
def noise() -> Tensor:
    return torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(3))


def reference(scheduler: Any, model: LatentModel, noise: Tensor) -> Tensor:
    """The final latents of diffusers' own pipeline."""
    from diffusers import StableDiffusionPipeline

    made = nets(small=True)
    pipe = StableDiffusionPipeline(
        vae=made.vae, text_encoder=made.text, tokenizer=None, unet=made.unet, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    cond, uncond = (model.condition(said).tokens for said in (Said("a red apple"), Said("", negative=True)))
    assert cond is not None
    assert uncond is not None
    result = pipe(
        prompt_embeds=cond.expand(2, -1, -1), negative_prompt_embeds=uncond.expand(2, -1, -1), latents=noise.clone(),
        num_inference_steps=STEPS, guidance_scale=SCALE, output_type="latent", height=64, width=64,
    )  # fmt: skip
    latents: Tensor = result.images
    return latents


def ours(model: LatentModel, rule: str, sigmas: Any, x: Tensor, schedule: Any = None, predicts: str = "eps") -> Tensor:
    d = model.denoiser
    net = d.net
    if schedule is not None:
        d = adapt(net, schedule, predicts, torch.float32)
    conds = model.condition(Said("a red apple")), model.condition(Said("", negative=True))
    guided = cfg(SCALE, *conds)(d)
    with torch.no_grad():
        *_, last = run(guided, descending(sigmas), RULES[rule], x, Noise((0, 1)))
    return last.move.x


def spacing_of(scheduler: str, spacing: str) -> dict[str, Any]:
    if spacing == "karras":
        return {"timestep_spacing": "linspace", "use_karras_sigmas": True}
    return {"timestep_spacing": spacing}


def levels(spacing: str, schedule: Discrete, shorter: bool) -> Any:
    """The noise levels of 10 steps; `shorter`: of 11 steps without the last positive level."""
    n = STEPS + 1 if shorter else STEPS
    made = grid(spacing, n, schedule.sigma_max, schedule.sigma_min, schedule=schedule)
    return np.delete(made, -2) if shorter else made


def far(a: Tensor, b: Tensor) -> float:
    return ((a - b).abs().max() / b.abs().max()).item()


@pytest.mark.parametrize("spacing", ["leading", "trailing", "linspace", "karras"])
@pytest.mark.parametrize("name", ["ddim", "euler", "dpmpp-2m"])
def test_latents_and_pictures_are_those_of_diffusers(
    name: str, spacing: str, model: LatentModel, noise: Tensor
) -> None:
    import diffusers

    cls = {"ddim": DDIM if spacing in ("leading", "trailing") else DPM, "euler": EULER, "dpmpp-2m": DPM}[name]
    options = spacing_of(cls, spacing) | {"steps_offset": 1}
    if cls == DDIM:
        options |= {"clip_sample": False, "set_alpha_to_one": True}
    elif cls == DPM:
        options["solver_order"] = 1 if name == "ddim" else 2
    scheduler = getattr(diffusers, cls)(**COMMON, **options)
    theirs = reference(scheduler, model, noise)

    schedule = model.schedule
    assert isinstance(schedule, Discrete)
    sigmas = levels(spacing, schedule, shorter=cls == DPM and spacing in ("leading", "linspace"))
    start = float(sigmas[0])
    std = start if cls == EULER and spacing != "leading" else math.hypot(1, start)
    rounded = Rounded.scaled_linear() if cls == DPM and spacing == "karras" else None
    mine = ours(model, "dpmpp-2m" if name == "dpmpp-2m" else "ddim", sigmas, noise * std, rounded)
    assert far(mine, theirs) < CLOSE
    picture = nets(small=True).vae.decode(theirs / 0.18215).sample
    assert far(model.codec.decode(mine), picture) < CLOSE


def test_v_prediction_with_zero_terminal_snr_is_that_of_diffusers(
    tmp_path: Path, model: LatentModel, noise: Tensor
) -> None:
    from diffusers import DDIMScheduler

    said = SCHEDULER | {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    own = load(checkpoint(write_folder(tmp_path / "v", nets(small=True), scheduler=said)), torch.device("cpu"))
    more = {"timestep_spacing": "trailing", "set_alpha_to_one": True, "clip_sample": False}
    scheduler = DDIMScheduler(**COMMON, **more, prediction_type="v_prediction", rescale_betas_zero_snr=True)
    theirs = reference(scheduler, own, noise)
    schedule = own.schedule
    sigmas = grid("trailing", STEPS, schedule.sigma_max, schedule.sigma_min, schedule=schedule)  # type: ignore[arg-type]
    mine = ours(own, "ddim", sigmas, noise * schedule.start_std(schedule.sigma_max))
    assert far(mine, theirs) < CLOSE
    assert far(own.codec.decode(mine), nets(small=True).vae.decode(theirs / 0.18215).sample) < CLOSE
