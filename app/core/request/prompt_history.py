"""The prompts used before, kept over restarts in one small file."""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from pathlib import Path
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Signal

from engine.files import replace_file
from engine.spec.request import MAX_TEXT

log = logging.getLogger(__name__)

Field: TypeAlias = Literal["prompt", "negative"]

FIELDS: tuple[Field, ...] = ("prompt", "negative")
KEPT = 500  # of each field
VERSION = 1
MAX_BYTES = 16 * 2**20  # of the file: more than it can become


class PromptHistory(QObject):
    """The prompts and the negative prompts of earlier runs, newest first, each text once."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._texts: dict[Field, list[str]] = {"prompt": [], "negative": []}
        self._path: Path | None = None

    def keep_in(self, path: Path) -> None:
        """Read the texts of that file, and write them there from now on. What is damaged in it is left out."""
        self._path = path
        with suppress(OSError, ValueError, RecursionError):
            if path.stat().st_size > MAX_BYTES:
                return
            data = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(data, dict) or data.get("version") != VERSION:
                return
            for field in FIELDS:
                found = data.get(field)
                texts = [text for text in found if isinstance(text, str)] if isinstance(found, list) else []
                self._texts[field] = list(dict.fromkeys(t for t in texts if t.strip() and len(t) <= MAX_TEXT))[:KEPT]
        self.changed.emit()

    def texts(self, field: Field) -> tuple[str, ...]:
        """The texts of that field, newest first."""
        return tuple(self._texts[field])

    def add(self, prompt: str, negative: str) -> None:
        """Put the texts of a run in front. Blank ones are left out."""
        before = {field: list(texts) for field, texts in self._texts.items()}
        for field, text in zip(FIELDS, (prompt, negative), strict=True):
            if text.strip():
                rest = [other for other in self._texts[field] if other != text]
                self._texts[field] = [text, *rest][:KEPT]
        if self._texts != before:
            self._write()
            self.changed.emit()

    def forget(self, field: Field, text: str) -> None:
        """Take a text out of the list."""
        if text in self._texts[field]:
            self._texts[field].remove(text)
            self._write()
            self.changed.emit()

    def search(self, field: Field, words: str) -> list[str]:
        """The texts that have each of the words, in any case and order, newest first."""
        wanted = words.casefold().split()
        return [text for text in self._texts[field] if all(word in text.casefold() for word in wanted)]

    def _write(self) -> None:
        if self._path is None:
            return
        text = json.dumps({"version": VERSION, **self._texts}, ensure_ascii=False, indent=1)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with replace_file(self._path) as file:
                file.write(text.encode("utf-8", errors="backslashreplace"))
        except OSError as error:
            log.info("the prompts are not kept", exc_info=error)  # the pictures have them too


class Walk:
    """Where a person is in the history of one field. The text that was typed comes after the newest one."""

    def __init__(self, history: PromptHistory, field: Field) -> None:
        self._history, self._field = history, field
        self._typed = ""
        self._place = -1  # in `_texts`; -1: at the typed text
        self._texts: tuple[str, ...] = ()

    def step(self, by: int, text: str) -> str | None:
        """Return the text that is `by` older (+1) or newer (-1) than the `text` in the field; None at the end."""
        if self._place < 0 or text != self._texts[self._place]:  # someone typed: the walk begins here
            self._typed, self._place = text, -1
            self._texts = tuple(old for old in self._history.texts(self._field) if old != text)
        if not -1 <= self._place + by < len(self._texts):
            return None
        self._place += by
        return self._typed if self._place < 0 else self._texts[self._place]
