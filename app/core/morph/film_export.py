"""A morph on its way out: written in the background, with how far it is; stopped, it leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.files.background import Background
from app.core.notices import Notice
from engine.errors import why
from engine.morph import film
from engine.spec.edit import Pixels
from engine.spec.morph import Morph

TELL = 20  # words of progress over a whole film


@dataclass(frozen=True, slots=True)
class FilmFormat:
    """How a film goes out: `enlarge` times as large, by "nearest" or "lanczos", as a kind of film.KINDS."""

    kind: str = ".webp"
    enlarge: int = 8
    resampling: str = "lanczos"


class Filming(QObject):
    """One film at a time."""

    changed = Signal()  # whether one is written, and how far it is
    written = Signal(object)  # the path
    notice_raised = Signal(object)
    _progressed = Signal(int, int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self, finishes=True)
        self._stop = threading.Event()
        self._path: Path | None = None
        self._share = 0.0
        self._progressed.connect(self._on_progress)  # crosses threads: a bound method of a QObject

    @property
    def busy(self) -> bool:
        return self._path is not None

    @property
    def share(self) -> float:
        """Of the frames, 0 … 1."""
        return self._share

    @property
    def words(self) -> str:
        return f"Writing {self._path.name}: {self._share:.0%}" if self._path else ""

    def export(self, path: Path, frames: Sequence[Pixels], morph: Morph, way: FilmFormat) -> None:
        if self.busy:
            self.notice_raised.emit(Notice("info", "A film is being written: wait for it, or stop it."))
            return
        self._path, self._share, self._stop = path, 0.0, threading.Event()
        self.changed.emit()
        work = partial(
            film.save,
            path,
            frames,
            morph,
            way.enlarge,
            way.resampling,
            on_frame=self._send_progress,
            stop=self._stop.is_set,
        )
        self._background.start(work, self._on_written, self._on_failed)

    def stop(self) -> None:
        self._stop.set()

    def close(self) -> None:
        """Wait for the film that is being written."""
        self._background.close()

    def _send_progress(self, done: int, total: int) -> None:
        """In the writer's thread."""
        if done == total or done % max(1, total // TELL) == 0:
            self._progressed.emit(done, total)

    def _on_progress(self, done: int, total: int) -> None:
        if self.busy:
            self._share = done / total
            self.changed.emit()

    def _on_written(self, _: object) -> None:
        path, self._path = self._path, None
        self.changed.emit()
        self.notice_raised.emit(Notice("info", f"Saved as {path}"))
        self.written.emit(path)

    def _on_failed(self, error: Exception) -> None:
        path, self._path = self._path, None
        self.changed.emit()
        if isinstance(error, film.Stopped):
            self.notice_raised.emit(Notice("info", f"{path and path.name} was not written: it was stopped."))
            return
        self.notice_raised.emit(Notice("error", f"{path and path.name} could not be saved: {why(error)}"))
