"""CLIP scores of runs, nearest words, and sweeps: exact on a small CLIP, sent in parts, cancelled on request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.jobs.score import Concepts, Look, Score, StepScores, clip_aims, rank_images, vocabulary
from engine.jobs.sweep import Sweep, SweepPoint, SweepStep, pareto_indices, spaced_values
from engine.run import Cancelled
from engine.session import Session
from engine.spec.catalog import ModelInfo, embedded_models
from engine.spec.draft import Draft, resolve
from engine.spec.edit import digest
from engine.spec.guides import Aim, ClipGuide
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from tests.engine.fake_clips import TinyClip, library

RED = np.full((8, 6, 3), (255, 0, 0), np.uint8)
AIMS = (Aim("a cat", weight=3.0), Aim(image=digest(RED), weight=-1.0))
GUIDE = ClipGuide(clip="c", aims=AIMS, scale=30.0, cutouts=2)


@pytest.fixture
def session(tiny_model: ModelInfo) -> Session:
    return Session("cpu", [tiny_model], library())


@pytest.fixture
def request_(tiny_model: ModelInfo) -> Request:
    return resolve(Draft.for_model(tiny_model, prompt="red", seed=7, batch=3, steps=4, guides=(GUIDE,)), tiny_model)


@pytest.fixture
def path(session: Session, request_: Request, tmp_path: Path) -> Path:
    for _ in session.generate(request_, tmp_path / "run", aims=(RED,)):
        pass
    return tmp_path / "run"


def expected(x0: np.ndarray) -> np.ndarray:
    clip = TinyClip(dtype=torch.float32)
    red = torch.tensor([1.0, -1.0, -1.0]).reshape(1, 3, 1, 1).expand(1, 3, 8, 8)
    seen = clip.image(torch.from_numpy(x0.copy()).clamp(-1, 1))
    score: np.ndarray = ((3 * seen @ clip.text(["a cat"]).T - seen @ clip.image(red).T) / 4)[:, 0].numpy()
    return score


def test_every_step_of_a_run_is_scored_guided_and_raw(session: Session, path: Path) -> None:
    told: list[Any] = [*session.perform(Score(path=path, clip="c", aims=AIMS))]
    assert [scores.k for scores in told] == list(np.cumsum([0, *(len(scores.guided) for scores in told)])[:-1])
    guided, raw = (np.concatenate([getattr(scores, name) for scores in told]) for name in ("guided", "raw"))
    reader = RunReader(path)
    for k in range(4):
        np.testing.assert_allclose(guided[k], expected(reader.x0(k)), atol=1e-5)
        np.testing.assert_allclose(raw[k], expected(reader.x0_raw(k)), atol=1e-5)
    assert not np.allclose(guided, raw)
    part: Any
    (part,) = [*session.perform(Score(path=path, clip="c", aims=AIMS, start=2, stop=3))]
    assert (part.k, part.guided.shape) == (2, (1, 3))
    np.testing.assert_array_equal(part.guided[0], guided[2])
    assert [*session.perform(Score(path=path, clip="c", aims=AIMS, start=4))] == []


def test_scores_are_sent_at_most_thirty_times_a_second(
    session: Session, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.guidance.scoring.TOLD_EVERY", -1.0)
    assert len([*session.perform(Score(path=path, clip="c", aims=AIMS))]) == 4
    monkeypatch.setattr("engine.guidance.scoring.TOLD_EVERY", 1e9)
    assert len([*session.perform(Score(path=path, clip="c", aims=AIMS))]) == 1


def test_the_best_image_comes_first() -> None:
    assert rank_images(np.array([0.1, 0.7, 0.7, -0.2], np.float32)) == (1, 2, 0, 3)


def test_the_nearest_words_of_a_picture(session: Session, path: Path) -> None:
    words = ("a cat", "blue", "noise", "a dog", "tea")
    (seen,) = session.perform(Look(path=path, k=3, image=1, clip="c", vocabulary=words, count=3))
    assert isinstance(seen, Concepts)
    clip = TinyClip(dtype=torch.float32)
    picture = torch.from_numpy(RunReader(path).x0(3)[1:2].copy()).clamp(-1, 1)
    cosines = (clip.image(picture) @ clip.text(words).T)[0].numpy()
    order = np.argsort(-cosines)[:3]
    assert seen.names == tuple(words[k] for k in order)
    np.testing.assert_allclose(seen.cosines, cosines[order], atol=1e-5)
    raw: Any
    (raw,) = session.perform(Look(path=path, k=0, image=1, clip="c", vocabulary=words, raw=True))
    assert len(raw.names) == 5
    for k, image in ((4, 0), (0, 3), (-1, 0)):
        with pytest.raises(RequestError, match="has no image"):
            next(session.perform(Look(path=path, k=k, image=image, clip="c", vocabulary=words)))
    with pytest.raises(RequestError, match="no words to compare with"):
        next(session.perform(Look(path=path, k=0, image=0, clip="c", vocabulary=())))


def test_a_vocabulary_holds_the_names_of_the_models_judge() -> None:
    known = {info.id: vocabulary(info) for info in embedded_models()}
    assert len(known["emoji"]) == 511
    assert "red heart" in known["emoji"]
    assert len(known["fashion"]) == 10


def test_a_run_is_scored_by_its_guides_aims_or_its_prompt(request_: Request) -> None:
    assert clip_aims(request_) == AIMS
    assert clip_aims(replace(request_, guides=())) == (Aim("red"),)
    assert clip_aims(replace(request_, guides=(), prompt="")) == ()


def sweep(request: Request, **choices: object) -> Sweep:
    plain = {"over": "scale", "values": (0.0, 10.0, 200.0), "clip": "c", "aims": AIMS, "pictures": (RED,)}
    return Sweep(request=request, **plain | choices)  # type: ignore[arg-type]


def test_a_sweep_draws_the_same_seeds_at_every_value(
    session: Session, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.guidance.sweeping.TOLD_EVERY", -1.0)
    news = [*session.perform(sweep(request_))]
    points = [told for told in news if isinstance(told, SweepPoint)]
    counts = [told for told in news if isinstance(told, SweepStep)]
    assert [told.done for told in counts] == [*range(1, 13)]
    assert {told.total for told in counts} == {12}
    assert [point.value for point in points] == [0, 10, 200]
    for point in points:
        assert point.request.guides[0].scale == point.value
        assert point.request.seeds == request_.seeds
        *_, last = session.generate(point.request, aims=(RED,))
        assert (session.picture(point.request, last.move.x) == point.rgb).all()
        seen = point.rgb.transpose(0, 3, 1, 2) / np.float32(127.5) - 1
        np.testing.assert_allclose(point.scores, expected(seen), atol=1e-4)
        assert 0 < point.diversity < 2
        assert point.strain > 0
    places = pareto_indices(points)
    assert list(places) == sorted(places, key=lambda k: points[k].strain)
    assert max(range(3), key=lambda k: points[k].score) in places


def test_a_sweep_over_guidance_changes_gamma_alone(session: Session, request_: Request) -> None:
    job = sweep(replace(request_, guides=()), over="guidance", values=(1.0, 4.0))
    points = [told for told in session.perform(job) if isinstance(told, SweepPoint)]
    assert [point.request for point in points] == [replace(request_, guides=(), guidance=g) for g in (1.0, 4.0)]
    one = replace(request_, guides=(), seeds=(7,))
    (alone,) = [t for t in session.perform(sweep(one, over="guidance", values=(2.0,))) if isinstance(t, SweepPoint)]
    assert np.isnan(alone.diversity)


def test_a_sweep_draws_without_the_second_stage_and_names_it(cascade: ModelInfo) -> None:
    here = Session("cpu", [cascade], library())
    request = resolve(Draft.for_model(cascade, prompt="red", seed=7, guides=(GUIDE,)), cascade)
    (point,) = [t for t in here.perform(sweep(request, values=(5.0,))) if isinstance(t, SweepPoint)]
    assert point.rgb.shape == (1, 16, 16, 3)
    assert point.request.enlargement == request.enlargement
    early = resolve(Draft.for_model(cascade, prompt="red", seed=7, guides=(GUIDE,), truncated=True), cascade)
    (point,) = [t for t in here.perform(sweep(early, values=(5.0,))) if isinstance(t, SweepPoint)]
    assert point.rgb.shape == (1, 64, 64, 3), "the first stage's own picture is not finished"


def test_an_impossible_sweep_raises_one_sentence(request_: Request) -> None:
    for choices, says in (
        ({"values": ()}, "1 to 32 values"),
        ({"over": "steps"}, "no sweep over “steps”"),
        ({"guide": 1}, "no such guide"),
        ({"values": (-1.0,)}, "scale λ"),
        ({"over": "guidance", "values": (float("nan"),)}, "guidance must lie"),
    ):
        with pytest.raises(RequestError, match=says):
            sweep(request_, **choices).requests()
    with pytest.raises(RequestError, match="goes from one number up"):
        spaced_values(3.0, 1.0, 4)
    assert spaced_values(1.0, 100.0, 3) == (1.0, 10.0, 100.0)
    assert spaced_values(0.0, 3.0, 4) == (0.0, 1.0, 2.0, 3.0)


def test_scores_and_sweeps_stop_between_two_calls(session: Session, request_: Request, path: Path) -> None:
    words = ("a cat", "blue")
    for job in (
        Score(path=path, clip="c", aims=AIMS),
        Look(path=path, k=0, image=0, clip="c", vocabulary=words),
        sweep(request_),
    ):
        with pytest.raises(Cancelled):
            [*session.perform(job, lambda: True)]
    assert {type(told) for told in session.perform(Score(path=path, clip="c", aims=AIMS))} == {StepScores}
