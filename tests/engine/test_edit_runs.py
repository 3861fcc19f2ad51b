"""Runs that edit a picture: kept pixels stay, the run file holds all that is needed, every step resumes to the bit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.cascade import enlarge
from engine.models.pixel import LUMA, PixelCodec
from engine.noise import ENLARGE, Noise
from engine.plan import pin, plan, to_state
from engine.schedules import VE, grid
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, resolve
from engine.spec.edit import Inputs, pool_mask
from engine.spec.request import Enlargement, Request, RequestError
from engine.store import RunReader, StoreError
from engine.types import SecondStage, Step
from tests.engine.closed_form import MEAN, VARIANCE, NormalModel, normal
from tests.engine.elsewhere import Elsewhere, finals_of_forks

pytestmark = pytest.mark.usefixtures("two_threads")

ROOT = Path(__file__).parents[2]
METHODS = ("replacement", "repaint", "img2img")


def inputs(side: int = 16, seed: int = 0) -> Inputs:
    """A noise picture, and a mask with kept, soft and free parts whose edges are not on the pixel grid."""
    rng = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    mask[side // 5 : side - 3, side // 3 :] = 255
    mask[side // 5 : side - 3, side // 3 : side // 2] = 120
    return Inputs(rng.integers(0, 256, (side, side, 3), dtype=np.uint8), mask, (-3, 4, 20, 20))


def make_request(info: ModelInfo, given: Inputs, **choices: Any) -> Request:
    choices = {"prompt": "red apple", "label": "round", "method": "replacement", "batch": 2} | choices
    return resolve(Draft.for_model(info, seed=7, **choices), info, given)


def last(steps: Iterator[Step]) -> torch.Tensor:
    *_, final = steps
    return final.move.x


@pytest.fixture(scope="module")
def session(tiny_model: ModelInfo) -> Session:
    return Session("cpu", [tiny_model])


@pytest.mark.parametrize("method", ["replacement", "repaint"])
@pytest.mark.parametrize("strength", [0.6, 1.0])
@pytest.mark.parametrize("sampler", ["unipc-2", "ddpm", "heun"])
def test_kept_pixels_stay_unchanged(
    method: str, strength: float, sampler: str, session: Session, tiny_model: ModelInfo
) -> None:
    given = inputs()
    assert given.mask is not None
    request = make_request(tiny_model, given, method=method, strength=strength, sampler=sampler)
    rgb = session.picture(request, last(session.generate(request, inputs=given)), inputs=given)
    kept = given.mask == 0
    for picture in rgb:
        assert np.array_equal(picture[kept], given.source[kept])
        assert not np.array_equal(picture[~kept], given.source[~kept])


@pytest.mark.parametrize("truncated", [False, True])
def test_the_second_stage_keeps_pixels_at_its_resolution(truncated: bool, cascade: ModelInfo) -> None:
    session, given = Session("cpu", [cascade]), inputs(64)
    assert given.mask is not None
    request = make_request(cascade, given, truncated=truncated, level=0.3)
    assert request.size == (64, 64)
    final = last(session.generate(request, inputs=given))
    rgb = session.picture(request, final, inputs=given)
    kept = given.mask == 0
    assert (rgb[:, kept] == given.source[kept]).all()
    assert not (rgb[:, ~kept] == given.source[~kept]).all()
    cells = pool_mask(given.mask, (16, 16)) == 0
    small = torch.from_numpy(given.source.copy()).float().view(16, 4, 16, 4, 3).mean((1, 3)) / 127.5 - 1
    if not truncated:  # else the first stage's own noise is in it
        torch.testing.assert_close(final[0].permute(1, 2, 0)[cells], small[cells], rtol=0, atol=1e-6)


def test_img2img_starts_from_the_picture_plus_noise_of_its_level(tiny_model: ModelInfo) -> None:
    given = inputs()
    y = torch.from_numpy(given.source.copy()).permute(2, 0, 1).float() / 127.5 - 1
    for temperature in (1.0, 0.5):
        request = make_request(
            tiny_model, given, method="img2img", strength=0.5, steps=10, temperature=temperature, prompt="", label=None
        )
        planned = plan(request, NormalModel(tiny_model.sha256), inputs=given)
        noise = Noise(request.seeds).normal(torch.empty(2, 3, 16, 16))
        expected = y + temperature * request.sigmas[0] * noise
        torch.testing.assert_close(planned.x, expected, rtol=1e-6, atol=1e-6)
        assert planned.constraint is None


def test_img2img_has_sdedits_law(tiny_model: ModelInfo) -> None:
    """The probability flow of N(m, c) takes y + σ·ε to m + (y + σ·ε − m)·√(c/(c + σ²)): its mean, and its variance."""
    given = inputs()
    session = Session("cpu", [tiny_model])
    session.models.put(tiny_model, NormalModel(tiny_model.sha256))
    request = make_request(
        tiny_model, given, method="img2img", strength=0.5, steps=600, sampler="ddim", batch=16, prompt="", label=None
    )
    x0 = last(session.generate(request, inputs=given)).double()
    s = request.sigmas[0]
    y = torch.from_numpy(given.source.copy()).permute(2, 0, 1).double() / 127.5 - 1
    shrink = (VARIANCE / (VARIANCE + s**2)) ** 0.5
    rest = x0 - (MEAN + shrink * (y - MEAN))
    assert rest.mean().abs() < 4 * shrink * s / rest.numel() ** 0.5
    assert rest.std().item() == pytest.approx(shrink * s, rel=0.02)
    noise = Noise(request.seeds).normal(torch.empty(16, 3, 16, 16, dtype=torch.float64))
    assert (rest - shrink * s * noise).abs().max() < 0.03  # of 300 steps, pixel by pixel


def test_the_second_stage_starts_from_the_picture_too_where_the_first_one_does(cascade: ModelInfo) -> None:
    """One step from y + σ₀·ε to 0 is D of it, and its noise is that of the second stage's start."""
    generator = torch.Generator().manual_seed(0)
    y, z = torch.rand(3, 8, 8, generator=generator), torch.rand(2, 3, 4, 4, generator=generator)
    wanted = Enlargement(factor=2, sampler="ddim", sigmas=(0.7, 0.0), level=0.1)
    label = torch.zeros(1, dtype=torch.int64)
    x = enlarge(SecondStage(normal, VE(), 2), wanted, z, label, Noise((3, 4)), origin=y)
    start = y + 0.7 * Noise((3, 4)).of(ENLARGE).normal(torch.empty(2, 3, 8, 8))
    torch.testing.assert_close(x, normal(start, 0.7), rtol=1e-6, atol=1e-6)
    session, given = Session("cpu", [cascade]), inputs(64)
    rgb = []
    for source in (given, Inputs(255 - given.source, given.mask)):
        request = make_request(cascade, source, method="img2img", strength=0.5)
        final = last(session.generate(request, inputs=given if source is given else source))
        rgb.append(session.picture(request, final * 0, inputs=source))  # whatever the first stage said
    assert not np.array_equal(rgb[0], rgb[1])
    full = make_request(cascade, given, method="img2img", strength=1.0)
    bare = session.picture(replace(full, edit=None), final)
    assert np.array_equal(session.picture(full, final, inputs=given), bare)


