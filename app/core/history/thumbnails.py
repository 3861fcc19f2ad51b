"""Thumbnails in memory: read in a helper thread when they are first wanted, at the size in which they are painted."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from app.core.files.background import Background
from app.core.files.read_image import read_image
from engine.history.thumbnails import ThumbnailFolder
from engine.pictures.image_file import ImageError

MOST_BYTES = 64 << 20  # kept
WAITING = 160  # at most: while someone scrolls, the newest are wanted


class PictureThumbnails(QObject):
    """Pictures fitted into a square of `side` device pixels. `arrived` carries the id of a picture that was read."""

    arrived = Signal(int)

    def __init__(self, folder: ThumbnailFolder, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._background = Background(self)
        self._kept: OrderedDict[str, tuple[int, QImage]] = OrderedDict()  # side, thumbnail
        self._bytes = 0
        self._waiting: OrderedDict[str, tuple[int, Path]] = OrderedDict()
        self._reading = ""
        self._side = 0

    @property
    def side(self) -> int:
        return self._side

    @side.setter
    def side(self, side: int) -> None:
        if side != self._side:
            self._side = side
            self._waiting.clear()

    def kept(self, head: str) -> QImage | None:
        """Return the thumbnail of the file with this digest: null where it cannot be read, None before it is read.

        It may be of another side, until `want` has brought one of the present side.
        """
        found = self._kept.get(head)
        if found is None:
            return None
        self._kept.move_to_end(head)
        return found[1]

    def lacks(self, head: str) -> bool:
        """Whether there is no thumbnail of the present side."""
        found = self._kept.get(head)
        return found is None or found[0] != self._side

    def want(self, id: int, head: str, path: Path) -> None:
        """Read a thumbnail soon."""
        if head != self._reading:
            self._waiting[head] = id, path
            self._waiting.move_to_end(head)
            while len(self._waiting) > WAITING:
                self._waiting.popitem(last=False)
            self._next()

    @property
    def busy(self) -> bool:
        return bool(self._reading)

    @property
    def bytes(self) -> int:
        """The memory that the thumbnails take."""
        return self._bytes

    def close(self) -> None:
        self._waiting.clear()
        self._background.close()

    def _next(self) -> None:
        if not self._reading and self._waiting:
            self._reading, (id, path) = self._waiting.popitem()
            work = partial(read_thumbnail, self._folder, path, self._reading, self._side)
            then = partial(self._on_read, id, self._reading, self._side)
            self._background.start(work, then, lambda _: then(QImage()))

    def _on_read(self, id: int, head: str, side: int, image: QImage) -> None:
        self._reading = ""
        if (before := self._kept.pop(head, None)) is not None:
            self._bytes -= before[1].sizeInBytes()
        self._kept[head] = side, image
        self._bytes += image.sizeInBytes()
        while self._bytes > MOST_BYTES and len(self._kept) > 1:
            self._bytes -= self._kept.popitem(last=False)[1][1].sizeInBytes()
        self._next()
        self.arrived.emit(id)


def read_thumbnail(folder: ThumbnailFolder, path: Path, head: str, side: int) -> QImage:
    """Return a picture fitted into `side` pixels; null where it cannot be read. Small pictures grow as squares."""
    try:
        image = read_image(folder.make(path, head))
    except (ImageError, OSError):
        image = read_image(path)
    if image.isNull():
        return image
    longest = max(image.width(), image.height())
    smooth = longest > side / 2  # a picture of few pixels stays crisp, as on the canvas
    mode = Qt.TransformationMode.SmoothTransformation if smooth else Qt.TransformationMode.FastTransformation
    size = QSize(side, side)
    if not smooth:
        size = image.size() * (side // longest)
    return image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, mode).convertToFormat(QImage.Format.Format_RGB32)
