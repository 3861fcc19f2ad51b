"""Morphs: the frames between keys, held to closed forms, and their ends to the keys' own pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from engine.jobs.morph import MorphFrame, Morphing, MorphProgress, Norms
from engine.metrics import psnr
from engine.morph.blend import Between, blend, lerp, slerp
from engine.morph.encode import encode
from engine.noise import Noise
from engine.oracle import Gaussian
from engine.run import Cancelled
from engine.schedules import grid
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.edit import digest
from engine.spec.morph import AT_ONCE, EASINGS, Key, Morph, MorphError, Place, climb, price
from engine.spec.request import Request, RequestError
from engine.types import Cond, Said
from tests.engine.closed_form import MEAN, VARIANCE, NormalModel

Make = Callable[..., Morph]


@pytest.fixture
def session(tiny_model: ModelInfo) -> Session:
    return Session("cpu", [tiny_model])


@pytest.fixture
def known(session: Session, tiny_model: ModelInfo) -> Session:
    """The same with a model in its place that is known exactly."""
    session.models.put(tiny_model, NormalModel(tiny_model.sha256))
    return session


@pytest.fixture
def make(tiny_model: ModelInfo) -> Make:
    """A morph of the tiny model: make(frames=5, draft={"steps": 3})."""

    def generated(draft: dict[str, Any] | None = None, **choices: Any) -> Morph:
        request = resolve(Draft.for_model(tiny_model, seed=9, **(draft or {})), tiny_model)
        keys = (Key(seed=3, prompt="red apple", label="round"), Key(seed=4, prompt="rocket in the sky", label="square"))
        whole: dict[str, Any] = {"request": request, "keys": keys, "frames": 5}
        return Morph(**whole | choices)

    return generated


def pictures(session: Session, morph: Morph, given: dict[str, Any] | None = None) -> list[np.ndarray]:
    return [news.rgb for news in session.perform(Morphing(morph, given or {})) if isinstance(news, MorphFrame)]


def own(session: Session, *requests: Request) -> np.ndarray:
    """The pictures that requests which differ in their seeds alone make in one batch."""
    request = replace(requests[0], seeds=tuple(one.seeds[0] for one in requests))
    *_, last = session.generate(request)
    return session.picture(request, last.move.x)


# where frames stand


def test_every_key_is_a_frame_and_the_frames_between_are_shared_out_evenly(make: Make) -> None:
    keys = tuple(Key(seed=n) for n in range(4))
    for frames in range(4, 40):
        morph = make(keys=keys, frames=frames, easing="linear")
        places = morph.places()
        assert len(places) == frames
        assert [p.key for p in places if p.key is not None] == [0, 1, 2, 3]
        at = [n for n, p in enumerate(places) if p.key is not None]
        gaps = [b - a for a, b in pairwise(at)]
        assert max(gaps) - min(gaps) <= 1
        assert (at[0], at[-1]) == (0, frames - 1)


def test_a_loop_back_goes_on_from_its_last_frame_to_its_first_as_between_any_two(make: Make) -> None:
    morph = make(keys=tuple(Key(seed=n) for n in range(3)), frames=30, loop="back", easing="linear")
    way = [place.a + place.t for place in morph.places()]
    assert way == pytest.approx([n / 10 for n in range(30)])
    assert morph.places()[-1].b == 0  # towards the first key: one more tenth is that key


def test_there_and_back_shows_the_frames_between_twice_and_costs_nothing_more(make: Make) -> None:
    morph = make(frames=5, loop="pingpong")
    assert morph.order() == (0, 1, 2, 3, 4, 3, 2, 1)
    assert price(morph) == price(make(frames=5))


def test_easings_begin_and_end_at_the_keys_and_never_turn_back() -> None:
    for _, ease in EASINGS.values():
        values = [ease(n / 50) for n in range(51)]
        assert (values[0], values[-1]) == (0, 1)
        assert all(a < b for a, b in pairwise(values))
    smooth = EASINGS["smooth"][1]
    assert (smooth(0.5), smooth(0.25)) == (0.5, 0.15625)


# between two starts


def test_on_the_sphere_the_norm_is_kept_and_straight_through_it_falls_to_root_half() -> None:
    a, b = torch.eye(64, dtype=torch.float64)[:2, None] * 7.0
    t = torch.linspace(0, 1, 21, dtype=torch.float64)
    x, straight = (way(a.expand(21, 64), b.expand(21, 64), t).norm(dim=1) for way in (slerp, lerp))
    torch.testing.assert_close(x, torch.full_like(x, 7.0), rtol=1e-14, atol=0)
    torch.testing.assert_close(straight, 7 * (t**2 + (1 - t) ** 2).sqrt(), rtol=1e-14, atol=0)
    assert straight[10] / 7 == pytest.approx(0.5**0.5)


def test_the_angle_turns_evenly_and_unequal_norms_go_linearly() -> None:
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 1, 3, 5, dtype=torch.float64, generator=generator)
    b = 3 * b
    t = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0], dtype=torch.float64)
    x = slerp(a.expand(5, 3, 5), b.expand(5, 3, 5), t).flatten(1)
    unit = x / x.norm(dim=1, keepdim=True)
    turns = [torch.arccos((u * v).sum()) for u, v in pairwise(unit)]
    torch.testing.assert_close(torch.stack(turns), turns[0].expand(4), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(x.norm(dim=1), torch.lerp(a.norm(), b.norm(), t), rtol=1e-13, atol=0)


def test_the_ends_are_the_keys_to_the_bit_also_where_there_is_no_circle() -> None:
    a = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    for b in (a, -a, 2 * a, torch.randn(1, 3, 4, 4), torch.zeros(1, 3, 4, 4)):
        for way in (slerp, lerp):
            assert torch.equal(way(a, b, torch.zeros(1)), a)
            assert torch.equal(way(a, b, torch.ones(1)), b)
            assert way(a, b, torch.tensor([0.3])).isfinite().all()


def test_noise_between_two_seeds_has_the_law_of_noise() -> None:
    """Its variance is 1 for independent draws, up to the angle that two draws happen to have."""
    t = torch.full((200,), 0.5, dtype=torch.float64)
    between = Between(Noise(range(200)), Noise(range(1000, 1200)), t).at(3)
    z = between.normal(torch.empty(200, 500, dtype=torch.float64))
    assert abs(float(z.mean())) < 4 / 100_000**0.5
    assert float(z.square().mean()) == pytest.approx(1, abs=0.02)
    assert torch.equal(replace(between, t=torch.zeros(200)).normal(z), Noise(range(200)).at(3).normal(z))


# the flow of a Gaussian is affine, so that every frame is known


CORRELATED = Gaussian([0.3, -0.2], [[0.5, 0.3], [0.3, 0.4]])


def heun(x: torch.Tensor, sigmas: list[float]) -> torch.Tensor:
    from engine.paths import descending
    from engine.rules import RULES
    from engine.run import run

    for step in run(CORRELATED, descending(sigmas), RULES["heun"], x, Noise(range(len(x)))):
        x = step.move.x
    return x


def test_of_a_gaussian_every_frame_is_the_exact_flow_of_its_start() -> None:
    """x(t) = m + S·(x_T(t) − m) with the one matrix S: on the straight way frames lie on a straight line."""
    top = 40.0
    a, b = (top * Noise([seed]).normal(torch.empty(1, 2, dtype=torch.float64)) for seed in (1, 2))
    t = torch.linspace(0, 1, 9, dtype=torch.float64)
    sigmas = grid("log", 400, top, 1e-3).tolist()
    for way in (slerp, lerp):
        x = way(a.expand(9, 2), b.expand(9, 2), t)
        exact = CORRELATED.flow(x, top, 0.0)
        torch.testing.assert_close(heun(x, sigmas), exact, atol=2e-4, rtol=0)  # Heun's own error
    line = CORRELATED.flow(lerp(a.expand(9, 2), b.expand(9, 2), t), top, 0.0)
    torch.testing.assert_close(line, line[:1].lerp(line[-1:], t[:, None]), atol=1e-12, rtol=0)


def test_the_frames_of_a_model_that_is_known_are_the_flow_of_their_starts(known: Session, make: Make) -> None:
    """The whole way, from keys to pictures: pixels of N(m, v) follow m + (x_T − m)·√(v/(v + σ²))."""
    morph = make({"sampler": "heun", "steps": 80, "guidance": 1.0}, frames=7)
    top = morph.request.sigmas[0]
    std = known.model(morph.request).schedule.start_std(top)
    a, b = (std * Noise([key.seed]).normal(torch.empty(1, 3, 16, 16)) for key in morph.keys)
    for way, between in (("slerp", slerp), ("linear", lerp)):
        generated = pictures(known, replace(morph, way=way))
        t = torch.tensor([place.t for place in morph.places()])
        x = between(a.expand(7, -1, -1, -1), b.expand(7, -1, -1, -1), t)
        exact = MEAN + (x - MEAN) * (VARIANCE / (VARIANCE + top**2)) ** 0.5
        rgb = ((exact.clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).numpy()
        assert np.abs(np.stack(generated) - rgb).max() < 1


def test_pictures_mixed_at_a_level_under_one_noise_are_the_exact_flow_of_their_mixture() -> None:
    """Deck 3: x_σ = (1 − t)·a + t·b + σ·ε is where both noised pictures are mixed, since they share ε."""
    a, b = torch.tensor([[[1.0, -0.5]], [[-0.4, 0.8]]], dtype=torch.float64)
    t = torch.linspace(0, 1, 5, dtype=torch.float64)
    sigma, noise = 0.7, Noise([5]).normal(torch.empty(1, 2, dtype=torch.float64))
    x = lerp(a.expand(5, 2), b.expand(5, 2), t) + sigma * noise
    torch.testing.assert_close(x, lerp((a + sigma * noise).expand(5, 2), (b + sigma * noise).expand(5, 2), t))
    exact = CORRELATED.flow(x, sigma, 0.0)
    torch.testing.assert_close(heun(x, grid("log", 400, sigma, 1e-4).tolist()), exact, atol=2e-4, rtol=0)


def test_the_encoding_of_a_gaussian_is_the_inverse_of_its_flow(make: Make) -> None:
    levels = grid("log", 400, 40.0, 1e-3).tolist()
    request = replace(make().request, sigmas=tuple(levels))
    x0 = torch.tensor([[0.9, -1.1], [0.2, 0.1]], dtype=torch.float64)
    x = x0
    for step in encode(CORRELATED, x0, request):
        x = step.move.x
    low = climb(request)[0]
    torch.testing.assert_close(x, CORRELATED.flow(x0, low, 40.0), rtol=1e-4, atol=0)


# conditions


def conditions(session: Session, morph: Morph) -> tuple[Cond, Cond, int]:
    model = session.model(morph.request)
    a, b = (model.condition(Said(key.prompt, key.label)) for key in morph.keys)
    return a, b, len(model.labels) + 1


def test_a_mixture_of_labels_is_the_mixture_of_their_embeddings(session: Session, make: Make) -> None:
    """Weights that are all on one label are that label; D is then the same, and close by it is close."""
    morph = make()
    model = session.model(morph.request)
    x = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    hard = model.condition(Said("rocket", "square"))
    weights = replace(hard, label=torch.tensor([[0.0, 1.0, 0.0]]))
    torch.testing.assert_close(model.denoiser(x, 2.0, weights), model.denoiser(x, 2.0, hard), rtol=1e-5, atol=1e-5)
    a, b, classes = conditions(session, morph)
    half = blend(a, replace(a, label=b.label), 0.25, classes).label
    assert half is not None
    torch.testing.assert_close(half, torch.tensor([[0.75, 0.25, 0.0]]))


def test_the_class_of_a_gaussian_with_means_by_label_moves_exactly_with_the_weights() -> None:
    """Where D is affine in the label's embedding, a frame is the flow of the Gaussian with the mean in between."""
    means = torch.tensor([[1.0, 0.0], [-1.0, 2.0], [0.0, 0.0]], dtype=torch.float64)
    cov = torch.tensor([[0.5, 0.2], [0.2, 0.3]], dtype=torch.float64)

    def d(x: torch.Tensor, sigma: Any, cond: Cond | None = None) -> torch.Tensor:
        assert cond is not None
        assert cond.label is not None
        label = cond.label
        mean = means[label] if label.ndim == 1 else label.double() @ means
        return mean + Gaussian([0.0, 0.0], cov)(x - mean, sigma)

    a, b = Cond(label=torch.tensor([0])), Cond(label=torch.tensor([1]))
    x = torch.tensor([[2.0, 3.0]], dtype=torch.float64)
    for t in (0.0, 0.3, 1.0):
        moved = blend(a, b, t, 3)
        exact = Gaussian(means[0].lerp(means[1], t), cov)(x, 1.5)
        torch.testing.assert_close(d(x, 1.5, moved), exact, rtol=1e-7, atol=1e-7)