def test_img2img_at_full_strength_starts_from_pure_noise(session: Session, tiny_model: ModelInfo) -> None:
    given = inputs()
    request = make_request(tiny_model, given, method="img2img", strength=1.0)
    plain = replace(request, edit=None)
    assert torch.equal(last(session.generate(request, inputs=given)), last(session.generate(plain)))


def test_a_batch_is_the_pictures_made_alone(session: Session, tiny_model: ModelInfo) -> None:
    given = inputs()
    for method in METHODS:
        together = make_request(tiny_model, given, method=method, strength=0.8, batch=3, sampler="ddpm")
        pictures = session.picture(together, last(session.generate(together, inputs=given)))
        for k, seed in enumerate(together.seeds):
            alone = replace(together, seeds=(seed,))
            picture = session.picture(alone, last(session.generate(alone, inputs=given)))[0]
            assert (np.abs(picture.astype(int) - pictures[k].astype(int)) <= 1).mean() >= 0.999


def test_every_step_resumes_bit_identically_in_another_process_from_the_file_alone(
    session: Session, tiny_model: ModelInfo, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    given, expected, paths = inputs(), [], []
    for method in METHODS:
        for sampler in ("unipc-2", "ddpm", "dpmpp-2m-sde"):
            path = tmp_path / f"{method}-{sampler}.twrun"
            request = make_request(tiny_model, given, method=method, strength=0.8, sampler=sampler, resample=2)
            steps = list(session.generate(request, path, inputs=given))
            digest = hashlib.sha256(steps[-1].move.x.numpy().tobytes()).hexdigest()
            expected += [f"{path.stem} {k} {digest}" for k in range(len(steps))]
            paths.append(path)
    assert elsewhere(finals_of_forks, tiny_model.folder, paths) == expected


def test_the_run_file_holds_the_edited_picture_and_mask(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    given, path = inputs(), tmp_path / "a.twrun"
    list(session.generate(make_request(tiny_model, given), path, inputs=given))
    kept = RunReader(path, verify=True).inputs()
    assert kept is not None
    assert kept.mask is not None
    assert given.mask is not None
    assert np.array_equal(kept.source, given.source)
    assert np.array_equal(kept.mask, given.mask)
    assert (kept.box, kept.digests) == ((-3, 4, 20, 20), given.digests)
    whole = Inputs(given.source)
    list(session.generate(make_request(tiny_model, whole, method="img2img"), tmp_path / "b.twrun", inputs=whole))
    bare = RunReader(tmp_path / "b.twrun").inputs()
    assert bare is not None
    assert bare.mask is None
    assert bare.box is None
    list(session.generate(replace(make_request(tiny_model, given), edit=None), tmp_path / "c.twrun"))
    assert RunReader(tmp_path / "c.twrun").inputs() is None


@pytest.mark.parametrize("method", METHODS)
def test_an_edit_run_torn_anywhere_after_its_picture_resumes_to_the_same_bits(
    method: str, session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    given, path = inputs(), tmp_path / "run.twrun"
    request = make_request(tiny_model, given, method=method, strength=0.8, sampler="ddpm")
    final = last(session.generate(request, path, inputs=given))
    whole = path.read_bytes()
    for upto in (b'{"kind":"end"', b'{"kind":"step","i":2', b'{"kind":"step","i":0', b'{"kind":"start"'):
        path.write_bytes(whole[: whole.index(upto) - 1])
        list(session.go_on(path))
        reader = RunReader(path)
        assert np.array_equal(reader.next(-1), final.numpy())
        assert reader.ended == "finished"
    path.write_bytes(whole[: whole.index(b'{"kind":"inputs"') + 100])
    with pytest.raises(StoreError, match="before its picture was written"):
        session.go_on(path)
    assert path.exists()
    damaged = bytearray(whole)
    damaged[whole.index(given.source.tobytes()) + 5] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="damaged"):
        RunReader(path).inputs()


def test_a_fork_stores_its_parents_picture_or_another(session: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    given, parent = inputs(), tmp_path / "parent.twrun"
    request = make_request(tiny_model, given)
    last(session.generate(request, parent, inputs=given))
    changed = branch(replace(Draft.of(request), prompt="rocket"), tiny_model, request, 2)
    last(session.fork(parent, 2, changed, tmp_path / "a.twrun"))
    kept = RunReader(tmp_path / "a.twrun").inputs()
    assert kept is not None
    assert kept.digests == given.digests
    other = inputs(seed=1)
    moved = branch(Draft.of(request), tiny_model, request, 2, other)
    x = last(session.fork(parent, 2, moved, tmp_path / "b.twrun", inputs=other))
    assert other.mask is not None
    pictures = session.picture(moved, x)
    assert (pictures[:, other.mask == 0] == other.source[other.mask == 0]).all()
    parent.unlink()
    for name in ("a", "b"):
        path = tmp_path / f"{name}.twrun"
        data, end = path.read_bytes(), RunReader(path).next(-1)
        path.write_bytes(data[: data.index(b'{"kind":"step","i":3') - 1])
        assert np.array_equal(last(session.go_on(path)).numpy(), end)
    with pytest.raises(RequestError, match="another picture or mask"):
        next(session.fork(tmp_path / "b.twrun", 0, moved, inputs=given))


def test_missing_or_wrong_pictures_are_refused_before_the_first_step(session: Session, tiny_model: ModelInfo) -> None:
    given = inputs()
    request = make_request(tiny_model, given)
    with pytest.raises(RequestError, match="a picture that is missing"):
        next(session.generate(request))
    for other in (inputs(seed=1), Inputs(given.source), inputs(64)):
        with pytest.raises(RequestError, match="another picture or mask"):
            next(session.generate(request, inputs=other))


def test_an_edit_makes_the_stated_number_of_evaluations(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    given = inputs()
    for method in METHODS:
        for sampler in ("unipc-2", "heun"):
            path = tmp_path / f"{method}{sampler}.twrun"
            request = make_request(tiny_model, given, method=method, strength=0.6, sampler=sampler)
            list(session.generate(request, path, inputs=given))
            assert sum(info.nfe for info in RunReader(path).steps) == request.evaluations
            assert session.plan(request, inputs=given).price.evaluations == request.evaluations


def test_a_grey_models_state_is_the_pictures_luma() -> None:
    image = torch.rand(1, 3, 4, 4)
    grey = PixelCodec(1).encode(image)
    assert grey.shape == (1, 1, 4, 4)
    torch.testing.assert_close(grey[0, 0], sum(w * image[0, k] for k, w in enumerate(LUMA)))
    assert torch.equal(PixelCodec(3).encode(image), image)
    assert torch.equal(PixelCodec(1).encode(grey), grey)


class Halved(PixelCodec):
    """A stand-in for a latent codec: states of half the side and six channels."""

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        small = torch.nn.functional.avg_pool2d(image, 2)
        return torch.cat([small, -small], 1)


def test_a_latent_value_is_kept_only_where_all_pixels_under_it_are(tiny_model: ModelInfo) -> None:
    model = NormalModel(tiny_model.sha256)
    model.codec = Halved()
    mask = np.zeros((16, 16), np.uint8)
    mask[5, 7] = 255
    given = Inputs(inputs().source, mask)
    y = to_state(given, model, (16, 16))
    assert y.shape == (6, 8, 8)
    held = pin(given, y, grid("log", 4, 10.0, 0.1).tolist(), steady=True)
    assert torch.nonzero(held.to_go).tolist() == [[2, 3]]
    x = torch.zeros(2, 6, 8, 8)
    out = held(x, 0.0, Noise([1, 2]))
    free = torch.zeros(8, 8, dtype=torch.bool)
    free[2, 3] = True
    assert torch.equal(out[0][:, ~free], y[:, ~free])
    assert not out[:, :, free].any()
