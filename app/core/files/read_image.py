"""Picture files as images of Qt, read by the one reader (engine.pictures.image_file): no plugin of Qt opens a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QImage

from app.core.shown.render import from_rgb
from engine.pictures.image_file import ImageError, load, load_rgba


def read_image(path: Path) -> QImage:
    """Read a picture, RGB32, with its transparent parts white; a null image where it cannot be read."""
    try:
        return from_rgb(load(path).rgb)
    except ImageError:
        return QImage()


def read_transparent(path: Path) -> QImage:
    """Read a picture with its opacity, RGBA8888; a null image where it cannot be read."""
    try:
        rgba = load_rgba(path)
    except ImageError:
        return QImage()
    height, width = rgba.shape[:2]
    return QImage(rgba.data, width, height, 4 * width, QImage.Format.Format_RGBA8888).copy()
