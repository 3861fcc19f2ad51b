"""Runs of a latent model in closed form: decoded, kept, judged and edited pictures; sizes and batches as recorded."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from engine.errors import Cancelled
from engine.guidance import compose
from engine.jobs.decode_step import DecodeStep, StepDecoded
from engine.jobs.encode import Decode, Decoded, Encode, Encoded
from engine.jobs.generate import Fork, Generate, PictureSaved, Resume
from engine.jobs.job import Estimate
from engine.jobs.likelihood import Elbo, Likelihood
from engine.jobs.morph import MorphFrame, Morphing
from engine.jobs.score import Score, StepScores
from engine.pictures.image_file import load as load_picture
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, resolve
from engine.spec.edit import Inputs, digest
from engine.spec.guides import Aim, ClipGuide
from engine.spec.morph import Key, Morph
from engine.spec.request import Request, RequestError
from engine.store import RunReader
from engine.types import Step
from tests.engine.fake_clips import TinyClip, library
from tests.latent import CELL, BlockCodec, LatentModel, latent_info, latent_models

Make = Callable[..., Request]


@pytest.fixture
def info(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelInfo:
    latent_models(monkeypatch)
    return latent_info(tmp_path)


@pytest.fixture
def lossy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelInfo:
    latent_models(monkeypatch)
    return latent_info(tmp_path, lossy=True)


def session_of(info: ModelInfo, clip: TinyClip | None = None) -> tuple[Session, LatentModel]:
    session = Session("cpu", [info], library(clip))
    model: Any = session.load(info)
    return session, model


def request_of(info: ModelInfo, **choices: Any) -> Request:
    return resolve(Draft.for_model(info, **{"prompt": "red apple", "seed": 7} | choices), info)


def decoded(model: LatentModel, x: torch.Tensor) -> np.ndarray:
    """The pictures of states, computed here."""
    picture = model.codec.decode(x).clamp(-1, 1)
    rgb: np.ndarray = ((picture + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return rgb


def picture(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A picture that the exact codec gives back: blocks of one colour each."""
    blocks = np.random.default_rng(seed).integers(20, 236, (height // CELL, width // CELL, 3), np.uint8)
    return blocks.repeat(CELL, 0).repeat(CELL, 1)


# finished pictures


def test_a_run_saves_and_keeps_the_decoded_pictures_and_not_its_states(info: ModelInfo, tmp_path: Path) -> None:
    session, model = session_of(info)
    request = request_of(info, batch=3, width=96, height=64)
    path = tmp_path / "a.twrun"
    events = list(session.perform(Generate(request=request, run_path=path, pictures=tmp_path / "pictures")))
    run = RunReader(path)
    last = torch.from_numpy(run.next(len(run.steps) - 1).copy())
    assert last.shape == (3, 4, 8, 12)
    saved = [load_picture(event.path).rgb for event in events if isinstance(event, PictureSaved)]
    kept = run.picture()
    assert kept is not None
    assert kept.shape == (3, 64, 96, 3)
    np.testing.assert_array_equal(kept, decoded(model, last))
    np.testing.assert_array_equal(kept, np.stack(saved))
    assert run.ended == "finished"


def test_previews_are_the_codecs_linear_map_live_and_from_the_file(info: ModelInfo, tmp_path: Path) -> None:
    session, _ = session_of(info)
    path = tmp_path / "a.twrun"
    live = [
        event.preview(1)
        for event in session.perform(Generate(request=request_of(info, batch=2), run_path=path))
        if isinstance(event, Estimate)
    ]
    run = RunReader(path)
    assert run.latent
    assert run.header["factor"] == CELL
    for k, seen in enumerate(live):
        np.testing.assert_allclose(run.preview(run.x0(k))[1], seen, atol=1e-6)
    assert live[0].shape == (3, 8, 8)


def test_a_pixel_models_file_holds_no_picture_and_no_map(tiny_model: ModelInfo, tmp_path: Path) -> None:
    session = Session("cpu", [tiny_model])
    path = tmp_path / "a.twrun"
    list(session.perform(Generate(request=request_of(tiny_model), run_path=path, pictures=tmp_path)))
    run = RunReader(path)
    assert not run.latent
    assert run.header["preview"] is None
    assert "factor" not in run.header
    assert run.picture() is None


def test_a_run_that_broke_off_before_its_picture_gets_it_when_it_is_resumed(info: ModelInfo, tmp_path: Path) -> None:
    session, _ = session_of(info)
    whole, broken = tmp_path / "whole.twrun", tmp_path / "broken.twrun"
    request = request_of(info, batch=2)
    list(session.perform(Generate(request=request, run_path=whole, pictures=tmp_path / "one")))
    list(session.generate(request, broken))
    assert RunReader(broken).picture() is None
    list(session.perform(Resume(run_path=broken, pictures=tmp_path / "two")))
    first, second = RunReader(whole).picture(), RunReader(broken).picture()
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)


def test_decoding_is_cancelled_between_two_pictures(info: ModelInfo) -> None:
    session, model = session_of(info)
    answers = iter((False, False, True))
    with pytest.raises(Cancelled):
        session.picture(request_of(info, batch=3), torch.zeros(3, 4, 8, 8), lambda: next(answers))
    assert model.codec.decoded == []


def test_a_tiny_decoder_that_is_slow_shows_a_smaller_size_first(
    info: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, model = session_of(info)
    path = tmp_path / "a.twrun"
    list(session.perform(Generate(request=request_of(info, width=40, height=64), run_path=path)))
    monkeypatch.setattr(session.models, "tiny_codec", lambda path, info: model.codec)
    cells, now = 5 * 8, [0.0]
    sizes: list[tuple[int, ...]] = []

    def stages(each: float, known: float | None) -> list[StepDecoded]:
        """Decode where each cell of a latent takes so many seconds, and `known` ones were measured before."""
        decode = type(model.codec).decode

        def slow(codec: BlockCodec, x0: torch.Tensor, cancelled: Any = None) -> torch.Tensor:
            sizes.append(tuple(x0.shape[2:]))
            now[0] += each * x0[0, 0].numel()
            return decode(codec, x0)

        session.models.tiny_seconds = known
        job = DecodeStep(path=path, k=0, image=0, tiny=Path("taesd.safetensors"))
        with monkeypatch.context() as patch:
            patch.setattr(type(model.codec), "decode", slow)
            events = list(session.perform(job, clock=lambda: now[0]))
        return [event for event in events if isinstance(event, StepDecoded)]

    first = stages(1 / cells, known=None)  # a second for the whole
    assert sizes == [(2, 2), (4, 3), (8, 5)]
    assert [event.small for event in first] == [True, True, False]
    assert all(event.tiny and event.rgb.shape == (64, 40, 3) for event in first)
    assert np.abs(first[1].rgb.astype(int) - first[2].rgb).mean() < 40
    for seconds, shapes in ((0.4, [(4, 3), (8, 5)]), (0.1, [(8, 5)])):
        sizes.clear()
        assert len(stages(seconds / cells, known=seconds / cells)) == len(shapes)
        assert sizes == shapes
    sizes.clear()
    stages(0.1 / cells, known=None)
    assert sizes == [(2, 2), (8, 5)], "the first small stage was fast: the whole comes next"


def test_a_step_is_decoded_by_a_job_and_only_by_a_loaded_model_unless_asked(info: ModelInfo, tmp_path: Path) -> None:
    session, model = session_of(info)
    path = tmp_path / "a.twrun"
    list(session.perform(Generate(request=request_of(info, batch=2), run_path=path)))
    (event,) = session.perform(DecodeStep(path=path, k=1, image=1))
    assert isinstance(event, StepDecoded)
    x0 = torch.from_numpy(RunReader(path).x0(1)[1:].copy())
    np.testing.assert_array_equal(event.rgb, decoded(model, x0)[0])
    assert list(Session("cpu", [info]).perform(DecodeStep(path=path, k=1, image=1, load=False))) == []
    with pytest.raises(RequestError, match="no image 2"):
        list(session.perform(DecodeStep(path=path, k=1, image=2)))
    other = Session("cpu", [replace(info, sha256="c" * 64)])
    with pytest.raises(RequestError, match="another version"):
        list(other.perform(DecodeStep(path=path, k=1, image=1)))


def test_clips_score_decoded_pictures_and_never_previews(lossy: ModelInfo, tmp_path: Path) -> None:
    clip = TinyClip(side=64, dtype=torch.float32)
    session, model = session_of(lossy, clip)
    path = tmp_path / "a.twrun"
    list(session.perform(Generate(request=request_of(lossy, batch=2), run_path=path)))
    scores = list(session.perform(Score(path=path, clip="tiny", aims=(Aim("a cat"),))))
    run = RunReader(path)
    assert all(isinstance(event, StepScores) for event in scores)
    found = np.concatenate([event.guided for event in scores if isinstance(event, StepScores)])
    aim = clip.text(["a cat"])[0]
    for k in range(len(run.steps)):
        pictures = model.codec.decode(torch.from_numpy(run.x0(k).copy())).clamp(-1, 1)
        np.testing.assert_allclose(found[k], (clip.image(pictures) @ aim).numpy(), rtol=1e-5)
    previews = torch.from_numpy(run.preview(run.x0(0)))
    assert not np.allclose(found[0], (clip.image(previews) @ aim).numpy(), rtol=1e-3), "the test can tell the two"


# sizes


def test_the_request_says_the_size_and_the_model_hears_it(info: ModelInfo) -> None:
    session, _ = session_of(info)  # its denoiser asserts that states have the size that was said
    for width, height in ((64, 64), (96, 64), (40, 136)):
        request = request_of(info, width=width, height=height)
        *_, last = session.generate(request)
        assert last.move.x.shape == (1, 4, height // CELL, width // CELL)
        assert session.picture(request, last.move.x).shape == (1, height, width, 3)


@pytest.mark.parametrize(("size", "nearest"), [((100, 64), "104×64"), ((8, 600), "32×256")])
def test_an_impossible_size_is_refused_with_the_nearest(size: tuple[int, int], nearest: str, info: ModelInfo) -> None:
    with pytest.raises(RequestError, match=f"Choose {nearest}"):
        request_of(info, width=size[0], height=size[1])


def test_settings_that_a_model_does_not_take_are_refused(info: ModelInfo) -> None:
    with pytest.raises(RequestError, match="takes no clip skip"):
        request_of(info, clip_skip=2)
    with pytest.raises(RequestError, match="takes no distilled guidance"):
        request_of(info, distilled=3.5)


def test_a_fork_keeps_the_size_of_its_parent(info: ModelInfo, tmp_path: Path) -> None:
    session, _ = session_of(info)
    parent = request_of(info, width=96, height=64)
    path = tmp_path / "a.twrun"
    list(session.generate(parent, path))
    request = branch(Draft.for_model(info, prompt="rocket", seed=7), info, parent, 2)
    assert (request.width, request.height) == (96, 64)
    *_, last = session.fork(path, 2, request)
    assert last.move.x.shape == (1, 4, 8, 12)


# micro-batches


def test_a_run_is_resumed_with_the_micro_batch_that_it_was_begun_with(info: ModelInfo, tmp_path: Path) -> None:
    begun, model = session_of(replace(info, micro_batch=3))
    request = request_of(info, batch=4, guidance=1.0)
    whole, broken = tmp_path / "whole.twrun", tmp_path / "broken.twrun"
    list(begun.generate(request, whole))
    assert set(model.batches) == {3, 1}
    assert RunReader(whole).header["environment"]["micro_batch"] == 3
    with closing(cast("Generator[Step]", begun.generate(request, broken))) as steps:
        next(steps), next(steps)
    resumed, model = session_of(replace(info, micro_batch=2))
    list(resumed.go_on(broken))
    assert set(model.batches) == {3, 1}, "as recorded, not as this session would"
    a, b = RunReader(whole), RunReader(broken)
    np.testing.assert_array_equal(a.next(len(a.steps) - 1), b.next(len(b.steps) - 1))
    model.batches.clear()
    fork = tmp_path / "fork.twrun"
    list(resumed.perform(Fork(source=whole, at=1, run_path=fork)))
    assert set(model.batches) == {3, 1}
    assert RunReader(fork).micro_batch == 3


# edits


@pytest.mark.parametrize("method", ["replacement", "repaint"])
def test_kept_pixels_come_through_the_decoder_to_the_bit(method: str, lossy: ModelInfo) -> None:
    session, _ = session_of(lossy)
    rgb = np.random.default_rng(2).integers(0, 256, (64, 96, 3), np.uint8)
    mask = np.zeros((64, 96), np.uint8)
    mask[20:45, 30:70] = 255
    inputs = Inputs(rgb, mask)
    sampler = {"sampler": "ddpm"} if method == "repaint" else {}
    draft = Draft.for_model(lossy, method=method, prompt="rocket", width=96, height=64, seed=3, batch=2, **sampler)
    request = resolve(draft, lossy, inputs)
    *_, last = session.generate(request, inputs=inputs)
    made = session.picture(request, last.move.x, inputs=inputs)
    for one in made:
        np.testing.assert_array_equal(one[mask == 0], rgb[mask == 0])
        assert (one[mask > 0] != rgb[mask > 0]).mean() > 0.9


def test_a_latent_cell_is_free_where_any_pixel_under_it_is(lossy: ModelInfo) -> None:
    session, model = session_of(lossy)
    rgb, mask = picture(64, 64), np.zeros((64, 64), np.uint8)
    mask[17, 30] = 255  # cell (2, 3)
    inputs = Inputs(rgb, mask)
    request = resolve(Draft.for_model(lossy, method="replacement", seed=3), lossy, inputs)
    *_, last = session.generate(request, inputs=inputs)
    y = model.codec.encode(torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1)[0]
    changed = (last.move.x[0] - y).abs().amax(0) > 1e-5
    assert changed.nonzero().tolist() == [[2, 3]]


# encode, morph, likelihood, guides


def test_a_picture_is_encoded_and_decoded_through_the_codec(info: ModelInfo, tmp_path: Path) -> None:
    session, _ = session_of(info)
    rgb = picture(96, 64)
    request = request_of(info, width=96, height=64)
    path, back = tmp_path / "up.twrun", tmp_path / "down.twrun"
    *_, end = session.perform(Encode(request=request, rgb=rgb, run_path=path))
    assert isinstance(end, Encoded)
    assert end.psnr is not None
    assert end.psnr > 40
    *_, found = session.perform(Decode(source=path, run_path=back))
    assert isinstance(found, Decoded)
    assert found.rgb.shape == (64, 96, 3)
    assert np.abs(found.rgb.astype(int) - rgb).max() <= 2
    kept = RunReader(back).picture()
    assert kept is not None
    np.testing.assert_array_equal(kept[0], found.rgb)
    with pytest.raises(RequestError, match="96×64 pixels and the settings 64×64"):
        list(session.perform(Encode(request=request_of(info), rgb=rgb)))


def test_a_morph_makes_decoded_frames_of_its_size(info: ModelInfo) -> None:
    session, _ = session_of(info)
    rgb = picture(96, 64)
    request = request_of(info, width=96, height=64, guidance=1.0, steps=30)
    morph = Morph(request=request, keys=(Key(seed=1), Key(picture=digest(rgb), prompt="rocket")), frames=3)
    frames = [e for e in session.perform(Morphing(morph, {digest(rgb): rgb})) if isinstance(e, MorphFrame)]
    assert [frame.rgb.shape for frame in frames] == [(64, 96, 3)] * 3
    assert frames[-1].psnr is not None
    assert frames[-1].psnr > 20


def test_bits_per_dimension_of_latents_are_refused_before_anything_is_loaded(info: ModelInfo) -> None:
    session = Session("cpu", [info])
    for job in (Likelihood(model="latent", rgb=picture(64, 64)), Elbo(model="latent", rgb=picture(64, 64))):
        with pytest.raises(RequestError, match="density of latents and none of pixels"):
            list(session.perform(job))
    assert session.models.held(info) is None


def test_a_clip_guides_latents_through_the_decoder(info: ModelInfo) -> None:
    clip = TinyClip(side=16, dtype=torch.float32)
    session, model = session_of(info, clip)
    guide = ClipGuide(clip="tiny", aims=(Aim("a cat"),), scale=40.0)
    request = replace(request_of(info, guidance=1.0), guides=(guide,))
    plain = replace(request, guides=())
    aim = clip.text(["a cat"])[0]

    def likeness(request: Request) -> float:
        *_, last = session.generate(request)
        return float(clip.image(model.codec.decode(last.move.x))[0] @ aim)

    assert likeness(request) > likeness(plain)
    noisy = Session("cpu", [info], library(TinyClip(noisy=True, dtype=torch.float32)))
    with pytest.raises(RequestError, match="makes latents: let it look at x̂₀"):
        list(noisy.generate(replace(request, guides=(replace(guide, on="xt", cutouts=1, smooth=0.0, keep_range=0.0),))))


def test_memory_for_gradients_is_estimated_on_a_small_state(info: ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    session, _ = session_of(info, TinyClip(side=4, dtype=torch.float32))
    request = request_of(info, width=256, height=256)
    request = replace(request, guides=(ClipGuide(clip="tiny", aims=(Aim("a cat"),), scale=5.0),))
    whole = session.plan(request).price.graph_bytes  # 32 × 32 cells are measured as they are
    monkeypatch.setattr(compose, "MEASURED", 8)
    seen: list[torch.Size] = []

    def watched(self: BlockCodec, x0: torch.Tensor, *more: Any) -> torch.Tensor:
        seen.append(x0.shape)
        return decode(self, x0, *more)

    decode = BlockCodec.decode
    monkeypatch.setattr(BlockCodec, "decode", watched)
    estimated = session.plan(request).price.graph_bytes
    assert seen == [(1, 4, 8, 8)]
    assert estimated == pytest.approx(whole, rel=0.2)
