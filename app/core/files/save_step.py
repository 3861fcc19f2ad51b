"""A step of a run as a PNG file with everything that made it."""

from __future__ import annotations

from pathlib import Path

from app.core.shown.lineage import Lineage
from app.core.shown.render import pixels
from engine.pictures.naming import picture_path
from engine.pictures.png import save_png


def save_step(run: Lineage, k: int, image: int, folder: Path, path: Path | None = None) -> Path:
    """Save x̂₀ of step `k` to `path`, or to a free name in `folder`. Raises ValueError and OSError."""
    request, index = run.request_at(k), run.image_in(k, image)
    rgb = pixels(run, k, "x0", image)
    target = path or picture_path(folder, request, index)
    try:
        save_png(target, rgb, request, index, parent=run.parent_at(k))
    except OSError:
        if path is None:
            target.unlink(missing_ok=True)
        raise
    return target
