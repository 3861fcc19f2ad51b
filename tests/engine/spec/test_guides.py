"""Guides as settings: what they hold and refuse, as JSON and back, in Drafts and Requests, in the run file."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.pictures.compositing import aim_picture
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, branch, resolve, vary
from engine.spec.edit import digest
from engine.spec.guide_models import read
from engine.spec.guides import (
    AIM_SIDE,
    LAWS,
    Aim,
    ClassGuide,
    ClipGuide,
    Guide,
    Law,
    active_guides,
    digests,
    guide_from_dict,
    pictures_of,
)
from engine.spec.request import Request, RequestError
from engine.store import RunReader, RunWriter, StoreError

RED = np.full((8, 6, 3), (255, 0, 0), np.uint8)
CAT = Aim("a cat", weight=1.5)
PICTURE = Aim(image=digest(RED), weight=-0.5)
CLIP = ClipGuide(
    clip="some-clip",
    sha256="ab" * 32,
    aims=(CAT, PICTURE),
    scale=12.5,
    law=Law.of("window", low=0.2),
    cutouts=7,
    cut_size=(0.3, 0.9),
    clip_gradient=0.25,
    smooth=0.5,
    keep_range=2.0,
)
CLASS = ClassGuide(classifier="some-classifier", label="noto", scale=-2.0, noisy=False, on="x0")


def guided(info: ModelInfo, *guides: Guide, **choices: Any) -> Request:
    return resolve(Draft.for_model(info, guides=guides, seed=3, **choices), info)


@pytest.mark.parametrize(
    "guide", [CLIP, CLASS, ClipGuide(clip="c", aims=(CAT,)), ClassGuide(classifier="c", label="l")]
)
def test_a_guide_travels_as_json(guide: Guide) -> None:
    assert guide_from_dict(json.loads(json.dumps(asdict(guide)))) == guide


def test_a_request_holds_them_and_one_from_before_has_none(tiny_model: ModelInfo) -> None:
    request = guided(tiny_model, CLIP, CLASS)
    assert request.guides == (CLIP, CLASS)
    assert Request.from_json(request.to_json()) == request
    assert request.digest != replace(request, guides=(CLASS, CLIP)).digest != replace(request, guides=()).digest
    old = request.to_dict()
    del old["guides"]
    assert Request.from_dict(old) == replace(request, guides=())


def test_a_draft_names_them_without_their_weights(tiny_model: ModelInfo) -> None:
    request = guided(tiny_model, CLIP, CLASS)
    draft = Draft.of(request)
    assert draft.guides == (replace(CLIP, sha256=""), CLASS)
    assert branch(replace(draft, guides=(CLASS,)), tiny_model, request, 2) == replace(request, guides=(CLASS,))
    assert vary(request, 2, 0, 3, tiny_model).guides == request.guides


def test_a_request_names_models_by_the_hash_of_their_files(tiny_model: ModelInfo, tmp_path: Path) -> None:
    config = {"id": "k", "title": "K", "noisy": True, "labels": ["round"], "sha256": {"a": "1"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = read(tmp_path)
    clip, of_class = replace(CLIP, clip=str(tmp_path)), ClassGuide(classifier=str(tmp_path), label="round")
    request = guided(tiny_model, clip, of_class)
    assert [guide.sha256 for guide in request.guides] == [found.sha256] * 2
    assert resolve(Draft.of(request), tiny_model) == request
    with pytest.raises(RequestError, match="“K” does not know “far”: choose one of round"):
        guided(tiny_model, replace(of_class, label="far"))
    (tmp_path / "config.json").write_text(json.dumps(config | {"noisy": False}))
    with pytest.raises(RequestError, match="clean pictures only"):
        guided(tiny_model, ClipGuide(clip=str(tmp_path), aims=(CAT,), on="xt", cutouts=1))


DAMAGED: list[tuple[Guide, dict[str, Any]]] = [
    (CLIP, {"aims": 3}),
    (CLIP, {"aims": [{"text": "a", "image": "", "weight": "much"}]}),
    (CLIP, {"aims": [{"text": 1, "image": "", "weight": 1}]}),
    (CLIP, {"law": "constant"}),
    (CLIP, {"law": {"name": "window", "options": [["low", True]]}}),
    (CLIP, {"cut_size": [0.5]}),
    (CLIP, {"cutouts": 1.5}),
    (CLIP, {"scale": None}),
    (CLIP, {"strange": 1}),
    (CLASS, {"noisy": 1}),
    (CLASS, {"label": None}),
    (CLASS, {"scale": "1"}),
]


@pytest.mark.parametrize(("guide", "damage"), DAMAGED)
def test_damaged_settings_are_refused(guide: Guide, damage: dict[str, Any], tiny_model: ModelInfo) -> None:
    data = guided(tiny_model, guide).to_dict()
    data["guides"] = [data["guides"][0] | damage]
    with pytest.raises(RequestError, match="damaged"):
        Request.from_dict(json.loads(json.dumps(data)))


@pytest.mark.parametrize("guides", [3, {"clip": 1}, [3], [None], ["clip"], [{}], [[]]])
def test_what_is_no_guide_is_refused(guides: object, tiny_model: ModelInfo) -> None:
    data = guided(tiny_model).to_dict() | {"guides": guides}
    with pytest.raises(RequestError, match="damaged"):
        Request.from_dict(json.loads(json.dumps(data)))


@pytest.mark.parametrize(
    ("choices", "says"),
    [
        ({"clip": ""}, "No CLIP is named"),
        ({"aims": ()}, "1 to 16 aims"),
        ({"aims": (CAT,) * 17}, "1 to 16 aims"),
        ({"scale": float("nan")}, "scale λ of CLIP guidance must lie between 0"),
        ({"scale": -1.0}, "scale λ of CLIP guidance must lie between 0"),
        ({"on": "x1"}, "CLIP cannot look at “x1”: choose one of x0, xt"),
        ({"cutouts": 0}, "0 cutouts are not possible"),
        ({"cutouts": 65}, "65 cutouts are not possible"),
        ({"cut_size": (0.05, 1.0)}, "two shares of the side"),
        ({"cut_size": (0.9, 0.5)}, "two shares of the side"),
        ({"clip_gradient": -1.0}, "limit of CLIP's move"),
        ({"smooth": float("inf")}, "smoothness and range"),
        ({"on": "xt"}, "only the whole noisy picture"),
    ],
)
def test_an_invalid_clip_guide_gives_advice(choices: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestError, match=says):
        replace(CLIP, **choices)


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (Aim, "a text or a picture"),
        (lambda: Aim("  "), "a text or a picture"),
        (lambda: Aim("a", "b" * 64), "a text or a picture"),
        (lambda: Aim(image="../../etc/passwd"), "SHA-256"),
        (lambda: Aim("a" * 4001), "longer than 4000"),
        (lambda: Aim("a", weight=0.0), "and not be 0"),
        (lambda: Aim("a", weight=float("nan")), "weight of an aim"),
        (lambda: Law("sideways"), "no law “sideways” of λ: choose one of constant, window, early, late"),
        (lambda: Law.of("early", low=1.0), "has no number “low”: it has power"),
        (lambda: Law.of("late", power=float("nan")), "power cannot be nan"),
        (lambda: Law.of("window", low=3.0, high=1.0), "the low one first"),
        (lambda: Law("window", (("low", 1.0), ("high", 2.0))), "sorted by name"),
        (lambda: replace(CLASS, label=""), "needs a label"),
        (lambda: replace(CLASS, classifier=""), "No classifier is named"),
        (lambda: replace(CLASS, scale=float("inf")), "scale γ"),
        (lambda: replace(CLASS, on="y"), "cannot look at “y”"),
    ],
)
def test_what_cannot_be_is_one_sentence(build: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        build()
    assert str(caught.value).endswith(".")


def test_too_many_guides_are_refused(tiny_model: ModelInfo) -> None:
    with pytest.raises(RequestError, match="9 guides are too many"):
        guided(tiny_model, *(CLASS,) * 9)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("sigma", [0.0, 0.02, 1.0, 80.0, 1e5])
def test_every_law_is_a_share_of_the_scale(name: str, sigma: float) -> None:
    law = Law(name)
    assert 0 <= law.weight(sigma) <= 1
    assert law == Law.of(name, **{parameter.name: parameter.default for parameter in LAWS[name].parameters})


def test_the_laws_say_when() -> None:
    window = Law.of("window", low=0.5, high=2.0)
    assert [window.weight(s) for s in (0.4, 0.5, 2.0, 2.1)] == [0, 1, 1, 0]
    assert Law.of("early", power=2.0).weight(1.0) == Law.of("late", power=2.0).weight(1.0) == 0.25
    assert Law("early").weight(3.0) + Law("late").weight(3.0) == pytest.approx(1)
    assert active_guides((replace(CLIP, law=window), replace(CLASS, scale=0.0)), 1.0) == (replace(CLIP, law=window),)
    assert active_guides((replace(CLIP, law=window), CLASS), 3.0) == (CLASS,)
    assert active_guides((CLIP, CLASS), 0.0) == ()


def test_aim_pictures_are_found_by_digest() -> None:
    blue = np.zeros((4, 4, 3), np.uint8)
    assert digests((CLASS, CLIP, CLIP)) == (digest(RED),)
    assert pictures_of((CLIP,), (blue, RED.copy())) == {digest(RED): pytest.approx(RED)}
    assert pictures_of((CLASS,), ()) == {}
    for given in ((), (blue,)):
        with pytest.raises(RequestError, match="aim picture of these settings is missing"):
            pictures_of((CLIP,), given)
    with pytest.raises(RequestError, match="uint8"):
        pictures_of((CLIP,), (RED.astype(np.float32),))


def test_a_large_picture_is_kept_small() -> None:
    assert aim_picture(np.zeros((3 * AIM_SIDE, 2 * AIM_SIDE, 3), np.uint8)).shape == (AIM_SIDE, AIM_SIDE * 2 // 3, 3)
    assert aim_picture(np.zeros((1, 4 * AIM_SIDE, 3), np.uint8)).shape == (1, AIM_SIDE, 3)
    assert aim_picture(RED) is RED


def test_the_run_file_keeps_the_aim_pictures(tmp_path: Path, tiny_model: ModelInfo) -> None:
    request = guided(tiny_model, CLIP)
    x = np.zeros((1, 3, 16, 16), np.float32)
    with RunWriter(tmp_path / "run", request, {"id": "run", "parent": None}) as writer:
        writer.aims(pictures_of(request.guides, (RED,)))
        writer.start(x)
    reader = RunReader(tmp_path / "run", verify=True)
    (kept,) = reader.aims()
    assert (kept == RED).all()
    assert (reader.start()[0] == x).all()
    with RunWriter(tmp_path / "torn", request, {"id": "torn", "parent": None}):
        pass
    with pytest.raises(StoreError, match="stopped before its aim pictures"):
        RunReader(tmp_path / "torn").aims()
    with RunWriter(tmp_path / "other", request, {"id": "other", "parent": None}) as writer:
        writer.aims({digest(RED): RED + 1})
    with pytest.raises(StoreError, match="aim picture of the run other is damaged"):
        RunReader(tmp_path / "other").aims()
    with RunWriter(tmp_path / "plain", replace(request, guides=()), {"id": "plain", "parent": None}):
        pass
    assert RunReader(tmp_path / "plain").aims() == ()
