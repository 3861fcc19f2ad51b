"""What a run costs in passes of the net over one picture: what its time goes into. Torch-free.

A guide's gradient and its CLIP take time besides: work() counts them in passes too, by what they were measured to take.

People are told "model calls". One is one pass over one picture; how many passes the device does at once (a batch, or
both conditions of guidance) changes the time and not the count.
"""

from __future__ import annotations

from engine.paths import descending, path_of
from engine.spec.guides import ClassGuide, Guide, active_guides
from engine.spec.request import Request
from engine.spec.sampler import rule_of


def passes(request: Request) -> tuple[int, ...]:
    """The passes of each hop of a run, those that go up again among them; their sum is the whole run's price.

    An evaluation is two passes where guidance asks the model with and without the condition, else one. With a guidance
    interval a hop counts by the level that it starts from: where a sampler also evaluates elsewhere (Heun, churn, the
    correctors), the two hops that cross an end of the interval may cost a few passes more or less.
    """
    rule = rule_of(request.sampler, request.options)
    return tuple(passes_of(request, hop.s, rule.cost((hop,))) for hop in path_of(request))


BACKWARD = 1.4  # a pass back through the net, for the gradient by the state alone
VIEW = 0.3  # a view that a CLIP like the one in the box scores and is differentiated through, beside its model
CLASSIFIER = 0.1  # a classifier like those in the box


def work(request: Request) -> tuple[float, ...]:
    """The time of each hop in unguided passes of the net: passes(), and what guides take besides.

    The shares are those of the models in the box (tests/bench/test_guided.py prints them as they are here). As with a
    guidance interval, a hop counts by the level that it starts from.
    """
    rule = rule_of(request.sampler, request.options)
    return tuple(_work_of(request, hop.s) * rule.cost((hop,)) for hop in path_of(request))


def _work_of(request: Request, sigma: float) -> float:
    """The time of one evaluation at the noise level σ."""
    return passes_of(request, sigma, 1) + sum(
        _besides(guide, request, sigma) for guide in active_guides(request.guides, sigma)
    )


def _besides(guide: Guide, request: Request, sigma: float) -> float:
    """What one evaluation takes for a guide besides its passes, in passes."""
    back = BACKWARD * passes_of(request, sigma, 1) if guide.differentiates else 0.0
    return back + (CLASSIFIER if isinstance(guide, ClassGuide) else VIEW * guide.cutouts)


def enlargement_passes(request: Request) -> int:
    """The calls of the second stage's net for each picture, on top of passes(); 0 where there is none."""
    second = request.enlargement
    return 0 if second is None else rule_of(second.sampler).cost(descending(second.sigmas))


def is_exact(request: Request) -> bool:
    """Whether passes() is exact whatever the sampler does within a hop."""
    rule = rule_of(request.sampler, request.options)
    return request.guidance_interval is None or rule.evals == 1


def passes_of(request: Request, sigma: float, evaluations: int) -> int:
    """The passes that `evaluations` of the denoiser at the noise level σ take."""
    return evaluations * (2 if is_guided(request, sigma) else 1)


def is_guided(request: Request, sigma: float) -> bool:
    """Whether an evaluation at the noise level σ asks the model twice, as engine.transforms.cfg does."""
    interval = request.guidance_interval
    return request.guidance not in (0, 1) and (interval is None or interval[0] <= sigma <= interval[1])
