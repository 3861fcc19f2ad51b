"""Reads pictures that CLIP shall steer to: from a file, a drop or the clipboard."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QImage

from app.core.files.background import Background
from app.core.files.open import BYTES, Arrival, from_image, read
from app.core.guidance.steering import Steering
from app.core.notices import Notice
from engine.pictures.image_file import ImageError


class AimSources(QObject):
    """Reads them in the background and puts each in a row of `steering`."""

    notice_raised = Signal(object)

    def __init__(self, steering: Steering, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._steering = steering
        self._background = Background(self)

    def take_file(self, path: Path) -> None:
        self._background.start(partial(read, path, path.stem, None), self._arrive, self._on_failed)

    def take_mime(self, mime: QMimeData) -> bool:
        """What was dropped or pasted; False where there is no picture in it."""
        files = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        for path in files:
            self.take_file(path)
        if files:
            return True
        for kind in BYTES:
            if mime.hasFormat(kind):
                data = bytes(mime.data(kind).data())
                self._background.start(partial(read, data, "", None), self._arrive, self._on_failed)
                return True
        image = mime.imageData() if mime.hasImage() else None
        if isinstance(image, QImage) and not image.isNull():
            self._steering.aim_at(from_image(image))
            return True
        return False

    def close(self) -> None:
        """Wait for what is being read; it is not aimed at any more."""
        self._background.close()

    def _arrive(self, arrival: Arrival) -> None:
        self._steering.aim_at(arrival.rgb)

    def _on_failed(self, error: Exception) -> None:
        told = str(error) if isinstance(error, ImageError) else f"The picture cannot be read: {error}"
        self.notice_raised.emit(Notice("error", told))