def test_a_longer_texts_last_words_come_in_without_a_jump(session: Session, make: Make) -> None:
    a, b, classes = conditions(session, make(keys=(Key(prompt="apple"), Key(prompt="a rocket in the blue sky"))))
    model = session.model(make().request)
    x = torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert blend(a, b, 0.0, classes) is a
    assert blend(a, b, 1.0, classes) is b

    def d(t: float) -> torch.Tensor:
        return model.denoiser(x, 5.0, blend(a, b, t, classes))

    for end, near in ((0.0, 1e-5), (1.0, 1 - 1e-5)):
        torch.testing.assert_close(d(near), d(end), atol=2e-3, rtol=0)
    assert (d(0.0) - d(1.0)).abs().max() > 0.01


def test_texts_without_a_mask_are_mixed_as_texts_of_which_every_token_counts() -> None:
    tokens = torch.randn(2, 1, 5, 3, generator=torch.Generator().manual_seed(0))
    bare, other = Cond(tokens=tokens[0]), Cond(tokens=tokens[1])
    everything = torch.ones(1, 5, dtype=torch.bool)
    for t in (0.0, 0.3, 1.0):
        moved = blend(bare, other, t, 1)
        same = blend(replace(bare, mask=everything), replace(other, mask=everything), t, 1)
        assert moved.tokens is not None
        assert moved.mask is not None
        torch.testing.assert_close(moved.tokens, tokens[0].lerp(tokens[1], t))
        assert same.tokens is not None
        assert same.mask is not None
        assert torch.equal(moved.tokens, same.tokens)
        assert torch.equal(moved.mask, same.mask)
    half = blend(bare, replace(other, mask=torch.tensor([[True, True, False, False, False]])), 0.5, 1)
    torch.testing.assert_close(half.mask, torch.tensor([[1.0, 1.0, 0.5, 0.5, 0.5]]))


