"""Fields of the lab: computed ones are kept, missing ones are requested."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QObject, Signal

from app.core.jobs.engine import Engine, Task
from app.core.lab.field_cache import Fields
from engine.jobs.job import Event
from engine.jobs.lab import Field, FieldView, LabFields


class FieldSource(QObject):
    """Requests the latest wish alone from the engine: an earlier one that has not begun is forgotten."""

    arrived = Signal(object)  # a Field

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine, self._kept = engine, Fields()
        self._task: Task | None = None

    def get(self, view: FieldView) -> Field | None:
        return self._kept.get(view)

    def nearest(self, view: FieldView) -> Field | None:
        """That one or, until it is there, the same one with or without the training data."""
        return self._kept.nearest(view)

    def want(self, views: Iterable[FieldView]) -> None:
        """Have the missing ones of these computed, the first one first."""
        missing = tuple(self._kept.missing(views))
        if missing:
            self._task = self._engine.do(LabFields(missing), urgent=True, slot="fields")
            self._task.told.connect(self._on_told)
        elif self._task is not None:
            self._task.cancel()

    def _on_told(self, events: Sequence[Event]) -> None:
        """Keep the field, also of a replaced task: it is computed already."""
        for event in events:
            if isinstance(event, Field):
                self._kept.keep(event)
                self.arrived.emit(event)
