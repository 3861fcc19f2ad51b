"""Pictures on their way out: saved as they are, or exported enlarged and as another kind of file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.core.background import Background
from app.core.notices import Notice
from app.settings import ExportKind, ExportMethod
from engine.imagefile import SIDE
from engine.picture import enlarged, save_copy, save_png
from engine.request import Request

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
    """How a picture goes out: `factor` times as large by a method, as a kind of file; quality 1 … 100, not of PNG."""

    factor: int = 1
    method: ExportMethod = "nearest"
    kind: ExportKind = "png"
    quality: int = 95


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What goes out. rgb -- (H, W, 3); request and index -- what made it, if it is exactly that; parent -- of a fork"""

    rgb: NDArray[np.uint8]
    title: str
    request: Request | None = None
    index: int = 0
    parent: dict[str, object] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """width, height"""
        return self.rgb.shape[1], self.rgb.shape[0]


def most(size: tuple[int, int]) -> int:
    """How many times as large a picture of that size may become."""
    return max(1, SIDE // max(size))


class Exporting(QObject):
    """Writes pictures in the background and says where they are."""

    written = Signal(object)  # the path
    notice_raised = Signal(object)  # a Notice

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self)

    def export(self, subject: Subject, choice: Export, path: Path, then: Callable[[], object] = lambda: None) -> None:
        """Enlarge and write it; of a picture from the second stage `subject.rgb` is the large one already."""
        told = partial(self._written, path, then), partial(self._failed, path)
        self._background.start(partial(write, subject, choice, path), *told)

    def close(self) -> None:
        """Wait for what is being written."""
        self._background.close()

    def _written(self, path: Path, then: Callable[[], object], _: object) -> None:
        then()
        self.notice_raised.emit(Notice("info", f"Saved as {path}"))
        self.written.emit(path)

    def _failed(self, path: Path, error: Exception) -> None:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        self.notice_raised.emit(Notice("error", f"{path.name} could not be saved: {reason}"))


def write(subject: Subject, choice: Export, path: Path) -> None:
    """Raises OSError, ValueError or MemoryError; an older file of that name stands as it was then."""
    method = "lanczos" if choice.method == "cascade" else choice.method
    if path.suffix.lower() == ".png" and subject.request is not None and choice.method != "cascade":
        save_png(path, subject.rgb, subject.request, subject.index, choice.factor, method, subject.parent)
        return
    factor = 1 if choice.method == "cascade" else choice.factor
    save_copy(path, enlarged(subject.rgb, factor, method), choice.quality)
