"""Cascades: the second stage enlarges the first stage's picture with the exact law, and stores the large picture."""

from __future__ import annotations

import json
import threading
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine import models
from engine.cascade import enlarge
from engine.models import ModelError
from engine.noise import Noise
from engine.oracle import Gaussian
from engine.run import Cancelled
from engine.schedules import VE, grid
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve, vary
from engine.spec.request import Enlargement, Request, RequestError
from engine.store import RunReader, StoreError, append_picture
from engine.train.export import add_stage
from engine.types import Cond, SecondStage, Sigma

SIDE, FACTOR = 2, 2
LEVELS = tuple(float(s) for s in grid("log", 24, 80, 0.005))


class Given:
    """D(x, σ | z, s) where large pictures x0 and small ones A·x0 are jointly Gaussian: exact by conditioning on z."""

    def __init__(self, cov: Tensor, shrink: Tensor) -> None:
        self.cov, self.shrink = cov, shrink
        self.laws: dict[float, tuple[Tensor, Gaussian]] = {}

    def law(self, s: float) -> tuple[Tensor, Gaussian]:
        """Given z = A·x0 + s·n: the gain that takes z to the mean of x0, and the law of x0 around that mean."""
        if s not in self.laws:
            noise = s**2 * torch.eye(len(self.shrink), dtype=torch.float64)
            gain = self.cov @ self.shrink.T @ torch.linalg.inv(self.shrink @ self.cov @ self.shrink.T + noise)
            cov = self.cov - gain @ self.shrink @ self.cov
            self.laws[s] = gain, Gaussian(torch.zeros(len(cov), dtype=torch.float64), cov)
        return self.laws[s]

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        assert cond is not None
        assert cond.image is not None
        assert cond.level is not None
        gain, around = self.law(float(cond.level[0]))
        mean = cond.image.flatten(1).double() @ gain.T
        return (around(x.flatten(1) - mean, sigma) + mean).view_as(x)