def test_frames_of_one_batch_have_a_mask_each_the_ends_too() -> None:
    tokens = torch.randn(2, 1, 5, 3, generator=torch.Generator().manual_seed(0))
    frames = Cond.cat([blend(Cond(tokens=tokens[0]), Cond(tokens=tokens[1]), t, 1) for t in (0.0, 0.5, 1.0)])
    assert frames.mask is not None
    assert frames.mask.shape == (3, 5)
    assert (frames.mask == 1).all()


def test_what_only_one_of_two_has_is_refused_and_never_left_out() -> None:
    text, none = Cond(tokens=torch.ones(1, 5, 3)), Cond(label=torch.tensor([0]))
    with pytest.raises(ValueError, match="one has tokens and the other has none"):
        blend(text, none, 0.5, 1)
    with pytest.raises(ValueError, match="one has pooled and the other has none"):
        blend(replace(text, pooled=torch.ones(1, 4)), text, 0.5, 1)
    with pytest.raises(ValueError, match="must have the same parts"):
        Cond.cat([text, replace(text, pooled=torch.ones(1, 4))])


def test_one_and_the_same_condition_stays_as_it_is(session: Session, make: Make) -> None:
    a, _, classes = conditions(session, make())
    same = blend(a, replace(a), 0.4, classes)
    assert same.mask is a.mask
    assert same.label is a.label


