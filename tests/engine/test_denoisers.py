"""From a net's output to D: the exact net of a Gaussian, in every parameterisation under every schedule."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engine.denoisers import PREDICTS, Net, adapt
from engine.oracle import Gaussian
from engine.schedules import OU, VE, VP, Discrete, Flow, Schedule, SubVP
from engine.types import Cond

MEAN = torch.tensor([0.3, -0.7], dtype=torch.float64)
COV = torch.tensor([[0.5, 0.3], [0.3, 0.9]], dtype=torch.float64)
LAW = Gaussian(MEAN, COV)
ALL: dict[str, Schedule] = {
    "ve": VE(0.002, 80),
    "vp": VP(),
    "sub-vp": SubVP(),
    "linear": Discrete.linear(),
    "scaled_linear": Discrete.scaled_linear(),
    "cosine": Discrete.cosine(),
    "flow": Flow(),
    "ou": OU(),
}
each = pytest.mark.parametrize("schedule", ALL.values(), ids=ALL)
all_kinds = pytest.mark.parametrize("predicts", PREDICTS)


def exact_net(schedule: Schedule, predicts: str) -> Net:
    """The minimiser of the training loss on LAW, computed from the native law N(a·m, a²C + b²I) alone."""

    def net(native: Tensor, t: Tensor, cond: Cond | None) -> Tensor:
        sigma = schedule.sigma(t.double())
        a = schedule.scale(sigma)[:, None]
        b = a * sigma[:, None]
        spread = a[..., None] ** 2 * COV + b[..., None] ** 2 * torch.eye(2, dtype=torch.float64)
        score = -torch.linalg.solve(spread, native.double() - a * MEAN)
        x0 = MEAN - a * (score @ COV)  # E[x0 | native] = m + a·C·(a²C + b²I)⁻¹(native − a·m)
        eps = -b * score
        v = (a * eps - b * x0) / torch.sqrt(a**2 + b**2)
        return {"eps": eps, "x0": x0, "v": v, "score": score, "flow": eps - x0}[predicts].to(native.dtype)

    return net


def noised(sigma: float, n: int = 6, dtype: torch.dtype = torch.float64) -> Tensor:
    noise = torch.randn(n, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return (MEAN + math.sqrt(1 + sigma**2) * noise).to(dtype)


@each
@all_kinds
@pytest.mark.parametrize("sigma", [0.03, 0.7, 6.0])
def test_the_exact_net_gives_the_exact_denoiser(schedule: Schedule, predicts: str, sigma: float) -> None:
    x = noised(sigma)
    denoised = adapt(exact_net(schedule, predicts), schedule, predicts)(x, sigma)
    torch.testing.assert_close(denoised, LAW(x, sigma), rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", ["ve", "vp", "sub-vp", "cosine", "flow"])
@all_kinds
def test_float32_loses_only_what_the_nets_output_loses_at_high_noise(name: str, predicts: str) -> None:
    """At σ = 10⁴ an ε̂ or a score rounded to float32 is worth σ·2⁻²⁴; x̂0, v and flow lose nothing to the conversion."""
    schedule = VE(0.002, 2e4) if name == "ve" else ALL[name]
    sigma = 1e4
    x = noised(sigma, dtype=torch.float32)
    denoised = adapt(exact_net(schedule, predicts), schedule, predicts)(x, sigma)
    assert denoised.dtype == torch.float32
    error = (denoised - LAW(x, sigma)).abs().amax().item()
    # t reaches the net in float32 too: through it ε̂ and the score know σ to 4e-3 relative (flow: 1 − t = 1e-4)
    known = abs(schedule.sigma(torch.tensor(schedule.t(sigma))).item() / sigma - 1) + 2**-22
    assert error < (4 * sigma * known if predicts in ("eps", "score") else 2e-6)


@pytest.mark.parametrize("predicts", ["eps", "v", "score", "flow"])
@each
def test_at_no_noise_the_state_is_returned(schedule: Schedule, predicts: str) -> None:
    x = noised(1.0, dtype=torch.float32)
    denoised = adapt(lambda native, t, cond: torch.ones_like(native), schedule, predicts)(x, 0.0)
    torch.testing.assert_close(denoised, x, rtol=0, atol=0)


@each
def test_the_net_sees_its_native_state_and_time(schedule: Schedule) -> None:
    seen: dict[str, Tensor] = {}

    def net(native: Tensor, t: Tensor, cond: Cond | None) -> Tensor:
        seen.update(native=native, t=t)
        return native

    x = torch.randn(3, 2, 4, 4)
    sigmas = torch.tensor([0.05, 1.0, 9.0], dtype=torch.float64)
    adapt(net, schedule, "eps")(x, sigmas)
    assert (seen["native"].dtype, seen["t"].shape) == (torch.float32, (3,))
    for i, sigma in enumerate(sigmas.tolist()):
        torch.testing.assert_close(seen["native"][i], schedule.scale(sigma) * x[i])
        assert seen["t"][i].item() == pytest.approx(schedule.t(sigma), rel=1e-6)


def test_a_flow_started_at_its_end_feeds_the_net_pure_noise() -> None:
    seen: list[Tensor] = []

    def net(native: Tensor, t: Tensor, cond: Cond | None) -> Tensor:
        seen.extend((native, t))
        return native

    flow = Flow()
    noise = torch.randn(4, 3)
    adapt(net, flow, "flow")((flow.start_std(1e5) * noise.double()).float(), 1e5)
    torch.testing.assert_close(seen[0], noise, rtol=2e-7, atol=0)
    torch.testing.assert_close(seen[1], torch.full((4,), 0.99999))


@all_kinds
def test_each_image_may_have_its_own_level(predicts: str) -> None:
    denoiser = adapt(exact_net(VP(), predicts), VP(), predicts)
    x = noised(1.0, n=3)
    together = denoiser(x, torch.tensor([0.1, 2.0, 50.0]))
    alone = [denoiser(x[i : i + 1], sigma) for i, sigma in enumerate((0.10000000149011612, 2.0, 50.0))]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-12, atol=1e-12)


def test_levels_that_do_not_match_the_batch_are_refused() -> None:
    denoiser = adapt(exact_net(VP(), "eps"), VP(), "eps")
    with pytest.raises(ValueError, match="one for each image"):
        denoiser(noised(1.0, n=3), torch.tensor([1.0, 2.0]))


def test_an_unknown_prediction_is_refused() -> None:
    with pytest.raises(ValueError, match="no prediction 'noise'"):
        adapt(exact_net(VP(), "eps"), VP(), "noise")


class Sum(torch.nn.Module):
    """A net that adds its inputs and records them."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = torch.nn.Parameter(torch.tensor(0.5))
        self.seen: list[Tensor] = []

    def forward(self, native: Tensor, t: Tensor, cond: Cond) -> Tensor:
        assert cond.tokens is not None
        assert cond.label is not None
        self.seen = [native, t, cond.tokens, cond.label]
        return self.gain * native * cond.tokens.mean((1, 2))[:, None] + cond.label[:, None]


