"""The fields that were computed for the lab, so that a level that was seen is there at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import replace

from engine.jobs.lab import Field, FieldView

KEPT = 1024  # fields; 16 KB each


class Fields:
    """The last KEPT fields, by their view."""

    def __init__(self) -> None:
        self._kept: OrderedDict[FieldView, Field] = OrderedDict()

    def keep(self, field: Field) -> None:
        self._kept[field.view] = field
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    def get(self, ask: FieldView) -> Field | None:
        return self._kept.get(ask)

    def nearest(self, ask: FieldView) -> Field | None:
        """That one or, until it is there, the same one with or without the training data."""
        return self._kept.get(ask) or self._kept.get(replace(ask, seen=not ask.seen))

    def missing(self, asks: Iterable[FieldView]) -> list[FieldView]:
        return [ask for ask in asks if ask not in self._kept]
