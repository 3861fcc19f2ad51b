"""Thumbnails: small copies of picture files, read in a helper thread when they are first asked for."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QImage

from app.core.files.background import Background
from app.core.shown.render import from_rgb
from engine.pictures.image_file import ImageError, load

SIDE = 320  # pixels, the largest that any view shows
MOST = 600  # kept
WAITING = 60  # at most: while someone scrolls, the newest are wanted


class Thumbnails(QObject):
    """Square pictures of SIDE pixels: the middle of the file's picture. `arrived` is emitted when one was read."""

    arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self)
        self._kept: OrderedDict[Path, QImage] = OrderedDict()
        self._waiting: list[Path] = []
        self._reading: Path | None = None

    def of(self, path: Path) -> QImage | None:
        """Return the thumbnail of a picture file, None before it is read and where it cannot be read."""
        found = self._kept.get(path)
        if found is not None:
            self._kept.move_to_end(path)
            return None if found.isNull() else found
        if path != self._reading and path not in self._waiting:
            self._waiting.append(path)
            del self._waiting[:-WAITING]
            self._next()
        return None

    @property
    def busy(self) -> bool:
        """Whether a picture is being read."""
        return self._reading is not None

    def close(self) -> None:
        self._waiting.clear()
        self._background.close()

    def _next(self) -> None:
        if self._reading is None and self._waiting:
            path = self._reading = self._waiting.pop()
            self._background.start(partial(read_thumbnail, path), partial(self._on_read, path), self._on_failed)

    def _on_read(self, path: Path, image: QImage) -> None:
        self._kept[path] = image
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        self._reading = None
        self._next()
        self.arrived.emit()

    def _on_failed(self, _error: Exception) -> None:
        if self._reading is not None:
            self._on_read(self._reading, QImage())


def read_thumbnail(path: Path) -> QImage:
    """Return the middle square of a picture file, at most SIDE pixels; null where it cannot be read."""
    try:
        rgb = load(path).rgb
    except ImageError:
        return QImage()
    height, width = rgb.shape[:2]
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    square = from_rgb(rgb[top : top + side, left : left + side])
    if side > SIDE:
        square = square.scaled(SIDE, SIDE, mode=Qt.TransformationMode.SmoothTransformation)
    return square.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)
