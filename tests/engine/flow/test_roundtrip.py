"""From a picture up the flow to its noise and back: exact where the model is, kept in run files, gone on from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from app.core.shown.lineage import Lineage
from engine.flow.nulltext import NullText, invert, retrace
from engine.flow.roundtrip import curve
from engine.jobs.encode import Decode, Decoded, Encode, Encoded, Following, Optimised, end_of_encoding
from engine.meter import Meter
from engine.metrics import psnr
from engine.ode import FlowError
from engine.oracle import Gaussian
from engine.run import Cancelled
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError
from engine.store import RunReader, StoreError
from engine.types import Cond, Said, Sigma
from tests.engine.closed_form import MEAN, VARIANCE, NormalModel

F64 = torch.float64
LOW, HIGH = 0.02, 80.0


def picture(side: int = 16) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.clip(rng.normal(150, 60, (side, side, 3)), 0, 255).astype(np.uint8)


def request_for(info: ModelInfo, **choices: Any) -> Request:
    return resolve(Draft.for_model(info, **{"prompt": "red apple", "label": "round"} | choices), info)


@pytest.fixture
def exact(tiny_model: ModelInfo) -> Session:
    """Pixels that are normal, each by itself."""
    made = Session("cpu", [tiny_model])
    made.models.put(tiny_model, NormalModel(tiny_model.sha256))
    return made


@pytest.fixture(scope="module")
def session(tiny_model: ModelInfo) -> Session:
    """A net of random weights."""
    return Session("cpu", [tiny_model])


def ended(news: Iterable[object]) -> Any:
    *_, last = news
    return last


def state(rgb: np.ndarray) -> np.ndarray:
    return np.moveaxis(rgb / 127.5 - 1, 2, 0)[None]


# --- up and down ---


def test_the_noise_of_a_picture_is_the_exact_one(exact: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "up.twrun"
    end = ended(exact.perform(Encode(request=request_for(tiny_model), rgb=picture(), tol=1e-5, run_path=path)))
    x, sigma = end_of_encoding(RunReader(path, verify=True))
    expected = MEAN + (state(picture()) - MEAN) * math.sqrt((VARIANCE + HIGH**2) / (VARIANCE + LOW**2))
    assert sigma == HIGH
    np.testing.assert_allclose(x / HIGH, expected / HIGH, atol=2e-4)
    assert end.spread == pytest.approx(float(np.sqrt(np.mean(expected**2))) / HIGH, rel=1e-3)
    assert end.psnr > 85
    assert (end.run_path, end.steps) == (path, len(RunReader(path).steps))


def test_a_tighter_tolerance_has_a_smaller_error_and_costs_more(exact: Session, tiny_model: ModelInfo) -> None:
    ends = [
        ended(exact.perform(Encode(request=request_for(tiny_model), rgb=picture(), tol=tol)))
        for tol in (1e-2, 1e-3, 1e-4)
    ]
    assert all(b.psnr > a.psnr + 5 for a, b in pairwise(ends))
    assert all(b.calls > a.calls and b.back_calls > a.back_calls for a, b in pairwise(ends))


def test_the_curve_of_tolerance_and_calls_is_that_of_each_picture() -> None:
    law = Gaussian([0.1, -0.2, 0.3], [[0.4, 0.1, 0.0], [0.1, 0.3, 0.1], [0.0, 0.1, 0.2]])
    x = law.sample(4, torch.Generator().manual_seed(0))
    points = list(curve(law, x, LOW, HIGH, (1e-2, 1e-3, 1e-4)))
    assert all(a.up < b.up and a.down < b.down for a, b in pairwise(points))
    assert all(min(b.psnr) > min(a.psnr) + 10 for a, b in pairwise(points))
    assert all(len(point.psnr) == 4 for point in points)


def test_an_encoding_says_where_it_is(exact: Session, tiny_model: ModelInfo) -> None:
    events = list(exact.perform(Encode(request=request_for(tiny_model), rgb=picture())))
    up = [news for news in events if isinstance(news, Following) and news.leg == "up"]
    down = [news for news in events if isinstance(news, Following) and news.leg == "down"]
    for leg, end in ((up, HIGH), (down, LOW)):
        assert all(0 < a.done < b.done for a, b in pairwise(leg))
        assert (leg[-1].done, leg[-1].sigma) == (1, end)
    assert isinstance(events[-1], Encoded)
    assert up[-1].calls == events[-1].calls
    assert down[-1].calls == events[-1].calls + events[-1].back_calls
    quick = ended(exact.perform(Encode(request=request_for(tiny_model), rgb=picture(), check=False)))
    assert (quick.psnr, quick.back_calls) == (None, 0)


# --- run files ---


def test_its_run_file_goes_up_and_is_read_as_any_other(session: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "up.twrun"
    list(session.perform(Encode(request=request_for(tiny_model), rgb=picture(), tol=1e-2, run_path=path, check=False)))
    way = Lineage(path)
    assert way.ended == "finished"
    assert way.header["flow"] == {"kind": "encode", "method": "plain", "tol": 1e-2}
    levels = [step.s for step in way.steps]
    assert levels == sorted(levels)
    assert (levels[0], way.steps[-1].s2) == (LOW, HIGH)
    assert way.levels == levels
    assert (way.total, way.planned) == (len(levels), ())
    assert way.calls[-1] == sum(step.nfe for step in way.steps)
    np.testing.assert_allclose(way.x(0), state(picture()), atol=1e-6)
    inputs = RunReader(path).inputs()
    assert inputs is not None
    np.testing.assert_array_equal(inputs.source, picture())


def test_decoding_gives_the_picture_back_and_its_way_shows_both(
    exact: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    up, down = tmp_path / "up.twrun", tmp_path / "down.twrun"
    list(exact.perform(Encode(request=request_for(tiny_model), rgb=picture(), run_path=up, check=False)))
    end = ended(exact.perform(Decode(source=up, run_path=down)))
    assert isinstance(end, Decoded)
    np.testing.assert_array_equal(end.rgb, picture())
    assert end.psnr > 60
    way = Lineage(down)
    assert way.inherited == len(RunReader(up).steps)
    levels = [step.s for step in way.steps]
    top = levels.index(HIGH)
    assert top == way.inherited
    assert levels[:top] == sorted(levels[:top])
    assert levels[top:] == sorted(levels[top:], reverse=True)
    assert way.total == len(way.steps)


def test_any_sampler_goes_on_from_the_noise_with_another_prompt(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    up, on, again = (tmp_path / f"{name}.twrun" for name in ("up", "on", "again"))
    list(session.perform(Encode(request=request_for(tiny_model), rgb=picture(), tol=1e-2, run_path=up, check=False)))
    count = len(RunReader(up).steps)
    request = request_for(tiny_model, prompt="blue heart", label="square", steps=4, guidance=2.0)
    steps = list(session.fork(up, count, request, on))
    x, _ = end_of_encoding(RunReader(up))
    np.testing.assert_array_equal(steps[0].x, x)
    assert [step.i for step in steps] == [0, 1, 2, 3]
    assert RunReader(on).header["parent"] == {"run": "up", "step": count, "at": 0}
    way = Lineage(on)
    assert (way.inherited, way.total, way.start) == (count, count + 4, 0)
    assert [step.s for step in way.steps[count:]] == list(request.sigmas[:-1])
    assert way.parent is not None
    assert way.parent.path == up
    # a fork of that one counts its own steps, and the encoding's are all there
    list(session.fork(on, 2, replace(request, guidance=3.0), again))
    way = Lineage(again)
    assert (way.inherited, way.total) == (count + 2, count + 4)


def test_an_interrupted_run_from_an_encoding_is_resumed(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    up, whole, part = (tmp_path / f"{name}.twrun" for name in ("up", "whole", "part"))
    list(session.perform(Encode(request=request_for(tiny_model), rgb=picture(), tol=1e-2, run_path=up, check=False)))
    count, request = len(RunReader(up).steps), request_for(tiny_model, steps=4)
    *_, expected = session.fork(up, count, request, whole)
    for done in (0, 2):
        steps: Any = session.fork(up, count, request, part)
        for _ in range(done):
            next(steps)
        if done == 0:  # broken off between its first state and its first step
            next(steps)
            data = part.read_bytes()
            steps.close()
            reader = RunReader(part)
            part.write_bytes(data[: reader.whole_bytes][: _end_of_start(part)])
        steps.close()
        *_, last = session.go_on(part)
        assert torch.equal(last.move.x, expected.move.x)
        part.unlink()


def _end_of_start(path: Path) -> int:
    """Bytes up to the end of the record of the first state."""
    import struct

    data, at = path.read_bytes(), 8
    for _ in range(2):
        size = struct.unpack_from("<Q", data, at)[0]
        at += struct.calcsize("<QII") + size
    return at


def test_an_interrupted_encoding_is_neither_resumed_nor_decoded(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    path = tmp_path / "up.twrun"
    calls = 0

    def stop() -> bool:
        nonlocal calls
        calls += 1
        return calls > 20

    with pytest.raises(Cancelled):
        list(session.perform(Encode(request=request_for(tiny_model), rgb=picture(), run_path=path), stop))
    reader = RunReader(path)
    assert reader.ended == "cancelled"
    assert reader.steps
    with pytest.raises(StoreError, match="encode the picture again"):
        session.go_on(path)
    with pytest.raises(StoreError, match="encode a picture first"):
        next(session.perform(Decode(source=path)))
    with pytest.raises(RequestError, match="has no step"):
        session.fork(path, len(reader.steps))


def test_a_run_that_is_no_encoding_cannot_be_decoded(session: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "run.twrun"
    list(session.generate(request_for(tiny_model, steps=2), path))
    with pytest.raises(StoreError, match="encode a picture first"):
        next(session.perform(Decode(source=path)))
    with pytest.raises(RequestError, match="has no step 2"):
        session.fork(path, 2)


# --- null-text ---


class Worded:
    """A model whose D is drawn towards the mean of its tokens; what a guided step makes of it is known."""

    id, compute_dtype, device = "tiny", F64, torch.device("cpu")

    def denoiser(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        assert cond is not None
        assert cond.tokens is not None
        wanted = torch.tanh(cond.tokens.mean((1, 2), dtype=F64)).reshape(-1, 1, 1, 1)
        return wanted + 0.25 / (0.25 + float(sigma) ** 2) * (x - wanted)

    def condition(self, said: Said) -> Cond:
        words = torch.full((1, 2, 3), 0.8 if said.text else -0.3, dtype=F64)
        return Cond(tokens=words, mask=torch.ones(1, 2, dtype=torch.bool))


def test_null_text_is_optimised_until_the_guided_sampler_returns_the_picture(tiny_model: ModelInfo) -> None:
    request = request_for(tiny_model, guidance=3.0, steps=20)
    model: Any = Worded()
    null = NullText.of(request, model, Meter(model.denoiser))
    x0 = torch.from_numpy(state(picture()))
    pivots = [x0, *(step.move.x for step in null.up(x0))][::-1]
    levels, learned = zip(*invert(null, pivots, inner=25), strict=True)
    assert [level.level for level in levels] == list(range(len(null.sigmas) - 1))
    assert all(level.after <= level.before for level in levels)
    assert all(level.after < level.before for level in levels if level.before > 1e-6)
    assert levels[0].after < 0.1 * levels[0].before

    def missed(nulls: tuple[Tensor, ...]) -> float:
        *_, last = retrace(replace(null, nulls=nulls), pivots[0])
        return psnr(last.move.x.numpy(), x0.numpy())

    assert null.null.tokens is not None
    assert missed(learned) > missed((null.null.tokens,) * len(learned)) + 10


def test_null_text_replaces_the_tokens_and_keeps_everything_else_of_the_condition() -> None:
    seen: list[Cond] = []

    def d(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        assert cond is not None
        seen.append(cond)
        return x

    tokens, mask, pooled = torch.zeros(1, 4, 2), torch.ones(1, 4, dtype=torch.bool), torch.ones(1, 3)
    empty = Cond(tokens=tokens, mask=mask, label=torch.tensor([2]), pooled=pooled)
    null = NullText(d, replace(empty, tokens=tokens + 1), empty, 2.0, (2.0, 1.0))
    null.mixed(torch.zeros(1, 1, 2, 2), 2.0, tokens + 5)
    assert seen[0].tokens is not None
    assert seen[1].tokens is not None
    assert (seen[1].tokens == 5).all()
    assert seen[1].parts[1:] == empty.parts[1:]


def test_null_text_inversion_stores_its_tokens_and_decodes_with_them(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    path = tmp_path / "null.twrun"
    request = request_for(tiny_model, guidance=2.0, steps=4)
    events = list(session.perform(Encode(request=request, rgb=picture(), method="null-text", run_path=path, inner=3)))
    losses = [news for news in events if isinstance(news, Optimised)]
    end = events[-1]
    assert isinstance(end, Encoded)
    assert [(news.level, news.levels) for news in losses] == [(0, 3), (1, 3), (2, 3)]
    assert all(news.after <= news.before for news in losses)
    reader = RunReader(path, verify=True)
    kept = reader.read_arrays("null-text")
    assert kept is not None
    assert [array.shape for array in kept.values()] == [(1, 16, 384)] * 3
    assert [step.s for step in reader.steps] == [s for s in request.sigmas[::-1] if s > 0][:-1]
    home = ended(session.perform(Decode(source=path)))
    assert home.psnr == end.psnr
    other = ended(session.perform(Decode(source=path, request=replace(reader.request, prompt="blue heart"))))
    assert other.psnr != home.psnr
    with pytest.raises(RequestError, match="keep the steps and the spacing"):
        next(session.perform(Decode(source=path, request=request_for(tiny_model, steps=7))))


def test_a_model_without_text_has_no_null_text(exact: Session, tiny_model: ModelInfo) -> None:
    with pytest.raises(RequestError, match="takes no text"):
        next(exact.perform(Encode(request=request_for(tiny_model), rgb=picture(), method="null-text")))


# --- what can go wrong ---


def test_an_impossible_encoding_gives_one_sentence(exact: Session, tiny_model: ModelInfo) -> None:
    request = request_for(tiny_model)
    for choices, says in (
        ({"rgb": np.zeros((8, 16, 3), np.uint8)}, "16×16 pixels, but this one has 16×8"),
        ({"rgb": np.full((16, 16, 3), np.nan)}, "8-bit"),
        ({"method": "magic"}, "choose one of plain, guided, null-text"),
        ({"inner": 0}, "1 to 1000"),
        ({"request": replace(request, model="none")}, "choose one of tiny"),
        ({"request": replace(request, model_sha256="x")}, "another version"),
    ):
        with pytest.raises(RequestError, match=says):
            next(exact.perform(Encode(**{"request": request, "rgb": picture()} | choices)))  # type: ignore[arg-type]


def test_a_flow_with_too_many_calls_fails_with_advice(exact: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "up.twrun"
    encode = Encode(request=request_for(tiny_model), rgb=picture(), tol=1e-6, max_calls=30, run_path=path)
    with pytest.raises(FlowError, match="larger tolerance, or allow more calls"):
        list(exact.perform(encode))
    assert RunReader(path).ended == "failed"


def test_noise_of_another_level_or_model_is_refused(exact: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    path = tmp_path / "up.twrun"
    list(exact.perform(Encode(request=request_for(tiny_model), rgb=picture(), run_path=path, check=False)))
    request = request_for(tiny_model)
    with pytest.raises(RequestError, match="start at 40"):
        next(exact.perform(Decode(source=path, request=replace(request, sigmas=(40.0, 1.0, 0.0)))))
    with pytest.raises(RequestError, match="Another model"):
        next(exact.perform(Decode(source=path, request=replace(request, model_sha256="x"))))


def test_the_ratio_of_peak_to_noise() -> None:
    a = np.zeros((2, 2))
    assert psnr(a, a + 0.02) == pytest.approx(40)
    assert psnr(a, a) == math.inf
