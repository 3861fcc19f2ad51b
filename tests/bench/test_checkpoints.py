"""Checkpoints: 2,000 damaged headers, the time to recognise and to open, a guided step beside diffusers'."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import torch

from engine.checkpoints.recognise import recognise
from engine.denoisers import adapt
from engine.types import Cond, Model
from tests.engine.checkpoints.test_headers_hostile import check_each, damaged
from tests.fakes.checkpoints import single_file, write_hollow

pytestmark = pytest.mark.bench
ROOT = Path(__file__).resolve().parents[2]


def test_2000_damaged_headers(tmp_path: Path) -> None:
    assert check_each(damaged(2000, seed=11), tmp_path) >= 1950


def test_the_largest_header_is_recognised_in_10_ms(tmp_path: Path) -> None:
    path = write_hollow(tmp_path / "xl.safetensors", single_file("unet-xl-sd"))
    times = []
    for _ in range(20):
        began = time.perf_counter()
        recognise(path)
        times.append(time.perf_counter() - began)
    print(f"Stable Diffusion XL, 2,515 tensors: {min(times) * 1e3:.1f} ms")
    assert min(times) < 0.010


OPEN = """
import resource, sys, time
from pathlib import Path
import diffusers, torch
from diffusers import UNet2DConditionModel
from engine.checkpoints.families import families
from engine.checkpoints.recognise import recognise
from engine.models.latent import load_unet
UNet2DConditionModel  # diffusers imports it when it is first named

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6

before, began = resident(), time.perf_counter()
found = recognise(Path(sys.argv[1]))
about = families()[found.family]
unet = load_unet(found.parts[0], about, {}, torch.device("cpu"), torch.float32)
print(time.perf_counter() - began, resident() - before, sum(p.nbytes for p in unet.parameters()) / 1e9)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="resident memory is read from /proc")
def test_a_file_of_3_gb_opens_in_a_second_and_a_half(tmp_path: Path) -> None:
    """The UNet of Stable Diffusion 1 in float32: mapped, so its weights are not read before they are used."""
    path = write_hollow(tmp_path / "sd.safetensors", single_file("unet-v1-sd"), "F32")
    done = subprocess.run([sys.executable, "-c", OPEN, str(path)], capture_output=True, text=True, check=True, cwd=ROOT)
    seconds, megabytes, size = map(float, done.stdout.split()[-3:])
    print(f"a UNet of {size:.2f} GB: opened in {seconds:.2f} s, {megabytes:.0f} MB resident")
    assert seconds < 1.5
    assert megabytes < 150


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_a_guided_step_takes_no_longer_than_diffusers(tmp_path: Path) -> None:
    """Ours meters, checks for a cancel and yields each step; theirs is StableDiffusionPipeline. One interleaved run."""
    import diffusers

    from engine.evaluate.overhead import time_call
    from engine.meter import Meter
    from engine.models.latent import load
    from engine.noise import Noise
    from engine.paths import descending
    from engine.rules import RULES
    from engine.run import run
    from engine.schedules import grid
    from engine.spec.catalog import checkpoint
    from engine.transforms import cfg
    from engine.types import Said
    from tests.fakes.tiny_sd import nets, write_folder

    made, steps = nets(), 10
    model = load(checkpoint(write_folder(tmp_path / "tiny")), torch.device("cpu"))
    scheduler = diffusers.DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", timestep_spacing="trailing", steps_offset=1,
        clip_sample=False,
    )  # fmt: skip
    pipe = diffusers.StableDiffusionPipeline(
        vae=made.vae, text_encoder=made.text, tokenizer=None, unet=made.unet, scheduler=scheduler, safety_checker=None,
        feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipe.set_progress_bar_config(disable=True)
    conds = model.condition(Said("a")), model.condition(Said("", negative=True))
    noise = torch.randn(2, 4, 8, 8)
    sigmas = grid("trailing", steps, model.schedule.sigma_max, model.schedule.sigma_min, schedule=model.schedule)  # type: ignore[arg-type]

    def ours() -> None:
        guided = cfg(7.5, *conds)(Meter(model.denoiser, model.micro_batch))
        x = noise * model.schedule.start_std(float(sigmas[0]))
        with torch.no_grad():
            for _ in run(guided, descending(sigmas), RULES["ddim"], x, Noise((0, 1))):
                pass

    def theirs() -> None:
        tokens = [cond.expand(2).tokens for cond in conds]
        pipe(
            prompt_embeds=tokens[0], negative_prompt_embeds=tokens[1], latents=noise, num_inference_steps=steps,
            guidance_scale=7.5, output_type="latent", height=64, width=64,
        )  # fmt: skip

    for warm_up in (ours, theirs):
        warm_up()
    ratios, walls = [], []
    for k in range(41):
        took = {loop: time_call(loop) for loop in ((ours, theirs) if k % 2 else (theirs, ours))}
        ratios.append(took[ours] / took[theirs])
        walls.append(took[ours] / steps)
    ratio = statistics.median(ratios)
    print(f"a guided step of the tiny UNet: {statistics.median(walls) * 1e3:.1f} ms, {ratio:.3f} × diffusers'")
    assert ratio <= 1.0


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_guided_sampling_takes_no_more_than_2_percent_on_top_of_the_bare_calls(tmp_path: Path) -> None:
    """A net of 100 ms a call at least. Each step of a guided run is followed by its bare call, on the same input."""
    from engine.evaluate.overhead import GUIDANCE, Clock, Setting, time_call
    from engine.meter import Meter
    from engine.models.latent import load
    from engine.noise import Noise
    from engine.paths import descending
    from engine.rules import RULES
    from engine.run import run
    from engine.schedules import grid
    from engine.spec.catalog import checkpoint
    from engine.spec.sizes import SizeRule
    from engine.transforms import cfg
    from tests.fakes.tiny_sd import write_folder

    info, steps = checkpoint(write_folder(tmp_path / "tiny")), 60
    model = load(info, torch.device("cpu"))
    net, schedule = model.denoiser.net, model.denoiser.schedule
    for side in range(128, 2048, 64):  # the first whose call takes 100 ms, also on a quiet machine
        setting = Setting(
            replace(info, sizes=SizeRule.fixed(side, side), examples=("a",)), cast("Model", model), 1, steps
        )
        conds, x = setting.conds, setting.noise()
        both = Cond.cat([cond.expand(1) for cond in conds])
        with torch.no_grad():
            call = min(time_call(partial(model.denoiser, x.repeat(2, 1, 1, 1), 1.0, both)) for _ in range(5))
        if call >= 0.11:
            break
    clock = Clock(net)
    clock.keep = True
    timed = adapt(clock, schedule, model.denoiser.predicts)
    sigmas = grid("log", steps, schedule.sigma_max, schedule.sigma_min)
    guided = cfg(GUIDANCE, *conds)(Meter(timed, model.micro_batch))
    made = run(guided, descending(sigmas), RULES["dpmpp-2m"], x * schedule.start_std(float(sigmas[0])), Noise((0,)))
    whole, bare = [], []
    with torch.no_grad():
        for _ in range(steps):
            whole.append(time_call(lambda: next(made)))
            inputs = clock.inputs.pop()
            bare.append(time_call(partial(net, *inputs)))
    ratio = statistics.median(whole) / statistics.median(bare)
    print(f"a net of {statistics.median(bare) * 1e3:.0f} ms a call ({side}²): a step is {ratio:.4f} × its bare call")
    assert statistics.median(bare) >= 0.1
    assert ratio <= 1.02
