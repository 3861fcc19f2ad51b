"""The picture on the canvas as a model judges it: its pixels, their place, and the way to bring them to a size."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, QSize
from PySide6.QtGui import QPainter

from app.core.canvas.artwork import Artwork
from app.core.canvas.box import largest_box
from app.core.canvas.editing import Editing
from app.core.canvas.placement import PlacedPicture, box_of, to_rgb
from app.core.shown.lineage import Lineage
from app.core.shown.naming import title_of
from app.core.shown.render import finished_pixels, from_rgb
from app.core.shown.viewer import Viewer
from engine.pictures.compositing import crop
from engine.pictures.resizing import resize
from engine.spec.request import Request

Pixels = NDArray[np.uint8]

SHRUNK, MIDDLE = "shrunk", "middle"  # the ways to bring a picture to a model's size


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """A picture that a model can judge.

    key     -- tells it from every other picture, without looking at its pixels
    place   -- where it lies on the canvas, in the coordinates of what stands there
    size    -- (width, height) of its pixels
    title   -- what people call it
    made_by -- what was asked of the run that made it; None where that is not known
    read    -- its pixels, uint8 (H, W, 3). Raises ValueError and OSError, in a sentence
    """

    key: Hashable
    place: QRect
    size: tuple[int, int]
    title: str
    made_by: Request | None
    read: Callable[[], Pixels]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A subject at a model's size: `rgb`, uint8 (h, w, 3), is of the part `place` of the canvas."""

    rgb: Pixels
    place: QRectF


def on_canvas(shown: Viewer, editing: Editing) -> Subject | None:
    """The picture on the canvas: the artwork in its box with the candidate in front, or x̂₀ of the shown
    step.

    None where nothing is.
    """
    if editing.shows_artwork:
        return _artwork_subject(editing.artwork, editing.overlay, _made_by(shown, editing))
    run, k, image = shown.run, shown.cursor, shown.image_index
    if run is None or shown.run_path is None or not 0 <= k < shown.step_count:
        return None
    request, last = run.request_at(k), k == shown.step_count - 1
    finished = last and run.own.has_picture
    size = request.size if finished else (request.width, request.height)
    words = "the encoded picture" if run.flows(k) else title_of(request)
    title = words if last and not shown.live else f"x̂₀ of {words} at step {k + 1}"
    place = QRect(0, 0, *run.request.size)
    return Subject((shown.run_path, k, image, size), place, size, title, request, partial(_read_step, run, k, image))


def _read_step(run: Lineage, k: int, image: int) -> Pixels:
    """Read x̂₀ of a step. Raises ValueError where the run broke down: its black painting is no black picture."""
    if not np.isfinite(run.x0(k)[image]).all():
        raise ValueError("This step holds values that are not numbers: choose another step.")
    if run.is_coarse(k, image):
        raise ValueError("This step is still a coarse preview: wait a moment until it is sharp.")
    return finished_pixels(run, k, image)


def _made_by(shown: Viewer, editing: Editing) -> Request | None:
    """The request of the picture on the artwork: of the candidate in front, else of the file that was opened."""
    if editing.overlay is not None and shown.run is not None:
        return shown.run.request_at(max(0, shown.cursor))
    origin = editing.artwork.origin
    return None if origin is None else origin.request


def _artwork_subject(artwork: Artwork, overlay: PlacedPicture | None, made_by: Request | None) -> Subject:
    box = artwork.box
    key = "artwork", artwork.revision, box_of(box), overlay.image.cacheKey() if overlay else 0
    title = f"the box of {artwork.title}" if artwork.title else "the box of the canvas"
    size = box.width(), box.height()
    return Subject(key, box, size, title, made_by, partial(_read_box, artwork, box, overlay))


def _read_box(artwork: Artwork, box: QRect, overlay: PlacedPicture | None) -> Pixels:
    """The box of the picture as the model sees it; beyond the picture its edge is repeated."""
    seen = box.intersected(artwork.rect)
    rgb = artwork.rgb(seen)
    if overlay is not None:
        picture = from_rgb(rgb)
        painter = QPainter(picture)
        painter.drawImage(overlay.rect.topLeft() - seen.topLeft(), overlay.image)
        painter.end()
        rgb = to_rgb(picture)
    return crop(rgb, None, box_of(box.translated(-seen.topLeft())), (box.width(), box.height())).source


def ways(subject: Subject, size: tuple[int, int]) -> tuple[str, ...]:
    """What can bring the subject to `size` (width, height); none are needed where it has that size."""
    if subject.size == size:
        return ()
    larger = all(own >= wanted for own, wanted in zip(subject.size, size, strict=True))
    return (SHRUNK, MIDDLE) if larger else (SHRUNK,)


def fit(subject: Subject, size: tuple[int, int], way: str) -> Fitted:
    """The subject at `size` (width, height): its largest part of that shape resized, or its middle as it is.

    Raises what reading it raises.
    """
    rgb = subject.read()
    height, width = rgb.shape[:2]
    whole = QRect(0, 0, width, height)
    if way == MIDDLE and MIDDLE in ways(subject, size):
        part = QRect((width - size[0]) // 2, (height - size[1]) // 2, *size)
    else:
        part = largest_box(QSize(*size), whole)
    taken = rgb[part.y() : part.y() + part.height(), part.x() : part.x() + part.width()]
    across, down = subject.place.width() / width, subject.place.height() / height
    place = QRectF(part.x() * across, part.y() * down, part.width() * across, part.height() * down)
    return Fitted(resize(taken, size), place.translated(subject.place.topLeft()))
