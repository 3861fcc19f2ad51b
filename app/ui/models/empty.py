"""What the model page shows before there is a folder: what to do, and the usual places of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.core.models.paths import short_path
from app.core.models.usual_places import usual_places
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label
from app.ui.widgets.opening_page import OpeningPage
from app.ui.widgets.plain_tip import plain_tip

ABOUT = (
    "Add the folder with your .safetensors files: Stable Diffusion 1, 2 and XL, LoRAs, VAEs and embeddings. "
    "They are read where they are. Nothing is moved, renamed or changed."
)
SHOWN = 5


class NoModels(QWidget):
    """`choose` asks for a folder, `add` adds one."""

    def __init__(self, choose: Callable[[], object], add: Callable[[Path], object]) -> None:
        super().__init__()
        self.title = label("Where are your models?", "title")
        self.about = label(ABOUT, "muted")
        self.button = QPushButton("Add a folder…")
        self.button.setAutoDefault(False)
        set_kind(self.button, "primary")
        self.button.clicked.connect(lambda _=False: choose())
        self.drop = label("You can also drop a folder or a file here.", "muted")
        for text in (self.title, self.about, self.drop):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
            text.setWordWrap(True)
            text.setMinimumWidth(1)
        self.about.setMaximumWidth(em(self, 34))
        self.places = QWidget()
        flow = FlowLayout(self.places, gap=em(self, 0.4), centred=True)
        for path in usual_places()[:SHOWN]:
            button = chip(short_path(path), lambda path=path: add(path), plain_tip(f"Add {path}"))  # type: ignore[misc]
            button.setAutoDefault(False)
            flow.addWidget(button)
        self.found = label("Found on this machine:", "muted")
        self.found.setAlignment(Qt.AlignmentFlag.AlignCenter)
        for widget in (self.found, self.places):
            widget.setVisible(flow.count() > 0)
        column = QVBoxLayout(self)
        column.addStretch(2)
        column.addWidget(self.title)
        column.addSpacing(em(self, 0.3))
        column.addLayout(OpeningPage.centred(self.about))
        column.addSpacing(em(self, 0.8))
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(em(self, 0.4))
        column.addWidget(self.drop)
        column.addSpacing(em(self, 0.8))
        column.addWidget(self.found)
        column.addWidget(self.places)
        column.addStretch(3)
