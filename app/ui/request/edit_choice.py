"""The method of a run: a new picture, filling the artwork's mask, or reworking the picture; and its strength."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QButtonGroup, QCheckBox, QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.core.canvas.editing import Editing
from app.core.request.draft_model import DraftModel
from app.core.request.methods import FILL, NEW, REPAINT, REWORK
from app.ui.look.theme import em
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import FlatSlider, NumberField
from app.ui.widgets.panel_layout import field_grid
from engine.spec.draft import steps_of_strength
from engine.spec.limits import MAX_STEPS
from engine.spec.request import MAX_RESAMPLE

METHODS = {
    NEW: ("New picture", "A picture of its own, from noise alone"),
    FILL: ("Fill", "Makes what is painted anew, and keeps the rest at every step"),
    REWORK: ("Rework", "Starts from the picture plus noise: a little noise keeps much of it"),
}
STRENGTH = "How far back in time it starts: all of the steps begin from pure noise"


class EditChoice(QWidget):
    """The draft's method and, for one that works on the artwork, its strength in whole steps."""

    def __init__(self, draft: DraftModel, editing: Editing) -> None:
        super().__init__()
        self._draft, self._editing = draft, editing
        self._group = QButtonGroup(self)
        self.segments: dict[str, QToolButton] = {}
        self.about = paragraph()
        self.heading = label("Strength", "heading")
        self.strength = FlatSlider(Qt.Orientation.Horizontal)
        self.strength.setAccessibleName("Strength")
        self.strength.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.strength.setPageStep(1)
        self.heading.setBuddy(self.strength)
        self.count = label("", "muted")
        self.count.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for widget in (self.heading, self.strength, self.count):
            widget.setToolTip(STRENGTH)
        self.again = QCheckBox("Go back and forth (RePaint)")
        self.again.setAccessibleName("Go back and forth")
        self.again.setToolTip("Puts noise in again between the steps, so that new and kept agree; takes more calls")
        self.jump = NumberField("Steps back", 1, MAX_STEPS, (1, 10))
        self.resample = NumberField("Times over", 1, MAX_RESAMPLE, (1, 10))
        self.stretches = QWidget()
        self._lay_out()
        self.strength.valueChanged.connect(self._on_slid)
        self.again.clicked.connect(draft.choose_repaint)
        self.jump.changed.connect(lambda value: draft.update(jump=round(value)))
        self.resample.changed.connect(lambda value: draft.update(resample=round(value)))
        draft.settings_changed.connect(self.refresh)
        editing.inputs_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for k, (method, (title, about)) in enumerate(METHODS.items()):
            button = QToolButton()
            button.setText(title)
            button.setCheckable(True)
            button.setProperty("kind", "segment")
            button.setProperty("edge", "first" if k == 0 else "last" if k == len(METHODS) - 1 else "middle")
            button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            button.setAccessibleName(title)
            button.setToolTip(about)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(self._on_chosen)
            self._group.addButton(button)
            self.segments[method] = button
            row.addWidget(button, 1)
        strength = QHBoxLayout()
        strength.setContentsMargins(0, 0, 0, 0)
        strength.setSpacing(em(self, 0.5))
        strength.addWidget(self.heading)
        strength.addWidget(self.strength, 1)
        strength.addWidget(self.count)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, em(self, 0.4))
        column.setSpacing(em(self, 0.3))
        column.addLayout(row)
        column.addWidget(self.about)
        column.addLayout(strength)
        column.addWidget(self.again)
        column.addWidget(self.stretches)
        grid = field_grid(self, {"Steps back": self.jump, "Times over": self.resample})
        grid.setContentsMargins(em(self, 1.6), 0, 0, 0)
        self.stretches.setLayout(grid)

    def _on_chosen(self) -> None:
        chosen = next(method for method, button in self.segments.items() if button.isChecked())
        if chosen != FILL or self._draft.current.method != REPAINT:
            self._draft.choose_method(chosen)

    def _on_slid(self, steps: int) -> None:
        self._draft.update(strength=steps / self._draft.current.steps)

    def refresh(self) -> None:
        draft = self._draft.current
        method = FILL if draft.method == REPAINT else draft.method
        self.segments[method].setChecked(True)
        self.about.setText(METHODS[method][1])
        self.again.setVisible(method == FILL)
        self.again.setChecked(draft.method == REPAINT)
        self.stretches.setVisible(draft.method == REPAINT)
        self.jump.show_value(draft.jump)
        self.resample.show_value(draft.resample)
        steps = steps_of_strength(draft.strength, draft.steps)
        self.strength.blockSignals(True)
        self.strength.setRange(1, draft.steps)
        self.strength.setValue(steps)
        self.strength.blockSignals(False)
        whole = "all of" if steps == draft.steps else f"{steps} of"
        self.count.setText(f"{whole} {draft.steps} steps")
        self.count.setMinimumWidth(self.count.fontMetrics().horizontalAdvance(f"{draft.steps} of {draft.steps} steps"))
        for widget in (self.heading, self.strength, self.count):
            widget.setVisible(draft.method != NEW)
        self.setVisible(self._editing.artwork.is_open or draft.method != NEW)
