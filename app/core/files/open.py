"""Pictures on their way in: from a file, a drop, the clipboard or the shown run, until they are the artwork."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QImage, QPainter

from app.core.canvas.artwork import Artwork, bgra, plain
from app.core.canvas.fitting import fit_picture, is_multiple_of_box
from app.core.canvas.undo import Pixels
from app.core.files.autosave import Autosave
from app.core.files.background import Background
from app.core.notices import Notice, NoticeAction
from app.core.request.draft_model import DraftModel
from app.core.shown.render import pixels
from app.core.shown.viewer import Viewer
from engine.pictures.image_file import ImageError, load
from engine.pictures.png import read_settings
from engine.spec.draft import Draft
from engine.spec.request import Request, RequestError

PATIENCE_MS = 400  # after which a person is told that a picture is still being read
AT_ONCE = 3_000_000  # values: fewer are brought into shape in less than a frame's time
PASTED = "Pasted picture"
BYTES = ("image/png", "image/tiff", "image/webp", "image/jpeg", "image/bmp", "image/gif")  # best first


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A picture that was read. rgb -- (H, W, 3); path -- its file, None from the clipboard; notes -- what is not as in
    the file; settings -- what made it, where it says so
    """

    rgb: NDArray[np.uint8]
    title: str
    path: Path | None = None
    notes: tuple[str, ...] = ()
    settings: Request | None = None

    @property
    def size(self) -> tuple[int, int]:
        """width, height"""
        return self.rgb.shape[1], self.rgb.shape[0]


