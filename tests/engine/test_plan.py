"""Plans: guidance, its interval, the threshold and the temperature act at the right places of a run."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from engine.plan import Conditions, Plan, plan
from engine.rules import menu
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.cost import is_guided, passes
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError
from engine.transforms import cfg, dynamic_threshold
from engine.types import Cond, Denoiser, Said, Sigma


@pytest.fixture(scope="module")
def session(tiny_model: ModelInfo) -> Session:
    return Session("cpu", [tiny_model])


def request_for(info: ModelInfo, **choices: object) -> Request:
    draft = Draft.for_model(info, prompt="red apple", label="round", negative="blue", seed=7, batch=2)
    return resolve(replace(draft, **choices), info)  # type: ignore[arg-type]


def rows_by_hop(planned: Plan) -> list[int]:
    """Count the pictures in the net's calls at each step; guidance counts both conditions."""
    net, rows = planned.meter.d, []

    def counting(x: torch.Tensor, sigma: Sigma, cond: object = None) -> torch.Tensor:
        rows.append(len(x))
        return net(x, sigma, cond)  # type: ignore[arg-type]

    planned.meter.d = counting
    counted = []
    for _ in planned.steps():
        counted.append(sum(rows))
        rows.clear()
    return counted


@pytest.mark.parametrize("guidance", [0.0, 1.0, 3.0])
@pytest.mark.parametrize("name", menu())
def test_every_sampler_costs_its_stated_evaluations_step_by_step(
    name: str, guidance: float, session: Session, tiny_model: ModelInfo
) -> None:
    request = request_for(tiny_model, sampler=name, guidance=guidance)
    planned = session.plan(request)
    assert [rows / 2 for rows in rows_by_hop(planned)] == list(passes(request))
    assert planned.price.passes == sum(passes(request))
    assert sum(passes(request)) == request.evaluations * (1 if guidance in (0.0, 1.0) else 2)


@pytest.mark.parametrize("name", menu())
def test_with_a_guidance_interval_only_the_steps_at_its_ends_can_cost_differently(
    name: str, session: Session, tiny_model: ModelInfo
) -> None:
    request = request_for(tiny_model, sampler=name, steps=8, guidance_interval=(0.3, 10.0))
    rule = menu()[name]
    paid = [rows / 2 for rows in rows_by_hop(session.plan(request))]
    said = passes(request)
    crossing = [
        k for k in range(8) if is_guided(request, request.sigmas[k]) != is_guided(request, request.sigmas[k + 1])
    ]
    assert len(crossing) == 2
    assert all(paid[k] == said[k] for k in range(8) if k not in crossing)
    assert all(abs(paid[k] - said[k]) <= rule.evals for k in crossing)
    if rule.evals == 1 and name != "langevin":
        assert paid == list(said)
    assert sum(said) < sum(passes(replace(request, guidance_interval=None)))


def test_outside_its_interval_guidance_is_off(session: Session, tiny_model: ModelInfo) -> None:
    request = request_for(tiny_model, guidance=5.0)
    nowhere = replace(request, guidance_interval=(900.0, 1000.0))
    plain = replace(request, guidance=1.0)
    for one, other in zip(session.generate(nowhere), session.generate(plain), strict=True):
        assert torch.equal(one.move.x, other.move.x)
    everywhere = replace(request, guidance_interval=(0.0, 1000.0))
    for one, other in zip(session.generate(everywhere), session.generate(request), strict=True):
        assert torch.equal(one.move.x, other.move.x)


def test_each_image_of_a_plan_may_have_its_own_condition_and_guidance(session: Session, tiny_model: ModelInfo) -> None:
    model = session.load(tiny_model)
    whole = request_for(tiny_model, guidance=3.0)
    alone = [
        replace(whole, seeds=(seed,), prompt=prompt, guidance=guidance)
        for seed, prompt, guidance in ((7, "red apple", 2.0), (8, "rocket", 5.0))
    ]
    conds = [Conditions.of(request, model) for request in alone]
    own = Conditions(Cond.cat([one.cond for one in conds]), conds[0].uncond)
    planned = plan(whole, model, conditions=own, scales=torch.tensor([2.0, 5.0]))
    x = planned.x / 80
    for k, request in enumerate(alone):
        mine, other = session.plan(request).denoiser, session.plan(alone[1 - k]).denoiser
        torch.testing.assert_close(planned.denoiser(x, 1.0)[k], mine(x[k : k + 1], 1.0)[0], atol=1e-3, rtol=1e-3)
        assert not torch.allclose(planned.denoiser(x, 1.0)[k], other(x[k : k + 1], 1.0)[0], atol=1e-2)


def wild(d: Denoiser) -> Denoiser:
    """A denoiser whose estimate is four times too large, so that every threshold acts."""
    return lambda x, sigma, cond=None: 4 * d(x, sigma, cond)


@pytest.mark.parametrize("threshold", ["static", "dynamic"])
def test_a_threshold_acts_on_the_guided_estimate(threshold: str, session: Session, tiny_model: ModelInfo) -> None:
    free = request_for(tiny_model, guidance=6.0)
    request = replace(free, threshold=threshold, quantile=0.8)
    planned, unbound = session.plan(request), session.plan(free)
    for each in (planned, unbound):
        each.meter.d = wild(each.meter.d)
    x = planned.x / 80
    guided_x0 = unbound.denoiser(x, 1.0)
    assert guided_x0.abs().amax() > 1.5, "else there is nothing to see"
    if threshold == "static":
        expected = guided_x0.clamp(-1, 1)
    else:
        size = guided_x0.flatten(1).abs().quantile(0.8, dim=1).clamp(min=1)[:, None, None, None]
        expected = guided_x0.clamp(-size, size) / size
    torch.testing.assert_close(planned.denoiser(x, 1.0), expected)
    model = session.load(tiny_model)
    conds = model.condition(Said("red apple", "round")), model.condition(Said("blue", None))
    inside = cfg(6.0, *conds)(dynamic_threshold(0.8)(wild(model.denoiser)))
    assert not torch.allclose(planned.denoiser(x, 1.0), inside(x, 1.0)), "not on each branch before guidance"


def test_the_raw_estimate_is_kept_from_before_guidance_and_threshold(session: Session, tiny_model: ModelInfo) -> None:
    request = request_for(tiny_model, guidance=6.0, threshold="static")
    free = next(session.generate(request_for(tiny_model, guidance=6.0)))
    step = next(session.generate(request))
    assert torch.equal(step.x0_raw, free.x0_raw)
    assert step.move.x0.abs().max() <= 1


def test_a_threshold_is_refused_where_states_are_not_pixels(
    session: Session, tiny_model: ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = session.load(tiny_model)

    class Latents:
        latent_shape, identity = model.codec.latent_shape, False

    monkeypatch.setattr(session, "load", lambda *_: replace(model, codec=Latents()))  # type: ignore[type-var]
    assert session.plan(request_for(tiny_model)).x.shape == (2, 3, 16, 16)
    with pytest.raises(RequestError, match="works on latents: choose none"):
        session.plan(request_for(tiny_model, threshold="static"))


def test_the_temperature_scales_the_noise_that_a_run_starts_from(session: Session, tiny_model: ModelInfo) -> None:
    plain, cool = (session.plan(request_for(tiny_model, temperature=t)).x for t in (1.0, 0.25))
    torch.testing.assert_close(cool, plain / 4)
