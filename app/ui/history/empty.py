"""What stands in the place of the gallery where there is no picture: what will be here, or that no filter is passed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.core.history.history import History
from app.ui.actions.action_set import ActionSet
from app.ui.look.theme import em
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.opening_page import OpeningPage


class NothingYet(OpeningPage):
    """What will be here, before the first picture is."""

    def __init__(self, actions: ActionSet) -> None:
        super().__init__()
        title = label("No picture yet", "title")
        about = paragraph(
            "Every picture that you finish comes here by itself, with its prompt, its settings and its run. You can "
            "search, star, tag and compare pictures, and go back to every step of each.\n\nPictures that you already "
            "have can be here too, also those of other studios: add their folder."
        )
        about.setMaximumWidth(em(self, 32))
        for text in (title, about):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        row = QWidget()
        row.setMaximumWidth(em(self, 32))
        flow = FlowLayout(row, gap=em(self, 0.5), centred=True)
        for name, words in (("page-pictures", "Make a picture"), ("history-add-folder", "Add a folder of pictures…")):
            button = QPushButton(words)
            button.setProperty("large", True)
            button.setProperty("kind", "chip")
            button.clicked.connect(actions[name].trigger)
            flow.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 2), em(self, 2), em(self, 2), em(self, 2))
        column.setSpacing(em(self, 0.8))
        column.addStretch(3)
        column.addWidget(title)
        column.addLayout(self.centred(about))
        column.addLayout(self.centred(row))
        column.addStretch(4)


class NothingFound(OpeningPage):
    """No picture passes the filters."""

    def __init__(self, history: History) -> None:
        super().__init__()
        said = paragraph("No picture passes these filters.")
        said.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.clear = QPushButton("List all pictures")
        self.clear.setProperty("kind", "link")
        self.clear.clicked.connect(history.clear_filter)
        column = QVBoxLayout(self)
        column.addStretch(2)
        column.addWidget(said)
        column.addWidget(self.clear, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
