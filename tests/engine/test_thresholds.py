"""Static and dynamic thresholds: their effect on an estimate, separately for each image of a batch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.noise import Noise
from engine.paths import descending
from engine.rules import menu
from engine.run import run
from engine.transforms import cfg, dynamic_threshold, static_threshold
from engine.types import Cond, Sigma

F64 = torch.float64


def three_times(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
    return 3 * x


def test_a_static_threshold_clips() -> None:
    x = torch.tensor([[0.1, -0.2, 0.5, -4.0]], dtype=F64)
    clipped = static_threshold()(three_times)(x, 1.0)
    torch.testing.assert_close(clipped, torch.tensor([[0.3, -0.6, 1.0, -1.0]], dtype=F64))


def test_a_dynamic_threshold_divides_by_each_images_own_quantile() -> None:
    x = torch.rand(3, 2, 4, 4, dtype=F64, generator=torch.Generator().manual_seed(0)) - 0.5
    x[1] *= 5
    out = dynamic_threshold(0.9)(three_times)(x, 1.0)
    for image, scaled in zip(x, out, strict=True):
        size = max(1.0, (3 * image).abs().quantile(0.9).item())
        torch.testing.assert_close(scaled, (3 * image).clamp(-size, size) / size, rtol=1e-12, atol=1e-12)
        assert scaled.abs().max() <= 1


@pytest.mark.parametrize("q", [0.0, 0.5, 1.0])
def test_an_estimate_within_the_range_is_left_as_it_is(q: float) -> None:
    x = torch.linspace(-1 / 3, 1 / 3, 16, dtype=F64).reshape(1, 16)
    torch.testing.assert_close(dynamic_threshold(q)(three_times)(x, 1.0), 3 * x, rtol=0, atol=0)


def test_a_quantile_that_reaches_beyond_the_range_by_less_than_q_is_a_plain_clip() -> None:
    """s ≤ 1: the few values beyond are clipped to ±1, nothing is divided."""
    x = torch.full((1, 100), 0.1, dtype=F64)
    x[0, 0] = 7.0
    torch.testing.assert_close(dynamic_threshold(0.9)(three_times)(x, 1.0), (3 * x).clamp(-1, 1), rtol=0, atol=0)


def test_more_values_than_torchs_own_quantile_takes() -> None:
    x = torch.linspace(0, 2 / 3, 2**24 + 2)[None]
    assert dynamic_threshold(0.75)(three_times)(x, 1.0).max().item() == 1


def test_a_quantile_outside_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        dynamic_threshold(1.5)


def test_thresholds_compose_with_guidance_and_pass_the_condition_on() -> None:
    def labelled(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return torch.full_like(x, 0.4 if cond is None else 0.8)

    guided = static_threshold()(cfg(3.0, Cond(), None)(labelled))
    x = torch.zeros(1, 4, dtype=F64)
    torch.testing.assert_close(guided(x, 1.0), torch.ones(1, 4, dtype=F64))
    torch.testing.assert_close(static_threshold()(labelled)(x, 1.0, Cond()), torch.full((1, 4), 0.8, dtype=F64))


@pytest.mark.parametrize("name", menu())
def test_every_sampler_ends_within_the_range(name: str) -> None:
    d = dynamic_threshold(0.9)(three_times)
    x = 5 * Noise([1, 2]).normal(torch.empty(2, 12, dtype=F64))
    *_, last = run(d, descending([5.0, 2.0, 1.0, 0.3, 0.0]), menu()[name], x, Noise([1, 2]))
    assert last.move.x.abs().max() <= 1 + 1e-12
