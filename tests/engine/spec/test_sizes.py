"""The size rule: what fits, the nearest size that fits, and the sentence for what does not."""

from __future__ import annotations

import pytest

from engine.spec.sizes import SizeRule
from engine.spec.validation import RequestError

FREE = SizeRule(((512, 512), (768, 512), (512, 768)), multiple=8, least=64, most=2048, free=True)
FIXED = SizeRule.fixed(32, 24)


CASES = [((512, 512), True), ((520, 64), True), ((515, 512), False), ((56, 512), False), ((2056, 64), False)]


@pytest.mark.parametrize(("size", "fits"), CASES)
def test_free_sides_are_multiples_within_bounds(size: tuple[int, int], fits: bool) -> None:
    assert FREE.fits(size) == fits
    assert FREE.fits(FREE.nearest(size)), "the nearest size is always one that fits"


def test_a_fixed_model_makes_its_native_size_alone() -> None:
    assert FIXED.fits((32, 24))
    assert not FIXED.fits((64, 48))
    assert FIXED.nearest((640, 480)) == (32, 24)


@pytest.mark.parametrize(
    ("size", "nearest"), [((770, 511), (768, 512)), ((1, 9999), (64, 2048)), ((516, 512), (520, 512))]
)
def test_the_nearest_size_takes_each_side_by_itself(size: tuple[int, int], nearest: tuple[int, int]) -> None:
    assert FREE.nearest(size) == nearest


@pytest.mark.parametrize(
    ("shape", "like"), [((3000, 2000), (768, 512)), ((100, 100), (512, 512)), ((1600, 400), (1024, 256))]
)
def test_a_shape_gets_a_native_size_or_one_of_the_same_area(shape: tuple[int, int], like: tuple[int, int]) -> None:
    assert FREE.like(shape) == like


def test_an_impossible_size_is_refused_with_the_nearest_one() -> None:
    FREE.check((768, 512), "Free")
    with pytest.raises(RequestError, match=r"multiples of 8 from 64 to 2048\. Choose 768×512\."):
        FREE.check((770, 511), "Free")
    with pytest.raises(RequestError, match="makes pictures of 32×24 pixels: choose that size"):
        FIXED.check((512, 512), "Fixed")


def test_a_rule_without_a_valid_side_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple ≤ least ≤ most"):
        SizeRule(((8, 8),), multiple=8, least=4, most=16)
