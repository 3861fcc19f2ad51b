"""Time the engine against bare net calls and against diffusers' loop, in alternation within one process."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from engine.denoisers import Net, NetDenoiser, adapt
from engine.errors import UsageError
from engine.meter import MICRO_BATCH, Meter
from engine.noise import Noise
from engine.paths import descending
from engine.rules import RULES
from engine.run import run
from engine.schedules import Discrete, grid
from engine.transforms import cfg
from engine.types import Cond, Said

if TYPE_CHECKING:
    from torch import Tensor

    from engine.spec.catalog import ModelInfo
    from engine.types import Denoiser, Model

GUIDANCE = 3.0
TABLE = Discrete.linear()  # the schedule of both loops: diffusers has no flow schedule for nets that predict x0
SCHEDULERS = {"DDIM": "ddim", "DPM-Solver++ 2M": "dpmpp-2m"}  # their scheduler: the same rule here


class Added(NamedTuple):
    """ratio: time of a run over time of its net calls alone; outside: seconds per step outside the net."""

    ratio: float
    outside: float


class Compared(NamedTuple):
    """ratio: our time over theirs; ours, theirs: seconds per step outside the net; difference: the largest in x0."""

    ratio: float
    ours: float
    theirs: float
    difference: float


class Clock:
    """A net that times and counts its calls, and records their inputs while `keep` is set."""

    def __init__(self, net: Net) -> None:
        self.net, self.seconds, self.calls = net, 0.0, 0
        self.keep, self.inputs = False, list[tuple[Any, ...]]()

    def __call__(self, *args: Any) -> Tensor:
        if self.keep:
            self.inputs.append(args)
        began = time.perf_counter()
        out = self.net(*args)
        self.seconds += time.perf_counter() - began
        self.calls += 1
        return out


@dataclass(frozen=True, slots=True)
class Setting:
    """A model with one of its example conditions, and runs of `batch` pictures in `steps` guided steps."""

    info: ModelInfo
    model: Model
    batch: int
    steps: int

    @property
    def conds(self) -> tuple[Cond, Cond]:
        prompt = self.info.examples[0] if self.info.examples else ""
        label = self.info.labels[0] if self.info.labels else None
        return self.model.condition(Said(prompt, label)), self.model.condition(Said(negative=True))

    def noise(self) -> Tensor:
        shape = (self.batch, *self.model.codec.latent_shape(self.info.width, self.info.height))
        return Noise(range(self.batch)).normal(torch.empty(shape, device=self.model.device))


def run_ours(d: Denoiser, conds: tuple[Cond, Cond], rule: str, sigmas: Iterable[float], x: Tensor) -> Tensor:
    """Make one guided run as a plan does; return the last state."""
    guided = cfg(GUIDANCE, *conds)(Meter(d, MICRO_BATCH))
    for step in run(guided, descending(sigmas), RULES[rule], x, Noise(range(len(x)))):
        x = step.move.x
    return x


def against_bare_net(setting: Setting, pairs: int) -> Added:
    """Time a guided run of DPM-Solver++ 2M against exactly the same net calls alone; medians over `pairs` pairs."""
    denoiser, top = setting.model.denoiser, setting.info.defaults["sigma_max"]
    assert isinstance(denoiser, NetDenoiser)
    clock = Clock(denoiser.net)
    timed = adapt(clock, denoiser.schedule, denoiser.predicts)
    sigmas = grid("log", setting.steps, top, setting.info.defaults["sigma_min"])
    x, conds = setting.noise().mul_(denoiser.schedule.start_std(top)), setting.conds

    def whole() -> Tensor:
        return run_ours(timed, conds, "dpmpp-2m", sigmas, x)

    @torch.no_grad()
    def bare() -> None:
        for args in clock.inputs:
            denoiser.net(*args)

    clock.keep = True
    whole()  # also a warm-up
    clock.keep = False
    ratios, outside = [], []
    for _ in range(pairs):
        alone, before = time_call(bare), clock.seconds
        total = time_call(whole)
        ratios.append(total / alone)
        outside.append((total - (clock.seconds - before)) / setting.steps)
    return Added(statistics.median(ratios), statistics.median(outside))


def against_diffusers(setting: Setting, name: str, pairs: int) -> Compared:
    """Time the same net, conditions, timesteps and noise in their pipeline with the scheduler `name` and in our loop.

    Theirs is StableDiffusionPipeline from encoded conditions and noise to its last state: no text encoder, no decoder,
    no safety checker; its progress bar is drawn into memory. Ours does all that a plan does: it meters, checks for a
    cancel, and yields each step with x̂₀ and history. Raises UsageError for a number of steps that their DDIM would not
    visit evenly.
    """
    if len(TABLE) % setting.steps:
        raise UsageError(f"diffusers' DDIM takes a number of steps that divides {len(TABLE)}: choose one such as 10.")
    clock = Clock(_net_on_table(setting.model))
    d = adapt(clock, TABLE, "x0")
    scheduler = _scheduler(name)
    scheduler.set_timesteps(setting.steps)
    sigmas = [*(TABLE.sigma(float(t)) for t in scheduler.timesteps), 0.0]
    noise, conds = setting.noise(), setting.conds
    pipeline = _pipeline(_Unet(clock, setting, conds), scheduler)
    tokens = [_tokens(cond, setting.batch) for cond in conds]

    def mine() -> Tensor:
        return run_ours(d, conds, SCHEDULERS[name], sigmas, noise * TABLE.start_std(sigmas[0]))

    def theirs() -> Tensor:
        given = {"prompt_embeds": tokens[0], "negative_prompt_embeds": tokens[1], "latents": noise}
        asked = {"num_inference_steps": setting.steps, "guidance_scale": GUIDANCE, "output_type": "latent"}
        return pipeline(**given, **asked, return_dict=False)[0]

    difference = (mine() - theirs()).abs().max().item()
    ratios, inside, outside = [], [], []
    for k in range(pairs):
        walls, rests = {}, {}
        for loop in (mine, theirs) if k % 2 else (theirs, mine):
            before = clock.seconds
            walls[loop] = time_call(loop)
            rests[loop] = (walls[loop] - (clock.seconds - before)) / setting.steps
        ratios.append(walls[mine] / walls[theirs])
        inside.append(rests[mine])
        outside.append(rests[theirs])
    middle = statistics.median
    return Compared(middle(ratios), middle(inside), middle(outside), difference)


def require_diffusers() -> None:
    if find_spec("diffusers") is None:
        raise UsageError('This comparison needs diffusers: install it with pip install "diffusers>=0.35".')


def time_call(f: Callable[[], object]) -> float:
    began = time.perf_counter()
    f()
    return time.perf_counter() - began


def _scheduler(name: str) -> Any:
    """Build their scheduler for TABLE, with trailing timesteps and a net that predicts x0."""
    from diffusers import DDIMScheduler, DPMSolverMultistepScheduler

    # Their pipeline requires the offset, which trailing steps do not use.
    shared = {"timestep_spacing": "trailing", "prediction_type": "sample", "steps_offset": 1}
    if name == "DDIM":
        return DDIMScheduler(clip_sample=False, beta_end=0.02, beta_start=1e-4, **shared)
    return DPMSolverMultistepScheduler(beta_end=0.02, beta_start=1e-4, final_sigmas_type="zero", **shared)


def _pipeline(unet: torch.nn.Module, scheduler: Any) -> Callable[..., Any]:
    from diffusers import StableDiffusionPipeline

    rest = dict.fromkeys(("vae", "text_encoder", "tokenizer", "safety_checker", "feature_extractor"))
    pipeline = StableDiffusionPipeline(unet=unet, scheduler=scheduler, requires_safety_checker=False, **rest)
    pipeline.set_progress_bar_config(file=io.StringIO())
    return pipeline


class _Unet(torch.nn.Module):
    """A net with the interface of their pipeline: it passes the text, unconditional first; mask and label are bound."""

    def __init__(self, net: Net, setting: Setting, conds: tuple[Cond, Cond]) -> None:
        super().__init__()
        self.net, self.device, self.dtype = net, setting.model.device, torch.float32
        channels, side, _ = setting.model.codec.latent_shape(setting.info.width, setting.info.height)
        self.config = SimpleNamespace(in_channels=channels, sample_size=side, time_cond_proj_dim=None)
        self.both = Cond.cat([cond.expand(setting.batch) for cond in reversed(conds)])

    def forward(self, x: Tensor, t: Tensor, encoder_hidden_states: Tensor, **_: Any) -> tuple[Tensor]:
        reads = self.both.tokens is not None
        cond = replace(self.both, tokens=encoder_hidden_states) if reads else self.both
        return (self.net(x, t, cond),)


def _tokens(cond: Cond, batch: int) -> Tensor:
    """Return the encoded text for their pipeline; a model of classes alone ignores it."""
    tokens = cond.expand(batch).tokens
    return torch.zeros(batch, 1, 1) if tokens is None else tokens


def _net_on_table(model: Model) -> Net:
    """Wrap the model's net as a net trained on TABLE that predicts x0 from a state and an index."""
    denoiser = model.denoiser
    assert isinstance(denoiser, NetDenoiser)
    levels = TABLE.sigma(torch.arange(len(TABLE), dtype=torch.float64))
    factor = denoiser.schedule.scale(levels) / TABLE.scale(levels)
    factor, times = factor.float().to(model.device), denoiser.schedule.t(levels).float().to(model.device)
    if denoiser.predicts != "x0":
        raise UsageError("This comparison needs a net that predicts x0: choose another model.")

    def net(x: Tensor, t: Tensor, cond: Cond | None) -> Tensor:
        index = t.float().expand(len(x)).long()  # such nets convert the index to float, and so do we
        scaled = factor[index].reshape(-1, *[1] * (x.ndim - 1)) * x
        return denoiser.net(scaled, times[index], cond)

    return net
