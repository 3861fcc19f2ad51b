"""Coverage of the plane by noisy data against the closed form, and the ends of Langevin chains."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import ncx2

from engine.lab.coverage import LARGE, LEVELS, REACH, SMALL, STEPS, ScoreNearSamples, coverage, part_shares, run_chains
from engine.lab.field import plane
from engine.lab.model import model
from engine.lab.trial import scatter
from engine.oracle import Gaussian
from engine.run import Cancelled
from engine.spec.lab_data import DRAWN, HALF, Data, LabError


@pytest.mark.parametrize("sigma", [0.0, 0.3, 3.0])
def test_the_covered_share_matches_its_expectation(sigma: float) -> None:
    """A point y is near one of N samples of N(0, v·I) with probability 1 − (1 − P(χ²₂(‖y‖²/v) ≤ r²/v))^N."""
    n, c = 200, 0.25
    law, v, r = Gaussian([0.0, 0.0], torch.eye(2) * c), c + sigma**2, float(np.hypot(REACH, sigma))
    y = plane(HALF, 48).numpy()
    within = ncx2.cdf(r**2 / v, 2, (y**2).sum(1) / v)
    expected = float((1 - (1 - within) ** n).mean())
    counted = np.mean([ScoreNearSamples.of(law, n, seed).covered_share(sigma) for seed in range(12)])
    assert counted == pytest.approx(expected, abs=0.01)


def test_noise_fills_the_plane() -> None:
    seen = ScoreNearSamples.of(model(Data("spiral")))
    shares = [seen.covered_share(sigma) for sigma in (0.0, 0.1, 0.5, 1.0, 3.0)]
    assert shares == sorted(shares)
    assert shares[0] < 0.35
    assert shares[-1] == 1.0


def test_the_partial_score_is_exact_near_the_data_and_zero_elsewhere() -> None:
    law = model(Data("mixture"))
    seen, x, sigma = ScoreNearSamples.of(law, 300), scatter(500, 1, HALF), 0.2
    near = (x[:, None] - seen.noisy_samples(sigma)).norm(dim=2).amin(1) <= np.hypot(REACH, sigma)
    assert 0 < near.sum() < 500
    estimate = seen(x, sigma)
    assert torch.equal(estimate[near], law(x, sigma)[near])
    assert torch.equal(estimate[~near], x[~near])


def test_one_small_level_gets_the_weights_wrong_and_many_get_them_right() -> None:
    found = coverage(Data("mixture"), particles=300)
    assert found.truth == pytest.approx((0.6, 0.3, 0.1))
    exact, partial, annealed = found.outcomes
    assert exact.landed > 0.95  # every chain finds the nearest island, whatever it weighs
    assert exact.total_variation(found.truth) > 0.15
    assert partial.landed < 0.5  # and where no sample was it finds none
    assert annealed.landed > 0.8  # some stray once, and nothing calls them back
    assert annealed.total_variation(found.truth) < 0.08
    assert found.shares == tuple(sorted(found.shares, reverse=True))
    assert (found.levels[0], found.levels[-1]) == pytest.approx((LARGE, SMALL))


def test_the_ends_of_chains_have_the_covariance_of_the_gaussian() -> None:
    law = Gaussian([0.5, 0.0], torch.eye(2) * 0.2)
    ends = run_chains(law, (SMALL,) * 40, 2000, seed=4)
    assert ends.mean(0).numpy() == pytest.approx([0.5, 0.0], abs=0.05)
    v, delta = 0.2 + SMALL**2, 0.1 * SMALL**2
    assert ends.var(0).numpy() == pytest.approx(np.full(2, v / (1 - delta / (2 * v))), rel=0.1)


def test_parts_add_up_and_belong_to_neighbours() -> None:
    data = Data("spiral")
    law = model(data)
    x = law.sample(3000, torch.Generator().manual_seed(0))
    assert sum(part_shares(law, x)) == pytest.approx(1)
    assert len(part_shares(law, x)) == 6
    means = torch.from_numpy(data.components.means[:33])
    assert part_shares(law, means)[0] > 0.9


def test_coverage_can_be_cancelled_and_refuses_unusable_data() -> None:
    calls = itertools.count()
    with pytest.raises(Cancelled):
        coverage(Data("mixture"), 10, cancelled=lambda: next(calls) >= LEVELS * STEPS + 3)
    assert next(calls) == LEVELS * STEPS + 4
    with pytest.raises(LabError):
        coverage(Data(DRAWN), 10)
