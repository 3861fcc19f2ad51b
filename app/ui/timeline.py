"""The timeline: what of each step to see, how to move through them, and the strip itself."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app.core.document import Document
from app.ui import icons
from app.ui.actions import Actions
from app.ui.filmstrip import Filmstrip
from app.ui.theme import em
from app.ui.widgets import label

VIEWS = (("x0", "Estimate x̂₀"), ("x", "State xₜ"), ("eps", "Noise ε̂"))


class Timeline(QWidget):
    """Listens to the document's run, cursor and view; its buttons are commands of the action table."""

    def __init__(self, document: Document, actions: Actions) -> None:
        super().__init__()
        self._document = document
        self._actions = actions
        self.setAccessibleName("Timeline")
        self.strip = Filmstrip(document)
        self.facts = label("", "muted")
        self.facts.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.follow = QToolButton()
        self.follow.setText("Follow")
        self.follow.setCheckable(True)
        self.follow.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.follow.setToolTip("Stay with the newest step while the run goes on (End)")
        self.follow.setAccessibleName("Follow the newest step")
        self.follow.clicked.connect(self._follow)
        self.views = QButtonGroup(self)
        self._lay_out()
        for signal in (document.run_changed, document.steps_changed, document.cursor_changed, document.jobs_changed):
            signal.connect(self.refresh)
        document.view_changed.connect(self._show_view)
        document.playing_changed.connect(self.tint)
        actions.reach("timeline", self.strip)
        self.tint()
        self.refresh()
        self._show_view()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(0)
        for k, (view, text) in enumerate(VIEWS):
            button = self._segment(view, text, "first" if k == 0 else "last" if k == len(VIEWS) - 1 else "middle")
            head.addWidget(button)
        head.addSpacing(em(self))
        for name in ("first", "previous", "play", "next", "last"):
            head.addWidget(self._actions.button(name, self))
        head.addSpacing(em(self, 0.5))
        head.addWidget(self.follow)
        head.addStretch(1)
        head.addWidget(self.facts)
        column = QVBoxLayout(self)
        side = em(self, 0.6)
        column.setContentsMargins(side, em(self, 0.45), side, em(self, 0.2))
        column.setSpacing(em(self, 0.3))
        column.addLayout(head)
        column.addWidget(self.strip, 1)

    def _segment(self, view: str, text: str, edge: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setCheckable(True)
        button.setProperty("kind", "segment")
        button.setProperty("edge", edge)
        button.setToolTip(self._actions[f"see-{view}"].toolTip())
        button.setAccessibleName(text)
        button.setObjectName(view)
        button.clicked.connect(self._chose_view)
        self.views.addButton(button)
        return button

    def _chose_view(self) -> None:
        self._document.view = self.views.checkedButton().objectName()  # type: ignore[assignment]

    def _show_view(self) -> None:
        for button in self.views.buttons():
            button.setChecked(button.objectName() == self._document.view)

    def _follow(self) -> None:
        self._document.end()
        self.refresh()

    def tint(self) -> None:
        palette = self.palette()
        self.follow.setIcon(icons.icon("follow", palette))
        playing = self._document.playing
        self._actions["play"].setIcon(icons.icon("pause" if playing else "play", palette))
        self._actions["play"].setText("Pause" if playing else "Play the steps")

    def refresh(self) -> None:
        document = self._document
        self.follow.setVisible(document.live)
        self.follow.setChecked(document.following)
        for button in self.views.buttons():
            button.setEnabled(document.run is not None)
        self.facts.setText(self._facts())

    def _facts(self) -> str:
        run, k = self._document.run, self._document.cursor
        if run is None:
            return ""
        if not 0 <= k < len(run.steps):
            return f"{run.request.steps} steps"
        step = run.steps[k]
        calls = sum(done.nfe for done in run.steps[: k + 1])
        total = run.request.evaluations
        moved = f"   Δx̂₀ {step.change:.3f}" if step.change == step.change else ""
        return f"Step {k + 1} of {self.strip.count}   σ {step.s:.3g} → {step.s2:.3g}{moved}   model call {calls} of {total}"


