"""The big button: Generate, or Cancel while a run goes on; under it the price, or why it cannot be pressed."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget

from app.core.document import Document
from app.core.models.choice import LARGE, ModelChoice
from app.core.models.table import in_bytes
from app.core.models.vaes import VaeChoice
from app.ui.actions.action_set import ActionSet
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.request.vae_button import VaeButton
from app.ui.widgets.quiet_label import QuietLabel


class GenerateBar(Retinted, QWidget):
    """The document's generate and cancel."""

    def __init__(self, document: Document, choice: ModelChoice, vaes: VaeChoice, actions: ActionSet) -> None:
        super().__init__()
        self._document, self._choice, self._actions = document, choice, actions
        self.button = QPushButton()
        self.button.setObjectName("generate")
        self.note = QuietLabel(lines=2, align="centre")
        side = em(self, 0.8)
        column = QVBoxLayout(self)
        column.setContentsMargins(side, em(self, 0.7), side, em(self, 0.15))
        column.setSpacing(em(self, 0.2))
        column.addWidget(self.button)
        column.addWidget(self.note)
        self.button.clicked.connect(self._on_pressed)
        self.half = QPushButton("Use half precision")
        self.half.setToolTip("Half precision computes in 16 bits: half the memory, and pictures that differ a little")
        self.half.clicked.connect(choice.go_smaller)
        column.addWidget(self.half)
        self.vae = VaeButton(vaes)
        column.addWidget(self.vae)
        choice.changed.connect(self.refresh)
        draft = document.draft
        for signal in (draft.settings_changed, draft.model_changed, document.jobs.changed, document.jobs.engine_changed,
                       document.editing.inputs_changed):  # fmt: skip
            signal.connect(self.refresh)
        self.refresh()

    @property
    def cancels(self) -> bool:
        return self._document.jobs.running is not None

    def _on_pressed(self) -> None:
        if self.cancels:
            self._document.jobs.cancel()
        else:
            self._document.generate()

    def refresh(self) -> None:
        document = self._document
        cancelling = document.jobs.running is not None and document.jobs.running.cancelling
        face = (
            "Stopping …" if cancelling else "Cancel" if self.cancels else "Generate",
            not cancelling if self.cancels else document.can_generate,
        )
        if face != (self.button.text(), self.button.isEnabled()):
            self.button.setText(face[0])
            self.button.setAccessibleName(face[0])
            self.button.setEnabled(face[1])
            set_kind(self.button, "stop" if self.cancels else "primary")
            self.tint()
        self.button.setToolTip(self._actions["cancel" if self.cancels else "generate"].toolTip())
        self.half.setVisible(self._choice.can_halve or self._choice.smaller_size is not None)
        self.half.setText(self._choice.half_text)
        self.note.setText(self._note())
        self.button.setAccessibleDescription(self.note.text())

    def _note(self) -> str:
        document = self._document
        if document.why_not:
            return document.why_not
        if (job := document.jobs.running) is not None:
            if job.loading is not None:
                return f"{job.loading_text}: {job.loading:.0%}"
            waiting = sum(1 for other in document.jobs.all if not other.state.ended) - 1
            queued = f" · {waiting} waiting" if waiting else ""
            eta = document.jobs.eta_text if job.share < 1 else ""
            left = f" · {eta} left" if eta else ""
            return f"Step {job.steps(' of ')}{left}{queued}"
        if document.edit_remark:
            return document.edit_remark
        price, memory = document.draft.price_text, self._choice.memory
        takes = " and ".join(filter(None, (price, f"{in_bytes(memory)} of memory" if memory >= LARGE else "")))
        if self._choice.note:
            return f"Takes {takes}. {self._choice.note}" if takes else self._choice.note
        keys = self._actions["generate"].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        return f"Takes {takes}   {keys}" if takes else keys

    def tint(self) -> None:
        palette = QApplication.palette()
        role = palette.ColorRole.Highlight if self.cancels else palette.ColorRole.HighlightedText
        if not self.button.isEnabled():
            role = palette.ColorRole.PlaceholderText
        shape = "stop" if self.cancels else "generate"
        self.button.setIcon(icons.plain(shape, palette.color(role)))
