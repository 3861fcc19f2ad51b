"""Models in dropped data."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from PySide6.QtCore import QMimeData

from app.core.files.mime import local_files
from engine.checkpoints.folder import INDEX
from engine.checkpoints.scan import is_model_file

MOST = 500  # names of a folder that are looked at
FOLDERS = 20  # folders in it that are looked into


def models_in(mime: QMimeData) -> list[Path]:
    """Return the dropped model files and folders of models; none where anything else is among them."""
    paths = local_files(mime)
    return paths if all(is_model_file(path) or holds_models(path) for path in paths) else []


def holds_models(folder: Path) -> bool:
    """Whether a folder has a model in it or in one of its own folders. It looks at a bounded number of names."""
    try:
        inside = list(islice(folder.iterdir(), MOST)) if folder.is_dir() else []
        if any(_is_model(path) for path in inside):
            return True
        below = [path for path in inside if path.is_dir()][:FOLDERS]
        return any(_is_model(path) for one in below for path in islice(one.iterdir(), MOST))
    except OSError:
        return False


def _is_model(path: Path) -> bool:
    return is_model_file(path) or path.name == INDEX