def joint() -> Given:
    """Large pictures of 4×4 values, strongly correlated, and their 2×2 block means."""
    side = SIDE * FACTOR
    place = torch.cartesian_prod(torch.arange(side), torch.arange(side)).double()
    cov = torch.exp(-torch.cdist(place, place) / 2)
    shrink = torch.zeros(SIDE**2, side**2, dtype=torch.float64)
    for k, (row, column) in enumerate(place.long().tolist()):
        shrink[row // FACTOR * SIDE + column // FACTOR, k] = 1 / FACTOR**2
    return Given(cov, shrink)


@pytest.mark.parametrize("truncated", [False, True])
def test_augmented_or_truncated_the_large_pictures_follow_the_same_law(truncated: bool) -> None:
    """Small pictures from their exact law, or noisy ones as a first stage that stops at s leaves them."""
    exact, s, count = joint(), 0.5, 4000
    generator = torch.Generator().manual_seed(0)
    large = torch.randn(count, SIDE**2 * FACTOR**2, generator=generator, dtype=torch.float64)
    small = large @ torch.linalg.cholesky(exact.cov).T @ exact.shrink.T
    if truncated:
        small = small + s * torch.randn(small.shape, generator=generator, dtype=torch.float64)
    wanted = Enlargement(factor=FACTOR, sampler="dpmpp-2m", sigmas=LEVELS, level=s, truncated=truncated)
    stage = SecondStage(exact, VE(), FACTOR)
    z = small.view(count, 1, SIDE, SIDE)
    x = enlarge(stage, wanted, z, torch.zeros(1, dtype=torch.int64), Noise(range(count))).flatten(1)
    assert x.shape == (count, 16)
    # Drawn around z, large pictures have the law of large pictures: nothing is lost by the noise that was put in.
    assert (torch.cov(x.T) - exact.cov).abs().max() < 0.1
    assert x.mean(0).abs().max() < 0.06


def test_less_noise_in_the_small_picture_keeps_the_large_one_closer_to_it() -> None:
    exact = joint()
    small = torch.randn(500, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    far = []
    for level in (0.01, 0.3, 1.0):
        wanted = Enlargement(factor=FACTOR, sampler="dpmpp-2m", sigmas=LEVELS, level=level)
        stage = SecondStage(exact, VE(), FACTOR)
        x = enlarge(stage, wanted, small, torch.zeros(1, dtype=torch.int64), Noise(range(500)))
        far.append((x.flatten(1) @ exact.shrink.T - small.flatten(1)).square().mean().sqrt().item())
    assert far[0] < 0.03
    assert far[0] < far[1] < far[2]


def asked(info: ModelInfo, **choices: Any) -> Request:
    return resolve(Draft.for_model(info, prompt="apple", seed=3, batch=2, **choices), info)


def finished(session: Session, request: Request, run: Path | None = None) -> np.ndarray:
    *_, last = session.generate(request, run)
    rgb = session.picture(request, last.move.x)
    session.keep_picture(request, rgb, run)
    return rgb


def test_a_model_with_a_second_stage_draws_large_pictures_by_default(cascade: ModelInfo) -> None:
    session = Session("cpu", [cascade])
    request = asked(cascade)
    assert request.size == (64, 64)
    assert finished(session, request).shape == (2, 64, 64, 3)
    assert finished(session, asked(cascade, enlarge=False)).shape == (2, 16, 16, 3)


def test_the_same_request_gives_the_same_large_picture_alone_and_in_a_batch(cascade: ModelInfo) -> None:
    session, request = Session("cpu", [cascade]), asked(cascade)
    together = finished(session, request).astype(int)
    assert np.array_equal(together, finished(session, request))
    alone = finished(session, replace(request, seeds=request.seeds[1:]))[0]
    assert (np.abs(alone - together[1]) <= 1).mean() >= 0.999


def test_enlarging_a_picture_equals_a_first_stage_that_ends_in_it(cascade: ModelInfo) -> None:
    session, request = Session("cpu", [cascade]), asked(cascade)
    small = np.random.default_rng(2).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    ended = torch.from_numpy(small).permute(2, 0, 1)[None] / 127.5 - 1
    alone = replace(request, seeds=request.seeds[:1])
    assert np.array_equal(session.enlarge(request, small), session.picture(alone, ended)[0])
    assert not np.array_equal(session.enlarge(request, small), session.enlarge(request, 255 - small))


def test_a_picture_that_cannot_be_enlarged_is_refused(cascade: ModelInfo) -> None:
    session, request = Session("cpu", [cascade]), asked(cascade)
    with pytest.raises(RequestError, match=r"16×16, but this one has 20×16: resize it"):
        session.enlarge(request, np.zeros((16, 20, 3), np.uint8))
    for other in (asked(cascade, enlarge=False), asked(cascade, truncated=True)):
        with pytest.raises(RequestError, match="needs a whole second stage"):
            session.enlarge(other, np.zeros((16, 16, 3), np.uint8))
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        session.enlarge(request, np.zeros((16, 16, 3), np.uint8), stop.is_set)


def test_a_truncated_first_stage_stops_at_the_noise_level_of_the_second(cascade: ModelInfo) -> None:
    request = asked(cascade, truncated=True, level=0.4)
    assert request.sigmas[-1] == 0.4
    assert request.steps == 5
    assert finished(Session("cpu", [cascade]), request).shape == (2, 64, 64, 3)
    with pytest.raises(RequestError, match="must stop at the noise level"):
        replace(request, sigmas=(*request.sigmas[:-1], 0.0))


def test_the_finished_picture_is_stored_in_the_run(cascade: ModelInfo, tmp_path: Path) -> None:
    rgb = finished(Session("cpu", [cascade]), asked(cascade), tmp_path / "a.twrun")
    reader = RunReader(tmp_path / "a.twrun", verify=True)
    kept = reader.picture()
    assert kept is not None
    assert np.array_equal(kept, rgb)
    assert (reader.ended, len(reader.steps)) == ("finished", 5)
    finished(Session("cpu", [cascade]), asked(cascade, enlarge=False), tmp_path / "b.twrun")
    assert RunReader(tmp_path / "b.twrun").picture() is None


def test_a_run_torn_before_its_picture_reads_as_finished_without_it(cascade: ModelInfo, tmp_path: Path) -> None:
    session, request, path = Session("cpu", [cascade]), asked(cascade), tmp_path / "a.twrun"
    rgb = finished(session, request, path)
    whole = path.read_bytes()
    record = whole.rindex(b'{"kind":"picture"') - 16
    for cut in (record, record + 7, len(whole) - 1):
        path.write_bytes(whole[:cut])
        reader = RunReader(path)
        assert (reader.ended, len(reader.steps), reader.picture()) == ("finished", 5, None)
        with pytest.raises(StoreError, match="is finished: fork it"):
            session.go_on(path)
        session.keep_picture(request, session.picture(request, torch.from_numpy(reader.next(4).copy())), path)
        kept = RunReader(path, verify=True).picture()
        assert kept is not None
        assert np.array_equal(kept, rgb)


def test_appending_a_picture_after_a_damaged_step_cuts_nothing(cascade: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "a.twrun"
    *_, last = Session("cpu", [cascade]).generate(asked(cascade), path)
    data = bytearray(path.read_bytes())
    data[data.index(RunReader(path).x0(2).tobytes()) + 5] ^= 1
    path.write_bytes(data)
    append_picture(path, np.zeros((1, 2, 2, 3), np.uint8))
    reader = RunReader(path)
    assert (reader.ended, len(reader.steps)) == ("finished", 5)
    assert reader.picture() is not None
    assert np.array_equal(reader.next(4), last.move.x.numpy())


def test_variations_of_a_truncated_run_stop_at_its_level(cascade: ModelInfo) -> None:
    request = asked(cascade, truncated=True, level=0.4)
    shared = vary(request, 2, 0, 3, cascade, steps=4)
    assert shared.sigmas[:3] == request.sigmas[:3]
    assert (shared.steps, shared.sigmas[-1]) == (6, 0.4)
    with pytest.raises(RequestError, match="-1 steps are not possible"):
        vary(request, 2, 0, 3, cascade, steps=-1)


def test_the_second_stage_round_trips_in_the_settings_and_older_settings_have_none(cascade: ModelInfo) -> None:
    request = asked(cascade, truncated=True)
    assert Request.from_json(request.to_json()) == request
    assert resolve(Draft.of(request), cascade) == request
    old = request.to_dict() | {"sigmas": LEVELS}
    del old["enlargement"]
    assert Request.from_dict(old).enlargement is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 2.0}, "between 0 and 1"),
        ({"level": float("nan")}, "between 0 and 1"),
        ({"factor": 1}, "2 to 64 times"),
        ({"sigmas": (1.0, 2.0)}, "do not descend"),
        ({"sigmas": (1.0,)}, "takes 1 to 1000 steps"),
        ({"level": 0.0, "truncated": True}, "above 0 to stop at"),
    ],
)
def test_an_impossible_second_stage_is_refused(change: dict[str, Any], message: str) -> None:
    fine: dict[str, Any] = {"factor": 4, "sampler": "ddim", "sigmas": (1.0, 0.0), "level": 0.1, "truncated": False}
    with pytest.raises(RequestError, match=message):
        Enlargement(**(fine | change))


