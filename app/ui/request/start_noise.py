"""Temperature and truncation of the start noise x_T, with their effect in words."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from app.core.request.draft_model import DraftModel
from app.ui.look.theme import em
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import NumberField
from engine.spec.request import MAX_TRUNCATION, SMALLEST_TRUNCATION

USUAL_TRUNCATION = 1.5  # where it begins when it is switched on: three quarters of the spread are left
SAME = 0.005  # a spread that near to 1 is the usual one
TEMPERATURE = "Scales the noise x_T that a picture starts from: below 1 plainer and more alike, above 1 wilder"
TRUNCATION = "No number of x_T lies further out than this many standard deviations: rare noise gives odd pictures"


class StartNoise(QWidget):
    """The draft's temperature and truncation."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self.temperature = NumberField("Temperature", 0.01, 10, (0.01, 2), 0.01, 2)
        self.switch = QCheckBox("Truncated")
        self.switch.setAccessibleName("Truncate x_T")
        self.truncation = NumberField(
            "Truncation", SMALLEST_TRUNCATION, MAX_TRUNCATION, (SMALLEST_TRUNCATION, 4), 0.05, 2
        )
        self.about = paragraph()
        name = label("Temperature", "muted", self.temperature)
        for tip, widgets in ((TEMPERATURE, (name, self.temperature)), (TRUNCATION, (self.switch, self.truncation))):
            for widget in widgets:
                widget.setToolTip(tip)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(self, 0.6))
        grid.setVerticalSpacing(em(self, 0.3))
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("Noise x_T that it starts from", "muted", self.temperature), 0, 0, 1, 2)
        for row, (left, right) in enumerate(((name, self.temperature), (self.switch, self.truncation)), 1):
            grid.addWidget(left, row, 0)
            grid.addWidget(right, row, 1)
        grid.addWidget(self.about, 3, 0, 1, 2)
        self.temperature.changed.connect(lambda value: draft.update(temperature=round(value, 2)))
        self.truncation.changed.connect(lambda value: draft.update(truncation=round(value, 2)))
        self.switch.clicked.connect(self._on_switched)
        draft.settings_changed.connect(self.refresh)
        self.refresh()

    def _on_switched(self, on: bool) -> None:
        self._draft.update(truncation=USUAL_TRUNCATION if on else 0.0)

    def refresh(self) -> None:
        draft = self._draft.current
        self.temperature.show_value(draft.temperature)
        self.switch.setChecked(draft.truncation > 0)
        self.truncation.show_value(draft.truncation or USUAL_TRUNCATION)
        self.truncation.setEnabled(draft.truncation > 0)
        self.about.setText(describe_effect(draft.temperature, draft.truncation))


def noise_scale(temperature: float, truncation: float) -> float:
    """The standard deviation of x_T's numbers against the usual one's: a truncated normal law's, scaled."""
    if truncation == 0:
        return temperature
    within = math.erf(truncation / math.sqrt(2))
    density = math.exp(-(truncation**2) / 2) / math.sqrt(2 * math.pi)
    return temperature * math.sqrt(max(0.0, 1 - 2 * truncation * density / within))


def describe_effect(temperature: float, truncation: float) -> str:
    """What the two do to the pictures, in a line."""
    found = noise_scale(temperature, truncation)
    if abs(found - 1) <= SAME:
        return "The spread that the model was trained for: all of its variety"
    times = f"{found:.2f} of the usual spread"
    if found < 1:
        return f"{times}: likelier noise, plainer pictures, more alike"
    return f"{times}: rarer noise, wilder pictures, beyond what the model was trained for"
