"""Guided runs on a small net: under every kind of sampler and edit, refused, resumed to the bit from their file."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.plan import plan
from engine.run import Cancelled
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.cost import BACKWARD, CLASSIFIER, VIEW
from engine.spec.draft import Draft, resolve
from engine.spec.edit import Inputs, digest
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Guide, Law
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from tests.engine.fake_clips import TinyClassifier, TinyClip, library

pytestmark = pytest.mark.usefixtures("two_threads")

RED = np.full((8, 6, 3), (255, 0, 0), np.uint8)
CLIP = ClipGuide(clip="c", aims=(Aim("a cat", weight=1.5), Aim("blue", weight=-0.5)), scale=20.0, cutouts=3)
PICTURED = replace(CLIP, aims=(Aim(image=digest(RED)),))
CLASS = ClassGuide(classifier="k", label="square", scale=5.0)
GUIDES: dict[str, tuple[Guide, ...]] = {
    "clip": (CLIP,),
    "picture": (PICTURED,),
    "class": (CLASS,),
    "class on x0": (replace(CLASS, on="x0"),),
    "both": (CLASS, replace(CLIP, law=Law.of("window", low=0.1, high=5.0), clip_gradient=0.2, smooth=0.1)),
}


def session(info: ModelInfo, **seers: Any) -> Session:
    return Session("cpu", [info], library(**seers))


def make_request(info: ModelInfo, *guides: Guide, **choices: Any) -> Request:
    return resolve(Draft.for_model(info, **{"prompt": "red", "seed": 7, "batch": 2, "guides": guides} | choices), info)


def ended(session_: Session, request: Request, **more: Any) -> torch.Tensor:
    *_, last = session_.generate(request, **more)
    return last.move.x


@pytest.mark.parametrize("name", GUIDES)
def test_guides_change_the_picture_and_the_raw_estimate_stays_beside(name: str, tiny_model: ModelInfo) -> None:
    here = session(tiny_model)
    request = make_request(tiny_model, *GUIDES[name])
    steps = [*here.generate(request, aims=(RED,))]
    plain = [*here.generate(replace(request, guides=()))]
    assert not torch.equal(steps[-1].move.x, plain[-1].move.x)
    assert torch.equal(steps[0].x0_raw, plain[0].x0_raw), "the same state, unguided"
    assert not torch.equal(steps[0].x0_raw, steps[0].move.x0)
    free = [*here.generate(replace(request, guidance=1.0), aims=(RED,))]
    assert not torch.equal(free[0].x0_raw, free[0].move.x0), "γ = 1 is still guided"


@pytest.mark.parametrize("guides", [(replace(CLIP, scale=0.0),), (replace(CLASS, scale=0.0), replace(CLIP, scale=0.0))])
def test_a_scale_of_zero_is_the_unguided_run_to_the_bit(guides: tuple[Guide, ...], tiny_model: ModelInfo) -> None:
    clip = TinyClip(dtype=torch.float32)
    here = session(tiny_model, clip=clip)
    request = make_request(tiny_model, *guides)
    plain = replace(request, guides=())
    assert torch.equal(ended(here, request), ended(here, plain))
    assert here.plan(request).price == here.plan(plain).price
    assert clip.read == 0


@pytest.mark.parametrize("sampler", ["ddim", "heun", "dpmpp-3m", "dpmpp-2m-sde", "pc", "unipc-2", "ddpm", "langevin"])
def test_a_guided_run_resumes_to_the_bit_from_its_file_alone(
    sampler: str, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    request = make_request(tiny_model, CLASS, CLIP, PICTURED, sampler=sampler, steps=5)
    whole = [*session(tiny_model).generate(request, aims=(RED,))]
    path = tmp_path / "run"
    begun = session(tiny_model).generate(request, path, aims=(RED,))
    for _ in range(3):
        next(begun)
    del begun  # a consumer that goes away: the file is left as it is
    *_, last = session(tiny_model).go_on(path)
    assert torch.equal(last.move.x, whole[-1].move.x)
    for k in range(5):
        assert np.array_equal(RunReader(path).x0(k), whole[k].move.x0.numpy())
    *_, forked = session(tiny_model).fork(path, 2)
    assert torch.equal(forked.move.x, whole[-1].move.x)


def test_a_fork_may_drop_guides_or_add_some(tiny_model: ModelInfo, tmp_path: Path) -> None:
    here, path = session(tiny_model), tmp_path / "run"
    request = make_request(tiny_model, PICTURED, steps=4)
    ended(here, request, run_path=path, aims=(RED,))
    *_, free = here.fork(path, 2, replace(request, guides=()), tmp_path / "free")
    assert RunReader(tmp_path / "free").aims() == ()
    blue = RED[..., ::-1].copy()
    other = replace(PICTURED, aims=(Aim(image=digest(blue)), *PICTURED.aims))
    *_, more = here.fork(path, 2, replace(request, guides=(other,)), tmp_path / "more", aims=(blue,))
    assert [picture[0, 0].tolist() for picture in RunReader(tmp_path / "more").aims()] == [[0, 0, 255], [255, 0, 0]]
    assert not torch.equal(free.move.x, more.move.x)
    with pytest.raises(RequestError, match="aim picture of these settings is missing"):
        next(here.fork(path, 2, replace(request, guides=(other,))))


@pytest.mark.parametrize("method", ["replacement", "repaint", "img2img"])
def test_an_edit_keeps_its_pixels_under_guides(method: str, tiny_model: ModelInfo) -> None:
    here = session(tiny_model)
    rng, mask = np.random.default_rng(0), np.zeros((16, 16), np.uint8)
    mask[4:12, 4:12] = 255
    given = Inputs(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), mask)
    draft = Draft.for_model(
        tiny_model, prompt="red", method=method, strength=0.5 if method == "img2img" else 1.0, steps=4, guides=(CLIP,)
    )
    request = resolve(draft, tiny_model, given)
    made, plain = (ended(here, r, inputs=given) for r in (request, replace(request, guides=())))
    assert not torch.equal(made, plain)
    if method != "img2img":
        source = torch.from_numpy(given.source.copy()).permute(2, 0, 1) / 127.5 - 1
        kept = torch.from_numpy(mask == 0)
        torch.testing.assert_close(made[0][:, kept], source[:, kept], rtol=0, atol=1e-6)


def test_an_image_is_guided_alike_alone_and_in_a_batch(tiny_model: ModelInfo) -> None:
    here, request = session(tiny_model), make_request(tiny_model, CLASS, CLIP, batch=3, sampler="ddpm")
    whole = next(here.generate(request)).move.x0
    for k, seed in enumerate(request.seeds):
        alone = next(here.generate(replace(request, seeds=(seed,)))).move.x0
        torch.testing.assert_close(alone[0], whole[k], rtol=0, atol=1e-4 * float(whole.abs().max()))


@pytest.mark.parametrize("threshold", ["static", "dynamic"])
def test_a_threshold_bounds_guided_runs(threshold: str, tiny_model: ModelInfo) -> None:
    request = make_request(tiny_model, replace(CLIP, scale=1e4), threshold=threshold)
    for step in session(tiny_model).generate(request):
        assert step.move.x0.abs().max() <= 1


def test_a_guided_run_stops_between_two_calls(tiny_model: ModelInfo, tmp_path: Path) -> None:
    stop = threading.Event()
    steps = session(tiny_model).generate(make_request(tiny_model, CLIP), tmp_path / "run", stop.is_set)
    next(steps)
    stop.set()
    with pytest.raises(Cancelled):
        next(steps)
    assert RunReader(tmp_path / "run").ended == "cancelled"


def test_an_unusable_guide_raises_one_sentence(tiny_model: ModelInfo) -> None:
    far = replace(CLASS, label="far")
    on_noise = replace(CLIP, on="xt", cutouts=1)
    for guide, seers, says in (
        (far, {}, "does not know “far”: choose one of round, square, long"),
        (on_noise, {}, "knows clean pictures only: let it look at x̂₀"),
        (on_noise, {"clip": TinyClip(noisy=True, side=8)}, "reads noisy pictures of 8×8 pixels, and “tiny” has 16×16"),
        (CLASS, {"classifier": TinyClassifier(side=32)}, "reads noisy pictures of 32×32"),
        (replace(CLIP, sha256="00" * 32), {}, "another version of “c”"),
        (replace(CLASS, sha256="00" * 32), {}, "another version of “k”"),
        (PICTURED, {}, "aim picture of these settings is missing"),
    ):
        with pytest.raises(RequestError, match=says):
            next(session(tiny_model, **seers).generate(make_request(tiny_model, guide)))
    with pytest.raises(RequestError, match="no guide library"):
        plan(make_request(tiny_model, CLIP), session(tiny_model).load(tiny_model))


def test_guides_are_priced_in_time_and_memory(tiny_model: ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    here = session(tiny_model)
    request = make_request(tiny_model, CLIP, steps=4)
    plain = replace(request, guides=())
    assert here.plan(plain).price.work == here.plan(plain).price.passes == 8
    assert here.plan(plain).price.graph_bytes == 0
    price = here.plan(request).price
    assert price.passes == 8
    assert price.work == pytest.approx(8 + 4 * (2 * BACKWARD + 3 * VIEW))
    free = replace(request, guides=(replace(CLIP, law=Law.of("window", low=1.0, high=1e4)),))
    assert 8 < here.plan(free).price.work < price.work
    assert here.plan(replace(request, guides=(CLASS,))).price.work == pytest.approx(8 + 4 * CLASSIFIER)
    two = here.plan(replace(request, seeds=(1, 2, 3, 4))).price
    assert two.graph_bytes == 2 * price.graph_bytes > 0
    monkeypatch.setattr("engine.guidance.compose.free_bytes", lambda device: price.graph_bytes)
    saved = here.plan(request)
    assert saved.meter.save
    assert saved.price.graph_bytes < price.graph_bytes
    monkeypatch.setattr("engine.guidance.compose.free_bytes", lambda device: saved.price.graph_bytes - 1)
    with pytest.raises(RequestError, match="generate fewer pictures at once, or choose fewer cutouts"):
        here.plan(request)
    here.save = False
    assert not here.plan(request).meter.save


@pytest.mark.parametrize("sampler", ["heun", "ddpm"])
def test_saving_memory_gives_the_same_pictures(sampler: str, tiny_model: ModelInfo) -> None:
    here = session(tiny_model)
    request = make_request(tiny_model, CLIP, PICTURED, sampler=sampler, steps=3)
    made = []
    for here.save in (False, True):
        made.append(ended(here, request, aims=(RED,)))
    assert torch.equal(*made)


def test_a_clip_that_knows_noise_guides_the_state_itself(tiny_model: ModelInfo) -> None:
    here = session(tiny_model, clip=TinyClip(noisy=True, side=16, dtype=torch.float32))
    request = make_request(tiny_model, replace(CLIP, on="xt", cutouts=1))
    assert not torch.equal(ended(here, request), ended(here, replace(request, guides=())))