# frames of a net


@pytest.mark.parametrize("draft", [{}, {"sampler": "ddpm"}, {"threshold": "dynamic"}, {"guidance": 1.0}], ids=str)
def test_end_frames_are_the_keys_own_pictures_to_the_bit(session: Session, make: Make, draft: dict[str, Any]) -> None:
    """Also under a sampler that draws noise: what it draws goes along the sphere too."""
    keys = (Key(seed=3, prompt="rocket", label="round"), Key(seed=4, prompt="rocket", label="round"))
    morph = make(draft, keys=keys, frames=2)
    generated = own(session, *(morph.request_of(key) for key in keys))
    for frame, picture in zip(pictures(session, morph), generated, strict=True):
        np.testing.assert_array_equal(frame, picture)


def test_with_other_words_at_each_key_the_ends_are_still_their_pictures(session: Session, make: Make) -> None:
    morph = make(frames=AT_ONCE + 3)
    frames = pictures(session, morph)
    for frame, key in ((frames[0], morph.keys[0]), (frames[-1], morph.keys[1])):
        alone = own(session, morph.request_of(key))[0]
        assert np.mean(np.abs(frame.astype(int) - alone) <= 1) > 0.999


def test_the_second_stage_draws_the_ends_as_it_draws_the_keys(cascade: ModelInfo) -> None:
    session = Session("cpu", [cascade])
    request = resolve(Draft.for_model(cascade, seed=1), cascade)
    keys = (Key(seed=3, label="round"), Key(seed=4, label="square"))
    morph = Morph(request=request, keys=keys, frames=3)
    frames = pictures(session, morph)
    assert all(frame.shape == (64, 64, 3) for frame in frames)
    for frame, key in ((frames[0], keys[0]), (frames[-1], keys[1])):
        alone = own(session, morph.request_of(key))[0]
        assert np.mean(np.abs(frame.astype(int) - alone) <= 1) > 0.999


