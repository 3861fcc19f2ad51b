"""The pictures that are looked at in large, read from their files in a helper thread."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.core.files.background import Background
from app.core.files.read_image import read_image

MOST = 4  # kept: the two that are compared and their neighbours


class LargePictures(QObject):
    """`arrived` is emitted when a picture was read."""

    arrived = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._background = Background(self)
        self._kept: OrderedDict[Path, QImage] = OrderedDict()
        self._reading: set[Path] = set()

    def of(self, path: Path) -> QImage | None:
        """Return a picture: null where it cannot be read, None before it is read."""
        if (found := self._kept.get(path)) is not None:
            self._kept.move_to_end(path)
            return found
        if path not in self._reading:
            self._reading.add(path)
            then = partial(self._on_read, path)
            self._background.start(partial(read_image, path), then, lambda _: then(QImage()))
        return None

    def clear(self) -> None:
        """Keep none: a file may change until it is looked at again."""
        self._kept.clear()

    def close(self) -> None:
        self._background.close()

    def _on_read(self, path: Path, image: QImage) -> None:
        self._reading.discard(path)
        self._kept[path] = image
        while len(self._kept) > MOST:
            self._kept.popitem(last=False)
        self.arrived.emit()
