"""Classifier-free guidance against its closed form, and its cost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.meter import Meter
from engine.oracle import Gaussian
from engine.transforms import cfg
from engine.types import Cond, Sigma

F64 = torch.float64
M_COND, M_UNCOND = torch.tensor([1.0, -2.0], dtype=F64), torch.tensor([0.25, 0.5], dtype=F64)
COV = torch.tensor([[0.5, 0.2], [0.2, 0.4]], dtype=F64)
YES, NO = Cond(label=torch.tensor([0])), Cond(label=torch.tensor([1]))


class TwoClasses:
    """Label 0 is one Gaussian, label 1 another of the same covariance; counts its calls and their rows."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.laws = [Gaussian(M_COND, COV), Gaussian(M_UNCOND, COV)]

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        assert cond is not None
        assert cond.label is not None
        self.rows.append(len(x))
        labels = cond.label.expand(len(x))
        return torch.where(labels[:, None] == 0, self.laws[0](x, sigma), self.laws[1](x, sigma))


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("scale", [0.0, 1.0, 1.5, 7.0, -2.0])
def test_equal_variances_shift_the_mean_exactly(scale: float, fold: bool) -> None:
    """D̃ is the denoiser of N(m_u + γ(m_c − m_u), C): guidance shifts, and nothing else."""
    x = torch.randn(4, 2, dtype=F64, generator=torch.Generator().manual_seed(0))
    guided = cfg(scale, YES, NO)(Meter(TwoClasses(), fold=fold))
    shifted = Gaussian(M_UNCOND + scale * (M_COND - M_UNCOND), COV)
    torch.testing.assert_close(guided(x, 0.8), shifted(x, 0.8), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("scale", "rows"), [(1.0, [4]), (0.0, [4]), (3.0, [8])])
def test_guidance_of_one_costs_one_pass(scale: float, rows: list[int]) -> None:
    net = TwoClasses()
    cfg(scale, YES, NO)(Meter(net))(torch.zeros(4, 2, dtype=F64), 1.0)
    assert net.rows == rows


@pytest.mark.parametrize("interval", [None, (0.5, 2.0)])
@pytest.mark.parametrize("sigma", [1.0, 4.0])
def test_each_image_may_have_a_scale_of_its_own(interval: tuple[float, float] | None, sigma: float) -> None:
    x = torch.randn(3, 2, dtype=F64, generator=torch.Generator().manual_seed(0))
    scales = [1.0, 2.0, -3.5]
    together = cfg(torch.tensor(scales, dtype=F64), YES, NO, interval)(Meter(TwoClasses()))(x, sigma)
    for k, scale in enumerate(scales):
        alone = cfg(scale, YES, NO, interval)(Meter(TwoClasses()))(x[k : k + 1], sigma)
        torch.testing.assert_close(together[k : k + 1], alone, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("scale", [0.0, 1.0, 3.1])
def test_one_scale_for_all_images_is_the_number_itself(scale: float) -> None:
    """To the bit and to the price, in float32 too: a morph's frames agree with the runs of its keys."""
    x = torch.randn(4, 2, generator=torch.Generator().manual_seed(0)).to(torch.float32)
    number, each = TwoClasses(), TwoClasses()
    one = cfg(scale, YES, NO)(Meter(number))(x, 0.8)
    assert torch.equal(cfg(torch.full((4,), scale, dtype=F64), YES, NO)(Meter(each))(x, 0.8), one)
    assert each.rows == number.rows


def test_outside_the_interval_guidance_is_one() -> None:
    net = TwoClasses()
    guided = cfg(5.0, YES, NO, interval=(0.5, 2.0))(Meter(net))
    x = torch.zeros(1, 2, dtype=F64)
    torch.testing.assert_close(guided(x, 3.0), net.laws[0](x, 3.0))
    torch.testing.assert_close(guided(x, 0.1), net.laws[0](x, 0.1))
    assert net.rows == [1, 1]
    assert not torch.allclose(guided(x, 1.0), net.laws[0](x, 1.0))


def test_a_condition_given_in_the_call_wins_over_the_bound_one() -> None:
    guided = cfg(1.0, YES, NO)(Meter(TwoClasses()))
    x = torch.zeros(1, 2, dtype=F64)
    torch.testing.assert_close(guided(x, 1.0, NO), TwoClasses().laws[1](x, 1.0))


def test_the_raw_estimate_is_the_conditional_one_of_the_first_evaluation() -> None:
    meter = Meter(TwoClasses())
    guided = cfg(4.0, YES, NO)(meter)
    x = torch.ones(2, 2, dtype=F64)
    guided(x, 1.0)
    guided(x * 3, 0.5)
    raw = meter.take_raw()
    assert raw is not None
    torch.testing.assert_close(raw, TwoClasses().laws[0](x, 1.0))
    assert meter.take_raw() is None


def test_guided_gradients_flow_through_x() -> None:
    x = torch.ones(1, 2, dtype=F64, requires_grad=True)
    cfg(2.0, YES, NO)(Meter(TwoClasses()))(x, 1.0).sum().backward()
    expected = COV @ torch.linalg.inv(COV + torch.eye(2, dtype=F64))
    assert x.grad is not None
    torch.testing.assert_close(x.grad[0], expected.sum(0), rtol=1e-12, atol=1e-12)