def test_damaged_settings_of_a_second_stage_are_refused(cascade: ModelInfo) -> None:
    data = asked(cascade).to_dict()
    for damage in ({"factor": "4"}, {"sampler": 3}, {"sigmas": None}, {"truncated": "yes"}):
        with pytest.raises(RequestError, match="damaged"):
            Request.from_dict(json.loads(json.dumps(data | {"enlargement": data["enlargement"] | damage})))


def test_a_model_without_a_second_stage_says_so(tiny_model: ModelInfo, cascade: ModelInfo) -> None:
    with pytest.raises(RequestError, match="has no second stage"):
        asked(tiny_model, enlarge=True)
    request = replace(asked(tiny_model), enlargement=asked(cascade).enlargement)
    with pytest.raises(RequestError, match="does not have this second stage"):  # before anything is drawn
        next(Session("cpu", [tiny_model]).generate(request))


def test_an_unknown_sampler_of_the_second_stage_is_refused_before_anything_is_drawn(cascade: ModelInfo) -> None:
    request = asked(cascade)
    assert request.enlargement is not None
    request = replace(request, enlargement=replace(request.enlargement, sampler="magic"))
    with pytest.raises(RequestError, match="no sampler “magic”"):
        next(Session("cpu", [cascade]).generate(request))


def test_enlarging_is_cancelled_between_two_net_calls(cascade: ModelInfo) -> None:
    session, request, stop = Session("cpu", [cascade]), asked(cascade), threading.Event()
    *_, last = session.generate(request)
    stop.set()
    with pytest.raises(Cancelled):
        session.picture(request, last.move.x, stop.is_set)


def test_a_damaged_second_stage_is_named(cascade: ModelInfo) -> None:
    path = cascade.folder / "upscaler.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"oops")
    with pytest.raises(ModelError, match=r"upscaler\.safetensors is damaged"):
        models.load(cascade, torch.device("cpu"))


def test_a_second_stage_needs_an_existing_model(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no model folder"):
        add_stage({}, {}, tmp_path)


def test_every_part_of_a_condition_is_batched() -> None:
    names = [field.name for field in fields(Cond)]
    cond = Cond(**{name: torch.full((1, 2), float(k)) for k, name in enumerate(names)})
    stacked = Cond.cat([cond.expand(3), cond])[2:]
    assert all(torch.equal(getattr(stacked, name), torch.full((2, 2), float(k))) for k, name in enumerate(names))
