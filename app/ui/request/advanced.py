"""The Advanced section: spacing of the steps, the sampler's options, and settings of x̂₀ and x_T."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.core.models.studio_models import StudioModels
from app.core.request.draft_model import DraftModel
from app.ui.look.theme import em
from app.ui.request.checkpoint_fields import CheckpointFields
from app.ui.request.sampler_options import SamplerOptions
from app.ui.request.sampler_picker import SpacingPicker
from app.ui.request.second_stage import SecondStageFields
from app.ui.request.start_noise import StartNoise
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.spin_box import RealSpinBox, show_number

USUAL_INTERVAL = 0.3, 5.0  # where it begins when it is switched on: about what Kynkäänniemi et al. 2024 found best
THRESHOLDS = {
    "none": ("None", "The estimate as the model gives it"),
    "static": ("Static", "Clips the estimate to the range of pixels"),
    "dynamic": ("Dynamic", "Scales each estimate into the range by a quantile: for strong guidance"),
}


class Advanced(QWidget):
    """Shows and changes the draft."""

    def __init__(self, draft: DraftModel, models: StudioModels) -> None:
        super().__init__()
        self._draft = draft
        self.spacing = SpacingPicker(draft)
        self.options = SamplerOptions(draft)
        self.interval = IntervalField(draft)
        self.threshold = ThresholdPicker(draft)
        self.second = SecondStageFields(draft)
        self.start = StartNoise(draft)
        self.checkpoint = CheckpointFields(draft, models.choice, models.vaes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        column.addWidget(label("Spacing of the steps", "muted", self.spacing))
        column.addWidget(self.spacing)
        column.addWidget(self.options)
        for part in (self.interval, self.threshold, self.start):
            column.addSpacing(em(self, 0.3))
            column.addWidget(part)
        column.addWidget(self.second)
        column.addSpacing(em(self, 0.3))
        column.addWidget(self.checkpoint)
        draft.model_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        self.threshold.setVisible(not self._draft.model.latent)


class IntervalField(QWidget):
    """The draft's guidance interval: a switch, and the two noise levels while it is on."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self.switch = QCheckBox("Guide only where σ is between")
        self.switch.setAccessibleName("Guide only between two noise levels")
        self.switch.setToolTip(
            "At high noise guidance makes pictures alike, at low noise it changes nothing and costs a call a step"
        )
        self.low, self.high = RealSpinBox(), RealSpinBox()
        levels = QHBoxLayout()
        levels.setContentsMargins(em(self, 1.6), 0, 0, 0)
        levels.setSpacing(em(self, 0.4))
        for field, name in ((self.low, "Lowest"), (self.high, "Highest")):
            field.setAccessibleName(f"{name} noise level with guidance")
            field.setDecimals(3)
            field.setRange(0, 1e5)
            field.setButtonSymbols(RealSpinBox.ButtonSymbols.NoButtons)
            field.setAlignment(Qt.AlignmentFlag.AlignRight)
            field.setKeyboardTracking(False)
            field.setMinimumWidth(em(field, 4))
        self._and = label("and", "muted")
        for widget in (self.low, self._and, self.high):
            levels.addWidget(widget, 0 if widget is self._and else 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        column.addWidget(self.switch)
        column.addLayout(levels)
        self.switch.clicked.connect(self._on_switched)
        self.low.valueChanged.connect(self._low_typed)
        self.high.valueChanged.connect(self._high_typed)
        draft.settings_changed.connect(self.refresh)
        self.refresh()

    def _on_switched(self, on: bool) -> None:
        self._draft.update(guidance_interval=USUAL_INTERVAL if on else None)

    def _low_typed(self, low: float) -> None:
        """The other end gives way, so that there is always an interval."""
        self._draft.update(guidance_interval=(low, max(low, self.high.value())))

    def _high_typed(self, high: float) -> None:
        self._draft.update(guidance_interval=(min(high, self.low.value()), high))

    def refresh(self) -> None:
        interval = self._draft.current.guidance_interval
        self.switch.setChecked(interval is not None)
        for field, value in zip((self.low, self.high), interval or USUAL_INTERVAL, strict=True):
            show_number(field, value)
        for widget in (self.low, self._and, self.high):
            widget.setVisible(interval is not None)


class ThresholdPicker(QWidget):
    """The draft's threshold on x̂₀, and the quantile of the dynamic one."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self.choice = ComboBox("Threshold")
        for name, (title, about) in THRESHOLDS.items():
            self.choice.addItem(title, name)
            self.choice.setItemData(self.choice.count() - 1, about, ABOUT)
        self.about = paragraph()
        self.quantile = NumberField("Quantile", 0, 1, (0.9, 1), 0.001, 3)
        self.quantile_name = label("quantile", "muted", self.quantile)
        for widget in (self.quantile_name, self.quantile):
            widget.setToolTip("How much of a picture's |x̂₀| may lie within the range that is scaled to ±1")
        self.setFocusProxy(self.choice)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(self, 0.6))
        grid.setVerticalSpacing(em(self, 0.25))
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("Threshold of x̂₀", "muted", self.choice), 0, 0, 1, 2)
        grid.addWidget(self.choice, 1, 0, 1, 2)
        grid.addWidget(self.about, 2, 0, 1, 2)
        grid.addWidget(self.quantile_name, 3, 0)
        grid.addWidget(self.quantile, 3, 1)
        self.choice.activated.connect(self._on_chosen)
        self.quantile.changed.connect(lambda value: draft.update(quantile=round(value, 3)))
        draft.settings_changed.connect(self.refresh)
        self.refresh()

    def _on_chosen(self, row: int) -> None:
        self._draft.update(threshold=self.choice.itemData(row))

    def refresh(self) -> None:
        draft = self._draft.current
        self.choice.setCurrentIndex(self.choice.findData(draft.threshold))
        self.about.setText(THRESHOLDS.get(draft.threshold, ("", ""))[1])
        self.quantile.show_value(draft.quantile)
        for widget in (self.quantile_name, self.quantile):
            widget.setVisible(draft.threshold == "dynamic")
