"""Undo and redo of changes to the settings panel."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.request.draft_model import DraftModel
from app.core.shown.naming import shorten
from engine.spec.draft import Draft
from engine.spec.request import RequestError

KEPT = 200  # changes
TOGETHER = 1.0  # seconds: changes of the same fields within it are one
LONGEST = 24  # characters of a value
ELSEWHERE = frozenset({"method", "wildcards", "seed"})  # follow the artwork, the folders, and each run
TEXTS = frozenset({"prompt", "negative"})  # their fields have an undo of their own
NAMES = {
    "label": "Style or class",
    "batch": "Pictures",
    "guidance_interval": "Guidance interval",
    "enlarge": "Second stage",
    "adapters": "LoRAs",
    "off": "LoRAs",
    "vae": "VAE",
    "clip_skip": "CLIP skip",
    "distilled": "Distilled guidance",
    "options": "Sampler's numbers",
}


@dataclass(frozen=True, slots=True)
class _Change:
    before: Draft
    after: Draft
    fields: frozenset[str]


class DraftUndo(QObject):
    """The last changes of the settings. Texts come back only with a change of other settings, as a preset makes it.

    told -- carries a line that says what was taken back or redone, or why it cannot be
    """

    told = Signal(str)

    def __init__(
        self, draft: DraftModel, clock: Callable[[], float] = time.monotonic, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._draft, self._clock = draft, clock
        self._seen = draft.current
        self._last = 0.0  # when the newest change was made
        self._done: list[_Change] = []
        self._undone: list[_Change] = []
        self._busy = False
        draft.changed.connect(self._note)

    def undo(self) -> None:
        """Take the last change back."""
        self._step(self._done, self._undone, back=True)

    def redo(self) -> None:
        """Make the change again that was taken back last."""
        self._step(self._undone, self._done, back=False)

    def _step(self, source: list[_Change], target: list[_Change], back: bool) -> None:
        if not source:
            self.told.emit("No change of the settings to take back." if back else "Nothing was taken back.")
            return
        change = source.pop()
        wanted = change.before if back else change.after
        self._busy = True
        try:
            self._draft.current = replace(
                self._draft.current, **{name: getattr(wanted, name) for name in change.fields}
            )
        except RequestError as error:
            self.told.emit(str(error))
        else:
            target.append(change)
            self.told.emit(f"{_words(change)} {'taken back' if back else 'done again'}")
        finally:
            self._busy = False
            self._seen = self._draft.current
            self._last = -TOGETHER

    def _note(self) -> None:
        now, before = self._draft.current, self._seen
        if self._busy:
            return
        self._seen = now
        fields = _differing(before, now) - ELSEWHERE
        if now.method != before.method:  # the artwork opened or closed, and the strength came with it
            fields -= {"strength"}
        if not fields - TEXTS:
            return
        moment = self._clock()
        if self._done:
            last = self._done[-1]
            # A preset changes the model first, then its settings.
            together = moment - self._last < TOGETHER and ("model" in last.fields or last.fields == fields)
            if together:
                before, fields = last.before, last.fields | fields
                self._done.pop()
        self._last = moment
        self._undone.clear()
        if any(getattr(before, name) != getattr(now, name) for name in fields):
            self._done = [*self._done, _Change(before, now, fields)][-KEPT:]


def _differing(one: Draft, other: Draft) -> frozenset[str]:
    names = (field.name for field in dataclasses.fields(Draft))
    return frozenset(name for name in names if getattr(one, name) != getattr(other, name))


def _words(change: _Change) -> str:
    """A change in words, such as "Steps 20 → 30"."""
    fields = change.fields
    if "model" in fields:
        return f"Model {_value(change.before.model)} → {_value(change.after.model)}"
    names = sorted({NAMES.get(name, name.replace("_", " ").capitalize()) for name in fields - TEXTS})
    if fields & TEXTS or len(names) > 2:
        return "Several settings"
    if len(fields) == 1:
        (name,) = fields
        before, after = getattr(change.before, name), getattr(change.after, name)
        if not isinstance(before, tuple) and not isinstance(after, tuple):
            return f"{names[0]} {_value(before)} → {_value(after)}"
    return " and ".join(names)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float):
        return f"{value:g}"
    if value is None:
        return "default"
    return shorten(value, LONGEST) if isinstance(value, str) else str(value) if isinstance(value, int) else "chosen"
