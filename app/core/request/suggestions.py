"""Suggestions: names that the model knows, near in meaning to a word of the prompt that it does not know."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from app.core.jobs.engine import End, Engine, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.request.draft_model import DraftModel
from engine.jobs.job import Event
from engine.jobs.suggest import Suggest, Suggested

log = logging.getLogger(__name__)

LONGEST_WORD = 40  # characters: a longer text is no word
MOST_KEPT = 1000  # words that are remembered


class Suggestions(QObject):
    """Asks the engine about one word at a time, the one that was asked for last, and remembers the answers.

    The first answer of a model takes seconds, as its names are encoded: it waits while a job runs, and gives way.
    """

    changed = Signal()  # a word has its names

    def __init__(self, draft: DraftModel, jobs: JobsModel, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._jobs, self._engine = draft, jobs, engine
        self._names: dict[tuple[str, str], tuple[str, ...]] = {}  # by model and word
        self._ready: set[str] = set()  # models that have answered
        self._wanted: tuple[str, str] | None = None
        self._task: Task | None = None
        engine.state_changed.connect(self._ask)
        jobs.changed.connect(self._on_jobs)

    @property
    def idle(self) -> bool:
        """Whether the engine is not asked now."""
        return self._task is None

    def names(self, word: str) -> tuple[str, ...]:
        """The names for a word of the prompt, the nearest first; () for none, or until the engine has found them."""
        key = self._draft.model.id, word
        if key in self._names or len(word) > LONGEST_WORD:
            return self._names.get(key, ())
        self._wanted = key
        self._ask()
        return ()

    def _ask(self) -> None:
        if self._wanted is None or self._task is not None or self._engine.state != "ready":
            return
        model, word = self._wanted
        ready = model in self._ready
        if not ready and self._jobs.running is not None:
            return
        self._task = self._engine.do(Suggest(model=model, words=(word,)), urgent=ready)
        self._task.told.connect(self._on_told)
        self._task.ended.connect(self._on_ended)

    def _on_jobs(self) -> None:
        if self._task is None:
            self._ask()
        elif self._jobs.running is not None and _model_of(self._task) not in self._ready:
            self._task.cancel()

    def _on_told(self, events: Sequence[Event]) -> None:
        assert self._task is not None, "one at a time"
        model = _model_of(self._task)
        if len(self._names) >= MOST_KEPT:
            self._names.clear()
        for event in events:
            if isinstance(event, Suggested):
                self._ready.add(model)
                self._names[model, event.word] = event.names
        self.changed.emit()

    def _on_ended(self, end: End) -> None:
        assert self._task is not None, "one at a time"
        job, self._task = self._task.job, None
        assert isinstance(job, Suggest)
        asked = job.model, job.words[0]
        if end.how == "failed":
            log.info("no word is suggested: %s", end.sentence)  # a run says what is wrong with the model
        if end.how == "failed" or asked in self._names:
            self._names.setdefault(asked, ())
            if self._wanted == asked:
                self._wanted = None
        if self._wanted not in (None, asked):  # without an answer the model is not loaded yet: the next job may load it
            self._ask()


def _model_of(task: Task) -> str:
    assert isinstance(task.job, Suggest)
    return task.job.model
