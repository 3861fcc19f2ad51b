"""Algorithm 1 and denoising score matching are one loop: the objectives differ by a weight of σ and nothing else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.denoisers import adapt
from engine.schedules import SCHEDULES, Flow, Schedule
from engine.train.objective import TARGETS, factor, flow_levels, flow_weight, loss, target
from engine.types import Cond

LEVELS = torch.tensor([0.03, 0.4, 1.0, 7.0, 60.0], dtype=torch.float64)
ONE = torch.ones(len(LEVELS), dtype=torch.float64)  # the scale of VE
MADE = {name: make([0.9, 0.5, 0.1]) if name == "discrete" else make() for name, make in SCHEDULES.items()}


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(7)
    x0, eps = torch.randn(2, len(LEVELS), 3, 4, 4, generator=generator, dtype=torch.float64)
    return x0, eps


def column(sigma: Tensor) -> Tensor:
    return sigma.view(-1, 1, 1, 1)


@pytest.mark.parametrize("predicts", TARGETS)
@pytest.mark.parametrize("schedule", MADE.values(), ids=MADE)
def test_a_net_that_meets_its_target_denoises_perfectly_under_every_schedule(
    schedule: Schedule, predicts: str, pair: tuple[Tensor, Tensor]
) -> None:
    x0, eps = pair
    output = target(predicts, x0, eps, column(LEVELS), column(schedule.scale(LEVELS)))

    def net(x: Tensor, t: Tensor, cond: Cond | None) -> Tensor:
        return output

    denoised = adapt(net, schedule, predicts)(x0 + column(LEVELS) * eps, LEVELS)
    torch.testing.assert_close(denoised, x0, rtol=0, atol=1e-10)


def test_the_target_of_a_score_is_that_of_the_native_state() -> None:
    """∇ log N(native; s·x0, (sσ)²) at s·(x0 + σε): of the state that the net sees, not of x."""
    x0, eps, sigma = (torch.tensor(v, dtype=torch.float64) for v in (0.3, 1.0, 2.0))
    scale = Flow().scale(sigma)
    native = (scale * (x0 + sigma * eps)).requires_grad_()
    torch.distributions.Normal(scale * x0, scale * sigma).log_prob(native).backward()
    torch.testing.assert_close(target("score", x0, eps, sigma, scale), native.grad, rtol=1e-12, atol=0)


@pytest.mark.parametrize("predicts", TARGETS)
@pytest.mark.parametrize("schedule", MADE.values(), ids=MADE)
def test_the_factor_converts_the_outputs_error_to_the_pictures(
    schedule: Schedule, predicts: str, pair: tuple[Tensor, Tensor]
) -> None:
    x0, eps = pair
    scale = schedule.scale(LEVELS)
    aim = target(predicts, x0, eps, column(LEVELS), column(scale))
    off = aim + 0.1

    def net(x: Tensor, t: Tensor, cond: Cond | None) -> Tensor:
        return off

    denoised = adapt(net, schedule, predicts)(x0 + column(LEVELS) * eps, LEVELS)
    ratio = 0.1**2 / (denoised - x0).square().mean((1, 2, 3))
    torch.testing.assert_close(ratio, factor(predicts, LEVELS, scale), rtol=1e-6, atol=0)


@pytest.mark.parametrize("predicts", TARGETS)
def test_the_loss_is_the_objectives_own_when_its_own_factor_weighs_it(
    predicts: str, pair: tuple[Tensor, Tensor]
) -> None:
    x0, eps = pair
    scale = Flow().scale(LEVELS)
    aim = target(predicts, x0, eps, column(LEVELS), column(scale))
    output = aim + torch.linspace(-1, 1, aim.numel(), dtype=aim.dtype).view_as(aim)
    plain = (output - aim).square().mean((1, 2, 3))
    weighed = loss(output, predicts, x0, eps, LEVELS, scale, factor(predicts, LEVELS, scale))
    assert torch.allclose(weighed, plain, rtol=1e-12)


@pytest.mark.parametrize("predicts", TARGETS)
def test_every_objective_gives_the_same_loss_and_gradient_for_the_same_estimate(
    predicts: str, pair: tuple[Tensor, Tensor]
) -> None:
    """One wrong x̂₀, told as ε, x0, v, score or flow: reweighted, neither the loss nor what it teaches differs."""
    x0, eps = pair
    level = column(LEVELS)
    wrong = (x0 + 0.3 * torch.sin(5 * x0)).requires_grad_()
    x = x0 + level * eps
    scale = Flow().scale(LEVELS)
    output = target(predicts, wrong, (x - wrong) / level, level, column(scale))  # of the net that estimates `wrong`
    weight = flow_weight(LEVELS)
    value = loss(output, predicts, x0, eps, LEVELS, scale, weight)
    expected = weight * (wrong - x0).square().mean((1, 2, 3))
    assert torch.allclose(value, expected, rtol=1e-9)
    (found,) = torch.autograd.grad(value.sum(), wrong, retain_graph=True)
    (right,) = torch.autograd.grad(expected.sum(), wrong)
    assert torch.allclose(found, right, rtol=1e-8, atol=1e-14)


def test_score_matching_weighted_by_variance_is_the_simple_noise_loss() -> None:
    """Song & Ermon's λ(σ) = σ² and Ho et al.'s L_simple weigh the error of x̂₀ alike."""
    assert torch.allclose(LEVELS**2 * factor("score", LEVELS, ONE), factor("eps", LEVELS, ONE), rtol=1e-12)


def test_an_unknown_target_is_refused_in_one_sentence(pair: tuple[Tensor, Tensor]) -> None:
    with pytest.raises(ValueError, match="cannot be trained to predict 'x1': choose one of eps, x0"):
        target("x1", *pair, column(LEVELS), column(ONE))
    with pytest.raises(ValueError, match="cannot be trained to predict 'x1'"):
        factor("x1", LEVELS, ONE)


def test_noise_levels_are_logit_normal_in_time() -> None:
    sigma = flow_levels(40_000, torch.Generator().manual_seed(0))
    t = sigma / (1 + sigma)
    inside = ((t > 0.2689) & (t < 0.7311)).double().mean().item()  # the logistic function at ∓1
    assert inside == pytest.approx(0.6827, abs=0.01)


def test_levels_can_be_drawn_around_another_mean() -> None:
    logs = flow_levels(40_000, torch.Generator().manual_seed(0), mean=0.8).log()
    assert logs.mean().item() == pytest.approx(0.8, abs=0.02)
    assert logs.std().item() == pytest.approx(1, abs=0.02)


def test_the_flow_weight_is_bounded_at_small_noise() -> None:
    assert flow_weight(torch.tensor([0.01]), floor=0.5).item() == pytest.approx(4)
    assert flow_weight(torch.tensor([1.0])).item() == pytest.approx(4)
    assert flow_weight(torch.tensor([1e-6, 1e-3])).tolist() == pytest.approx([100, 100])
