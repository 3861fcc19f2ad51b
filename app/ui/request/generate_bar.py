"""The big button Generate, and Cancel beside it while a run goes on; under them the price, or why it cannot be
pressed, and how far the run has come.
"""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.document import Document
from app.core.models.choice import LARGE, ModelChoice
from app.core.models.table import in_bytes
from app.core.models.vaes import VaeChoice
from app.ui.actions.action_set import ActionSet
from app.ui.look import icons
from app.ui.look.retinted import Retinted
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
        self.button.setText("Generate")
        self.button.setAccessibleName("Generate")
        self.button.setProperty("kind", "primary")
        self.cancel = QPushButton()
        self.cancel.setProperty("kind", "stop")
        self.progress = QuietLabel(align="centre")
        self.note = QuietLabel(lines=2, align="centre")
        side = em(self, 0.8)
        column = QVBoxLayout(self)
        column.setContentsMargins(side, em(self, 0.7), side, em(self, 0.15))
        column.setSpacing(em(self, 0.2))
        row = QHBoxLayout()
        row.setSpacing(em(self, 0.4))
        row.addWidget(self.button, 1)
        row.addWidget(self.cancel)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addWidget(self.note)
        self.button.clicked.connect(document.generate)
        self.cancel.clicked.connect(self._on_cancel)
        self.smaller = QPushButton()
        self.smaller.setObjectName("smaller")
        self.smaller.clicked.connect(choice.take_change)
        column.addWidget(self.smaller)
        self.vae = VaeButton(vaes)
        column.addWidget(self.vae)
        choice.changed.connect(self.refresh)
        document.prices.changed.connect(self.refresh)
        draft = document.draft
        for signal in (draft.settings_changed, draft.model_changed, document.jobs.changed, document.jobs.engine_changed,
                       document.editing.inputs_changed):  # fmt: skip
            signal.connect(self.refresh)
        self.refresh()

    def _on_cancel(self) -> None:
        """Cancel the running job; where none runs because the queue is paused, resume it."""
        if self._document.jobs.running is not None:
            self._document.jobs.cancel()
        else:
            self._document.jobs.paused = False

    def refresh(self) -> None:
        document, jobs = self._document, self._document.jobs
        enabled = document.can_generate
        if enabled != self.button.isEnabled():
            self.button.setEnabled(enabled)
            self.tint()
        self.button.setToolTip(self._actions["generate"].toolTip())
        running = jobs.running
        stopping = running is not None and (running.cancelling or bool(running.pausing))
        words = ("Stopping …" if stopping else "Cancel") if running is not None else "Resume"
        if words != self.cancel.text():
            self.cancel.setText(words)
            self.cancel.setAccessibleName(words)
            self.tint()
        self.cancel.setEnabled(not stopping)
        shown = running is not None or (jobs.paused and bool(jobs.waiting))
        self.cancel.setVisible(shown)
        if shown:
            self.cancel.setToolTip(self._actions["cancel" if running is not None else "queue-pause-all"].toolTip())
        change = self._choice.change
        self.smaller.setVisible(change is not None)
        if change is not None:
            self.smaller.setText(f"Use {change.title}")
            self.smaller.setToolTip(change.about)
        self.progress.setText(self._progress())
        self.progress.setVisible(bool(self.progress.text()))
        usual = 1 if self.progress.text() else 2  # the bar keeps its height
        self.note.lines = usual if change is None else 3  # a reason with its way out
        self.note.setText(document.why_not or document.edit_remark or self._price())
        self.button.setAccessibleDescription(self.note.text())

    def _progress(self) -> str:
        """How far the run has come, and what waits."""
        jobs = self._document.jobs
        waiting = f"{len(jobs.waiting)} waiting" if jobs.waiting else ""
        job = jobs.running
        if job is None:
            return f"The queue is paused: {waiting}" if jobs.paused and waiting else ""
        if job.loading is not None:
            return f"{job.loading_text}: {job.loading:.0%}"
        left = f"{jobs.eta_text} left" if jobs.eta_text and job.whole_share < 1 else ""
        return " · ".join(filter(None, (job.stage_text, left, waiting)))

    def _price(self) -> str:
        """What the next run takes."""
        price, memory = self._document.draft.price_text, self._choice.memory
        takes = " and ".join(filter(None, (price, f"{in_bytes(memory)} of memory" if memory >= LARGE else "")))
        if self._choice.note:
            return f"Takes {takes}. {self._choice.note}" if takes else self._choice.note
        keys = self._actions["generate"].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        return f"Takes {takes}   {keys}" if takes else keys

    def tint(self) -> None:
        palette = QApplication.palette()
        role = palette.ColorRole.HighlightedText if self.button.isEnabled() else palette.ColorRole.PlaceholderText
        self.button.setIcon(icons.plain("generate", palette.color(role)))
        shape = "stop" if self._document.jobs.running is not None else "play"
        self.cancel.setIcon(icons.plain(shape, palette.color(palette.ColorRole.Highlight)))
