"""Pictures on their way out: saved as they are, or exported enlarged and as another kind of file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.core.files.background import Background
from app.core.jobs.engine import End, Engine, Task
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.shown.runs import RunLibrary
from engine.errors import why
from engine.jobs.enlarge import Enlarge, Enlarged
from engine.jobs.job import Event
from engine.pictures.png import KINDS as FORMATS
from engine.pictures.png import LONGEST, enlarge_picture, save_copy, save_png
from engine.spec.draft import resolve
from engine.spec.picture_text import COMPLETE, PictureText
from engine.spec.request import Request, RequestError
from engine.spec.validation import MAX_SIDE

ExportMethod: TypeAlias = Literal["nearest", "lanczos", "cascade"]
ExportKind: TypeAlias = Literal["png", "jpg", "webp"]

METHODS: dict[ExportMethod, tuple[str, str]] = {
    "nearest": ("Squares", "Each pixel becomes a square: nothing is invented, nothing is smoothed"),
    "lanczos": ("Smooth", "Lanczos's kernel: smooth edges"),
    "cascade": ("The model's second stage", "Draws the large picture anew from the small one"),
}
KINDS: dict[ExportKind, tuple[str, str]] = {
    "png": ("PNG", "Loses nothing; of a picture that was made here it keeps the settings"),
    "jpg": ("JPEG", "Small, for photographs; loses a little"),
    "webp": ("WebP", "Smaller still; loses nothing at quality 100"),
}


@dataclass(frozen=True, slots=True)
class Export:
    """How a picture goes out: `factor` times as large by a method, as a kind of file; quality 1 … 100, not of PNG.

    text -- what a PNG says about how it was made
    """

    factor: int = 1
    method: ExportMethod = "nearest"
    kind: ExportKind = "png"
    quality: int = 95
    text: PictureText = COMPLETE


@dataclass(frozen=True, slots=True, eq=False)
class ExportSubject:
    """A picture to export. rgb -- (H, W, 3); request, index -- its settings, if unedited; parent -- of a fork"""

    rgb: NDArray[np.uint8]
    title: str
    request: Request | None = None
    index: int = 0
    parent: dict[str, object] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """width, height"""
        return self.rgb.shape[1], self.rgb.shape[0]


def largest_factor(size: tuple[int, int]) -> int:
    """How many times as large a picture of that size may become."""
    return max(1, MAX_SIDE // max(size))


def longest_side(kind: ExportKind) -> int:
    """How many pixels a side a picture of that kind has at most: it is to be opened here again."""
    return min(MAX_SIDE, LONGEST[FORMATS[f".{kind}"]])


class Exporter(QObject):
    """Writes pictures in the background and says where they are."""

    written = Signal(object)  # the path
    writing_changed = Signal()
    notice_raised = Signal(object)  # a Notice

    def __init__(self, draft: DraftModel, engine: Engine, library: RunLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._engine, self._library = draft, engine, library
        self._background = Background(self, finishes=True)
        self._background.idle_changed.connect(self.writing_changed)
        self._drawing: dict[int, Task] = {}  # large pictures that the engine draws, by number
        self._numbers = count(1)

    def export(
        self, subject: ExportSubject, choice: Export, path: Path, then: Callable[[], object] = lambda: None
    ) -> None:
        """Enlarge and write it. The second stage draws it when the engine is free, with the panel's seed."""
        if choice.method == "cascade":
            self._ask_engine(subject, choice, path)
            return
        choice = replace(choice, text=self._library.exports)
        callbacks = partial(self._written, path, then), partial(self._failed, path)
        self._background.start(partial(write, subject, choice, path), *callbacks)

    def _ask_engine(self, subject: ExportSubject, choice: Export, path: Path) -> None:
        model = self._draft.model
        draft = replace(self._draft.current, method="new", enlarge=True, truncated=False, batch=1)
        try:
            job = Enlarge(request=resolve(draft, model, None, self._draft.finder), rgb=subject.rgb)
        except RequestError as error:
            self._failed(path, error)
            return
        self.notice_raised.emit(Notice("info", f"{model.title}'s second stage draws {path.name} …"))
        number, task = next(self._numbers), self._engine.do(job)
        self._drawing[number] = task
        self.writing_changed.emit()
        task.told.connect(partial(self._on_told, subject, choice, path))
        task.ended.connect(partial(self._on_ended, number, path))

    def _on_told(self, subject: ExportSubject, choice: Export, path: Path, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, Enlarged):
                large = replace(subject, rgb=event.rgb, request=None)  # no request alone makes this picture
                self.export(large, replace(choice, factor=1, method="nearest"), path)

    def _on_ended(self, number: int, path: Path, end: End) -> None:
        del self._drawing[number]
        self.writing_changed.emit()
        if end.how != "finished":
            self._failed(path, ValueError(end.sentence or "it was stopped"))

    @property
    def writing(self) -> bool:
        """Whether a picture is being drawn or written."""
        return bool(self._drawing) or not self._background.idle

    def close(self) -> None:
        """Wait for a running write; drop pictures that the engine still draws."""
        for task in self._drawing.values():
            task.drop()
        self._drawing.clear()
        self._background.close()

    def _written(self, path: Path, then: Callable[[], object], _: object) -> None:
        then()
        self.notice_raised.emit(Notice("info", f"Saved as {path}"))
        self.written.emit(path)

    def _failed(self, path: Path, error: Exception) -> None:
        self.notice_raised.emit(Notice("error", f"{path.name} could not be saved: {why(error)}"))


def write(subject: ExportSubject, choice: Export, path: Path) -> None:
    """Raises OSError, ValueError or MemoryError; an older file of that name stands as it was then."""
    if path.suffix.lower() == ".png" and subject.request is not None:
        save_png(
            path, subject.rgb, subject.request, subject.index, choice.factor, choice.method, subject.parent,
            text=choice.text,
        )  # fmt: skip
    else:
        save_copy(path, enlarge_picture(subject.rgb, choice.factor, choice.method), choice.quality)
