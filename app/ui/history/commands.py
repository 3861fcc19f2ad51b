"""What the actions do with the chosen pictures of the history: open, copy, show in the folder, add folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.document import Document
from app.core.files.read_image import read_image
from app.core.history.history import History
from app.core.history.restore import SettingsRestorer
from app.core.notices import Notice
from engine.history.query import MISSING

GONE = "Its file is no longer there: add the folder that it is in now."


class HistoryCommands(QObject):
    """`to_canvas` brings the canvas to the front.

    focus_wanted -- the keyboard goes to the field of that name: "search", "tags" or "boards"; "" for the pictures
    """

    focus_wanted = Signal(str)

    def __init__(self, history: History, document: Document, to_canvas: Callable[[], object], window: QWidget) -> None:
        super().__init__(window)
        self._history, self._document, self._to_canvas, self._window = history, document, to_canvas, window
        self.restorer = SettingsRestorer(document.draft, self)
        self.restorer.notice_raised.connect(document.notice_raised)
        self.restorer.used.connect(to_canvas)
        self.dialog: QFileDialog | None = None

    # reasons

    def why_none(self) -> str:
        """Why nothing can be done with a picture, in one sentence; "" when one is chosen."""
        return "" if self._history.selected else "Choose a picture in the history first."

    def why_no_file(self) -> str:
        picture = self._history.current
        if picture is None:
            return self.why_none()
        return GONE if picture.state == MISSING else ""

    def why_not_two(self) -> str:
        return "" if len(self._history.selected) == 2 else "Choose two pictures to compare: Ctrl+click the second one."

    def why_none_alike(self) -> str:
        picture = self._history.current
        if picture is None:
            return self.why_none()
        return "" if picture.facts.parameters else "It is not known how this picture was made."

    def why_no_prompt(self) -> str:
        picture = self._history.current
        return self.why_none() if picture is None else "" if picture.facts.prompt else "This picture has no prompt."

    # commands

    def open_id(self, id: int) -> None:
        """Show a picture with its run and every step; in large where its run file is not here. A stack opens."""
        row = next((row for row in self._history.rows if row.id == id), None)
        if row is not None and row.stack > 1:
            self._history.show_alike(id)
            return
        picture = self._history.picture(id)
        if picture is None:
            return
        found = self._history.run_of(picture)
        if found is None:
            self._history.look((id,))
            return
        path, image = found
        if path == self._document.shown.run_path or self._document.shown.show_run(path):
            self._document.shown.image_index = image
            self._document.editing.show_in_place()
            self._to_canvas()

    def open(self) -> None:
        if self._history.selected:
            self.open_id(self._history.selected[0])

    def use_settings(self, with_seed: bool) -> None:
        if (picture := self._history.current) is not None:
            self.restorer.use(picture, with_seed)

    def copy_prompt(self) -> None:
        if (picture := self._history.current) is not None:
            QGuiApplication.clipboard().setText(picture.facts.prompt)

    def copy_picture(self) -> None:
        """Copy the pixels and the file: each program takes what it wants."""
        if (picture := self._history.current) is not None:
            mime = QMimeData()
            mime.setUrls([QUrl.fromLocalFile(str(picture.path))])
            image = read_image(picture.path)
            if not image.isNull():
                mime.setImageData(image)
            QGuiApplication.clipboard().setMimeData(mime)

    def reveal(self) -> None:
        """Show the folder of the picture."""
        if (picture := self._history.current) is not None:
            if picture.path.parent.is_dir():
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(picture.path.parent)))
            else:
                self._document.notice_raised.emit(Notice("info", f"{picture.path.parent} is no longer there."))

    def star(self) -> None:
        """Star the chosen pictures; take the stars away where the current one has one."""
        if (picture := self._history.current) is not None:
            self._history.star(self._history.selected, not picture.starred)

    def add_folder(self) -> None:
        """Ask for a folder to look through."""
        self.dialog = QFileDialog(self._window, "Folder of pictures")
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.setFileMode(QFileDialog.FileMode.Directory)
        self.dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self.dialog.fileSelected.connect(lambda folder: self._history.watch(Path(folder)))
        self.dialog.open()

    def focus(self, field: str) -> None:
        """Give the keyboard to a field of the page, which is in front."""
        self.focus_wanted.emit(field)

    def back_to_pictures(self) -> None:
        self.focus_wanted.emit("")

    def close(self) -> None:
        self.restorer.close()
