"""The sampling loop: repeatable, independent of the batch, resumed from every step bit for bit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from engine.meter import Meter
from engine.noise import PIN, START, Noise
from engine.oracle import Gaussian, Mixture
from engine.paths import descending
from engine.rules import RULES
from engine.run import Cancelled, run
from engine.schedules import grid
from engine.transforms import cfg
from engine.types import Cond, Denoiser, Hop, NoiseSource, Path, Sigma, Step

pytestmark = pytest.mark.usefixtures("two_threads")

F64 = torch.float64
SEEDS = (5, 99, 2**40)
GOLDEN = [0.08947576368037967, 1.325319350637241, 0.16514374602851145]


def denoiser() -> Denoiser:
    """Two Gaussians under guidance, so that the history must hold the guided D."""
    wide = Gaussian(torch.zeros(3, dtype=F64), torch.eye(3, dtype=F64) + 0.4)
    narrow = Gaussian(torch.tensor([1.0, -1.0, 0.5], dtype=F64), 0.3 * torch.eye(3, dtype=F64))

    def conditional(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return wide(x, sigma) if cond is None else narrow(x, sigma)

    return cfg(2.5, Cond(), None)(conditional)


def repaint_like(sigmas: list[float]) -> Path:
    """Down three, up two, and down again: renoising in the middle of a run."""
    down = list(descending(sigmas))
    return (*down[:3], Hop(sigmas[3], sigmas[1], "renoise"), *down[1:])


PATHS = {
    "descending": descending(grid("karras", 9, 10.0, 0.05)),
    "renoising": repaint_like([float(s) for s in grid("karras", 7, 10.0, 0.05)]),
}


def pinned(x: Tensor, sigma: float, z: NoiseSource) -> Tensor:
    """The first coordinate is observed as 0.7: replaced by 0.7 + σn."""
    known = 0.7 + sigma * z.normal(x)
    return torch.cat([known[:, :1], x[:, 1:]], dim=1)


def start(seeds: tuple[int, ...] = SEEDS, dtype: torch.dtype = F64) -> Tensor:
    return 10 * Noise(seeds).normal(torch.empty(len(seeds), 3, dtype=dtype))


def same(a: Step, b: Step) -> bool:
    tensors = [(a.x, b.x), (a.move.x, b.move.x), (a.move.x0, b.move.x0), (a.move.mean, b.move.mean)]
    pasts = [(p.x, q.x) for p, q in zip(a.past, b.past, strict=True)]
    pasts += [(p.x0, q.x0) for p, q in zip(a.past, b.past, strict=True)]
    facts = (a.i, a.hop, a.nfe, a.move.s_eval, a.move.std) == (b.i, b.hop, b.nfe, b.move.s_eval, b.move.std)
    return facts and all(torch.equal(s, t) for s, t in tensors + pasts)


@pytest.mark.parametrize("constraint", [None, pinned], ids=["free", "pinned"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("name", RULES)
def test_resuming_any_step_repeats_the_rest_bit_for_bit(name: str, path: Path, constraint: object) -> None:
    d, noise = denoiser(), Noise(SEEDS)
    whole = list(run(d, path, RULES[name], start(), noise, constraint))  # type: ignore[arg-type]
    assert [step.i for step in whole] == list(range(len(path)))
    for step in whole:
        rest = run(d, path, RULES[name], step.x, noise, constraint, past=step.past, start=step.i)  # type: ignore[arg-type]
        assert all(same(a, b) for a, b in zip(rest, whole[step.i :], strict=True)), step.i


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("name", RULES)
def test_an_image_is_the_same_alone_and_in_a_batch(name: str, path: Path) -> None:
    d = denoiser()
    together = list(run(d, path, RULES[name], start(), Noise(SEEDS)))[-1].move.x
    for k, seed in enumerate(SEEDS):
        alone = list(run(d, path, RULES[name], start((seed,)), Noise((seed,))))[-1].move.x
        torch.testing.assert_close(alone[0], together[k], rtol=0, atol=1e-12)


def test_noise_depends_on_its_address_alone() -> None:
    like = torch.empty(3, 2, 4, 4, dtype=F64)
    noise = Noise(SEEDS)
    first = noise.at(7).normal(like)
    noise.at(2).normal(like)  # drawing elsewhere consumes nothing
    assert torch.equal(noise.at(7).normal(like), first)
    for k, seed in enumerate(SEEDS):
        assert torch.equal(Noise((seed,)).at(7).normal(like[:1])[0], first[k])
    assert torch.equal(noise.at(7).normal(like.float()), first.float())
    others = [
        noise.normal(like),
        noise.at(8).normal(like),
        noise.at(7).normal(like, 1),
        noise.at(7).of(PIN).normal(like),
    ]
    assert all(not torch.equal(first, other) for other in others)
    assert noise.hop == START


def test_noise_is_the_same_on_every_machine() -> None:
    """Pinned values: a change of NumPy's stream would make every shared seed another picture."""
    values = Noise([42]).at(0).normal(torch.empty(1, 3, dtype=F64))[0].tolist()
    assert values == pytest.approx(GOLDEN, abs=0)


