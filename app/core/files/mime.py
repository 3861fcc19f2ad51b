"""Pictures in dropped or pasted data: local files, bytes of picture formats, or a decoded image."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, Qt, QUrl
from PySide6.QtGui import QImage, QPainter

BEST_FIRST = ("image/png", "image/tiff", "image/webp", "image/jpeg", "image/bmp", "image/gif")
DECODED = "application/x-qt-image"  # of this process: Qt hands the image over as it is


def local_files(mime: QMimeData) -> list[Path]:
    """Return the files of this machine, also those that an address names with its host: file://localhost/…"""
    files = []
    for url in mime.urls():
        if url.scheme() == "file":
            if url.host().lower() in ("localhost", socket.gethostname().lower()):
                url = QUrl(url)
                url.setHost("")
            files.append(Path(url.toLocalFile()))
    return files


def pictures_in(mime: QMimeData) -> list[bytes | QImage]:
    """Return the same picture in every format that is offered, the best first: the first that can be read is used."""
    offered = [kind for kind in mime.formats() if kind.startswith("image/")]
    kinds = [kind for kind in BEST_FIRST if kind in offered] + [kind for kind in offered if kind not in BEST_FIRST]
    found: list[bytes | QImage] = [data for kind in kinds if (data := bytes(mime.data(kind).data()))]
    if not found or mime.hasFormat(DECODED):
        image = mime.imageData() if mime.hasImage() else None
        if isinstance(image, QImage) and not image.isNull():
            found.append(image)
    return found


def holds_picture(mime: QMimeData) -> bool:
    """Whether it may contain a picture; a file is known only after reading."""
    return mime.hasImage() or mime.hasUrls()


def is_picture_alone(mime: QMimeData) -> bool:
    """Whether a picture or a file was copied and no text with it, so that a text field has no use for it."""
    return bool(local_files(mime)) or (mime.hasImage() and not mime.hasFormat("text/plain"))


def from_image(image: QImage) -> NDArray[np.uint8]:
    """Return the pixels of an image, (H, W, 3); transparent pixels become white, as with files."""
    image = QImage(image)
    image.setDevicePixelRatio(1)
    flat = QImage(image.size(), QImage.Format.Format_RGB888)
    flat.fill(Qt.GlobalColor.white)
    painter = QPainter(flat)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    painter.drawImage(0, 0, image)
    painter.end()
    rows = np.frombuffer(flat.constBits(), np.uint8).reshape(flat.height(), flat.bytesPerLine())
    return rows[:, : 3 * flat.width()].reshape(flat.height(), flat.width(), 3).copy()
