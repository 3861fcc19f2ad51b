"""The cost of a run in passes of the net over one picture, step by step. Needs no torch.

The gradients and CLIPs of guides also take time: work() adds them in passes, from measured times.

The user reads "model calls". One call is one pass over one picture. The number of passes that the device does at once
(a batch, or both conditions of guidance) changes the time and not the count.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.paths import descending, path_of
from engine.spec.guides import ClassGuide, Guide, active_guides
from engine.spec.request import Request
from engine.spec.sampler import rule_of


class HopCost(NamedTuple):
    """The cost of one hop.

    evaluations -- of the denoiser
    rows        -- passes of each evaluation for each picture: 2 where guidance also needs the model without condition
    besides     -- extra time of the guides in each evaluation, in passes for each picture
    """

    evaluations: int
    rows: int
    besides: float


def hop_costs(request: Request) -> tuple[HopCost, ...]:
    """Return the cost of each hop of a run, including hops that go up again: passes() and work() sum it up."""
    rule = rule_of(request.sampler, request.options)
    return tuple(_hop_cost(request, hop.s, rule.cost((hop,))) for hop in path_of(request))


def _hop_cost(request: Request, sigma: float, evaluations: int) -> HopCost:
    besides = sum(_besides(guide, request, sigma) for guide in active_guides(request.guides, sigma))
    return HopCost(evaluations, passes_of(request, sigma, 1), besides)


def passes(request: Request) -> tuple[int, ...]:
    """Return the passes of each hop of a run, including hops that go up again; their sum is the price of the run.

    An evaluation takes two passes where guidance needs the model with and without the condition, else one. With a
    guidance interval a hop counts by its first level. If a sampler also evaluates elsewhere (Heun, churn, the
    correctors), the two hops that cross an end of the interval may cost a few passes more or less.
    """
    return tuple(cost.evaluations * cost.rows for cost in hop_costs(request))


BACKWARD = 1.4  # a pass back through the net, for the gradient by the state alone
VIEW = 0.3  # one view of a CLIP like the embedded one, forwards and backwards
CLASSIFIER = 0.1  # a classifier like the embedded ones


def work(request: Request) -> tuple[float, ...]:
    """Return the time of each hop in unguided passes of the net: passes(), and the extra time of guides.

    The shares are those of the embedded models (tests/bench/test_guided.py prints them as measured). With a guidance
    interval a hop counts by its first level.
    """
    return tuple((cost.rows + cost.besides) * cost.evaluations for cost in hop_costs(request))


def _besides(guide: Guide, request: Request, sigma: float) -> float:
    """Return the extra time of a guide in one evaluation, in passes."""
    back = BACKWARD * passes_of(request, sigma, 1) if guide.differentiates else 0.0
    return back + (CLASSIFIER if isinstance(guide, ClassGuide) else VIEW * guide.cutouts)


def enlargement_passes(request: Request) -> int:
    """Return the passes of the second stage's net for each picture, on top of passes(); 0 without a second stage."""
    second = request.enlargement
    return 0 if second is None else rule_of(second.sampler).cost(descending(second.sigmas))


def is_exact(request: Request) -> bool:
    """Whether passes() is exact for every sampler."""
    rule = rule_of(request.sampler, request.options)
    return request.guidance_interval is None or rule.evals == 1


def passes_of(request: Request, sigma: float, evaluations: int) -> int:
    """Return the passes of `evaluations` of the denoiser at the noise level σ."""
    return evaluations * (2 if is_guided(request, sigma) else 1)


def is_guided(request: Request, sigma: float) -> bool:
    """Whether an evaluation at the noise level σ takes two passes, as in engine.transforms.cfg."""
    interval = request.guidance_interval
    return request.guidance not in (0, 1) and (interval is None or interval[0] <= sigma <= interval[1])