def test_noise_is_white_and_unit() -> None:
    x = Noise(range(64)).normal(torch.empty(64, 4096, dtype=F64))
    n = x.numel()
    assert abs(x.mean().item()) < 5 / n**0.5
    assert abs(x.var().item() - 1) < 5 * (2 / n) ** 0.5
    gram = (x @ x.T / x.shape[1]).fill_diagonal_(0)
    assert gram.abs().max().item() < 5.5 / x.shape[1] ** 0.5


def test_particles_have_streams_of_their_own() -> None:
    like = torch.empty(6, 3, dtype=F64)
    x = Noise((1, 2), particles=3).at(0).normal(like)
    assert len({tuple(row.tolist()) for row in x}) == 6
    assert torch.equal(x[:2], Noise((1,), particles=2).at(0).normal(like[:2]))
    shared = Noise((1, 2), particles=3).at(0).normal(like, shared=True)
    assert torch.equal(shared[0], shared[2])
    assert not torch.equal(shared[0], shared[3])
    assert torch.equal(x[3:], Noise((2,), particles=3).at(0).normal(like[:3]))
    with pytest.raises(ValueError, match="2 seeds × 3 particles do not match a batch of 5"):
        Noise((1, 2), particles=3).normal(like[:5])


def test_renoising_adds_variances_and_ends_the_history() -> None:
    d = denoiser()
    steps = list(run(d, PATHS["renoising"], RULES["dpmpp-2m"], start(), Noise(SEEDS)))
    (up,) = (step for step in steps if step.hop.kind == "renoise")
    z = Noise(SEEDS).at(up.i).normal(up.x)
    torch.testing.assert_close(up.move.x, up.x + (up.hop.s2**2 - up.hop.s**2) ** 0.5 * z)
    assert up.nfe == 0
    assert torch.equal(up.move.x0, steps[up.i - 1].move.x0)
    assert len(up.past) == 3
    after = steps[up.i + 1]
    fresh = next(run(d, PATHS["renoising"], RULES["dpmpp-2m"], after.x, Noise(SEEDS), past=(), start=after.i))
    assert torch.equal(after.move.x, fresh.move.x)  # the multistep rule started anew


def test_a_soft_constraint_pins_the_start_once_and_stays_the_same_when_step_0_is_resumed() -> None:
    def halfway(x: Tensor, sigma: float, z: NoiseSource) -> Tensor:
        return 0.5 * x + 0.5 * sigma * z.normal(x)

    d, path = denoiser(), PATHS["descending"]
    first = next(run(d, path, RULES["ddim"], start(), Noise(SEEDS), halfway))
    assert torch.equal(first.x, start())
    torch.testing.assert_close(first.move.x_eval, 0.5 * start() + 5 * Noise(SEEDS).of(PIN).normal(start()))
    again = next(run(d, path, RULES["ddim"], first.x, Noise(SEEDS), halfway))
    assert same(first, again)


def test_gradients_are_as_the_consumer_left_them() -> None:
    steps: Iterator[Step] = run(denoiser(), PATHS["descending"], RULES["ddim"], start(), Noise(SEEDS))
    for step in steps:
        assert torch.is_grad_enabled()
        assert not step.move.x.requires_grad


@pytest.mark.parametrize("calls", [0, 1, 4])
def test_cancelling_acts_between_two_calls_of_the_net_wherever_they_are(calls: int) -> None:
    meter = Meter(Gaussian(torch.zeros(3, dtype=F64), torch.eye(3, dtype=F64)))
    meter.cancelled = lambda: meter.calls >= calls
    done: list[Step] = []
    with pytest.raises(Cancelled):
        done.extend(run(meter, PATHS["descending"], RULES["heun"], start(), Noise(SEEDS)))
    assert meter.calls == calls


def test_micro_batches_change_nothing_for_an_oracle() -> None:
    d = Mixture(
        torch.tensor([0.5, 0.5], dtype=F64),
        torch.tensor([[0.0, 0, 0], [1.0, 1, 1]], dtype=F64),
        torch.eye(3, dtype=F64).expand(2, 3, 3) * 0.1,
    )
    seeds = tuple(range(7))
    whole = Meter(d, micro_batch=64)
    parts = Meter(d, micro_batch=2)
    a = list(run(whole, PATHS["descending"], RULES["heun"], start(seeds), Noise(seeds)))[-1].move.x
    b = list(run(parts, PATHS["descending"], RULES["heun"], start(seeds), Noise(seeds)))[-1].move.x
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
    assert parts.calls == 4 * whole.calls
