"""From a draft to a Request that edits a picture, and back: strengths, tails, branches, refusals."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from engine.paths import path_of
from engine.pictures.parameters import parameters
from engine.spec.catalog import ModelInfo
from engine.spec.cost import enlargement_passes, passes
from engine.spec.draft import Draft, branch, resolve, size, steps_of_strength, vary
from engine.spec.edit import Inputs
from engine.spec.request import Edit, Request, RequestError

METHODS = ("replacement", "repaint", "img2img")


def inputs(side: int = 16, seed: int = 0) -> Inputs:
    rng = np.random.default_rng(seed)
    mask = np.zeros((side, side), np.uint8)
    mask[3:9, 5:12] = 255
    return Inputs(rng.integers(0, 256, (side, side, 3), dtype=np.uint8), mask)


def request_for(info: ModelInfo, given: Inputs | None = None, **choices: Any) -> Request:
    draft = Draft.for_model(info, prompt="red apple", seed=7, batch=2, **{"method": "replacement"} | choices)
    return resolve(draft, info, given or inputs())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("strength", [0.01, 0.3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize("steps", [1, 2, 5, 12, 37])
def test_a_strength_is_whole_steps_from_the_end_of_the_grid(
    method: str, strength: float, steps: int, tiny_model: ModelInfo
) -> None:
    request = request_for(tiny_model, method=method, strength=strength, steps=steps)
    taken = steps_of_strength(strength, steps)
    assert taken == max(1, round(strength * steps))
    assert request.steps == taken
    grid = resolve(Draft.for_model(tiny_model, steps=steps), tiny_model).sigmas
    assert request.sigmas == grid[-1 - taken :]
    assert request.edit is not None
    assert request.edit.strength == taken / steps
    draft = Draft.of(request)
    assert (draft.steps, steps_of_strength(draft.strength, draft.steps), draft.method) == (steps, taken, method)
    assert resolve(draft, tiny_model, inputs()) == request
    assert request.evaluations == sum(passes(replace(request, guidance=1.0)))


def test_a_tail_costs_its_own_steps_and_repaint_all_its_moves(tiny_model: ModelInfo) -> None:
    assert sum(passes(request_for(tiny_model, steps=10, strength=0.3, guidance=3.0))) == 6
    back = request_for(tiny_model, method="repaint", steps=10, jump=2, resample=3, guidance=1.0)
    path = path_of(back)
    assert len(path) > 10
    assert len(passes(back)) == len(path)
    assert sum(passes(back)) == back.evaluations == sum(hop.kind == "solve" for hop in path)


def test_it_travels_as_json_and_settings_from_before_have_none(tiny_model: ModelInfo) -> None:
    request = request_for(tiny_model, method="repaint", strength=0.5, steps=8, jump=2, resample=3)
    assert Request.from_json(request.to_json()) == request
    assert request.digest != replace(request, edit=None).digest
    old = request.to_dict()
    del old["edit"]
    assert Request.from_dict(old) == replace(request, edit=None)
    for damage in ({"method": 3}, {"mask": None}, {"strength": "much"}, {"jump": 1.5}, {"strength": 0}):
        with pytest.raises(RequestError):
            Request.from_dict(json.loads(json.dumps(request.to_dict() | {"edit": request.to_dict()["edit"] | damage})))
    text = parameters(replace(request, seeds=(7,)))
    assert "Method: repaint, Denoising strength: 0.5" in text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_going_on_with_the_same_choices_is_the_same_request(
    method: str, strength: float, tiny_model: ModelInfo
) -> None:
    parent = request_for(tiny_model, method=method, strength=strength, steps=8)
    for i in range(len(path_of(parent))):
        assert branch(Draft.of(parent), tiny_model, parent, i) == parent
        assert branch(Draft.of(parent), tiny_model, parent, i, inputs()) == parent


def test_going_on_may_change_mask_and_method_and_keeps_where_it_started(tiny_model: ModelInfo) -> None:
    parent = request_for(tiny_model, method="img2img", strength=0.5, steps=8)
    draft = replace(Draft.of(parent), prompt="blue heart")
    assert branch(draft, tiny_model, parent, 2) == replace(parent, prompt="blue heart")
    other = inputs(seed=1)
    request = branch(replace(draft, method="replacement"), tiny_model, parent, 2, other)
    assert request.sigmas == parent.sigmas
    assert request.edit is not None
    assert request.edit == Edit(method="replacement", source=other.digests[0], mask=other.digests[1], strength=0.5)
    free = branch(replace(draft, method="new"), tiny_model, parent, 2)
    assert free.edit is None
    assert free.sigmas == parent.sigmas
    plain = resolve(Draft.for_model(tiny_model, batch=2), tiny_model)
    filled = branch(replace(Draft.of(plain), method="replacement"), tiny_model, plain, 2, inputs())
    assert filled.edit is not None
    assert (filled.edit.strength, filled.sigmas) == (1.0, plain.sigmas)
    finer = branch(replace(draft, steps=16), tiny_model, parent, 2)
    assert finer.sigmas[:3] == parent.sigmas[:3]
    assert finer.steps > parent.steps


def test_a_step_of_repaint_keeps_its_way(tiny_model: ModelInfo) -> None:
    parent = request_for(tiny_model, method="repaint", steps=6, jump=1, resample=3)
    changed = branch(replace(Draft.of(parent), prompt="rocket", steps=9), tiny_model, parent, 11)
    assert changed == replace(parent, prompt="rocket")
    for other in ({"method": "replacement"}, {"method": "new"}, {"resample": 2}):
        with pytest.raises(RequestError, match="path back and forth"):
            branch(replace(Draft.of(parent), **other), tiny_model, parent, 11)
    shared = vary(parent, 11, 0, 3, tiny_model)
    assert (shared.sampler, shared.sigmas, shared.edit) == ("ddpm", parent.sigmas, parent.edit)
    with pytest.raises(RequestError, match="keep the remaining steps"):
        vary(parent, 11, 0, 3, tiny_model, steps=3)


def test_a_second_stage_takes_its_own_share_of_the_strength(cascade: ModelInfo) -> None:
    plain = resolve(Draft.for_model(cascade), cascade).enlargement
    assert plain is not None
    for strength, steps in ((0.2, 1), (0.5, 1), (0.8, 2), (1.0, 2)):
        request = request_for(cascade, inputs(64), method="img2img", strength=strength, steps=10)
        assert request.enlargement == replace(plain, sigmas=plain.sigmas[-1 - steps :])
        assert resolve(Draft.of(request), cascade, inputs(64)) == request
        assert enlargement_passes(request) == steps
        assert branch(Draft.of(request), cascade, request, 1) == request
        free = branch(replace(Draft.of(request), method="new"), cascade, request, 1)
        assert free.enlargement == plain


def test_the_inputs_of_a_draft_have_the_size_of_its_picture(tiny_model: ModelInfo, cascade: ModelInfo) -> None:
    assert size(Draft.for_model(tiny_model), tiny_model) == (16, 16)
    draft = Draft.for_model(cascade, method="replacement")
    assert size(draft, cascade) == (64, 64)
    assert resolve(draft, cascade, inputs(64)).size == (64, 64)
    with pytest.raises(RequestError, match="works on 64×64 pixels, but the picture has 16×16"):
        resolve(draft, cascade, inputs(16))
    assert resolve(replace(draft, enlarge=False), cascade, inputs(16)).size == (16, 16)


def test_what_cannot_be_done_is_one_sentence(tiny_model: ModelInfo) -> None:
    good = inputs()
    empty = Inputs(good.source, np.zeros((16, 16), np.uint8))
    faint = Inputs(good.source, np.full((16, 16), 10, np.uint8))
    for given, choices, says in (
        (None, {}, "no picture to work on"),
        (empty, {}, "mask is empty: paint"),
        (Inputs(good.source), {}, "There is no mask: paint"),
        (faint, {"steps": 12}, "too faint for 12 steps"),
        (good, {"strength": 0.0}, "above 0 and be at most 1"),
        (good, {"strength": float("nan")}, "above 0 and be at most 1"),
        (good, {"method": "magic"}, "no method “magic”: choose one of new, replacement, repaint, img2img"),
        (good, {"steps": 0}, "0 steps are not possible"),
        (good, {"method": "repaint", "jump": 0}, "RePaint goes back 1 to"),
        (good, {"method": "repaint", "resample": 51}, "1 to 50 times"),
        (good, {"method": "repaint", "steps": 900, "resample": 50}, "89002 moves"),
    ):
        draft = Draft.for_model(tiny_model, **{"method": "replacement"} | choices)
        with pytest.raises(RequestError, match=says):
            resolve(draft, tiny_model, given)
    assert resolve(Draft.for_model(tiny_model, method="replacement", steps=25), tiny_model, faint).steps == 25
    assert resolve(Draft.for_model(tiny_model, method="img2img"), tiny_model, Inputs(good.source)).edit is not None
    with pytest.raises(RequestError, match="does not go back and forth"):
        Edit(method="replacement", source="a", mask="b", jump=2)
