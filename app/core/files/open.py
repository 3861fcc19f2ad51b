"""Open a picture as the artwork: from a file, a drop, the clipboard or the shown run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QObject, QTimer, Signal
from PySide6.QtGui import QColor, QImage

from app.core.canvas.artwork import Artwork, bgra, plain_picture
from app.core.canvas.fitting import fit_picture, is_multiple_of_box
from app.core.canvas.origin import Origin
from app.core.canvas.undo import Pixels
from app.core.files.autosave import Autosave
from app.core.files.background import Background
from app.core.files.mime import from_image, local_files, pictures_in
from app.core.files.settings_in import settings_in
from app.core.notices import Notice, NoticeAction
from app.core.request.draft_model import DraftModel
from app.core.shown.render import finished_pixels
from app.core.shown.viewer import Viewer
from engine.pictures.foreign.adopt import FoundLoras, FoundVae, adopt
from engine.pictures.foreign.settings import ForeignSettings
from engine.pictures.image_file import ImageError, ReadingStopped, load, not_cancelled
from engine.spec.draft import Draft
from engine.spec.request import Request, RequestError

PATIENCE_MS = 400  # after which a notice says that a picture is still being read
AT_ONCE = 3_000_000  # values: fewer are brought into shape in less than a frame's time
PASTED = "Pasted picture"


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A picture that was read. rgb -- (H, W, 3); path -- its file, None from the clipboard; notes -- sentences on what
    is not as in the file; settings -- the Request that made it, where the file holds one; foreign, loras, vae -- what
    another studio wrote into it, and those of its LoRAs and its VAE that are here; forked -- whether its run went on
    from another one; of_shown -- it is a step of the shown run, which stays on the timeline
    """

    rgb: NDArray[np.uint8]
    title: str
    path: Path | None = None
    notes: tuple[str, ...] = ()
    settings: Request | None = None
    foreign: ForeignSettings | None = None
    loras: FoundLoras | None = None
    forked: bool = False
    of_shown: bool = False
    vae: FoundVae | None = None

    @property
    def origin(self) -> Origin | None:
        if self.settings is None and self.foreign is None:
            return None
        return Origin(self.settings, self.forked, self.foreign, self.loras, self.vae)

    @property
    def size(self) -> tuple[int, int]:
        """width, height"""
        return self.rgb.shape[1], self.rgb.shape[0]


