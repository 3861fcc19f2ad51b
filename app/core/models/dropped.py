"""Models in dropped data."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData

from app.core.files.mime import local_files
from engine.checkpoints.scan import is_model_file


def models_in(mime: QMimeData) -> list[Path]:
    """Return the dropped model files and folders; none where other files are among them."""
    paths = local_files(mime)
    return paths if all(is_model_file(path) or path.is_dir() for path in paths) else []
