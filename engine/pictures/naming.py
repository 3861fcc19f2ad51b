"""Names of files that people read: of finished pictures by date, prompt and seed, never one that is taken."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from engine.pictures.png import save_png
from engine.spec.picture_text import COMPLETE, PictureText
from engine.spec.request import Request


def slug(text: str, length: int = 40) -> str:
    """The text as part of a file name on any system: lower-case ASCII letters, digits and dashes."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain)[:length].strip("-") or "picture"


def stem_of(request: Request, index: int = 0) -> str:
    """<prompt, or label>-<seed> of picture `index` of a request."""
    return f"{slug(request.prompt or request.label or '')}-{request.seeds[index]}"


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """folder/stem.suffix, or stem-2, stem-3 … where that is taken."""
    path, k = folder / f"{stem}{suffix}", 1
    while path.exists():
        k += 1
        path = folder / f"{stem}-{k}{suffix}"
    return path


def next_path(folder: Path, stem: str, suffix: str) -> Path:
    """folder/stem-1.suffix, or one more than the highest number that is there: the newest has the highest, whatever
    the clock says.
    """
    named = re.compile(rf"{re.escape(stem)}-(\d{{1,9}}){re.escape(suffix)}")
    found = (named.fullmatch(path.name) for path in folder.glob("*"))
    return folder / f"{stem}-{max((int(match[1]) for match in found if match), default=0) + 1}{suffix}"


def picture_path(folder: Path, request: Request, index: int, text: PictureText = COMPLETE) -> Path:
    """A free name for picture `index` of a request: <date>-<prompt>-<seed>.png. Save it with `fresh`.

    The name has only what `text` says.
    """
    words = slug(request.prompt or request.label or "" if text.prompt else "")
    seed = f"-{request.seeds[index]}" if text.settings else ""
    return free_path(folder, f"{datetime.now():%Y-%m-%d}-{words}{seed}", ".png")


def save_new(
    folder: Path,
    rgb: np.ndarray,
    request: Request,
    index: int,
    parent: Mapping[str, Any] | None = None,
    text: PictureText = COMPLETE,
) -> Path:
    """Save picture `index` of a request in a folder, under a name that no file has; return its path. Raises OSError."""
    while True:
        path = picture_path(folder, request, index, text)
        try:
            save_png(path, rgb, request, index, parent=parent, fresh=True, text=text)
        except FileExistsError:
            continue  # another studio was faster
        return path
