"""Guides as transforms, in float64: closed forms, exact posteriors, finite differences of the whole loss."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.guidance.cutouts import boxes, resize, views
from engine.guidance.losses import Aims, NoisyLoss, PictureLoss, out_of_range, spherical, total_variation
from engine.guidance.memory import graph_bytes
from engine.meter import Meter
from engine.models.memory import free_bytes
from engine.oracle import Gaussian, Mixture
from engine.run import Cancelled
from engine.spec.guides import Law
from engine.transforms import cfg, classifier, clip, dynamic_threshold
from engine.types import Cond, Denoiser, Sigma
from tests.engine.fake_clips import TinyClip, random

F64 = torch.float64
MEAN, COV = torch.tensor([1.0, -2.0, 0.5], dtype=F64), torch.tensor([[0.5, 0.2, 0], [0.2, 0.4, 0.1], [0, 0.1, 0.3]])
A = random(2, 3, seed=5)
B = random(2, seed=6)
MIXTURE = Mixture(
    [0.3, 0.5, 0.2],
    [[-1.0, 0.5], [0.6, 0.0], [0.2, -1.5]],
    [[[0.2, 0.05], [0.05, 0.1]], [[0.1, 0.0], [0.0, 0.3]], [[0.4, -0.1], [-0.1, 0.2]]],
)


def log_posterior(y: int, x: Tensor, sigma: Sigma) -> Tensor:
    return MIXTURE.class_posterior(x, sigma)[:, y].log()


def square(x0: Tensor) -> Tensor:
    return 0.5 * (x0 @ A.T - B).square().sum(1)


@pytest.mark.parametrize("sigma", [0.02, 0.7, 80.0])
@pytest.mark.parametrize("scale", [0.5, 3.0, -1.0])
def test_a_quadratic_loss_of_a_linear_denoiser_is_its_closed_form(sigma: float, scale: float) -> None:
    """D = m + K(x − m), L = ½‖A·x0 − b‖²: D̃ = D − λσ²KᵀAᵀ(A·D − b), K = C(C + σ²I)⁻¹."""
    d, x = Gaussian(MEAN, COV), sigma * random(4, 3)
    K = COV.double() @ torch.linalg.inv(COV.double() + sigma**2 * torch.eye(3, dtype=F64))
    x0 = MEAN + (x - MEAN) @ K.T
    expected = x0 - scale * sigma**2 * (x0 @ A.T - B) @ A @ K
    torch.testing.assert_close(clip(square, scale)(d)(x, sigma), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("sigma", [0.05, 0.5, 3.0, 50.0])
def test_the_exact_posterior_of_a_class_gives_its_own_denoiser(sigma: float) -> None:
    """γ = 1: D + σ²∇log p(y | x, σ) is the denoiser within the class, for every class and level."""
    x = MIXTURE.sample(6, torch.Generator().manual_seed(1)) + sigma * random(6, 2)
    for y in range(3):
        guided = classifier(partial(log_posterior, y), 1.0)(MIXTURE)
        torch.testing.assert_close(guided(x, sigma), MIXTURE.component(y)(x, sigma), rtol=1e-9, atol=1e-10)


def test_guides_accept_one_level_for_each_image() -> None:
    x, levels = random(3, 2), torch.tensor([0.3, 1.0, 7.0], dtype=F64)
    law = Law.of("early", power=2.0)
    for scale in (2.0, law.weight):
        for guide in (
            classifier(lambda x, s: MIXTURE.class_posterior(x, s)[:, 0].log(), scale),
            clip(lambda x0: x0.square().sum(1), scale),
        ):
            together = guide(MIXTURE)(x, levels)
            alone = torch.cat([guide(MIXTURE)(x[k : k + 1], float(levels[k])) for k in range(3)])
            torch.testing.assert_close(together, alone, rtol=1e-12, atol=1e-12)


def slope(f: Callable[[Tensor], Tensor], x: Tensor, h: float = 1e-4) -> Tensor:
    """∇f of f (B, …) → (B,) by central differences of the fourth order, one value at a time."""
    out = torch.zeros_like(x)
    for k in range(x[0].numel()):
        e = torch.zeros_like(x).flatten(1)
        e[:, k] = h
        e = e.reshape(x.shape)
        difference = 8 * (f(x + e) - f(x - e)) - (f(x + 2 * e) - f(x - 2 * e))
        out.flatten(1)[:, k] = difference / (12 * h)
    return out


class Bent:
    """A curved denoiser of pictures that knows conditions: label 1 adds a slope of its own."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        self.calls += 1
        flat = x.flatten(1)
        level = torch.as_tensor(sigma, dtype=x.dtype).reshape(-1, 1)
        mixed = torch.tanh(flat @ random(flat.shape[1], flat.shape[1], seed=9) / flat.shape[1] ** 0.5)
        out = flat / (1 + level**2) + 0.3 * mixed
        if cond is not None and cond.label is not None:
            out = out + 0.4 * cond.label.reshape(-1, 1) * torch.sin(flat)
        return out.reshape(x.shape)