class Opener(QObject):
    """Reads pictures in the background and makes them the artwork. A newer request stops the one before it."""

    choice_needed = Signal(object)  # an Arrival whose size the model's box does not divide: answer with place()
    opened = Signal()
    notice_raised = Signal(object)  # a Notice

    def __init__(
        self, draft: DraftModel, shown: Viewer, artwork: Artwork, autosave: Autosave, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._draft, self._shown, self._artwork, self._autosave = draft, shown, artwork, autosave
        self._background = Background(self)
        self._request = 0  # number of the newest request: results of older ones are dropped
        self._stop = Event()  # stops the reading under way
        self._name = ""
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(PATIENCE_MS)
        self._slow.timeout.connect(self._say_reading)

    # from anywhere

    def open_file(self, path: Path) -> None:
        self._read([path], path.stem, path)

    def open_mime(self, mime: QMimeData | None) -> bool:
        """Open dropped or pasted data; False, with a notice, if it contains no picture."""
        mime = mime or QMimeData()
        files = local_files(mime)
        if files:
            self.open_file(files[0])
            if len(files) > 1:
                sentence = (
                    f"Of {len(files)} files the first is opened, {files[0].name}: one picture is worked on at a time."
                )
                self.notice_raised.emit(Notice("info", sentence))
            return True
        if found := pictures_in(mime):
            self._read(found, PASTED, None)
            return True
        if mime.hasUrls():
            sentence = (
                "That picture is on another machine, and the studio does not go there: save it first, then open it."
            )
        else:
            sentence = "There is no picture on the clipboard: copy one, or a file, and paste again."
        self.notice_raised.emit(Notice("info", sentence))
        return False

    def edit_shown(self) -> None:
        """Make x̂₀ under the cursor the artwork, as it is saved."""
        shown = self._shown
        run, k = shown.run, shown.cursor
        if run is None or not 0 <= k < shown.step_count:
            return
        try:
            rgb = finished_pixels(run, k, shown.image_index)
        except (ValueError, OSError) as error:
            self.notice_raised.emit(Notice("error", f"This step cannot be read: {error}"))
            return
        request, image = run.request_at(k), run.image_in(k, shown.image_index)
        alone = replace(request, seeds=(request.seeds[image],))
        title, forked = request.prompt or request.label or "Picture", run.parent_at(k) is not None
        self.place(Arrival(rgb, title, settings=alone, forked=forked, of_shown=True))

    def blank(self, width: int, height: int, colour: QColor) -> None:
        """Make a picture of one colour the artwork, a large one in the background. Raises ValueError for no size."""
        self._new_request()
        if 3 * width * height < AT_ONCE:
            self._adopt_blank(self._request, plain_picture(width, height, colour))
        else:
            then = partial(self._adopt_blank, self._request), partial(self._on_failed, self._request)
            self._background.start(partial(plain_picture, width, height, colour), *then)

    def _adopt_blank(self, request: int, pixels: Pixels) -> None:
        if request != self._request:
            return
        self._autosave.set_aside()
        self._shown.close()  # its steps are not those of this picture
        self._artwork.adopt(pixels, "", self._box_size)
        self._autosave.mark_saved()  # there is nothing on it yet
        self.opened.emit()

    def place(self, arrival: Arrival, way: str = "keep", target: tuple[int, int] | None = None) -> None:
        """Make an arrival the artwork, in one of fitting.WAYS; `target` is the size for all of them but "keep".

        A model whose sizes are free works at that size from then on.
        """
        self._new_request()
        if target is not None and way != "keep" and self._draft.model.sizes.free:
            self._draft.choose_size(target)
        if arrival.rgb.size < AT_ONCE:
            self._adopt(arrival, self._request, prepare(arrival.rgb, way, target or self._box_size))
        else:
            then = partial(self._adopt, arrival, self._request), partial(self._on_failed, self._request)
            self._background.start(partial(prepare, arrival.rgb, way, target or self._box_size), *then)

    def _adopt(self, arrival: Arrival, request: int, made: tuple[Pixels, Pixels | None]) -> None:
        if request != self._request:
            return
        pixels, mask = made
        self._autosave.set_aside()
        if not arrival.of_shown:
            self._shown.close()
        self._artwork.adopt(pixels, arrival.title, self._box_size, mask, arrival.origin)
        if arrival.title != PASTED:
            self._autosave.mark_saved()
        self.opened.emit()
        if arrival.settings is not None:
            if not arrival.of_shown:
                self._offer("This picture says how it was made.", arrival, partial(Draft.of, arrival.settings))
        elif arrival.foreign is not None:
            adopted = adopt(arrival.foreign, self._draft.models, self._draft.model, arrival.loras, arrival.vae)
            self._offer(adopted.notice, arrival, lambda: adopted.draft)
        elif arrival.notes:
            self.notice_raised.emit(Notice("info", " ".join(arrival.notes)))

    def _offer(self, sentence: str, arrival: Arrival, settings: Callable[[], Draft]) -> None:
        """Offer the settings of a picture."""
        use = NoticeAction("Use its settings", partial(self._use, settings))
        keep = NoticeAction("All but the seed", partial(self._use, settings, with_seed=False))
        self.notice_raised.emit(Notice("info", " ".join((sentence, *arrival.notes)), (use, keep)))

    def close(self) -> None:
        """Stop reading; nothing is opened any more."""
        self._slow.stop()
        self._stop.set()
        self._background.close()

    # inside

    @property
    def _box_size(self) -> tuple[int, int]:
        return self._draft.size

    def _read(self, sources: Sequence[Path | bytes | QImage], title: str, path: Path | None) -> None:
        self._new_request()
        self._name = title
        self._slow.start()
        then = partial(self._on_read, self._request), partial(self._on_failed, self._request)
        self._background.start(partial(read, sources, title, path, self._stop.is_set), *then)

    def _new_request(self) -> None:
        """Stop reading: the result is no longer wanted."""
        self._request += 1
        self._stop.set()
        self._stop = Event()
        self._slow.stop()

    def _on_read(self, request: int, arrival: Arrival) -> None:
        if request == self._request:
            self._slow.stop()
            self._arrive(arrival)

    def _on_failed(self, request: int, error: Exception) -> None:
        if isinstance(error, ReadingStopped):
            return
        if request == self._request:
            self._slow.stop()
        sentence = str(error) if isinstance(error, ImageError) else f"The picture cannot be opened: {error}"
        self.notice_raised.emit(Notice("error", sentence))

    def _arrive(self, arrival: Arrival) -> None:
        if is_multiple_of_box(arrival.size, self._draft.size):
            self.place(arrival)
        else:
            self.choice_needed.emit(arrival)

    def _say_reading(self) -> None:
        self.notice_raised.emit(Notice("info", f"Reading {self._name} …"))

    def _use(self, settings: Callable[[], Draft], with_seed: bool = True) -> None:
        """Put the settings of a picture on the panel, with its seed or with the one that is there."""
        try:
            draft, now = settings(), self._draft.current
            self._draft.current = draft if with_seed else replace(draft, seed=now.seed)
        except RequestError as error:
            self.notice_raised.emit(Notice("error", str(error)))


def read(
    sources: Sequence[Path | bytes | QImage],
    title: str,
    path: Path | None,
    cancelled: Callable[[], bool] = not_cancelled,
) -> Arrival:
    """Read the first of `sources` that is whole. Raises the first one's ImageError where none is; ReadingStopped."""
    failure: ImageError | None = None
    for source in sources:
        if isinstance(source, QImage):
            return Arrival(from_image(source), title, path)
        try:
            loaded = load(source, cancelled)
        except ImageError as error:
            failure = failure or error
            continue
        return _with_settings(Arrival(loaded.rgb, title, path, loaded.notes))
    raise failure or ImageError("There is no picture in it: copy one, and paste again.")


def _with_settings(arrival: Arrival) -> Arrival:
    """Add the settings in the picture's file, ours or another studio's; none where they are damaged."""
    if arrival.path is None:
        return arrival
    found = settings_in(arrival.path)
    return replace(
        arrival, settings=found.own, forked=found.forked, foreign=found.foreign, loras=found.loras, vae=found.vae
    )


def prepare(rgb: NDArray[np.uint8], way: str, target: tuple[int, int]) -> tuple[Pixels, Pixels | None]:
    """Return the picture in one of fitting.WAYS, in the artwork's order of channels, and its mask."""
    made, mask = fit_picture(rgb, way, target)
    return bgra(made), mask
