"""Variations, several samples from one shared x_t: their law, their origin in the run file, resuming."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.__main__ import main
from engine.noise import Noise
from engine.oracle import Gaussian
from engine.paths import descending
from engine.pictures.png import read_parent, read_settings
from engine.rules import RULES, menu
from engine.run import run
from engine.schedules import grid
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve, vary
from engine.spec.request import Request, RequestError
from engine.store import RunReader, StoreError
from engine.types import Step
from tests.engine.closed_form import MEAN, VARIANCE, NormalModel, normal
from tests.engine.probe import exact_law

pytestmark = pytest.mark.usefixtures("two_threads")

F64 = torch.float64
ROOT = Path(__file__).parents[2]
K = 20  # the step whose state is shared


@pytest.fixture
def session(tiny_model: ModelInfo) -> Session:
    made = Session("cpu", [tiny_model])
    made.models.put(tiny_model, NormalModel(tiny_model.sha256))
    return made


def last(steps: Iterator[Step]) -> Tensor:
    *_, final = steps
    return final.move.x


def parent(session: Session, info: ModelInfo, folder: Path, **choices: object) -> tuple[Path, Request]:
    draft = Draft.for_model(info, prompt="red apple", label="round", seed=7, batch=2, steps=40)
    request = resolve(replace(draft, **choices), info)  # type: ignore[arg-type]
    path = folder / "parent.twrun"
    last(session.generate(request, path))
    return path, request


def test_the_samples_have_the_posterior_of_the_shared_state(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    """p(x0 | x_t) of a Gaussian in closed form: 64 pictures of 768 pixels, in many steps."""
    path, request = parent(session, tiny_model, tmp_path)
    s, x_t = request.sigmas[K], torch.from_numpy(RunReader(path).x(K)[1].copy())
    many = vary(request, K, 1, 64, tiny_model, "ddpm", steps=300)
    x0 = last(session.fork(path, K, many, share=1))
    mean = MEAN + VARIANCE / (VARIANCE + s**2) * (x_t - MEAN)
    variance = VARIANCE * s**2 / (VARIANCE + s**2)
    rest = (x0 - mean).double()
    assert abs(rest.mean()) < 4 * (variance / rest.numel()) ** 0.5
    assert rest.pow(2).mean().item() == pytest.approx(variance, rel=0.01 + 4 * (2 / rest.numel()) ** 0.5)
    one = rest.flatten(1)
    between = (one @ one.T / one.shape[1])[~torch.eye(64, dtype=torch.bool)]  # given x_t they are independent
    assert abs(between.mean()) < 4 * variance * (2 / (64 * 63 * one.shape[1])) ** 0.5


def test_the_exact_law_of_few_steps_is_its_recursion_and_of_many_the_posterior() -> None:
    """The affine probe from a start without spread, on two pixels that are correlated."""
    cov = torch.tensor([[1.0, 0.6], [0.6, 0.5]], dtype=F64)
    d = Gaussian(torch.tensor([0.5, -1.0], dtype=F64), cov)
    x_t, s = torch.tensor([1.5, 0.2], dtype=F64), 0.8
    gain = cov @ torch.linalg.inv(cov + s**2 * torch.eye(2, dtype=F64))
    errors = []
    for n in (100, 200, 400):
        mean, spread = exact_law(d, descending(grid("log", n, s, 1e-4)), RULES["ddpm"], x_t, 0.0)
        torch.testing.assert_close(mean, d(x_t[None], s)[0], rtol=0, atol=2 / n)
        errors.append((spread - (cov - gain @ cov)).norm().item())
    assert errors[2] < 0.02
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.2)
    assert errors[1] / errors[2] == pytest.approx(2, abs=0.2)
    v, sigmas = 0.0, grid("log", 5, s, 0.05)
    for a, b in pairwise(sigmas):
        v = ((0.25 + b**2) / (0.25 + a**2)) ** 2 * v + b**2 * (a**2 - b**2) / a**2
    one = Gaussian(torch.zeros(1, dtype=F64), torch.tensor([[0.25]], dtype=F64))
    _, few = exact_law(one, descending(sigmas), RULES["ddpm"], torch.ones(1, dtype=F64), 0.0)
    assert few.item() == pytest.approx(v, rel=1e-12)


@pytest.mark.parametrize("name", [name for name, rule in menu().items() if not rule.stochastic])
def test_a_sampler_that_draws_no_noise_gives_one_picture_many_times(
    name: str, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    path, request = parent(session, tiny_model, tmp_path, sampler=name)
    same = replace(request, seeds=(1, 2, 3))
    x0 = last(session.fork(path, K, same, share=0))
    assert torch.equal(x0, x0[:1].expand_as(x0))
    assert np.array_equal(x0[0], RunReader(path).next(39)[0])  # its history is kept: the parent's own end


@pytest.mark.parametrize("name", ["ddpm", "dpmpp-2m-sde", "pc-hmc"])
def test_with_the_parents_own_seed_and_sampler_the_first_sample_is_the_parents_picture(
    name: str, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    path, request = parent(session, tiny_model, tmp_path, sampler=name)
    shared = vary(request, K, 1, 3, tiny_model)
    assert shared.seeds == (8, 9, 10)
    x0 = last(session.fork(path, K, shared, share=1))
    assert np.array_equal(x0[0], RunReader(path).next(39)[1])
    assert not torch.equal(x0[0], x0[1])


@pytest.mark.parametrize("sampler", ["ddpm", "dpmpp-2m-sde"])
def test_the_file_names_the_origin_of_its_state_and_resumes_without_the_parent(
    sampler: str, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    """Torn after its start, after some steps, and in its start: the same bits, or a sentence."""
    path, request = parent(session, tiny_model, tmp_path, sampler=sampler)
    shared = vary(request, K, 1, 3, tiny_model, sampler)
    child = tmp_path / "child.twrun"
    x0 = last(session.fork(path, K, shared, child, share=1))
    reader = RunReader(child)
    assert reader.header["parent"] == {"run": "parent", "step": K, "image": 1}
    assert reader.request == shared
    assert [info.i for info in reader.steps] == list(range(K, 40))
    x_t = RunReader(path).x(K)[1]
    assert all(np.array_equal(row, x_t) for row in reader.start()[0])
    by_hand = run(
        normal, descending(shared.sigmas), RULES[sampler], torch.from_numpy(reader.start()[0].copy()),
        Noise(shared.seeds), past=session._history(reader.start()[1]), start=K,
    )  # fmt: skip
    assert torch.equal(last(by_hand), x0)
    again = last(session.fork(child, 10))  # a step of the child is its own, like that of any run
    assert torch.equal(again, x0)
    path.unlink()
    whole = child.read_bytes()
    for upto in (b'{"kind":"end"', b'{"kind":"step","i":33', b'{"kind":"step","i":20'):
        child.write_bytes(whole[: whole.index(upto) - 1])
        assert RunReader(child).ended is None
        list(session.go_on(child))
        assert np.array_equal(RunReader(child).next(19), x0)
        assert RunReader(child).ended == "finished"
        assert [info.i for info in RunReader(child).steps] == list(range(K, 40))
    child.write_bytes(whole[: whole.index(b'{"kind":"start"') - 1])
    with pytest.raises(StoreError, match="before its first state"):
        session.go_on(child)


def test_an_impossible_variation_raises_one_sentence(session: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    path, request = parent(session, tiny_model, tmp_path)
    with pytest.raises(RequestError, match="draws no noise, so all pictures would be the same: choose one of ddpm"):
        vary(request, K, 0, 4, tiny_model, "heun")
    with pytest.raises(RequestError, match="no sampler “magic”"):
        vary(request, K, 0, 4, tiny_model, "magic")
    for i, image in ((40, 0), (0, 2), (-1, 0)):
        with pytest.raises(RequestError, match="no image"):
            vary(request, i, image, 4, tiny_model)
    with pytest.raises(RequestError, match="batch of 100"):
        vary(request, K, 0, 100, tiny_model)
    with pytest.raises(RequestError, match="choose 0 < sigma_min"):
        vary(request, 39, 0, 4, tiny_model, steps=2)
    with pytest.raises(RequestError, match="has no step 40: choose 0 to 39"):
        session.fork(path, 40)
    with pytest.raises(RequestError, match="has no image 2: choose 0 to 1"):
        session.fork(path, K, share=2)
    with pytest.raises(RequestError, match="holds 2 images"):
        session.fork(path, K, replace(request, seeds=(1, 2, 3)))
    other = resolve(Draft.for_model(tiny_model, steps=30, batch=2), tiny_model)
    with pytest.raises(RequestError, match="does not start at the stored noise level"):
        next(session.fork(path, K, other))


def test_fewer_or_more_steps_may_be_left_and_the_rest_is_as_it_was(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    _, request = parent(session, tiny_model, tmp_path, guidance=2.0, temperature=0.9)
    shared = vary(request, K, 0, 2, tiny_model, steps=5)
    assert shared.sampler == "ddpm"
    assert shared.sigmas[: K + 1] == request.sigmas[: K + 1]
    assert (shared.steps, shared.sigmas[-2:]) == (K + 5, (0.02, 0.0))
    assert shared.evaluations == K + 5
    assert (shared.prompt, shared.label, shared.guidance, shared.temperature) == ("red apple", "round", 2.0, 0.9)
    assert vary(request, 39, 0, 2, tiny_model, steps=1).sigmas == request.sigmas


def test_the_vary_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out, kept = tmp_path / "apple.twrun", tmp_path / "like.png", tmp_path / "like.twrun"
    words = ["red apple", "--steps", "6", "--seed", "3", "--batch", "2"]
    assert main(["generate", *words, "--out", str(tmp_path / "apple.png"), "--run-file", str(path)]) == 0
    capsys.readouterr()
    more = ["--step", "3", "--image", "1", "--count", "3", "--out", str(out), "--run-file", str(kept), "--json"]
    assert main(["vary", str(path), *more]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert [p["seed"] for p in facts["pictures"]] == [4, 5, 6]
    assert facts["request"]["sampler"] == "ddpm"
    reader = RunReader(kept)
    assert reader.header["parent"] == {"run": "apple", "step": 3, "image": 1}
    shown = []
    for k in range(3):
        request = read_settings(tmp_path / f"like-{k}.png")
        assert request is not None
        assert request.seeds == (4 + k,)
        assert read_parent(tmp_path / f"like-{k}.png") == reader.header["parent"]
        with Image.open(tmp_path / f"like-{k}.png") as image:
            shown.append(np.asarray(image))
        finished = reader.picture()
        assert finished is not None
        np.testing.assert_array_equal(shown[k], finished[k])
        small = shown[k].reshape(32, 4, 32, 4, 3).mean((1, 3))
        final = (reader.next(2)[k].clip(-1, 1) + 1).transpose(1, 2, 0) * 127.5
        assert np.abs(small - final).mean() < 8  # drawn larger from what the steps ended with
    assert not np.array_equal(shown[0], shown[1])
    for words, says in (
        (["--step", "6"], "has no step 6. Its steps: 0 to 5"),
        (["--step", "3", "--image", "2"], "no image 2"),
        (["--step", "3", "--count", "65"], "batch of 65"),
        (["--step", "3", "--out", "a.jpg"], "end the name in .png"),
    ):
        assert main(["vary", str(path), *words]) == 2
        refused = capsys.readouterr().err
        assert says in refused
        assert len(refused.strip().splitlines()) == 1
