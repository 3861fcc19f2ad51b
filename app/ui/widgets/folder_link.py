"""A link that shows a folder and opens it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyleOptionButton

from app.core.models.paths import short_path
from app.ui.look.theme import em
from app.ui.widgets.plain_tip import plain_tip


class FolderLink(QPushButton):
    """A long path loses its middle and widens no layout. `open_folder` is called with the folder."""

    def __init__(self, title: str, open_folder: Callable[[Path], object]) -> None:
        super().__init__()
        self._title, self._path = title, Path()
        self.setProperty("kind", "link")
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(lambda _=False: open_folder(self._path))

    def show_path(self, path: Path) -> None:
        self._path = path
        self.setText(short_path(path).replace("&", "&&"))
        self.setToolTip(plain_tip(f"Open {path}"))
        self.setAccessibleName(f"Open the folder of {self._title.lower()}: {path}")

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 4), super().minimumSizeHint().height())

    def initStyleOption(self, option: QStyleOptionButton) -> None:
        super().initStyleOption(option)
        room = self.width() - em(self, 0.5)
        mnemonics = Qt.TextFlag.TextShowMnemonic
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, room, mnemonics)
