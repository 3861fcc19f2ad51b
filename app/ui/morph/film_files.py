"""The files of the morph: its dialogs and its sheet, and the actions that follow."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.files.mime import local_files
from app.core.morph.film_export import FilmFormat, Filming
from app.core.morph.morph_room import MorphRoom
from app.core.notices import Notice
from app.ui.files.file_dialog import Purpose, file_dialog
from app.ui.morph.film_sheet import FilmSheet
from engine.errors import why
from engine.morph.film import KINDS, save_frame
from engine.pictures.image_file import patterns
from engine.pictures.naming import slug
from engine.spec.edit import Pixels
from engine.spec.morph import Morph


class Films(QObject):
    """Opens one sheet at a time; writes the film as the page held it at that moment."""

    changed = Signal()  # whether there is a film to export

    def __init__(self, morph: MorphRoom, filming: Filming, window: QWidget) -> None:
        super().__init__(window)
        self._morph, self._filming, self._window = morph, filming, window
        self.sheet: FilmSheet | None = None
        self.dialog: QFileDialog | None = None
        self.way = FilmFormat()
        filming.changed.connect(self.changed)

    def take(self, mime: QMimeData) -> bool:
        """Add each dropped file as a key frame. False where there is none."""
        files = local_files(mime)
        for path in files:
            self._morph.keys.add_file(path)
        return bool(files)

    def add_dialog(self) -> None:
        dialog = self._ask("Add key frames", "open")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([f"Pictures ({' '.join(patterns())})", "All files (*)"])
        dialog.filesSelected.connect(self._add)
        dialog.open()

    def _add(self, paths: list[str]) -> None:
        for path in paths:
            self._morph.keys.add_file(Path(path))

    @property
    def why_no_export(self) -> str:
        """Why there is no film to export, in one sentence; "" when there is."""
        if self._filming.busy:
            return "A film is being written: wait for it, or stop it."
        if self._morph.film is None:
            result = self._morph.result
            return (
                "Make the frames first." if result is None else "The morph was stopped: make all of its frames first."
            )
        return ""

    def export(self) -> None:
        """Save the film as it is now; the dialog stops nothing."""
        result = self._morph.film
        if result is None or self.why_no_export:
            return
        morph, frames = result
        if self.sheet is not None:
            self.sheet.close()
        size = frames[0].shape[1], frames[0].shape[0]
        self.sheet = FilmSheet(morph, size, self.way, self._window)
        self.sheet.chosen.connect(partial(self._export_as, morph, frames))
        self.sheet.destroyed.connect(partial(self._forget, self.sheet))
        self.sheet.show()

    def _forget(self, sheet: FilmSheet, _: object = None) -> None:
        if self.sheet is sheet:
            self.sheet = None

    def _export_as(self, morph: Morph, frames: list[Pixels], way: FilmFormat) -> None:
        self.way = way
        dialog = self._ask("Export film", "save")
        if way.kind:
            dialog.setNameFilter(f"{KINDS[way.kind]} (*{way.kind})")
            dialog.setDefaultSuffix(way.kind.lstrip("."))
        words = "-".join(key.prompt or key.label or f"seed-{key.seed}" for key in morph.keys[:2])
        dialog.selectFile(f"{slug(words) or 'morph'}{way.kind}")
        dialog.fileSelected.connect(partial(self.export_to, morph, frames, way))
        dialog.open()

    def export_to(self, morph: Morph, frames: list[Pixels], way: FilmFormat, path: str) -> None:
        self._filming.export(Path(path), frames, morph, way)

    def save_frame(self) -> None:
        """The frame under the cursor as a PNG, with the morph that it is of."""
        result, k = self._morph.result, self._morph.cursor
        if result is None or not 0 <= k < len(result.frames):
            return
        dialog = self._ask("Save frame as", "save")
        dialog.setNameFilter("PNG picture (*.png)")
        dialog.setDefaultSuffix("png")
        dialog.selectFile(f"frame-{k + 1:04}.png")
        dialog.fileSelected.connect(partial(self.save_frame_to, result.morph, result.frames[k]))
        dialog.open()

    def save_frame_to(self, morph: Morph, rgb: Pixels, path: str) -> None:
        try:
            save_frame(Path(path), rgb, morph)
        except (OSError, MemoryError) as error:
            self._morph.notice_raised.emit(Notice("error", f"{Path(path).name} could not be saved: {why(error)}"))
            return
        self._morph.notice_raised.emit(Notice("info", f"Saved as {path}"))

    def close(self) -> None:
        """Wait for the film that is being written."""
        if self.sheet is not None:
            self.sheet.close()
        self._filming.close()

    def _ask(self, title: str, purpose: Purpose) -> QFileDialog:
        self.dialog = file_dialog(self._window, title, purpose)
        return self.dialog
