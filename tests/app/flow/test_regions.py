"""Bits by region: edges are counted, and each region's number is the sum of its pixels."""

from __future__ import annotations

import numpy as np
import pytest

from app.core.flow.regions import Regions
from tests.app.judged import surprise


@pytest.mark.parametrize("side", [1, 2, 4, 8])
def test_the_regions_together_hold_every_bit_of_the_picture(side: int) -> None:
    pixels = np.random.default_rng(1).uniform(0, 9, (28, 30))
    assert Regions(pixels, side).bits.sum() == pytest.approx(pixels.sum())


def test_a_region_cut_by_the_edge_counts_its_own_pixels() -> None:
    regions = Regions(np.full((5, 6), 2.0), 4)
    assert regions.bits.tolist() == [[32.0, 16.0], [8.0, 4.0]]
    assert regions.rates.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert regions.extent(1, 1) == (4, 4, 2, 1)


def test_the_scale_runs_from_the_least_to_the_most_surprising_region() -> None:
    regions = Regions(surprise(), 4)
    assert regions.ends == (1.0, 9.0)
    assert regions.most == (1, 2)
    shares = regions.scaled()
    assert shares.shape == (16, 24)
    assert (shares[4:8, 8:12] == 1).all()
    assert shares.sum() == 16


def test_where_all_is_alike_nothing_stands_out() -> None:
    assert not Regions(np.ones((4, 4)), 2).scaled().any()


def test_a_point_is_in_the_region_around_it_and_outside_in_none() -> None:
    regions = Regions(surprise(), 4)
    assert regions.at(8.0, 7.9) == (1, 2)
    assert regions.at(7.99, 4.0) == (1, 1)
    assert regions.at(-0.1, 3) is None
    assert regions.at(24.0, 3) is None


def test_a_region_says_its_bits_and_how_they_stand_to_the_mean() -> None:
    regions = Regions(surprise(), 4)
    assert regions.words(1, 2) == "144.0 bits, 9.00 a pixel: 6.8 times the mean"
    assert Regions(surprise(), 1).words(4, 8) == "9.0 bits: 6.8 times the mean"


@pytest.mark.parametrize(
    ("row", "column", "words"),
    [(0, 0, "top left"), (1, 2, "middle"), (0, 2, "top middle"), (1, 5, "middle right"), (3, 0, "bottom left")],
)
def test_a_region_is_placed_in_words(row: int, column: int, words: str) -> None:
    assert Regions(np.ones((12, 24)), 4).where(min(row, 2), column) == words
