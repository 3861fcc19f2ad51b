"""Compare samplers and grids by the distance of a few steps to the exact flow.

There are two problems. The mixture is closed form: weights .3/.7, means −1/.6, standard deviations .15/.25;
x_T = 80·Φ⁻¹((i + ½)/n), σ from 80 to .002. A model's problem is its own guided flow, in many evaluations, from x_T.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import torch

from engine.evaluate.learned_grid import learn_grid
from engine.meter import Meter
from engine.noise import Noise
from engine.oracle import Mixture
from engine.paths import descending, restart
from engine.precision import wide
from engine.rules import RULES
from engine.rules.restart import RESTART, intervals
from engine.run import run
from engine.schedules import Array, Flow, Schedule, from_config, grid
from engine.transforms import cfg
from engine.types import Cond, Said

if TYPE_CHECKING:
    from torch import Tensor

    from engine.spec.catalog import ModelInfo
    from engine.types import Denoiser, Model, Path, Rule

F64 = torch.float64
T = TypeVar("T")
REFERENCE = ("unipc-2", "log")  # the sampler and spacing that compute a model's own flow


@dataclass(frozen=True, slots=True)
class Problem:
    """Start states x (B, …) at sigma_max, and the target (B, …): the flow's end at sigma_min, denoised with to_zero."""

    d: Denoiser
    x: Tensor
    target: Tensor
    sigma_max: float
    sigma_min: float
    to_zero: bool
    schedule: Schedule

    def grid(self, spacing: str, steps: int) -> Array:
        return grid(spacing, steps, self.sigma_max, self.sigma_min, self.to_zero, self.schedule)


def steps_within(rule: Rule, evaluations: int, to_zero: bool) -> int:
    """Return the most steps that cost at most `evaluations`; 0 where one step costs more."""
    last = rule.last_evals if to_zero else rule.evals
    return 0 if evaluations < last else 1 + (evaluations - last) // rule.evals


def path_of_rule(rule: Rule, sigmas: Array) -> Path:
    """Return the hops of a sampler with its default options: descending for all but Restart."""
    return restart(sigmas, intervals(())) if rule is RESTART else descending(sigmas)


def grid_within(problem: Problem, rule: Rule, spacing: str, evaluations: int) -> Array | None:
    """Return the grid of the most steps whose path costs at most `evaluations`; None where none does.

    Restart's cost depends on the grid: the levels of its way back are added to it.
    """
    for steps in range(steps_within(rule, evaluations, problem.to_zero), 0, -1):
        sigmas = problem.grid(spacing, steps)
        if rule.cost(path_of_rule(rule, sigmas)) <= evaluations:
            return sigmas
    return None


def final_state(problem: Problem, rule: Rule, sigmas: Array) -> Tensor:
    """Run the sampler from the problem's start, image k with the noise of seed k; return the last state."""
    x = problem.x
    for step in run(problem.d, path_of_rule(rule, sigmas), rule, x, Noise(range(len(x)))):
        x = step.move.x
    return x


def errors(problem: Problem, rule: Rule, sigmas: Array) -> Tensor:
    """Compute each image's distance to the flow, root mean square over its pixels, (B,) float64."""
    return (wide(final_state(problem, rule, sigmas)) - wide(problem.target)).flatten(1).pow(2).mean(1).sqrt()


def law_errors(problem: Problem, rule: Rule, sigmas: Array) -> Tensor:
    """Compute, for states of one number, the distance of the k-th smallest result to the k-th smallest target, (B,).

    Their root mean square is the W₂ distance of the two laws: the measure for samplers that draw noise, which follow no
    flow. sampling_floor() is what independent samples of the target reach.
    """
    drawn, target = final_state(problem, rule, sigmas).flatten().sort().values, problem.target.flatten().sort().values
    return (drawn - target).abs()


def overall_rms(errors: Tensor) -> float:
    """Compute the root mean square of all images' errors."""
    return float(errors.pow(2).mean().sqrt())


def near_best(trials: Mapping[T, Tensor]) -> list[T]:
    """Return the keys of the best trial and of all trials within two standard errors of it.

    The difference is the mean difference of the squared errors of the same images. In a root mean square one picture
    that turns into another shape weighs more than all others: many pictures are needed to separate two samplers.
    """
    best = min(trials, key=lambda key: overall_rms(trials[key]))

    def near(e: Tensor) -> bool:
        more = e.pow(2) - trials[best].pow(2)
        return more.mean().item() <= 2 * more.std(correction=1).item() / len(more) ** 0.5

    return [key for key, e in trials.items() if key == best or (len(e) > 1 and near(e))]


def sampling_floor(problem: Problem, seed: int = 0) -> float:
    """Compute the W₂ distance of equally many independent samples of the target to the target."""
    values = problem.target.flatten()
    drawn = values[torch.randint(len(values), values.shape, generator=torch.Generator().manual_seed(seed))]
    return overall_rms(drawn.sort().values - values.sort().values)


def mixture_problem(n: int = 2000) -> Problem:
    """Build the closed-form problem with n points; its flow by UniPC-3 in 400 steps, exact to 1e-7 in the quantiles."""
    spreads = torch.tensor([0.15, 0.25], dtype=F64)
    weights, means = torch.tensor([0.3, 0.7], dtype=F64), torch.tensor([[-1.0], [0.6]], dtype=F64)
    d = Mixture(weights, means, (spreads**2)[:, None, None])
    x = 80 * torch.special.ndtri((torch.arange(n, dtype=F64) + 0.5) / n)[:, None]
    start = Problem(d, x, x, 80.0, 0.002, False, Flow())
    target = final_state(start, RULES["unipc-3"], start.grid("log", 400))
    return Problem(d, x, target, 80.0, 0.002, False, Flow())


def model_problem(
    info: ModelInfo, model: Model, images: int, guidance: float | None = None, evaluations: int = 200
) -> tuple[Problem, list[tuple[str, str | None]]]:
    """Build the problem of a model's guided flow; return it and the (prompt, label) pairs of its images.

    The images take the model's example prompts and its labels in turn, with seeds 0, 1, … x_T is that of a run with
    those seeds; the target is REFERENCE in `evaluations` evaluations, denoised at sigma_min as in every run.
    """
    prompts, labels = info.examples or ("",), info.labels or (None,)
    pairs = [(prompts[k % len(prompts)], labels[k % len(labels)]) for k in range(images)]
    cond = Cond.cat([model.condition(Said(*pair)) for pair in pairs])
    scale = info.defaults["guidance"] if guidance is None else guidance
    d = cfg(scale, cond, model.condition(Said(negative=True)))(Meter(model.denoiser, model.micro_batch))
    top, bottom = info.defaults["sigma_max"], info.defaults["sigma_min"]
    x = torch.empty((images, *model.codec.latent_shape(info.width, info.height)), device=model.device)
    x = Noise(range(images)).normal(x).mul_(model.schedule.start_std(top))
    start = Problem(d, x, x, top, bottom, True, from_config(info.config["schedule"]))
    rule, spacing = RULES[REFERENCE[0]], REFERENCE[1]
    target = final_state(start, rule, start.grid(spacing, steps_within(rule, evaluations, to_zero=True)))
    return replace(start, target=target), pairs


def learned_grid(problem: Problem, rule: Rule, steps: int, points: int = 100) -> Array:
    """Learn a grid from `points` of the problem's images; the search starts from even steps in log σ."""
    every = max(1, len(problem.x) // points)
    return learn_grid(problem.d, rule, problem.grid("log", steps), problem.x[::every], problem.target[::every])
