"""Calibration: measures a few calls of the net in the background, so that the first run has a price too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject

from app.core.jobs.engine import Engine, Task
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import Prices
from engine.jobs.job import Event
from engine.jobs.measure import CallMeasured, MeasureCalls
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError

BATCHES = (1, 4)  # two points make the line: a fixed time of a call, and a time for each row
STEPS = 4


class Calibration(QObject):
    """Measures the draft's model where it is one of pixels and was never measured on this device. A latent model is
    large: its first run measures it, and Prices estimates it roughly from the yardstick, which is measured instead.
    """

    def __init__(self, draft: DraftModel, prices: Prices, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._prices, self._engine = draft, prices, engine
        self._asked: set[tuple[str, bool]] = set()  # models by hash, with a second stage or without
        self._tasks: list[Task] = []
        engine.state_changed.connect(self._measure)
        draft.changed.connect(self._measure)
        draft.model_changed.connect(self._measure)

    def stop(self) -> None:
        for task in self._tasks:
            task.drop()
        self._tasks.clear()

    def _measure(self) -> None:
        if self._engine.state != "ready":
            return
        info = self._draft.model if not self._draft.model.latent else self._prices.yardstick
        enlarges = info is self._draft.model and self._draft.current.enlarge
        if info is None or (info.sha256, enlarges) in self._asked:
            return
        self._asked.add((info.sha256, enlarges))
        try:
            requests = [_probe(info, batch, enlarges) for batch in BATCHES]
        except RequestError:
            return  # a model without DDIM, or with other needs: its first run measures it
        if not self._prices.knows(requests[0]):
            for request in requests:
                self._do(request)

    def _do(self, request: Request) -> None:
        task = self._engine.do(MeasureCalls(request))
        self._tasks.append(task)
        task.told.connect(partial(self._on_told, request))
        task.ended.connect(partial(self._on_ended, task))

    def _on_told(self, request: Request, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, CallMeasured):
                self._prices.learn_call(request, len(request.seeds), event.seconds)
                if event.second:
                    self._prices.learn_second(request, event.second)

    def _on_ended(self, task: Task, _: object) -> None:
        self._tasks.remove(task)


def _probe(info: ModelInfo, batch: int, enlarges: bool) -> Request:
    """A short run with one row for each picture; the second stage only of the first one. Raises RequestError."""
    draft = Draft.for_model(info, seed=0, batch=batch, guidance=1.0, sampler="ddim", steps=STEPS)
    return resolve(replace(draft, enlarge=enlarges and batch == 1), info)