YES, NO = Cond(label=torch.tensor([1])), Cond(label=torch.tensor([0]))
SHAPE = (2, 3, 5, 6)


def picture_loss(clip_: TinyClip, count: int = 4, **more: Any) -> PictureLoss:
    texts = clip_.text(["a cat", "blue", "noise"])
    aims = Aims(texts[None], torch.tensor([0.5, 0.3, -0.2], dtype=F64))
    return PictureLoss(clip_, aims, lambda x0: x0, boxes((3, 4), count - 1, (0.4, 0.9)), **more)


@pytest.mark.parametrize("guidance", [1.0, 3.0])
@pytest.mark.parametrize("more", [{}, {"smooth": 2.0, "keep_range": 3.0}])
def test_clip_guidance_equals_the_finite_difference_of_the_whole_loss(guidance: float, more: dict[str, Any]) -> None:
    """Through both branches of classifier-free guidance, cutouts, tower, arc, variation and range: to 1e-6."""
    loss, d = picture_loss(TinyClip(), **more), cfg(guidance, YES, NO)(Meter(Bent()))
    x, sigma, scale = 1.5 * random(*SHAPE), 0.8, 5.0
    expected = d(x, sigma) - scale * sigma**2 * slope(lambda x: loss(d(x, sigma)), x)
    guided = clip(loss, scale)(d)(x, sigma)
    assert (guided - d(x, sigma)).abs().max() > 1e-3
    torch.testing.assert_close(guided, expected, rtol=0, atol=1e-6 * float(guided.abs().max()))


def test_guidance_on_noise_equals_the_finite_difference_of_the_whole_loss() -> None:
    clip_ = TinyClip(side=6, noisy=True)
    loss = NoisyLoss(clip_, Aims(clip_.text(["a cat"])[None], torch.ones(1, dtype=F64)))
    x, sigma = random(2, 3, 6, 6), 1.3
    expected = Bent()(x, sigma) + 4 * sigma**2 * slope(lambda x: -loss(x, sigma), x)
    guided = classifier(lambda x, s: -loss(x, s), 4.0)(Bent())(x, sigma)
    torch.testing.assert_close(guided, expected, rtol=0, atol=1e-6)


def test_each_of_two_guides_adds_its_own_correction_in_turn() -> None:
    """The outer guide scores the inner guide's x̂₀; the inner correction counts as constant in its gradient."""
    loss, other = picture_loss(TinyClip()), picture_loss(TinyClip(side=5), count=1)
    x, sigma, d = random(*SHAPE), 0.8, Bent()
    inner, outer = clip(loss, 2.0), clip(other, 3.0)
    before = inner(d)(x, sigma)
    moved = before - d(x, sigma)
    expected = before - 3 * sigma**2 * slope(lambda x: other(d(x, sigma) + moved), x)
    torch.testing.assert_close(outer(inner(d))(x, sigma), expected, rtol=0, atol=1e-6)
    on_state = classifier(lambda x, s: -x.square().flatten(1).sum(1), 0.1)
    both = outer(on_state(d))(x, sigma)
    shift = -0.1 * sigma**2 * 2 * x
    expected = d(x, sigma) + shift - 3 * sigma**2 * slope(lambda x: other(d(x, sigma) + shift), x)
    torch.testing.assert_close(both, expected, rtol=0, atol=1e-6)


def test_a_guided_estimate_holds_no_graph_under_a_rule() -> None:
    """Rules call within no_grad: the result needs no gradient and holds no graph."""
    weight = torch.ones(3, dtype=F64, requires_grad=False)
    for guide in (clip(square, 1.0), classifier(lambda x, s: -square(x), 1.0)):
        with torch.no_grad():
            x0 = guide(lambda x, s, cond=None: weight * x)(random(2, 3), 0.5)
        assert not x0.requires_grad
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("guide", [clip(square, 0.0), classifier(lambda x, s: square(x), 0.0)])
def test_a_scale_of_zero_is_no_guide(guide: Callable[[Denoiser], Denoiser]) -> None:
    d = Bent()
    assert guide(d) is d


