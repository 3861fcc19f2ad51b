"""The big button: Generate, or Cancel while a run goes on; beside it what it will take, and why it cannot be pressed."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from app.core.document import Document
from app.ui import icons
from app.ui.actions import Actions
from app.ui.theme import em
from app.ui.widgets import label


class GenerateBar(QWidget):
    """The document's generate and cancel."""

    def __init__(self, document: Document, actions: Actions) -> None:
        super().__init__()
        self._document, self._actions = document, actions
        self.button = QPushButton()
        self.button.setObjectName("generate")
        self.note = label("", "muted")
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.note.setWordWrap(True)
        self.note.setMinimumHeight(em(self, 1.15))
        side = em(self, 0.8)
        column = QVBoxLayout(self)
        column.setContentsMargins(side, em(self, 0.6), side, em(self, 0.5))
        column.setSpacing(em(self, 0.35))
        column.addWidget(self.button)
        column.addWidget(self.note)
        self.button.clicked.connect(self._pressed)
        for signal in (document.draft_changed, document.model_changed, document.jobs_changed, document.engine_changed):
            signal.connect(self.refresh)
        self.refresh()

    @property
    def cancels(self) -> bool:
        return self._document.running_job is not None

    def _pressed(self) -> None:
        if self.cancels:
            self._document.cancel()
        else:
            self._document.generate()

    def refresh(self) -> None:
        document = self._document
        cancelling = document.running_job is not None and document.running_job.cancelling
        self.button.setText("Stopping …" if cancelling else "Cancel" if self.cancels else "Generate")
        self.button.setAccessibleName(self.button.text())
        self.button.setEnabled(not cancelling if self.cancels else document.can_generate)
        self.button.setToolTip(self._actions["cancel" if self.cancels else "generate"].toolTip())
        self._set_kind("stop" if self.cancels else "primary")
        self.note.setText(self._note())
        self.button.setAccessibleDescription(self.note.text())

    def _note(self) -> str:
        document = self._document
        if document.why_not:
            return document.why_not
        if (job := document.running_job) is not None:
            waiting = sum(1 for other in document.jobs if not other.state.ended) - 1
            queued = f" · {waiting} waiting" if waiting else ""
            left = f" · {document.eta_text} left" if document.eta_text and job.steps_done < job.steps_total else ""
            return f"Step {job.steps_done} of {job.steps_total}{left}{queued}"
        return document.price_text and f"Takes {document.price_text}"

    def _set_kind(self, kind: str) -> None:
        if self.button.property("kind") != kind:
            self.button.setProperty("kind", kind)
            self.button.style().unpolish(self.button)
            self.button.style().polish(self.button)
        self.tint()

    def tint(self) -> None:
        palette = QApplication.palette()
        role = palette.ColorRole.Highlight if self.cancels else palette.ColorRole.HighlightedText
        if not self.button.isEnabled():
            role = palette.ColorRole.PlaceholderText
        shape = "stop" if self.cancels else "generate"
        self.button.setIcon(icons.plain(shape, palette.color(role)))
