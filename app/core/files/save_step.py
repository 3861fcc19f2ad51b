"""A step of a run as a PNG file with everything that made it."""

from __future__ import annotations

from pathlib import Path

from app.core.shown.lineage import Lineage
from app.core.shown.render import finished_pixels
from app.core.shown.runs import RunLibrary
from engine.pictures.naming import save_new
from engine.pictures.png import save_png


def save_step(run: Lineage, k: int, image: int, library: RunLibrary, path: Path | None = None) -> Path:
    """Save x̂₀ of step `k` to `path`, or to a free name among the pictures. Raises ValueError and OSError."""
    request, index = run.request_at(k), run.image_in(k, image)
    rgb = finished_pixels(run, k, image)
    parent = run.parent_at(k)
    if path is None:
        return save_new(library.pictures, rgb, request, index, parent, library.text)
    save_png(path, rgb, request, index, parent=parent, text=library.exports)
    return path