def test_an_encoded_picture_returns_with_its_error(known: Session, make: Make) -> None:
    """Of a model that is known; 12 real renders are in test_morph_real.py."""
    rgb = np.random.default_rng(0).integers(60, 220, (16, 16, 3), dtype=np.uint8)
    keys = (Key(picture=digest(rgb)), Key(seed=4))
    morph = make({"sampler": "heun", "steps": 80}, keys=keys, frames=3)
    news = list(known.perform(Morphing(morph, {digest(rgb): rgb})))
    first, middle, last = (one for one in news if isinstance(one, MorphFrame))
    assert first.psnr == psnr(first.rgb, rgb, peak=255)
    assert first.psnr > 45
    assert middle.psnr is last.psnr is None


def test_encoded_keys_have_no_guidance_and_it_rises_towards_seeds(make: Make) -> None:
    keys = (Key(picture="0" * 64), Key(seed=4), Key(picture="0" * 64, guidance=2.0))
    morph = make({"guidance": 5.0}, keys=keys, frames=5, easing="linear")
    assert [morph.guidance_at(place) for place in morph.places()] == [1.0, 3.0, 5.0, 3.5, 2.0]
    assert replace(morph, way="mix", at=1.0).guidance_of(keys[0]) == 5.0  # nothing is encoded


