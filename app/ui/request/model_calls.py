"""Describe the cost of a run in model calls."""

from __future__ import annotations

from engine.spec.cost import enlargement_passes, is_exact, is_guided, passes, work
from engine.spec.request import Request

COUNTED = "A model call is one pass of the net over one picture"


def calls_of(request: Request) -> str:
    """The price of each picture of a run, such as "40 model calls (20 × 2 for guidance)"."""
    total = sum(passes(request))
    if total == request.evaluations:
        why = ""
    elif total == 2 * request.evaluations:
        why = f" ({request.evaluations} × 2 for guidance)"
    else:
        within = sum(is_guided(request, s) for s in request.sigmas[:-1])
        why = f" ({within} of {request.steps} steps guided)"
    larger = enlargement_passes(request)
    why += f" and {larger} of the second stage" if larger else ""
    besides = sum(work(request)) - total
    why += f", guides take as long as {besides:.0f} more" if besides >= 0.5 else ""
    return f"{'' if is_exact(request) else '≈ '}{total} model call{'' if total == 1 else 's'}{why}"
