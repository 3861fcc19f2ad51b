"""Guides on the command line: their flags, refusals, and pictures that hold their guides."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from engine.__main__ import main
from engine.commands.guide_flags import (
    add_guide_flags,
    guides_of,
    parse_law,
    split_aim_weight,
    split_file_weight,
    split_weight,
)
from engine.session import Session
from engine.spec.catalog import find
from engine.spec.draft import Draft, resolve
from engine.spec.edit import digest
from engine.spec.guides import ON_NOISE, Aim, ClassGuide, ClipGuide, Law
from tests.engine.elsewhere import Elsewhere

ROOT = Path(__file__).parents[3]


def flags(*text: str, prompt: str = "red apple") -> tuple[Any, Any]:
    parser = argparse.ArgumentParser()
    add_guide_flags(parser)
    args = parser.parse_args(text)
    args.prompt = prompt
    return guides_of(args, "emoji")


def test_no_flag_is_no_guide() -> None:
    assert flags() == ((), ())


def test_a_clip_aims_at_the_prompt_by_default() -> None:
    assert flags("--clip", "emoji-clip") == ((ClipGuide(clip="emoji-clip", aims=(Aim("red apple"),)),), ())


def test_every_flag_is_a_field(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), "red").save(tmp_path / "red.png")
    red = np.full((6, 8, 3), (255, 0, 0), np.uint8)
    (of_class, clip), (picture,) = flags(
        *("--clip", "c", "--aim", "a cat:1.5", "--aim", "blue:-0.5", "--aim-image", f"{tmp_path / 'red.png'}:2"),
        *("--clip-scale", "12", "--clip-law", "window:low=0.2,high=4", "--cutouts", "7", "--cut-size", "0.4", "0.8"),
        *("--clip-limit", "0.1", "--smooth", "0.5", "--keep-range", "3"),
        *("--classify", "noto:2.5", "--classifier", "k", "--clean-classifier", "--classify-on", "x0"),
    )
    assert of_class == ClassGuide(classifier="k", label="noto", scale=2.5, noisy=False, on="x0")
    assert clip == ClipGuide(
        clip="c",
        aims=(Aim("a cat", weight=1.5), Aim("blue", weight=-0.5), Aim(image=digest(red), weight=2.0)),
        scale=12.0,
        law=Law.of("window", low=0.2, high=4.0),
        cutouts=7,
        cut_size=(0.4, 0.8),
        clip_gradient=0.1,
        smooth=0.5,
        keep_range=3.0,
    )
    assert (picture == red).all()
    (noisy,), _ = flags("--clip", "c", "--clip-on", "xt", "--clip-limit", "0.3")
    assert noisy == ClipGuide(clip="c", aims=(Aim("red apple"),), **ON_NOISE | {"clip_gradient": 0.3})
    (inner, outer), _ = flags("--clip", "c", "--noisy-clip", "n", "--noisy-scale", "50", "--aim", "blue")
    assert inner == ClipGuide(clip="n", aims=(Aim("blue"),), **ON_NOISE | {"scale": 50.0})
    assert outer == ClipGuide(clip="c", aims=(Aim("blue"),))


@pytest.mark.parametrize(
    ("text", "aim"),
    [
        ("a clock at 10:30", ("a clock at 10:30", 1.0)),
        ("16:9", ("16:9", 1.0)),
        ("a clock at 10:30:2", ("a clock at 10:30", 2.0)),
        ("route 66:2.0", ("route 66", 2.0)),
        ("red:30", ("red", 30.0)),
    ],
)
def test_a_time_at_the_end_of_an_aim_is_text(text: str, aim: tuple[str, float]) -> None:
    assert split_aim_weight(text) == aim


def test_a_file_that_is_named_as_if_it_had_a_weight_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "red:2").touch()
    assert split_file_weight(str(tmp_path / "red:2")) == (str(tmp_path / "red:2"), 1.0)
    assert split_file_weight(str(tmp_path / "red.png:2")) == (str(tmp_path / "red.png"), 2.0)


def test_weights_follow_the_last_colon() -> None:
    assert split_weight("a cat") == ("a cat", 1.0)
    assert split_weight("a cat:-2") == ("a cat", -2.0)
    assert split_weight("ratio 16:9:1") == ("ratio 16:9", 1.0)
    assert split_weight("note: red") == ("note: red", 1.0)
    assert parse_law("early:power=2") == Law.of("early", power=2.0)
    assert parse_law("late") == Law("late")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (("--aim", "a cat"), "need a CLIP: add --clip emoji-clip"),
        (("--cutouts", "4"), "need a CLIP"),
        (("--noisy-scale", "4"), "need --noisy-clip"),
        (("--clean-classifier",), "add --classify LABEL"),
        (("--clip", "c", "--clip-law", "sideways"), "no law “sideways”"),
        (("--clip", "c", "--clip-law", "window:low"), "is no law of λ: type one such as window:low=0.1,high=5"),
        (("--clip", "c", "--clip-law", "window:low=much"), "is no law of λ"),
        (("--clip", "c", "--clip-law", "window:tall=1"), "has no number “tall”"),
        (("--clip", "c", "--cutouts", "99"), "99 cutouts are not possible"),
        (("--clip", "c", "--aim", "a:nan"), "weight of an aim"),
        (("--clip", "c", "--clip-on", "xt", "--cutouts", "2"), "whole noisy picture"),
        (("--classify", ":2", "--classifier", "k"), "needs a label"),
    ],
)
def test_invalid_flags_raise_one_sentence(text: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        flags(*text)


def test_a_clip_without_prompt_needs_an_aim_and_a_picture_must_be_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="add --aim TEXT, or a prompt"):
        flags("--clip", "c", prompt=" ")
    (tmp_path / "text.png").write_text("no picture")
    for name in ("text.png", "nowhere.png"):
        with pytest.raises((ValueError, OSError)):
            flags("--clip", "c", "--aim-image", str(tmp_path / name))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (["--clip", "no-such-clip"], "no-such-clip"),
        (["--clip", "emoji-clip", "--aim", "cat " * 90], "shorten it"),
        (["--classify", "noto", "--classifier", "fashion-class"], "does not know “noto”"),
        (["--classify", "noto", "--classifier", "nothing"], "nothing"),
    ],
)
def test_a_missing_guide_model_raises_one_sentence(
    text: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "apple", "--steps", "1", "--out", str(tmp_path / "a.png"), *text]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (["emoji"], "name one with --clip or --noisy-clip"),
        (["emoji", "--clip", "emoji-clip", "--alone", "3"], "to 4 or more"),
        (["emoji", "--clip", "emoji-clip", "--data", "nowhere"], "nowhere"),
        (["fashion", "--clip", "emoji-clip"], "takes no text"),
    ],
)
def test_an_impossible_guide_evaluation_raises_one_sentence(
    text: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate-guide", *text]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert "Traceback" not in told


def test_a_guided_picture_holds_its_guides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "made.png"
    asked = ["generate", "", "--steps", "2", "--seed", "3", "--cascade", "off", "--guidance", "1", "--json"]
    common = [*asked, "--device", "cpu", "--out", str(out)]
    assert main([*common, "--clip", "emoji-clip", "--aim", "猫 🐈 قطة", "--cutouts", "2"]) == 0
    made = json.loads(capsys.readouterr().out)["request"]["guides"]
    assert [guide["aims"][0]["text"] for guide in made] == ["猫 🐈 قطة"]
    assert len(made[0]["sha256"]) == 64
    guided = np.asarray(Image.open(out))
    assert main([*common, "--clip", "emoji-clip", "--aim", "cat", "--clip-scale", "0"]) == 0
    none = np.asarray(Image.open(out))
    capsys.readouterr()
    assert main(common) == 0
    assert (none == np.asarray(Image.open(out))).all(), "λ = 0 is no guide at all"
    assert (none != guided).any()


def final_state(run: Path) -> np.ndarray:
    *_, last = Session("cpu").go_on(run)
    return last.move.x.numpy()


@pytest.mark.usefixtures("two_threads")
def test_a_guided_run_resumes_in_another_process_from_its_file_alone(elsewhere: Elsewhere, tmp_path: Path) -> None:
    """With the CLIPs in the box, a picture as an aim, and a sampler that draws noise: bit for bit."""
    red = np.full((8, 6, 3), (255, 0, 0), np.uint8)
    aims = (Aim("apple"), Aim(image=digest(red), weight=0.5))
    guides = (
        ClipGuide(clip="emoji-clip-noised", aims=aims, **ON_NOISE),
        ClipGuide(clip="emoji-clip", aims=aims, cutouts=3),
    )
    info = find("emoji")
    draft = Draft.for_model(info, guidance=1.0, sampler="ddpm", steps=4, seed=5, enlarge=False, guides=guides)
    request = resolve(draft, info)
    session = Session("cpu")
    whole = [*session.generate(request, aims=(red,))]
    begun = session.generate(request, tmp_path / "run", aims=(red,))
    next(begun), next(begun)
    del begun
    assert elsewhere(final_state, tmp_path / "run").tobytes() == whole[-1].move.x.numpy().tobytes()
