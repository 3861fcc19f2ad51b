"""What stands in the canvas's place before the first picture: prompts to click on, and how far the engine is."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.core.document import Document
from app.ui.look.motion import motion_reduced
from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label
from app.ui.widgets.opening_page import OpeningPage

SHOWN = 14


class Welcome(OpeningPage):
    """A click on a prompt puts it on the panel and generates, or waits for the engine and says so.

    For a model without text its labels stand in the prompts' place.
    """

    def __init__(self, document: Document) -> None:
        super().__init__()
        self._document = document
        self._waiting: dict[str, str] = {}  # the prompt or label that starts as soon as the engine is ready
        self.setAccessibleName("Welcome")
        self.title = label("What shall it be?", "title")
        self.hint = label("", "muted")
        self.status = label("", "muted")
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setFixedWidth(em(self, 12))
        self.busy.setAccessibleName("The engine is starting")
        self.chips = QWidget()
        self.chips.setMaximumWidth(em(self, 36))
        self._flow = FlowLayout(self.chips, gap=em(self, 0.5), centred=True)
        for text in (self.title, self.hint, self.status):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
            text.setWordWrap(True)
            text.setMinimumWidth(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 2), em(self, 2), em(self, 2), em(self, 2))
        column.addStretch(3)
        column.addWidget(self.title)
        column.addSpacing(em(self, 0.3))
        column.addWidget(self.hint)
        column.addSpacing(em(self, 1.1))
        column.addLayout(self.centred(self.chips))
        column.addSpacing(em(self, 1.6))
        column.addWidget(self.busy, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addSpacing(em(self, 0.3))
        column.addWidget(self.status)
        column.addStretch(4)
        document.jobs.engine_changed.connect(self._on_engine)
        document.draft.model_changed.connect(self._fill)
        self._fill()
        self._on_engine()

    def offer(self, action: QAction, text: str) -> None:
        """One more way to begin, under the prompts."""
        self.other = QPushButton(text)
        self.other.setProperty("kind", "link")
        self.other.setAccessibleName(text)
        self.other.setToolTip(action.toolTip())
        self.other.clicked.connect(action.trigger)
        column = self.layout()
        assert isinstance(column, QVBoxLayout)
        column.insertWidget(column.indexOf(self.busy), self.other, 0, Qt.AlignmentFlag.AlignHCenter)

    def _fill(self) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        model = self._document.draft.model
        field, offers = ("prompt", model.examples[:SHOWN]) if model.text else ("label", model.labels[:SHOWN])
        for offer in offers:
            said = offer if model.text else offer.title()
            made = chip(said, partial(self._pick, {field: offer}), f"Generate “{said}”", large=True)
            self._flow.addWidget(made)
            made.show()  # at once: until it is shown a layout counts it as nothing
        if model.text and not offers:
            self.hint.setText("Type a prompt on the left to see a picture come out of noise.")
        elif model.text:
            self.hint.setText("Pick a prompt to see it come out of noise, or type your own on the left.")
        else:
            self.hint.setText(f"Pick a {model.label_kind} to see it come out of noise.")
        self.hint.setVisible(bool(offers) or model.text)
        self.chips.setVisible(bool(offers))

    def _pick(self, choice: dict[str, str]) -> None:
        self._document.draft.update(**choice)
        if self._document.can_generate:
            self._document.generate()
        else:
            self._waiting = choice
            self._on_engine()

    def _on_engine(self) -> None:
        state = self._document.jobs.engine_state
        if state == "ready" and self._waiting:
            wanted, self._waiting = self._waiting, {}
            if all(getattr(self._document.draft.current, name) == value for name, value in wanted.items()):
                self._document.generate()  # the panel still says the same
        self.busy.setVisible(state == "starting" and not motion_reduced())
        if state == "ready":
            self.status.setText(f"Ready on {self._document.jobs.device_text}")
        elif state == "starting" and self._waiting:
            (said,) = self._waiting.values()
            self.status.setText(f"“{said}” begins as soon as the engine is loaded")
        else:
            self.status.setText(self._document.why_not)
