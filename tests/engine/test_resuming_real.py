"""The models in the box resume to the bit: every sampler, cut at every step, gone on with from the run file alone.

Random weights do not show it: a real net's convolutions answer in the layout of the processor's library.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.jobs.encode import Decode, Decoded, Encode, Encoded
from engine.jobs.morph import MorphFrame, Morphing
from engine.rules import menu
from engine.session import Session
from engine.spec.catalog import ModelInfo, find
from engine.spec.draft import Draft, branch, resolve, vary
from engine.spec.edit import Inputs
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Guide
from engine.spec.morph import Key, Morph
from engine.spec.request import Request
from engine.store import RunReader
from engine.types import Step
from tests.engine.elsewhere import Elsewhere

ROOT = Path(__file__).parents[2]
TORN = {"unipc-3", "heun", "ddpm", "pc", "restart", "dpmpp-3m-sde"}  # a sampler of each kind
STEPS = 4  # the last of them has the longest history behind it, three evaluations
SHORT = {"langevin": (("steps", 2.0),), "pc-hmc": (("leaps", 1.0),)}  # options by which samplers take fewer calls
CLIP = ClipGuide(clip="emoji-clip", aims=(Aim("a red heart"),), scale=200.0, cutouts=3)
NOISED = ClipGuide(clip="emoji-clip-noised", aims=(Aim("a red heart"),), scale=200.0, cutouts=1, on="xt")
STYLE = ClassGuide(classifier="emoji-style", label="noto", scale=3.0)
GUIDES: dict[str, tuple[Guide, ...]] = {
    "clip": (CLIP,),
    "noised clip": (NOISED,),
    "class": (STYLE,),
    "class on x0": (replace(STYLE, on="x0"),),
    "both": (STYLE, CLIP),
}


@pytest.fixture(scope="module")
def emoji() -> ModelInfo:
    return find("emoji")


@pytest.fixture(scope="module")
def fashion() -> ModelInfo:
    return find("fashion")


@pytest.fixture(scope="module")
def session(emoji: ModelInfo, fashion: ModelInfo) -> Session:
    """One session for all tests here: the models are loaded once."""
    return Session("cpu", [emoji, fashion])


def make_request(info: ModelInfo, given: Inputs | None = None, **choices: Any) -> Request:
    words = {"prompt": "red apple"} if info.text else {}
    chosen: dict[str, Any] = {"steps": STEPS, "seed": 7, "batch": 1, "label": info.labels[0], "enlarge": False}
    return resolve(Draft.for_model(info, **words | chosen | choices), info, given)


def last(steps: Iterator[Step]) -> torch.Tensor:
    *_, final = steps
    return final.move.x


def cut(path: Path, to: Path, steps: int) -> Path:
    """The run file as a kill would leave it after so many steps: whole records, and a torn one behind them."""
    data, at, done = path.read_bytes(), 8, 0
    while done < steps:
        size, _, head = struct.unpack("<QII", data[at : at + 16])
        done += json.loads(data[at + 16 : at + 16 + head])["kind"] == "step"
        at += 16 + size
    to.write_bytes(data[: at + 99])
    return to


def check(session: Session, path: Path, torn: bool = True) -> None:
    """Goes on from every step of a finished run: the next one has the recorded bits, and so, by induction, the rest.

    torn -- after that a file that is torn in the middle is gone on with to its end
    """
    reader = RunReader(path, verify=True)
    count = len(reader.steps)
    for k in range(count):
        step = next(session.fork(path, k))
        assert np.array_equal(step.move.x.numpy(), reader.next(k)), f"state after step {k}"
        assert np.array_equal(step.move.x0.numpy(), reader.x0(k)), f"estimate of step {k}"
        assert np.array_equal(step.x0_raw.numpy(), reader.x0_raw(k)), f"raw estimate of step {k}"
        if k + 1 < count:
            stored = [array for _, arrays in reader.past(k + 1) for array in arrays.values()]
            live = [v for p in step.move.past for v in (p.x, p.x0, p.log_w) if v is not None]
            assert all(np.array_equal(a.numpy(), b) for a, b in zip(live, stored, strict=True)), f"history after {k}"
    if torn:
        broken = cut(path, path.with_name("torn.twrun"), count // 2)
        assert np.array_equal(last(session.go_on(broken)).numpy(), reader.next(count - 1))
        broken.unlink()


@pytest.mark.parametrize("sampler", menu())
def test_every_sampler_on_the_emoji_model(sampler: str, session: Session, emoji: ModelInfo, tmp_path: Path) -> None:
    request = make_request(emoji, sampler=sampler, guidance=1.0, options=SHORT.get(sampler, ()))
    last(session.generate(request, tmp_path / "run.twrun"))
    check(session, tmp_path / "run.twrun", torn=sampler in TORN)


@pytest.mark.parametrize("sampler", ["unipc-3", "heun", "dpmpp-3m", "ddpm", "pc"])
def test_every_family_of_samplers_on_one_grey_picture(
    sampler: str, session: Session, fashion: ModelInfo, tmp_path: Path
) -> None:
    """One channel and one picture: strides of size 1 say nothing, and torch reads them all the same."""
    last(session.generate(make_request(fashion, sampler=sampler), tmp_path / "run.twrun"))
    check(session, tmp_path / "run.twrun")


def test_a_threshold(session: Session, emoji: ModelInfo, tmp_path: Path) -> None:
    last(session.generate(make_request(emoji, threshold="dynamic", guidance=8.0, batch=2), tmp_path / "run.twrun"))
    check(session, tmp_path / "run.twrun")


def test_more_pictures_than_one_call_of_the_net_sees(session: Session, fashion: ModelInfo, tmp_path: Path) -> None:
    last(session.generate(make_request(fashion, batch=9, steps=2), tmp_path / "run.twrun"))
    check(session, tmp_path / "run.twrun")


@pytest.mark.parametrize("guides", GUIDES.values(), ids=GUIDES)
def test_guides(guides: tuple[Guide, ...], session: Session, emoji: ModelInfo, tmp_path: Path) -> None:
    last(session.generate(make_request(emoji, guides=guides, steps=2), tmp_path / "run.twrun"))
    check(session, tmp_path / "run.twrun")


@pytest.mark.parametrize("method", ["replacement", "repaint", "img2img"])
def test_edits(method: str, session: Session, emoji: ModelInfo, tmp_path: Path) -> None:
    rng, mask = np.random.default_rng(0), np.zeros((32, 32), np.uint8)
    mask[6:25, 10:] = 255
    mask[6:25, 10:16] = 120
    given = Inputs(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8), mask)
    request = make_request(emoji, given, method=method, strength=0.75, resample=2, batch=2)
    last(session.generate(request, tmp_path / "run.twrun", inputs=given))
    check(session, tmp_path / "run.twrun")


def test_forks_and_variations(session: Session, emoji: ModelInfo, tmp_path: Path) -> None:
    request, parent = make_request(emoji, batch=2), tmp_path / "parent.twrun"
    last(session.generate(request, parent))
    draft = replace(Draft.of(request), prompt="rocket", sampler="ddpm")
    for name, fork in (
        ("other", {"k": 2, "request": branch(draft, emoji, request, 2)}),
        ("varied", {"k": 2, "request": vary(request, 2, 1, 3, emoji), "share": 1}),
    ):
        path = tmp_path / f"{name}.twrun"
        last(session.fork(parent, run_path=path, **fork))  # type: ignore[arg-type]
        check(session, path)
        again = session.fork(parent, **fork)  # type: ignore[arg-type]
        assert np.array_equal(last(again).numpy(), RunReader(path).next(len(RunReader(path).steps) - 1))


def test_the_second_stage_draws_the_same_from_a_stored_state(
    session: Session, emoji: ModelInfo, tmp_path: Path
) -> None:
    for truncated in (False, True):
        request = make_request(emoji, enlarge=True, truncated=truncated, steps=2)
        path = tmp_path / f"{truncated}.twrun"
        live = session.picture(request, last(session.generate(request, path)))
        stored = last(session.go_on(cut(path, tmp_path / f"torn-{truncated}.twrun", 1)))
        assert np.array_equal(session.picture(request, stored), live)


@pytest.mark.parametrize("method", ["plain", "null-text"])
def test_an_encoding_decodes_from_its_file_as_it_did_live(
    method: str, session: Session, emoji: ModelInfo, tmp_path: Path
) -> None:
    """The way back that `check` walks has live states and tokens; Decode walks it from those in the file."""
    rng = np.random.default_rng(0)
    rgb = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    path, request = tmp_path / "up.twrun", make_request(emoji, steps=3)
    *_, up = session.perform(Encode(request=request, rgb=rgb, method=method, tol=0.05, inner=2, run_path=path))
    *_, down = session.perform(Decode(source=path, tol=0.05))
    assert isinstance(up, Encoded)
    assert isinstance(down, Decoded)
    assert down.psnr == up.psnr
    onwards = tmp_path / "onwards.twrun"
    last(session.fork(path, up.steps, request, onwards))
    check(session, onwards)


def morphed(session: Session, emoji: ModelInfo) -> str:
    """The SHA-256 of a film of three frames."""
    keys = (Key(seed=3, prompt="red apple", label="noto"), Key(seed=4, prompt="rocket", label="fluent"))
    morph = Morph(request=make_request(emoji, steps=3), keys=keys, frames=3)
    film = [news.rgb.tobytes() for news in session.perform(Morphing(morph, {})) if isinstance(news, MorphFrame)]
    return hashlib.sha256(b"".join(film)).hexdigest()


def checked_and_morphed(paths: list[Path]) -> str:
    session = Session("cpu", [find("emoji"), find("fashion")])
    for path in paths:
        check(session, path)
    return morphed(session, find("emoji"))


def test_in_another_process(
    session: Session, emoji: ModelInfo, fashion: ModelInfo, elsewhere: Elsewhere, tmp_path: Path
) -> None:
    requests = {
        "unipc": make_request(emoji, sampler="unipc-2"),
        "grey": make_request(fashion, sampler="ddpm", batch=2),
        "class": make_request(emoji, guides=(STYLE,), steps=2),
    }
    for name, request in requests.items():
        last(session.generate(request, tmp_path / f"{name}.twrun"))
    paths = [tmp_path / f"{name}.twrun" for name in requests]
    assert elsewhere(checked_and_morphed, paths) == morphed(session, emoji)
