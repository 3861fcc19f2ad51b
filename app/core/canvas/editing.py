"""Editing: the inputs of an edit, the place of its pictures, and the picture on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, QPoint, QRect, Signal
from PySide6.QtGui import QImage

from app.core.canvas.artwork import ANEW, Artwork
from app.core.canvas.candidates import ORIGINAL, Candidate, Candidates
from app.core.canvas.placement import PlacedPicture, Placement, Snapshot, box_of, overlay, to_rgb
from app.core.canvas.undo import part
from app.core.files.read_image import read_image
from app.core.request.methods import NEW, REWORK
from app.core.shown.naming import title_of
from app.core.shown.viewer import Viewer
from engine.pictures.compositing import crop
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, size
from engine.spec.request import Request

NOTHING_OPEN = "No picture is open: open one, or choose New picture."
NOTHING_PAINTED = "Nothing is painted: paint a mask, or choose Rework."
PAINTED_OUTSIDE = "The mask lies outside the box: move the box, or let it follow."


@dataclass(frozen=True, slots=True)
class MaskState:
    """Whether the mask is painted: anywhere; inside the box; and fully in all of the box."""

    anywhere: bool
    inside: bool
    whole: bool


class Editing(QObject):
    """Connects the artwork, the run in `viewer` and the candidates.

    The shown step of a run on the artwork is painted over it, in its place, unless the user looks at the original. Any
    other run replaces the artwork on the canvas. Setters emit only on change.
    """

    changed = Signal()  # the canvas changed: the artwork or a run, or the picture over the artwork
    inputs_changed = Signal()  # the inputs of the next run: the artwork, its mask, its box
    picked = Signal()  # the user chose a candidate: no new run replaces it on the canvas

    def __init__(self, viewer: Viewer, artwork: Artwork, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self.artwork = artwork
        self.candidates = Candidates(self)
        self._placements: dict[Path, Placement] = {}
        self._shows_artwork = False
        self._comparing = False
        self._applied = False  # and nothing painted since
        self._framed: Path | None = None  # the run of the viewer's frame, once that has come
        self._seen: tuple[int, Placement, PlacedPicture] | None = (
            None  # the frame's key, its place, and its overlay there
        )
        self._painted: tuple[int, QRect, MaskState] | None = None  # at which revision, in which box
        for signal in (artwork.opened, artwork.closed):
            signal.connect(self._another_artwork)
        artwork.resized.connect(self._on_resize)
        artwork.mask_changed.connect(self._on_paint)
        for signal in (artwork.history_changed, artwork.box_changed):
            signal.connect(self.inputs_changed)
        for signal in (viewer.run_changed, viewer.image_changed):
            signal.connect(self._on_run)
        viewer.moved.connect(self.show_in_place)
        viewer.frame_changed.connect(self._on_frame)
        self.candidates.chosen.connect(self._on_chosen)
        self.candidates.listed.connect(self.changed)

    # the canvas

    @property
    def shows_artwork(self) -> bool:
        """Whether the canvas shows the artwork, and not a run that does not belong to it."""
        return self._shows_artwork

    @shows_artwork.setter
    def shows_artwork(self, shown: bool) -> None:
        shown = shown and self.artwork.is_open
        if shown != self._shows_artwork:
            self._shows_artwork = shown
            self.changed.emit()

    @property
    def comparing(self) -> bool:
        """Whether the canvas shows the original in place of the candidate, until another candidate comes."""
        return self._comparing

    @comparing.setter
    def comparing(self, comparing: bool) -> None:
        if comparing != self._comparing:
            self._comparing = comparing
            self.changed.emit()

    @property
    def overlay(self) -> PlacedPicture | None:
        """The picture over the artwork; None for the original."""
        return None if self._comparing else self._chosen_overlay()

    @property
    def reviewing(self) -> bool:
        """Whether the user looks at the result of a run instead of painting for the next one."""
        looking = self.candidates.at is not None and not (self._viewer.live and self._viewer.following)
        return self._shows_artwork and (looking or self._applied)

    def expect(self, picture: QImage, placed: PlacedPicture | None) -> None:
        """Keep the overlay that the engine's thread rendered for a picture, the viewer's next frame."""
        placement = self.placement(self._viewer.run_path)
        if placed is not None and placement is not None and placed.rect == placement.rect:  # else it has moved since
            self._seen = picture.cacheKey(), placement, placed

    def placement(self, run: Path | None) -> Placement | None:
        """Return the place of a run's pictures; None if it does not belong to the artwork."""
        return None if run is None else self._placements.get(run)

    def show_in_place(self) -> None:
        """Show the run in its place on the artwork, or alone where it does not belong there."""
        path = self._viewer.run_path
        if path is None:
            return
        self.shows_artwork = self.placement(path) is not None
        if self._shows_artwork:
            self.candidates.at = path, self._viewer.image_index

    def _chosen_overlay(self) -> PlacedPicture | None:
        at, frame = self.candidates.at, self._viewer.frame
        if not self._shows_artwork or at is None or frame is None or at[0] != self._framed:
            return None
        placement = self.placement(at[0])
        if placement is None:
            return None
        if self._seen is None or self._seen[:2] != (frame.cacheKey(), placement):
            self._seen = frame.cacheKey(), placement, overlay(frame, placement)
        return self._seen[2]

    # the inputs of a run

    @property
    def painted(self) -> MaskState:
        """The state of the mask, cached until the mask or the box changes."""
        artwork, box = self.artwork, self.artwork.box
        if self._painted is None or self._painted[:2] != (artwork.revision, box):
            seen = box.intersected(artwork.rect)
            mask = part(artwork.mask, seen)
            inside = bool(mask.any())
            found = MaskState(inside or bool(artwork.mask.any()), inside, inside and bool(mask.min() == ANEW))
            self._painted = artwork.revision, box, found
        return self._painted[2]

    def why_not(self, method: str, parent: Path | None = None) -> str:
        """Return why no run with `method` can start, in one sentence; "" when it can. A fork of the run in `parent` can
        keep that run's mask.
        """
        if method == NEW or self.placement(parent) is not None:
            return ""
        if not self.artwork.is_open:
            return NOTHING_OPEN
        painted = self.painted
        if method != REWORK and not painted.anywhere:
            return NOTHING_PAINTED
        return PAINTED_OUTSIDE if painted.anywhere and not painted.inside else ""

    def remark(self, method: str) -> str:
        """Return a hint before a run with `method`; mostly ""."""
        if method == NEW or not self.artwork.is_open:
            return ""
        if method == REWORK and not self.painted.anywhere:
            return "Nothing is painted: all of the box is reworked"
        if method != REWORK and self.painted.whole:
            return "All of the box is painted: nothing of the picture is kept"
        return ""

    def snapshot(self, draft: Draft, model: ModelInfo, box: QRect | None = None) -> Snapshot | None:
        """Return the artwork in its box (or in `box`) as it is now, for a run of `draft`; None for a new picture.

        Raises RequestError.
        """
        if draft.method == NEW:
            return None
        artwork, box = self.artwork, box or self.artwork.box
        seen = box.intersected(artwork.rect)
        masked = draft.method != REWORK or self._is_painted(box)
        mask = part(artwork.mask, seen) if masked else None
        inputs = crop(artwork.rgb(seen), mask, box_of(box.translated(-seen.topLeft())), size(draft, model))
        return Snapshot(replace(inputs, box=box_of(box)), Placement.on(artwork, box, masked))

    def branch(self, draft: Draft, model: ModelInfo, parent: Request, run: Path) -> Snapshot | None:
        """Return the snapshot for a fork of the run in `run`, whose request is `parent`: in that run's box, if it is on
        the artwork, and with its mask if nothing is painted.
        """
        draft, placement = replace(draft, width=parent.width, height=parent.height), self.placement(run)
        if placement is None:
            return self.snapshot(draft, model)
        if draft.method != NEW and parent.edit is not None and not self._is_painted(placement.box):
            return self.snapshot_of(run)
        return self.snapshot(draft, model, placement.box)

    def snapshot_of(self, run: Path) -> Snapshot | None:
        """Return the snapshot of the run in `run`; None if it does not belong to the artwork."""
        placement = self.placement(run)
        return None if placement is None else Snapshot(None, placement)

    def _is_painted(self, box: QRect) -> bool:
        seen = box.intersected(self.artwork.rect)
        return bool(part(self.artwork.mask, seen).any())

    # the results of a run

    def place(self, run: Path, placement: Placement) -> None:
        """Set the place of a new run's pictures, and show the mask again. The run works on the applied picture."""
        self._placements[run] = placement
        self._on_paint()

    def add_candidates(self, run: Path, request: Request, images: Sequence[Path]) -> None:
        """Add the pictures of a run, saved as `images`, to the candidates, if the run belongs to the artwork."""
        if self.placement(run) is not None:
            pictures = [read_image(path) for path in images]
            self.comparing = False
            self.candidates.add(Candidate(run, k, request, one) for k, one in enumerate(pictures))

    def leave_run(self, run: Path) -> None:
        """Show the original again: this run was cancelled or failed. Its steps stay on the timeline."""
        if self.candidates.at is not None and self.candidates.at[0] == run:
            self.candidates.at = None

    def choose(self, tile: int) -> None:
        """Show a tile of the candidates: the original, or a finished picture on its last step."""
        viewer = self._viewer
        self.picked.emit()
        self.shows_artwork = True
        self.comparing = False
        self._on_paint()
        if tile == ORIGINAL:
            self.candidates.at = None
            if self.artwork.is_open and self.placement(viewer.run_path) is None and not viewer.live:
                viewer.close()  # its steps are not those of the artwork
            return
        one = self.candidates[tile]
        if viewer.run_path != one.run and not viewer.show_run(one.run):
            return
        viewer.image_index = one.image
        viewer.end()
        self.candidates.at = one.key

    def browse(self, by: int) -> None:
        self.choose(self.candidates.neighbour(by))

    @property
    def why_no_apply(self) -> str:
        """Why the candidate on the canvas cannot be applied, in one sentence; "" when it can."""
        seen = self._chosen_overlay()
        if seen is None:
            return "There is no candidate to apply: choose one."
        if not seen.rect.intersects(self.artwork.rect):
            return "It lies outside of the present picture: undo the canvas size, or choose another."
        if self._viewer.live and self._viewer.following:
            return "This picture is not finished: wait for it, or choose one of its steps."
        run, k = self._viewer.run, self._viewer.cursor
        if run is not None and 0 <= k < len(run.steps) and run.is_coarse(k, self._viewer.image_index):
            return "This step is still a coarse preview: wait a moment until it is sharp."
        return ""

    def apply(self) -> bool:
        """Put the candidate on the canvas into the artwork, through its mask; undoable. It stays a candidate."""
        seen = self._chosen_overlay()
        at, run, frame = self.candidates.at, self._viewer.run, self._viewer.frame
        if seen is None or self.why_no_apply or at is None or run is None or frame is None:
            return False
        place, pixels = self._placements[at[0]].pixels(self.artwork, to_rgb(frame))
        self.comparing, self._applied = False, True
        self.candidates.at = None
        self.artwork.apply(place, pixels, f"Apply {title_of(run.request)}")
        return True

    def discard(self) -> None:
        """Remove the candidate on the canvas and show its neighbour."""
        if self.candidates.index > ORIGINAL:
            self.candidates.discard(self.candidates.index)
            self.choose(self.candidates.index)
        else:
            self.candidates.at = None

    def discard_all(self) -> None:
        self.candidates.clear()

    # inside

    def _on_run(self) -> None:
        """Another run, or another picture of it, is shown; its frame follows."""
        self._framed = None
        self.show_in_place()

    def _on_frame(self) -> None:
        self._framed = self._viewer.run_path
        if self._shows_artwork and self.candidates.at is not None:
            self.changed.emit()

    def _on_chosen(self) -> None:
        """Another candidate is on the canvas, or none: nothing is compared."""
        self._comparing = False
        self.changed.emit()

    def _on_paint(self) -> None:
        """Show the mask again: the user paints on the applied picture."""
        if self._applied:
            self._applied = False
            self.changed.emit()

    def _on_resize(self, by: QPoint) -> None:
        self._placements = {run: placement.moved(by) for run, placement in self._placements.items()}
        self.changed.emit()

    def _another_artwork(self) -> None:
        self._placements.clear()
        self._seen = self._painted = None
        self._applied = False
        self.candidates.clear()
        self._shows_artwork = self.artwork.is_open
        self.changed.emit()
        self.inputs_changed.emit()
