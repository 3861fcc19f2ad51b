"""Read pictures as aims of CLIP: from a file, a drop or the clipboard."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from threading import Event

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QImage

from app.core.files.background import Background
from app.core.files.mime import local_files, pictures_in
from app.core.files.open import Arrival, read
from app.core.guidance.steering import Steering
from app.core.notices import Notice
from engine.pictures.image_file import ImageError


class AimSources(QObject):
    """Reads pictures in the background and puts each in a row of `steering`."""

    notice_raised = Signal(object)

    def __init__(self, steering: Steering, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steering = steering
        self._background = Background(self)
        self._stop = Event()

    def take_file(self, path: Path) -> None:
        self._read([path], path.stem)

    def take_mime(self, mime: QMimeData) -> bool:
        """Read a dropped or pasted picture; False where there is none."""
        files = local_files(mime)
        for path in files:
            self.take_file(path)
        if files:
            return True
        if found := pictures_in(mime):
            self._read(found, "")
        return bool(found)

    def _read(self, sources: Sequence[Path | bytes | QImage], title: str) -> None:
        self._background.start(partial(read, sources, title, None, self._stop.is_set), self._arrive, self._on_failed)

    def close(self) -> None:
        """Stop reading; nothing becomes an aim any more."""
        self._stop.set()
        self._background.close()

    def _arrive(self, arrival: Arrival) -> None:
        self._steering.aim_at(arrival.rgb)

    def _on_failed(self, error: Exception) -> None:
        sentence = str(error) if isinstance(error, ImageError) else f"The picture cannot be read: {error}"
        self.notice_raised.emit(Notice("error", sentence))
