"""The About sheet: versions, the device, where things are kept, licences."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.core.files.folders import Folders
from app.core.help.details import EMBEDDED, Licensed, packages, studio_version, versions
from app.ui.look.theme import em
from app.ui.widgets.label import label, paragraph
from app.ui.window.places_list import TITLES, PlacesList

SIZE = 38, 34  # line heights
GAP = 16  # pixels


class AboutSheet(QDialog):
    """A window that blocks no other one. `open_folder` shows a folder in the file manager."""

    def __init__(
        self, device: str, folders: Folders, open_folder: Callable[[Path], object], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._device, self._folders = device, folders
        self.setWindowTitle("About Tweedie Studio")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        content = QWidget()
        content.setObjectName("panel")
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, em(self, 0.8), 0)
        column.setSpacing(em(self, 0.4))
        column.addWidget(label(f"Tweedie Studio {studio_version()}".strip(), "title"))
        column.addWidget(paragraph("Watch, scrub and understand every step of denoising.", ""))
        column.addWidget(paragraph("No network, no telemetry. Pictures hold what the preferences say."))
        column.addSpacing(em(self, 0.4))
        column.addLayout(self._facts())
        column.addSpacing(em(self, 0.4))
        column.addWidget(label("Where things are kept", "heading"))
        self.places = PlacesList(folders, open_folder)
        column.addWidget(self.places)
        column.addSpacing(em(self, 0.4))
        column.addWidget(label("Licences", "heading"))
        column.addLayout(_table([Licensed("Tweedie Studio", "MIT"), *EMBEDDED, *packages()]))
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("About Tweedie Studio")
        scroll.setWidget(content)
        self.copy = QPushButton("Copy details")
        self.copy.setToolTip("Copy versions, device and folders, for a report of a fault")
        self.copy.setAutoDefault(False)
        close = QPushButton("Close")
        close.setDefault(True)
        foot = QHBoxLayout()
        foot.addWidget(self.copy)
        foot.addStretch(1)
        foot.addWidget(close)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(em(self, 1.5), em(self, 1.2), em(self, 0.8), em(self, 0.9))
        outer.setSpacing(em(self, 0.7))
        outer.addWidget(scroll, 1)
        outer.addLayout(foot)
        self.copy.clicked.connect(self._on_copy)
        close.clicked.connect(self.close)
        self.resize(QSize(em(self, SIZE[0]), em(self, SIZE[1])).boundedTo(self.screen().availableSize()))
        close.setFocus()

    def details(self) -> str:
        """Versions, device and folders as lines of text."""
        facts = self._rows() | {TITLES[name]: str(getattr(self._folders, name)) for name in TITLES}
        return "\n".join(f"{name}: {value}" for name, value in facts.items())

    def _rows(self) -> dict[str, str]:
        return versions() | {"Computes on": self._device or "the engine is not loaded"}

    def _facts(self) -> QGridLayout:
        return _table([Licensed(name, value) for name, value in self._rows().items()])

    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.details())
        self.copy.setText("Copied")


def _table(rows: list[Licensed]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(GAP)
    grid.setVerticalSpacing(0)
    grid.setColumnStretch(1, 1)
    for k, row in enumerate(rows):
        grid.addWidget(label(row.name), k, 0, Qt.AlignmentFlag.AlignTop)
        value = paragraph(row.licence)
        value.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(value, k, 1)
    return grid
