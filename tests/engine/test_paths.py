"""Paths: descending, ascending, and RePaint with its law in closed form."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.noise import Noise
from engine.oracle import Gaussian
from engine.paths import ascending, descending, repaint
from engine.rules import RULES, menu
from engine.run import run
from engine.schedules import grid
from engine.types import Denoiser, Hop, NoiseSource
from tests.engine.probe import ProbeNoise, exact_law

F64 = torch.float64
SIGMAS = np.append(np.geomspace(20, 0.01, 151), 0)
OBSERVED = 1.5
D: Denoiser = Gaussian(torch.zeros(2, dtype=F64), torch.tensor([[1.0, 0.9], [0.9, 1.0]], dtype=F64))


def pinned(x: Tensor, sigma: float, z: NoiseSource) -> Tensor:
    """Replace the first coordinate, which is observed exactly, by y + σn."""
    return torch.cat([OBSERVED + sigma * z.normal(x)[:, :1], x[:, 1:]], dim=1)


@cache
def hop_map(hop: Hop) -> tuple[Tensor, Tensor, Tensor]:
    """Return (M, b, Q) of one hop of the engine, x' ~ N(Mx + b, Q), measured with basis vectors."""
    path = (Hop(hop.s, hop.s), hop)  # not the first of its path: a start would be pinned too

    def last(noise: ProbeNoise, x: Tensor) -> Tensor:
        (step,) = run(D, path, RULES["ddpm"], x, noise, pinned, start=1)  # type: ignore[arg-type]
        return step.move.x

    dry = ProbeNoise({})
    last(dry, torch.zeros(1, 2, dtype=F64))
    rows = {address: slice(3 + 2 * k, 5 + 2 * k) for k, address in enumerate(dry.seen)}
    x = torch.zeros(3 + 2 * len(rows), 2, dtype=F64)
    x[1:3] = torch.eye(2)
    out = last(ProbeNoise(rows), x)
    columns = out[1:] - out[:1]
    return columns[:2].T, out[0], columns[2:].T @ columns[2:]


@pytest.mark.parametrize(
    ("resample", "mean", "variance", "digits"),
    [
        (1, 0.9284, 0.302, 4),
        (2, 1.1402, 0.234, 4),
        (5, 1.2798, 0.198, 4),
        (20, 1.3355, 0.183, 4),
        (100, 1.347, 0.173, 3),
    ],
)
def test_repaint_has_its_exact_law(resample: int, mean: float, variance: float, digits: int) -> None:
    """Correlation .9, y = 1.5, β̃ steps; the posterior is 1.350/.190. Means and variances carried hop by hop."""
    m = torch.tensor([OBSERVED, 0.0], dtype=F64)
    cov = torch.eye(2, dtype=F64) * SIGMAS[0] ** 2
    for hop in repaint(SIGMAS, jump=1, resample=resample):
        gain, shift, fresh = hop_map(hop)
        m, cov = gain @ m + shift, gain @ cov @ gain.T + fresh
    assert m[0].item() == pytest.approx(OBSERVED, abs=1e-12)
    assert round(m[1].item(), digits) == mean
    assert round(cov[1, 1].item(), 3) == variance


@pytest.mark.parametrize("resample", [1, 2])
def test_repaints_law_of_whole_runs_equals_the_law_carried_hop_by_hop(resample: int) -> None:
    sigmas = np.append(np.geomspace(20, 0.05, 20), 0)
    path = repaint(sigmas, jump=3, resample=resample)
    m, cov = torch.tensor([OBSERVED, 0.0], dtype=F64), torch.eye(2, dtype=F64) * 400
    for hop in path:
        gain, shift, fresh = hop_map(hop)
        m, cov = gain @ m + shift, gain @ cov @ gain.T + fresh
    whole = exact_law(D, path, RULES["ddpm"], torch.zeros(2, dtype=F64), 20.0, constraint=pinned)
    torch.testing.assert_close(whole[0], m, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(whole[1], cov, rtol=1e-10, atol=1e-12)


def test_repaint_has_the_published_number_of_moves_and_evaluations() -> None:
    path = repaint(np.linspace(50, 0, 251), jump=10, resample=10)
    assert len(path) == 4570
    assert RULES["ddpm"].cost(path) == 2410


@pytest.mark.parametrize(("steps", "jump", "resample"), [(7, 1, 3), (20, 4, 2), (10, 20, 5)])
def test_a_repaint_path_is_connected_and_comes_down_to_the_end(steps: int, jump: int, resample: int) -> None:
    sigmas = np.linspace(5, 0, steps + 1)
    path = repaint(sigmas, jump, resample)
    assert (path[0].s, path[-1].s2) == (5, 0)
    assert all(a.s2 == b.s for a, b in pairwise(path))
    assert all((hop.kind == "renoise") == (hop.s2 > hop.s) for hop in path)
    down = {hop for hop in path if hop.kind == "solve"}
    assert down == set(descending(sigmas))
    assert repaint(sigmas, jump, 1) == descending(sigmas)


def test_invalid_repaint_levels_and_numbers_are_refused_in_one_sentence() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        repaint([2.0, 1.0, 0.0], jump=0)
    with pytest.raises(ValueError, match="descending"):
        repaint([1.0, 2.0], jump=1)


@pytest.mark.parametrize("name", ["ddim", "heun", "dpmpp-2m", "dpmpp-3m", "ipndm-4", "unipc-2", "unipc-3", "ge"])
def test_encoding_and_decoding_return_the_state(name: str) -> None:
    up = grid("log", 400, 30.0, 0.05, final_zero=False)[::-1]
    x = torch.tensor([[0.5, -0.2], [1.5, 1.0]], dtype=F64)
    *_, top = run(D, ascending(up), RULES[name], x, Noise([0, 1]))
    assert isinstance(D, Gaussian)
    torch.testing.assert_close(top.move.x, D.flow(x, 0.05, 30.0), rtol=0, atol=0.3)
    *_, home = run(D, descending(up[::-1]), RULES[name], top.move.x, Noise([0, 1]))
    torch.testing.assert_close(home.move.x, x, rtol=0, atol=0.02)


def test_an_ascending_path_starts_above_zero() -> None:
    for levels in ([0.0, 1.0], [2.0, 1.0], [1.0, 1.0]):
        with pytest.raises(ValueError, match="ascending"):
            ascending(levels)


@pytest.mark.parametrize("name", [name for name, rule in menu().items() if rule.stochastic])
def test_a_sampler_that_draws_noise_refuses_to_go_up(name: str) -> None:
    with pytest.raises(ValueError, match="cannot go up"):
        list(run(D, ascending([1.0, 2.0]), RULES[name], torch.ones(1, 2, dtype=F64), Noise([0])))
