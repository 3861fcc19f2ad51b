"""ΔW of every kind of adapter against the formula of its paper, written out with sums, in float64."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.checkpoints.adapters.algebras import ShapeError, change_shape
from engine.checkpoints.adapters.fit import Change
from engine.checkpoints.adapters.modules import Module
from engine.models.deltas import bias_change, weight_change

OUT, IN, R, ALPHA = 6, 8, 3, 2.0
LINEAR, POINT, KERNEL = (OUT, IN), (OUT, IN, 1, 1), (OUT, IN, 3, 3)


def random(*shape: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed + sum(k * n for k, n in enumerate(shape, 7)))
    return torch.randn(*shape, generator=draw, dtype=torch.float64)


def with_alpha(**tensors: Tensor) -> dict[str, Tensor]:
    return tensors | {"alpha": torch.tensor(ALPHA, dtype=torch.float64)}


def change_of(tensors: dict[str, Tensor], shape: tuple[int, ...]) -> Change:
    shapes = {role: tuple(value.shape) for role, value in tensors.items()}
    algebra, _ = change_shape(shapes)
    return Change(
        "unet", Module("m", "", shape), algebra.name, algebra.rank(shapes), {role: role for role in shapes}, ""
    )


def delta(tensors: dict[str, Tensor], weight: Tensor, alpha: float | None = None) -> Tensor:
    return weight_change(change_of(tensors, tuple(weight.shape)), tensors, weight, alpha)


def check(tensors: dict[str, Tensor], shape: tuple[int, ...], expected: Tensor) -> None:
    found = delta(tensors, random(*shape, seed=9))
    assert found.shape == shape
    torch.testing.assert_close(found, expected.reshape(shape), rtol=1e-12, atol=1e-12)
    shapes = {role: tuple(value.shape) for role, value in tensors.items()}
    assert [n for n in change_shape(shapes)[1] if n != 1] == [n for n in shape if n != 1]  # known from the header alone


@pytest.mark.parametrize("shape", [LINEAR, POINT])
def test_lora_of_a_matrix(shape: tuple[int, ...]) -> None:
    up, down = random(OUT, R), random(R, IN)
    expected = torch.stack([torch.outer(up[:, k], down[k]) for k in range(R)]).sum(0) * (ALPHA / R)
    check(with_alpha(up=up, down=down), shape, expected)  # a matrix's factors also change a 1×1 convolution
    check(with_alpha(up=up[:, :, None, None], down=down[:, :, None, None]), shape, expected)


def test_lora_of_a_kernel() -> None:
    up, down = random(OUT, R, 1, 1), random(R, IN, 3, 3)
    check(with_alpha(up=up, down=down), KERNEL, torch.einsum("or,rixy->oixy", up[:, :, 0, 0], down) * (ALPHA / R))


def test_a_lora_of_a_kernel_is_two_convolutions() -> None:
    """(B ∗ (A ∗ x)) is what a LoRA of a convolution computes beside it."""
    up, down, x = random(OUT, R, 1, 1), random(R, IN, 3, 3), random(2, IN, 5, 5)
    by_delta = torch.conv2d(x, delta({"up": up, "down": down}, random(*KERNEL)), padding=1)
    torch.testing.assert_close(by_delta, torch.conv2d(torch.conv2d(x, down, padding=1), up), rtol=1e-12, atol=1e-12)


def test_locon_with_a_core_is_three_convolutions() -> None:
    up, mid, down, x = random(OUT, R, 1, 1), random(R, R, 3, 3), random(R, IN, 1, 1), random(2, IN, 5, 5)
    tensors = with_alpha(up=up, mid=mid, down=down)
    by_delta = torch.conv2d(x, delta(tensors, random(*KERNEL)), padding=1)
    three = torch.conv2d(torch.conv2d(torch.conv2d(x, down), mid, padding=1), up) * (ALPHA / R)
    torch.testing.assert_close(by_delta, three, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("alpha", [None, 5.0])
def test_without_alpha_the_scale_is_that_of_the_metadata_or_one(alpha: float | None) -> None:
    up, down = random(OUT, R), random(R, IN)
    expected = up @ down * (1 if alpha is None else alpha / R)
    torch.testing.assert_close(
        delta({"up": up, "down": down}, random(*LINEAR), alpha), expected, rtol=1e-12, atol=1e-12
    )


def test_loha_is_the_hadamard_product_of_two_loras() -> None:
    w = {f"w{n}_{x}": random(*shape, seed=n) for n in (1, 2) for x, shape in (("a", (OUT, R)), ("b", (R, IN)))}
    expected = torch.zeros(OUT, IN, dtype=torch.float64)
    for o in range(OUT):
        for i in range(IN):
            first, second = ((w[f"w{n}_a"][o] * w[f"w{n}_b"][:, i]).sum() for n in (1, 2))
            expected[o, i] = first * second * (ALPHA / R)
    check(with_alpha(**w), LINEAR, expected)


def test_loha_of_a_kernel_flat_and_with_cores() -> None:
    w = {f"w{n}_{x}": random(*shape, seed=n) for n in (1, 2) for x, shape in (("a", (R, OUT)), ("b", (R, IN)))}
    t = {f"t{n}": random(R, R, 3, 3, seed=n) for n in (1, 2)}
    halves = [torch.einsum("ijxy,io,jk->okxy", t[f"t{n}"], w[f"w{n}_a"], w[f"w{n}_b"]) for n in (1, 2)]
    check(with_alpha(**w, **t), KERNEL, halves[0] * halves[1] * (ALPHA / R))
    flat = {f"w{n}_{x}": random(*shape, seed=n) for n in (1, 2) for x, shape in (("a", (OUT, R)), ("b", (R, IN * 9)))}
    product = (flat["w1_a"] @ flat["w1_b"]) * (flat["w2_a"] @ flat["w2_b"])
    found = delta(with_alpha(**flat), random(*KERNEL))
    torch.testing.assert_close(found, product.reshape(KERNEL) * (ALPHA / R), rtol=1e-12, atol=1e-12)


def kronecker(a: Tensor, b: Tensor) -> Tensor:
    """A ⊗ B of a matrix and a matrix or kernel, entry by entry."""
    made = torch.zeros(a.shape[0] * b.shape[0], a.shape[1] * b.shape[1], *b.shape[2:], dtype=torch.float64)
    for p in range(a.shape[0]):
        for q in range(a.shape[1]):
            rows, columns = slice(p * b.shape[0], (p + 1) * b.shape[0]), slice(q * b.shape[1], (q + 1) * b.shape[1])
            made[rows, columns] = a[p, q] * b
    return made


@pytest.mark.parametrize(
    ("first", "second", "scaled"),
    [("whole", "whole", False), ("whole", "product", True), ("product", "whole", True), ("product", "product", True)],
)
def test_lokr_is_the_kronecker_product(first: str, second: str, scaled: bool) -> None:
    a, b, tensors = random(2, 4), random(3, 2), dict[str, Tensor]()
    if first == "product":
        tensors |= {"k1_a": random(2, R), "k1_b": random(R, 4)}
        a = tensors["k1_a"] @ tensors["k1_b"]
    else:
        tensors["k1"] = a
    if second == "product":
        tensors |= {"k2_a": random(3, R), "k2_b": random(R, 2)}
        b = tensors["k2_a"] @ tensors["k2_b"]
    else:
        tensors["k2"] = b
    check(with_alpha(**tensors), LINEAR, kronecker(a, b) * (ALPHA / R if scaled else 1))


def test_lokr_of_a_kernel_whole_and_with_a_core() -> None:
    a, b = random(2, 4), random(3, 2, 3, 3)
    check(with_alpha(k1=a, k2=b), KERNEL, kronecker(a, b))
    core, out, inside = random(R, R, 3, 3), random(R, 3), random(R, 2)
    b = torch.einsum("ijxy,io,jk->okxy", core, out, inside)
    check(with_alpha(k1=a, kt2=core, k2_a=out, k2_b=inside), KERNEL, kronecker(a, b) * (ALPHA / R))


def test_a_difference_is_added_as_it_is() -> None:
    check({"diff": random(*KERNEL)}, KERNEL, random(*KERNEL))


@pytest.mark.parametrize("shape", [LINEAR, KERNEL])
@pytest.mark.parametrize("axis", [0, 1])
def test_dora_has_the_direction_of_the_sum_and_its_own_magnitude(axis: int, shape: tuple[int, ...]) -> None:
    weight, up, down = random(*shape, seed=9), random(OUT, R), random(R, *shape[1:])
    magnitude = random(shape[axis]).abs()
    held = (
        magnitude.reshape(-1, *[1] * (len(shape) - 1)) if axis == 0 else magnitude.reshape(1, -1, *[1] * len(shape[2:]))
    )
    tensors = with_alpha(up=up.reshape(OUT, R, *[1] * len(shape[2:])), down=down, magnitude=held)
    changed = weight + delta(tensors, weight)
    v = weight + torch.einsum("or,r...->o...", up, down) * (ALPHA / R)
    for k in range(shape[axis]):
        own, direction = changed.select(axis, k).flatten(), v.select(axis, k).flatten()
        torch.testing.assert_close(own, direction * magnitude[k] / (direction**2).sum().sqrt(), rtol=1e-12, atol=1e-12)


def test_a_vector_of_magnitudes_is_of_the_outputs() -> None:
    """PEFT writes a vector, also where a square weight would allow both."""
    weight = random(4, 4)
    tensors = {"up": torch.zeros(4, 1, dtype=torch.float64), "down": random(1, 4), "magnitude": random(4).abs() + 1}
    lengths = (weight + delta(tensors, weight)).norm(dim=1)
    torch.testing.assert_close(lengths, tensors["magnitude"], rtol=1e-12, atol=1e-12)


def test_dora_leaves_a_row_of_zeros_alone() -> None:
    weight = torch.zeros(OUT, IN, dtype=torch.float64)
    tensors = {"up": torch.zeros(OUT, R, dtype=torch.float64), "down": random(R, IN), "magnitude": torch.ones(OUT, 1)}
    assert torch.equal(delta(tensors, weight), weight)


def test_the_bias_has_its_own_changes() -> None:
    bias, up_bias, diff = random(OUT), random(OUT, seed=1), random(OUT, seed=2)
    tensors = with_alpha(up=random(OUT, R), down=random(R, IN), up_bias=up_bias, diff_b=diff)
    change = change_of(tensors, LINEAR)
    assert change.changes("bias")
    expected = diff + up_bias * (ALPHA / R)
    torch.testing.assert_close(bias_change(change, tensors, bias), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"up": (6, 3), "down": (2, 8)}, "no factors of one matrix"),
        ({"up": (6, 3)}, "not the tensors of one adapter"),
        ({"up": (6, 3), "down": (3, 8), "k1": (2, 2)}, "not the tensors of one adapter"),
        ({"up": (6, 3), "mid": (3, 2, 3, 3), "down": (3, 8)}, "no factors of one kernel"),
        ({"w1_a": (6, 3), "w1_b": (3, 8), "w2_a": (6, 3), "w2_b": (3, 7)}, "the factors are"),
        ({"w1_a": (3, 6), "w1_b": (3, 8), "w2_a": (3, 6), "w2_b": (3, 8), "t1": (3, 3, 3, 3)}, "core"),
        ({"k1": (2,), "k2": (3, 2)}, "no Kronecker factors"),
        ({"k1": (2, 4), "kt2": (3, 3, 3, 3), "k2_a": (2, 3), "k2_b": (3, 2)}, "no core and its factors"),
        ({"up": (6, 3), "down": (3, 8), "alpha": (2,)}, "instead of one number"),
        ({"up": (6, 0), "down": (0, 8)}, "is empty"),
        ({"up": (), "down": (3, 8)}, "no factors"),
        ({"OFT": (3, 3)}, "OFT is not applied here"),
    ],
)
def test_tensors_that_do_not_fit_one_another_are_refused(shapes: dict[str, tuple[int, ...]], said: str) -> None:
    with pytest.raises(ShapeError, match=said):
        change_shape(shapes)
