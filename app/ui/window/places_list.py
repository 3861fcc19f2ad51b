"""Where the studio keeps things: a line for each folder, which opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.files.folders import Folders
from app.core.models.paths import short_path
from app.ui.look.theme import em
from app.ui.widgets.elided_button import ElidedButton
from app.ui.widgets.label import label
from app.ui.widgets.plain_tip import plain_tip

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
        self.buttons: dict[str, ElidedButton] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(self, 1))
        grid.setVerticalSpacing(em(self, 0.1))
        grid.setColumnStretch(1, 1)
        for k, (name, title) in enumerate(TITLES.items()):
            path: Path = getattr(folders, name)
            button = self.buttons[name] = ElidedButton()
            button.setProperty("kind", "link")
            button.show_text(short_path(path))
            button.setToolTip(plain_tip(f"Open {path}"))
            button.setAccessibleName(f"Open the folder of {title.lower()}: {path}")
            button.clicked.connect(lambda _=False, path=path: open_folder(path))
            grid.addWidget(label(title), k, 0)
            grid.addWidget(button, k, 1)
