"""Where the studio keeps things: a line for each folder, which opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.files.folders import Folders
from app.ui.look.theme import em
from app.ui.widgets.folder_link import FolderLink
from app.ui.widgets.label import label

TITLES = {
    "pictures": "Finished pictures",
    "runs": "Runs",
    "artwork": "Pictures being worked on",
    "config": "Settings",
    "log": "Crash reports",
}


class PlacesList(QWidget):
    """`open_folder` is called with the folder that was clicked."""

    def __init__(self, folders: Folders, open_folder: Callable[[Path], object]) -> None:
        super().__init__()
        self.links: dict[str, FolderLink] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(self, 1))
        grid.setVerticalSpacing(em(self, 0.1))
        grid.setColumnStretch(1, 1)
        for k, (name, title) in enumerate(TITLES.items()):
            link = self.links[name] = FolderLink(title, open_folder)
            link.show_path(getattr(folders, name))
            grid.addWidget(label(title), k, 0)
            grid.addWidget(link, k, 1)