def test_where_the_scale_law_is_zero_only_the_denoiser_is_called() -> None:
    clip_ = TinyClip()
    d, law = Bent(), Law.of("window", low=0.5, high=2.0)
    x = random(*SHAPE)
    for sigma in (0.4, 2.1, 0.0):
        assert torch.equal(clip(picture_loss(clip_), law.weight)(d)(x, sigma), d(x, sigma))
    assert clip_.read == 0
    assert not torch.equal(clip(picture_loss(clip_), law.weight)(d)(x, 1.0), d(x, 1.0))


@pytest.mark.parametrize("limit", [0.05, 1e9])
def test_no_image_moves_further_than_its_limit(limit: float) -> None:
    x, sigma, d = random(*SHAPE), 0.8, Bent()
    free = clip(picture_loss(TinyClip()), 50.0)(d)(x, sigma) - d(x, sigma)
    held = clip(picture_loss(TinyClip()), 50.0, limit)(d)(x, sigma) - d(x, sigma)
    for one, other in zip(free, held, strict=True):
        size = float(one.square().mean().sqrt())
        torch.testing.assert_close(other, one * min(1, limit / size), rtol=1e-12, atol=1e-12)


def test_thresholds_bound_guided_estimates() -> None:
    guided = dynamic_threshold(1.0)(clip(picture_loss(TinyClip()), 1000.0)(Bent()))
    x0 = guided(random(*SHAPE), 0.8)
    assert x0.abs().amax() == pytest.approx(1)


def test_an_image_is_guided_alike_in_every_batch() -> None:
    clip_, x = TinyClip(), random(5, 3, 6, 6)
    seeds: tuple[int, ...] = (7, 8, 9, 10, 11)

    def loss(rows: slice, at_once: int) -> PictureLoss:
        aims = Aims(clip_.text(["a cat"])[None], torch.ones(1, dtype=F64))
        return PictureLoss(clip_, aims, lambda x0: x0, boxes(seeds[rows], 3, (0.5, 1.0)), at_once=at_once)

    whole = clip(loss(slice(0, 5), 16), 3.0)(Meter(Bent(), 2))(x, 0.8)
    for at_once in (1, 2):
        torch.testing.assert_close(clip(loss(slice(0, 5), at_once), 3.0)(Bent())(x, 0.8), whole, rtol=0, atol=1e-12)
    for k in range(5):
        alone = clip(loss(slice(k, k + 1), 16), 3.0)(Bent())(x[k : k + 1], 0.8)
        torch.testing.assert_close(alone, whole[k : k + 1], rtol=0, atol=1e-12)


def test_images_of_a_batch_may_have_aims_of_their_own() -> None:
    clip_, x = TinyClip(), random(3, 3, 6, 6)
    texts, one = clip_.text(["a cat", "blue", "noise"]), torch.ones(1, dtype=F64)
    parts = boxes((1, 2, 3), 2, (0.5, 1.0))
    whole = PictureLoss(clip_, Aims(texts[:, None], one), lambda x0: x0, parts, at_once=2)(x)
    for k in range(3):
        alone = PictureLoss(clip_, Aims(texts[None, k : k + 1], one), lambda x0: x0, parts[k : k + 1])(x[k : k + 1])
        torch.testing.assert_close(alone, whole[k : k + 1])


def test_cancelling_acts_between_the_calls_of_a_guided_evaluation() -> None:
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls > 2

    guided = clip(picture_loss(TinyClip()), 1.0)(Meter(Bent(), micro_batch=1, cancelled=stop))
    guided(random(*SHAPE), 0.5)
    with pytest.raises(Cancelled):
        guided(random(*SHAPE), 0.5)
    assert torch.is_grad_enabled()


def together(loss: PictureLoss, d: Denoiser, x: Tensor) -> Tensor:
    return loss(d(x, 0.5))


def test_saving_memory_changes_no_bit_and_keeps_less() -> None:
    x, kept, moved = random(4, 3, 6, 6), list[int](), list[Tensor]()
    aims = Aims(TinyClip().text(["a cat"])[None], torch.ones(1, dtype=F64))
    for save in (False, True):
        clip_ = TinyClip()
        loss = PictureLoss(clip_, aims, lambda x0: x0, boxes((1, 2, 3, 4), 3, (0.5, 1.0)), at_once=2, save=save)
        meter = Meter(Bent(), micro_batch=2, save=save)
        kept.append(graph_bytes(partial(together, loss, meter), x))
        moved.append(clip(loss, 5.0)(meter)(x, 0.5))
    assert torch.equal(*moved)
    assert kept[1] < kept[0] / 2


