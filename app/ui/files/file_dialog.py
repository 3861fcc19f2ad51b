"""File dialogs that begin in the folder that was used last for the same purpose, at first in that of the pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.files.folders import Folders
from app.settings import Settings

Purpose: TypeAlias = Literal["open", "save", "models", "lists"]


class LastFolders(QObject):
    """A child of the main window: the folders that were used last, by purpose, kept in the settings."""

    def __init__(self, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._settings = settings

    def folder(self, purpose: Purpose) -> Path | None:
        """The folder used last, else that of the finished pictures or the nearest one above it; None for models."""
        last = self._settings.values.folders.get(purpose)
        if last and Path(last).is_dir():
            return Path(last)
        if purpose in ("models", "lists"):
            return Path.home()
        pictures = Folders.of_user().pictures
        return next((path for path in (pictures, *pictures.parents) if path.is_dir()), None)

    def remember(self, purpose: Purpose, folder: Path) -> None:
        self._settings.update(folders=self._settings.values.folders | {purpose: str(folder)})


def file_dialog(parent: QWidget, title: str, purpose: Purpose) -> QFileDialog:
    """Make a dialog that deletes itself when it is closed. What is chosen in it is remembered for the next one."""
    dialog = QFileDialog(parent, title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    if purpose == "save":
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    folders = _last_folders(parent)
    if folders is None:
        return dialog
    if (folder := folders.folder(purpose)) is not None:
        dialog.setDirectory(str(folder))

    def remember(chosen: str) -> None:
        path = Path(chosen)
        folders.remember(purpose, path if path.is_dir() else path.parent)

    dialog.fileSelected.connect(remember)
    return dialog


def _last_folders(widget: QWidget) -> LastFolders | None:
    """Those of the main window that `widget` belongs to."""
    above: QObject | None = widget
    while above is not None:
        found: LastFolders | None = above.findChild(LastFolders, options=Qt.FindChildOption.FindDirectChildrenOnly)
        if found is not None:
            return found
        above = above.parent()
    return None
