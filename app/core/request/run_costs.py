"""The estimated time of a run, from the measured times of earlier runs."""

from __future__ import annotations

from typing import TypeAlias

from engine.spec.cost import enlargement_passes, work
from engine.spec.request import Request

Who: TypeAlias = tuple[str, str | None]  # a model, and its precision


class Prices:
    """Seconds per pass of the net over one image, as the last run of each model, precision and batch size took them:
    what guides take counts in passes too.

    A pass of the second stage, over larger pictures, has a price of its own: that of the last run that had one. So has
    the decoder of a latent model. A size that was not measured is priced by its pixels.
    """

    def __init__(self) -> None:
        self._measured: dict[tuple[Who, int, int], float] = {}  # by model, pictures and their pixels
        self._latest: dict[Who, float] = {}  # by model: for each pixel
        self._second: dict[Who, float] = {}
        self._decoding: dict[Who, float] = {}  # by model: for each pixel

    def learn(self, request: Request, seconds: float, start: int = 0, finishing: float = 0.0) -> None:
        """A run of `request` took `seconds` from the model call of its step `start` to its last step, and `finishing`
        from there to its pictures.
        """
        each, pixels = seconds / _work(request, start), request.width * request.height
        self._measured[_who(request), len(request.seeds), pixels] = each
        self._latest[_who(request)] = each / pixels
        if second := _passes_of_second(request):
            self._second[_who(request)] = finishing / second
        else:
            self._decoding[_who(request)] = finishing / (pixels * len(request.seeds))

    def seconds(self, request: Request) -> float | None:
        """The estimated seconds of `request`; None before a run of its model, and of its second stage, was measured."""
        pixels = request.width * request.height
        each = self._measured.get((_who(request), len(request.seeds), pixels))
        if each is None and (latest := self._latest.get(_who(request))) is not None:
            each = latest * pixels
        second = _passes_of_second(request)
        of_second = self._second.get(_who(request)) if second else 0.0
        if each is None or of_second is None:
            return None
        decoding = 0.0 if second else self._decoding.get(_who(request), 0.0) * pixels * len(request.seeds)
        return each * _work(request) + of_second * second + decoding

    def finishing(self, request: Request) -> float | None:
        """The estimated seconds of the request's second stage; None before one was measured."""
        each = self._second.get(_who(request))
        return None if each is None else each * _passes_of_second(request)


def _who(request: Request) -> Who:
    return request.model, request.precision


def _work(request: Request, start: int = 0) -> float:
    """Passes of the net over one picture, with those of the guides, for all pictures of the batch."""
    return sum(work(request)[start:]) * len(request.seeds)


def _passes_of_second(request: Request) -> int:
    return enlargement_passes(request) * len(request.seeds)


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