class Opener(QObject):
    """Reads pictures in the background and makes them the artwork. The newest that was asked for is the one opened."""

    choice_needed = Signal(object)  # an Arrival of a size that the model's box does not divide: place() says how
    opened = Signal()
    notice_raised = Signal(object)  # a Notice

    def __init__(
        self, draft: DraftModel, shown: Viewer, artwork: Artwork, autosave: Autosave, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._draft, self._shown, self._artwork, self._autosave = draft, shown, artwork, autosave
        self._background = Background(self)
        self._asked = 0  # counts what was asked for: the answer to an older one comes too late
        self._name = ""
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.setInterval(PATIENCE_MS)
        self._slow.timeout.connect(self._say_reading)

    # from anywhere

    def open_file(self, path: Path) -> None:
        self._read(path, path.stem, path)

    def open_mime(self, mime: QMimeData | None) -> bool:
        """What was dropped or pasted; False, with a notice, where there is no picture in it."""
        mime = mime or QMimeData()
        files = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        if files:
            self.open_file(files[0])
            if len(files) > 1:
                told = (
                    f"Of {len(files)} files the first is opened, {files[0].name}: one picture is worked on at a time."
                )
                self.notice_raised.emit(Notice("info", told))
            return True
        for kind in BYTES:
            if mime.hasFormat(kind):
                self._read(bytes(mime.data(kind).data()), PASTED, None)
                return True
        image = mime.imageData() if mime.hasImage() else None
        if isinstance(image, QImage) and not image.isNull():
            self._arrive(Arrival(from_image(image), PASTED))
            return True
        if mime.hasUrls():
            told = "That picture is on another machine, and the studio does not go there: save it first, then open it."
        else:
            told = "There is no picture on the clipboard: copy one, or a file, and paste again."
        self.notice_raised.emit(Notice("info", told))
        return False

    def edit_shown(self) -> None:
        """x̂₀ under the cursor, as it is saved, becomes the artwork."""
        shown = self._shown
        run, k = shown.run, shown.cursor
        if run is None or not 0 <= k < shown.step_count:
            return
        try:
            rgb = pixels(run, k, "x0", shown.image_index)
        except (ValueError, OSError) as error:
            self.notice_raised.emit(Notice("error", f"This step cannot be read: {error}"))
            return
        request = run.request_at(k)
        self.place(Arrival(rgb, request.prompt or request.label or "Picture"))

    def blank(self, width: int, height: int, colour: QColor) -> None:
        """A picture of one colour becomes the artwork, a large one in the background. Raises ValueError where a side
        is less than 1.
        """
        self._asked += 1
        if 3 * width * height < AT_ONCE:
            self._adopt_blank(self._asked, plain(width, height, colour))
        else:
            told = partial(self._adopt_blank, self._asked), partial(self._on_failed, self._asked)
            self._background.start(partial(plain, width, height, colour), *told)

    def _adopt_blank(self, asked: int, pixels: Pixels) -> None:
        if asked != self._asked:
            return
        self._autosave.set_aside()
        self._artwork.adopt(pixels, "", self._box_size)
        self._autosave.mark_saved()  # there is nothing on it yet
        self.opened.emit()

    def place(self, arrival: Arrival, way: str = "keep", target: tuple[int, int] | None = None) -> None:
        """Make it the artwork, in one of fitting.WAYS; `target` is the size for all of them but "keep"."""
        self._asked += 1
        if arrival.rgb.size < AT_ONCE:
            self._adopt(arrival, self._asked, prepare(arrival.rgb, way, target or self._box_size))
        else:
            told = partial(self._adopt, arrival, self._asked), partial(self._on_failed, self._asked)
            self._background.start(partial(prepare, arrival.rgb, way, target or self._box_size), *told)

    def _adopt(self, arrival: Arrival, asked: int, made: tuple[Pixels, Pixels | None]) -> None:
        if asked != self._asked:
            return
        pixels, mask = made
        self._autosave.set_aside()
        self._artwork.adopt(pixels, arrival.title, self._box_size, mask)
        if arrival.title != PASTED:
            self._autosave.mark_saved()
        self.opened.emit()
        if arrival.settings is not None:
            told = " ".join(("This picture says how it was made.", *arrival.notes))
            settings = arrival.settings
            use = NoticeAction("Use its settings", partial(self._use, settings))
            keep = NoticeAction("All but the seed", partial(self._use, settings, with_seed=False))
            self.notice_raised.emit(Notice("info", told, (use, keep)))
        elif arrival.notes:
            self.notice_raised.emit(Notice("info", " ".join(arrival.notes)))

    def close(self) -> None:
        """Wait for what is being read; it is not opened any more."""
        self._slow.stop()
        self._background.close()

    # inside

    @property
    def _box_size(self) -> tuple[int, int]:
        return self._draft.model.width, self._draft.model.height

    def _read(self, source: Path | bytes, title: str, path: Path | None) -> None:
        self._asked += 1
        self._name = title
        self._slow.start()
        told = partial(self._on_read, self._asked), partial(self._on_failed, self._asked)
        self._background.start(partial(read, source, title, path), *told)

    def _on_read(self, asked: int, arrival: Arrival) -> None:
        if asked == self._asked:
            self._slow.stop()
            self._arrive(arrival)

    def _on_failed(self, asked: int, error: Exception) -> None:
        if asked == self._asked:
            self._slow.stop()
        told = str(error) if isinstance(error, ImageError) else f"The picture cannot be opened: {error}"
        self.notice_raised.emit(Notice("error", told))

    def _arrive(self, arrival: Arrival) -> None:
        if is_multiple_of_box(arrival.size, self._draft.model):
            self.place(arrival)
        else:
            self.choice_needed.emit(arrival)

    def _say_reading(self) -> None:
        self.notice_raised.emit(Notice("info", f"Reading {self._name} …"))

    def _use(self, settings: Request, with_seed: bool = True) -> None:
        """Put what made a picture on the panel; without its seed, what is there makes another picture of the kind."""
        try:
            draft, now = Draft.of(settings), self._draft.current
            self._draft.current = draft if with_seed else replace(draft, seed=now.seed)
        except RequestError as error:
            self.notice_raised.emit(Notice("error", str(error)))


def read(source: Path | bytes, title: str, path: Path | None) -> Arrival:
    """Raises ImageError."""
    loaded = load(source)
    settings = None
    if path is not None:
        try:
            settings = read_settings(path)
        except RequestError:
            settings = None  # the picture is whole all the same
    return Arrival(loaded.rgb, title, path, loaded.notes, settings)


def prepare(rgb: NDArray[np.uint8], way: str, target: tuple[int, int]) -> tuple[Pixels, Pixels | None]:
    """The picture in one of fitting.WAYS, in the artwork's own order of channels, and its mask."""
    made, mask = fit_picture(rgb, way, target)
    return bgra(made), mask


def from_image(image: QImage) -> NDArray[np.uint8]:
    """(H, W, 3); what is transparent becomes white, as with files."""
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