def test_graph_bytes_counts_activations_without_weights() -> None:
    weight, x = random(50, 40), random(1, 50)
    assert graph_bytes(lambda x: (x @ weight).tanh(), x) == 40 * 8
    assert graph_bytes(lambda x: (x @ weight).tanh().square(), x) == 40 * 8, "shared between two"
    assert (free_bytes(torch.device("cpu")) or 0) > 2**20


def test_the_raw_estimate_is_the_unguided_one() -> None:
    meter, x = Meter(Bent()), random(*SHAPE)
    with torch.no_grad():
        clip(picture_loss(TinyClip()), 9.0)(meter)(x, 0.5)
    raw = meter.take_raw()
    assert raw is not None
    assert not raw.requires_grad
    assert torch.equal(raw, Bent()(x, 0.5))


def test_the_arc_is_half_the_squared_angle() -> None:
    for angle in (0.0, 1e-4, 0.3, 1.5, 3.0, math.pi):
        u, v = torch.tensor([1.0, 0.0], dtype=F64), torch.tensor([math.cos(angle), math.sin(angle)], dtype=F64)
        assert float(spherical(u, v)) == pytest.approx(angle**2 / 2, rel=1e-3 if angle > 3.1 else 1e-6, abs=1e-11)
    u = torch.tensor([[1.0, 0.0]], dtype=F64, requires_grad=True)
    for sign in (1, -1):
        (gradient,) = torch.autograd.grad(spherical(u, sign * u.detach()).sum(), u)
        assert gradient.isfinite().all()


def test_total_variation_and_out_of_range_match_their_formulas() -> None:
    x = torch.tensor([[[[0.0, 1.0], [2.0, 0.0]]], [[[0.5, 0.5], [0.5, 0.5]]]], dtype=F64)
    torch.testing.assert_close(total_variation(x), torch.tensor([(1 + 4) / 2 + (4 + 1) / 2, 0.0], dtype=F64))
    torch.testing.assert_close(out_of_range(x), torch.tensor([1 / 4, 0.0], dtype=F64))
    assert total_variation(torch.zeros(1, 1, 1, 1)).tolist() == [0.0]


def test_cutouts_lie_inside_and_depend_on_the_images_seed_alone() -> None:
    parts = boxes(tuple(range(50)), 7, (0.3, 0.8))
    assert parts.shape == (50, 7, 3)
    assert 0.3 <= parts[..., 0].min() < 0.35
    assert 0.75 < parts[..., 0].max() <= 0.8
    assert 0 <= parts[..., 1:].min() < parts[..., 1:].max() <= 1
    assert torch.equal(boxes((31, 4), 3, (0.3, 0.8)), parts[[31, 4], :3])
    assert parts.flatten().unique().numel() == parts.numel()
    assert boxes((1, 2), 0, (0.5, 1.0)).shape == (2, 0, 3)


@pytest.mark.parametrize(("height", "width", "side"), [(20, 20, 10), (12, 20, 8), (64, 48, 6)])
def test_a_cutout_shows_its_part_of_the_picture(height: int, width: int, side: int) -> None:
    """Of a picture whose values are its own coordinates a view shows the coordinates of its pixels."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    picture = torch.stack([x, y, torch.ones_like(x)])[None].double()
    parts = torch.tensor([[[0.5, 0.25, 0.75], [1.0, 0.5, 0.5]]], dtype=F64)
    seen = views(picture, parts, side)
    assert seen.shape == (3, 3, side, side)
    torch.testing.assert_close(seen[0], resize(picture, side)[0])
    shorter = min(height, width)
    for view, (share, at_x, at_y) in zip(seen[1:], parts[0].tolist(), strict=True):
        length = share * shorter
        steps = (torch.arange(side) + 0.5) / side * length
        edge = max(1, int(0.5 * shorter / side))  # what an averaged picture repeats at its border
        for channel, size, at in ((0, width, at_x), (1, height, at_y)):
            line = view[channel].mean(channel)
            expected = (at * (size - length) + steps).clamp(edge / 2, size - edge / 2)
            torch.testing.assert_close(line, expected.double(), rtol=0, atol=1e-9)
    torch.testing.assert_close(seen[:, 2], torch.ones_like(seen[:, 2]))
