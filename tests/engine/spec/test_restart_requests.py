"""Restart in settings: its path decides the price; a fork stays on it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.paths import path_of, restart
from engine.rules.restart import Interval
from engine.spec.catalog import ModelInfo
from engine.spec.cost import passes
from engine.spec.draft import Draft, branch, resolve, vary
from engine.spec.request import Request, RequestError


@pytest.fixture
def draft(tiny_model: ModelInfo) -> Draft:
    options = (("times", 2.0), ("levels", 4.0), ("low", 0.3))
    return Draft.for_model(tiny_model, sampler="restart", spacing="log", steps=12, guidance=3.0, options=options)


def test_the_path_has_the_restarts_that_the_options_choose_and_the_price_counts_them(
    draft: Draft, tiny_model: ModelInfo
) -> None:
    request = resolve(draft, tiny_model)
    path = path_of(request)
    assert path == restart(request.sigmas, [Interval(0.3, 2.0, 4, 2)])
    assert len(path) == 12 + 2 * (1 + 3)
    assert request.evaluations == 2 * 12 - 1 + 2 * 3 * 2
    assert len(passes(request)) == len(path)
    assert sum(passes(request)) == 2 * request.evaluations
    assert Request.from_json(request.to_json()) == request
    assert resolve(Draft.of(request), tiny_model) == request


def test_a_fork_keeps_the_path_and_may_change_anything_but_the_sampler(draft: Draft, tiny_model: ModelInfo) -> None:
    parent = resolve(draft, tiny_model)
    i = next(k for k, hop in enumerate(path_of(parent)) if hop.kind == "renoise") + 2
    assert branch(draft, tiny_model, parent, i) == parent
    stronger = branch(replace(draft, guidance=5.0, steps=30), tiny_model, parent, i)
    assert (stronger.guidance, path_of(stronger)) == (5.0, path_of(parent))
    for changed in (replace(draft, sampler="heun", options=()), replace(draft, options=(("times", 3.0),))):
        with pytest.raises(RequestError, match="keep the run's sampler and its numbers"):
            branch(changed, tiny_model, parent, i)
    plain = resolve(replace(draft, sampler="heun", options=()), tiny_model)
    with pytest.raises(RequestError, match="keep the run's sampler"):
        branch(draft, tiny_model, plain, 2)


def test_variations_keep_the_path(draft: Draft, tiny_model: ModelInfo) -> None:
    parent = resolve(draft, tiny_model)
    varied = vary(parent, 3, 0, 4, tiny_model)
    assert (path_of(varied), len(varied.seeds)) == (path_of(parent), 4)
    with pytest.raises(RequestError, match="keep the run's sampler"):
        vary(parent, 3, 0, 4, tiny_model, sampler="ddpm")
    with pytest.raises(RequestError, match="keep the remaining steps"):
        vary(parent, 3, 0, 4, tiny_model, steps=5)