def test_a_half_precision_net_gets_its_dtype_and_time_in_float32() -> None:
    net = Sum().to(torch.bfloat16)
    cond = Cond(tokens=torch.ones(1, 4, 8), label=torch.tensor([3]))
    x = torch.randn(5, 2)
    denoised = adapt(net, Flow(), "x0")(x, 2.0, cond)
    native, t, tokens, label = net.seen
    assert (native.dtype, t.dtype, tokens.dtype, label.dtype) == (
        torch.bfloat16,
        torch.float32,
        torch.bfloat16,
        torch.int64,
    )
    assert (tokens.shape, label.shape) == ((5, 4, 8), (5,))  # one condition stands for the batch
    assert denoised.dtype == torch.float32
    torch.testing.assert_close(denoised, 0.5 * x / 3 + 3, rtol=0, atol=0.02)


def test_numbers_of_a_condition_stay_float32_in_a_half_precision_net() -> None:
    seen: list[Cond] = []

    def net(native: Tensor, t: Tensor, cond: Cond) -> Tensor:
        seen.append(cond)
        return native

    cond = Cond(tokens=torch.ones(1, 2, 3), numbers=torch.tensor([[1023.0, 1025.0]]))
    for dtype in (torch.bfloat16, torch.float16):
        adapt(net, Flow(), "x0", dtype)(torch.zeros(2, 3), 1.0, cond)
    for each, dtype in zip(seen, (torch.bfloat16, torch.float16), strict=True):
        assert each.tokens is not None
        assert each.numbers is not None
        assert each.tokens.dtype == dtype
        assert each.numbers.tolist() == [[1023.0, 1025.0]] * 2


def test_the_compute_dtype_is_not_that_in_which_weights_are_stored() -> None:
    net = Sum().to(torch.float16)
    cond = Cond(tokens=torch.ones(1, 4, 8), label=torch.tensor([3]))
    adapt(net, Flow(), "x0", torch.bfloat16)(torch.randn(5, 2), 2.0, cond)
    assert {v.dtype for v in (net.seen[0], net.seen[2])} == {torch.bfloat16}


def test_a_text_without_a_mask_has_one_of_ones() -> None:
    cond = Cond(tokens=torch.zeros(2, 5, 3))
    assert cond.mask is not None
    assert cond.mask.dtype == torch.bool
    assert cond.mask.shape == (2, 5)
    assert cond.mask.all()
    assert Cond(label=torch.tensor([1])).mask is None


@all_kinds
def test_gradients_reach_the_state_and_the_condition(predicts: str) -> None:
    net = Sum().double()
    denoiser = adapt(net, VP(), predicts)
    x = torch.randn(2, 2, dtype=torch.float64, requires_grad=True)
    tokens = torch.randn(1, 3, 2, dtype=torch.float64, requires_grad=True)

    def denoised(x: Tensor, tokens: Tensor) -> Tensor:
        return denoiser(x, 1.7, Cond(tokens=tokens, label=torch.tensor([0])))

    assert torch.autograd.gradcheck(denoised, (x, tokens))
