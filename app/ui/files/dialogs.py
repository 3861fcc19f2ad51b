"""Dialogs and sheets of the window for picture files, and their results."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QRect, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.canvas.fitting import sizes, targets
from app.core.document import Document
from app.core.files.autosave import Autosave
from app.core.files.export import Export, ExportSubject
from app.core.files.open import Arrival, Opener
from app.core.notices import Notice
from app.core.shown.render import finished_pixels
from app.settings import Settings
from app.ui.canvas.size_sheets import CanvasSheet, NewSheet
from app.ui.files.arrival_sheet import ArrivalSheet
from app.ui.files.export_sheet import ExportSheet
from app.ui.files.file_dialog import Purpose, file_dialog
from app.ui.widgets.form_dialog import FormDialog
from engine.pictures.image_file import patterns
from engine.pictures.naming import slug
from engine.pictures.png import KINDS
from engine.spec.draft import size


class Files(QObject):
    """One at a time: a new sheet takes the place of one that is still open."""

    opened = Signal()  # another artwork was opened: show it
    changed = Signal()  # whether an earlier artwork can be brought back

    def __init__(self, document: Document, autosave: Autosave, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._document, self._autosave, self._settings, self._window = document, autosave, settings, window
        self.opener = Opener(document.draft, document.shown, document.artwork, autosave, self)
        self.exporter = document.exporter
        self.sheet: FormDialog | None = None
        self.dialog: QFileDialog | None = None
        self.opener.choice_needed.connect(self._ask)
        self.opener.opened.connect(self.opened)
        autosave.brought_back.connect(self.opened)
        autosave.earlier_changed.connect(self.changed)
        for source in (self.opener, autosave):
            source.notice_raised.connect(document.notice_raised)

    # in

    def open_dialog(self) -> None:
        dialog = self._ask_path("Open picture", "open")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters([f"Pictures ({' '.join(patterns())})", "All files (*)"])
        dialog.fileSelected.connect(self.open_path)
        dialog.open()

    def open_path(self, path: str) -> None:
        self.opener.open_file(Path(path))

    def paste(self) -> None:
        self.opener.open_mime(QGuiApplication.clipboard().mimeData())

    def take(self, mime: QMimeData) -> None:
        """Open the files dropped on the window."""
        self.opener.open_mime(mime)

    def ask_wildcards(self) -> None:
        """Ask for the folder with the lists that `__name__` in a prompt draws from."""
        dialog = self._ask_path("Folder of wildcard lists", "lists")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        if self._document.draft.wildcards:
            dialog.setDirectory(self._document.draft.wildcards[0])
        dialog.fileSelected.connect(self.use_wildcards)
        dialog.open()

    def use_wildcards(self, folder: str) -> None:
        """Draw from the lists in that folder."""
        self._document.draft.wildcards = (folder,)
        lists = any(next(Path(folder).glob(pattern), None) for pattern in ("*.txt", "*/*.txt"))
        use = "Write __name__ in a prompt to draw a line of name.txt."
        self._document.notice_raised.emit(Notice("info", use if lists else f"{folder} has no lists: add name.txt."))

    def new(self) -> None:
        sheet = NewSheet(self._document.draft.model, self._document.draft.size, self._window)
        sheet.chosen.connect(self._blank)
        self._show(sheet)

    def _blank(self, width: int, height: int, colour: QColor) -> None:
        self.opener.blank(width, height, colour)

    def _ask(self, arrival: Arrival) -> None:
        draft = self._document.draft
        offered = targets(draft.model, draft.size, arrival.size)
        sheet = ArrivalSheet(arrival, draft.model, offered, size(draft.current, draft.model), self._window)
        sheet.chosen.connect(self.opener.place)
        self._show(sheet)

    def edit_shown(self) -> None:
        self.opener.edit_shown()

    @property
    def has_earlier(self) -> bool:
        return self._autosave.has_earlier

    def bring_back(self) -> None:
        self._document.shown.close()
        self._autosave.bring_back()

    def close_picture(self) -> None:
        """Close the artwork; unsaved work is kept and can be brought back."""
        self._autosave.set_aside()
        self._document.artwork.close()

    def resize_canvas(self) -> None:
        sheet = CanvasSheet(self._document.artwork, self._window)
        sheet.chosen.connect(self._resized)
        self._show(sheet)

    def _resized(self, rect: QRect) -> None:
        self._document.artwork.resize(rect)

    # out

    @property
    def shows_artwork(self) -> bool:
        return self._document.editing.shows_artwork

    def subject(self) -> ExportSubject | None:
        """Return what to save: the artwork if shown, else x̂₀ under the cursor; None, with a notice, for neither."""
        document = self._document
        if self.shows_artwork:
            return self._artwork()
        run, k, image = document.shown.run, document.shown.cursor, document.shown.image_index
        if run is None or not 0 <= k < document.shown.step_count:
            return None
        try:
            rgb = finished_pixels(run, k, image)
        except (ValueError, OSError) as error:
            document.notice_raised.emit(Notice("error", f"This step cannot be read: {error}"))
            return None
        request, index = run.request_at(k), run.image_in(k, image)
        return ExportSubject(rgb, request.prompt or request.label or "picture", request, index, run.parent_at(k))

    def _artwork(self) -> ExportSubject:
        """As it is now: one block is copied, and the writer's thread puts its channels in order."""
        artwork = self._document.artwork
        return ExportSubject(artwork.pixels.copy()[..., 2::-1], artwork.title)

    def save_shown(self) -> None:
        """Save the shown picture to a file chosen in a dialog, which blocks nothing."""
        if self.shows_artwork:
            self.save_as()
            return
        run, k = self._document.shown.run, self._document.shown.cursor
        if run is None or self._document.shown.step_count == 0:
            return
        request = run.request_at(k)
        seed = request.seeds[run.image_in(k, self._document.shown.image_index)]
        name = f"{slug(request.prompt or request.label or 'picture')}-{seed}.png"
        self._ask_png(name).fileSelected.connect(self.save_step_to)

    def save_step_to(self, path: str) -> None:
        """Write x̂₀ of the selected step, with its settings."""
        self._document.save_picture(Path(path))

    def save_as(self) -> None:
        """Save the artwork as a PNG under a name that the user chooses."""
        name = f"{slug(self._document.artwork.title or 'picture')}.png"
        self._ask_png(name).fileSelected.connect(self.save_to)

    def save_to(self, path: str) -> None:
        """Write the current artwork to that file."""
        artwork = self._document.artwork
        if artwork.is_open:
            revision = artwork.revision
            self.exporter.export(self._artwork(), Export(), Path(path), partial(self._saved, revision))

    def _saved(self, revision: int) -> None:
        self._autosave.mark_saved(revision)

    def export(self) -> None:
        subject = self.subject()
        if subject is None:
            return
        values = self._settings.values
        choice = Export(values.export_factor, values.export_method, values.export_kind, values.export_quality)
        factor = sizes(self._document.draft.model)[-1][0] // self._document.draft.model.width
        sheet = ExportSheet(subject, choice, factor, self.why_no_cascade(subject), self._window)
        sheet.chosen.connect(partial(self._export_as, subject))
        self._show(sheet)

    def why_no_cascade(self, subject: ExportSubject) -> str:
        """Why the model's second stage cannot enlarge it, in one sentence; "" when it can."""
        model = self._document.draft.model
        if model.cascade is None:
            return f"{model.title} has no second stage"
        if subject.size != (model.width, model.height):
            return f"Only for pictures of {model.width} × {model.height}, the size that it has learnt"
        return self._document.jobs.why_no_engine

    def _export_as(self, subject: ExportSubject, choice: Export) -> None:
        self._settings.update(
            export_factor=choice.factor, export_method=choice.method, export_kind=choice.kind,
            export_quality=choice.quality,
        )  # fmt: skip
        dialog = self._ask_path("Export picture", "save")
        dialog.setNameFilters([f"{kind} picture (*{ending})" for ending, kind in KINDS.items() if ending != ".jpeg"])
        dialog.selectNameFilter(next(f for f in dialog.nameFilters() if f.endswith(f"(*.{choice.kind})")))
        dialog.setDefaultSuffix(choice.kind)
        width, height = subject.size
        enlarged = f"-{width * choice.factor}x{height * choice.factor}"
        dialog.selectFile(f"{slug(subject.title or 'picture')}{enlarged}.{choice.kind}")
        dialog.fileSelected.connect(partial(self.export_to, subject, choice))
        dialog.open()

    def export_to(self, subject: ExportSubject, choice: Export, path: str) -> None:
        self.exporter.export(subject, choice, Path(path))

    def close(self) -> None:
        """Wait for running reads and writes."""
        if self.sheet is not None:
            self.sheet.close()
        self.opener.close()
        self.exporter.close()

    # inside

    def _show(self, sheet: FormDialog) -> None:
        if self.sheet is not None:
            self.sheet.close()
        self.sheet = sheet
        sheet.destroyed.connect(partial(self._forget, sheet))
        sheet.show()

    def _forget(self, sheet: FormDialog, _: object = None) -> None:
        if self.sheet is sheet:
            self.sheet = None

    def _ask_png(self, name: str) -> QFileDialog:
        dialog = self._ask_path("Save picture as", "save")
        dialog.setNameFilter("PNG picture (*.png)")
        dialog.setDefaultSuffix("png")
        dialog.selectFile(name)
        dialog.open()
        return dialog

    def _ask_path(self, title: str, purpose: Purpose) -> QFileDialog:
        self.dialog = file_dialog(self._window, title, purpose)
        return self.dialog