def test_the_mixed_way_is_the_flow_of_the_mixture_and_its_noise_is_shared(known: Session, make: Make) -> None:
    a, b = np.full((16, 16, 3), 60, np.uint8), np.full((16, 16, 3), 180, np.uint8)
    keys = (Key(picture=digest(a)), Key(picture=digest(b)))
    morph = make({"sampler": "heun", "steps": 80}, keys=keys, way="mix", at=0.8, frames=5, easing="linear")
    generated = np.stack(pictures(known, morph, {digest(a): a, digest(b): b}))
    x0 = torch.linspace(60, 180, 5).reshape(5, 1, 1, 1) / 127.5 - 1
    x = x0 + 0.8 * Noise([9]).normal(torch.empty(1, 3, 16, 16))
    exact = MEAN + (x - MEAN) * (VARIANCE / (VARIANCE + 0.8**2)) ** 0.5
    rgb = ((exact.clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).numpy()
    assert np.abs(generated - rgb).max() < 1.5


def test_the_norms_of_both_paths_are_sent_before_the_frames(session: Session, make: Make) -> None:
    news = list(session.perform(Morphing(make(frames=5, easing="linear"), {})))
    norms = next(one for one in news if isinstance(one, Norms))
    assert news.index(norms) < next(n for n, one in enumerate(news) if isinstance(one, MorphFrame))
    assert norms.slerp[2] == pytest.approx((norms.slerp[0] + norms.slerp[-1]) / 2)
    assert norms.linear[2] == pytest.approx(0.5**0.5, abs=0.05)
    assert norms.linear[0] == norms.slerp[0]


def test_the_price_equals_the_net_calls(session: Session, make: Make) -> None:
    rgb = np.full((16, 16, 3), 90, np.uint8)
    picture = Key(picture=digest(rgb))
    for choices in (
        {},
        {"keys": (picture, Key(seed=4))},
        {"keys": (picture, replace(picture, seed=5))},
        {"way": "mix", "at": 2.0},
        {"keys": (picture, Key(seed=4)), "way": "mix", "at": 2.0},
        {"frames": AT_ONCE + 3, "keys": (Key(seed=1, guidance=1.0), Key(seed=2), Key(seed=3, guidance=1.0))},
    ):
        morph = make(**choices)
        model: Any = session.model(morph.request)
        seen = Counting(model.denoiser)
        session.models.put(session.info(morph.request.model), replace(model, denoiser=seen))
        last = [one for one in session.perform(Morphing(morph, {digest(rgb): rgb})) if isinstance(one, MorphProgress)][
            -1
        ]
        session.models.put(session.info(morph.request.model), model)
        assert seen.pictures == price(morph).calls == last.done == last.total, choices


class Counting:
    def __init__(self, d: Any) -> None:
        self.d, self.pictures = d, 0

    def __call__(self, x: torch.Tensor, sigma: Any, cond: Cond | None = None) -> torch.Tensor:
        self.pictures += len(x)
        generated: torch.Tensor = self.d(x, sigma, cond)
        return generated


def test_cancel_acts_between_two_calls_and_keeps_the_sent_frames(session: Session, make: Make) -> None:
    calls = 0

    def cancelled() -> bool:
        nonlocal calls
        calls += 1
        return calls > 7

    events: list[object] = []
    with pytest.raises(Cancelled):
        events.extend(session.perform(Morphing(make(frames=AT_ONCE + 2), {}), cancelled))
    assert calls == 8
    assert [one.index for one in events if isinstance(one, MorphFrame)] == list(range(AT_ONCE))


# settings


def test_a_morph_comes_back_from_its_json(make: Make) -> None:
    morph = make({"sampler": "heun"}, way="mix", at=1.5, loop="back", easing="out", rate=24)
    assert Morph.from_json(morph.to_json()) == morph
    assert morph.to_json().isascii()
    for bad in ("", "[]", "{}", morph.to_json().replace('"format":1', '"format":7'),
                morph.to_json().replace('"frames":5', '"frames":"five"')):  # fmt: skip
        with pytest.raises(RequestError):
            Morph.from_json(bad)


def test_an_impossible_morph_gives_one_sentence(session: Session, make: Make) -> None:
    picture = Key(picture="0" * 64)
    one = make().keys[0]
    for choices, words in (
        ({"keys": (one,)}, "2 to 32 key frames"),
        ({"frames": 1}, "1 frames are not possible"),
        ({"frames": 601}, "choose 2 to 600"),
        ({"rate": 0}, "frames a second"),
        ({"easing": "bouncy"}, "no easing “bouncy”"),
        ({"loop": "x"}, "no loop"),
        ({"way": "x"}, "no way"),
        ({"way": "mix"}, "not at 0"),
        ({"way": "mix", "at": 1e9}, "up to 80, not"),
        ({"at": 1.0}, "needs the mixed way"),
        ({"keys": (picture, one), "draft": {"sampler": "ddpm"}}, "draws no noise"),
        ({"keys": (replace(one, seed=-1), one)}, "A seed must lie"),
        ({"keys": (replace(one, temperature=0.0), one)}, "temperature"),
    ):
        with pytest.raises(RequestError, match=words) as caught:
            make(**choices)
        assert str(caught.value).endswith(".")
    with pytest.raises(MorphError, match="is missing"):
        pictures(session, make(keys=(picture, one)))
    with pytest.raises(MorphError, match="must have the model's size, 16×16"):
        pictures(session, make(keys=(picture, one)), {picture.picture: np.zeros((8, 16, 3), np.uint8)})
    with pytest.raises(MorphError, match="has no label “oval”"):
        pictures(session, make(keys=(one, replace(one, label="oval"))))


def test_a_place_at_an_end_is_its_key() -> None:
    assert Place(1, 2, 0.0).key == 1
    assert Place(1, 2, 1.0).key == 2
    assert Place(1, 2, 0.5).key is None
