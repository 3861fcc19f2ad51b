"""What a run costs, in words: calls of the model, which is what time goes into."""

from __future__ import annotations

from app.core.prices import passes
from engine.request import Request


def calls_per_evaluation(request: Request) -> int:
    """Two where guidance asks the model with and without the prompt, else one."""
    return passes(request) // (request.evaluations * len(request.seeds))


def calls_of(request: Request) -> str:
    """The price of a run, such as "40 model calls (20 × 2 for guidance)"."""
    each = calls_per_evaluation(request)
    total = request.evaluations * each
    why = f" ({request.evaluations} × {each} for guidance)" if each > 1 else ""
    return f"{total} model call{'' if total == 1 else 's'}{why}"


def calls_a_step(evals: int) -> str:
    return "one model call a step" if evals == 1 else f"{evals} model calls a step"
