"""What a run will take, from what earlier runs took."""

from __future__ import annotations

from engine.cost import passes
from engine.request import Request


class Prices:
    """Seconds per pass of the net over one image, as the last run of each model and batch size took them."""

    def __init__(self) -> None:
        self._measured: dict[tuple[str, int], float] = {}
        self._latest: dict[str, float] = {}

    def learn(self, request: Request, seconds: float, start: int = 0) -> None:
        """A run of `request` took `seconds` from the model call of its step `start` to its last step."""
        each = seconds / _passes(request, start)
        self._measured[request.model, len(request.seeds)] = self._latest[request.model] = each

    def seconds(self, request: Request) -> float | None:
        """What `request` should take; None before a run of its model was measured."""
        key = request.model, len(request.seeds)
        each = self._measured.get(key, self._latest.get(request.model))
        return None if each is None else each * _passes(request)


def _passes(request: Request, start: int = 0) -> int:
    """Passes of the net over one picture, for all pictures of the batch."""
    return sum(passes(request)[start:]) * len(request.seeds)


def in_words(seconds: float) -> str:
    """0.6 s, 12 s, 3 min: as exact as an estimate deserves."""
    if seconds < 0.095:
        return "0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 99.5 else f"{minutes / 60:.1f} h"
