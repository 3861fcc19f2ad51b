"""The advanced settings of CLIP guidance: x̂₀ or x_t, the law of λ over σ, cutouts, and the gradient's limits."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.core.guidance.steering import SEEN, Steering
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import label
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.spin_box import RealSpinBox, show_number
from engine.spec.guides import LAWS, MAX_CUTOUTS, SMALLEST_CUT, ClipGuide, Law

PLACES = {
    "x0": ("The estimate x̂₀", "The gradient goes through the model: for any CLIP"),
    "xt": ("The noisy state xₜ", "Cheaper: for a CLIP that has seen noise"),
}
NUMBERS = {  # of a ClipGuide: name, highest, usual, step, tip
    "clip_gradient": (
        "Largest move", 100.0, 1.0, 0.01,
        "The most that one evaluation moves x̂₀, as the root mean square of its values; 0 is no limit",
    ),
    "smooth": (
        "Smoothness", 1e4, 10.0, 0.1,
        "Total variation: keeps neighbouring pixels alike, against the grain that CLIP likes",
    ),
    "keep_range": ("Range", 1e4, 10.0, 0.1, "Keeps values between black and white"),
}  # fmt: skip


def describe_finer(steering: Steering) -> str:
    """The settings of CLIP guidance that are not at their defaults, in few words; "" for none, or without a CLIP."""
    guide = steering.clip_guide
    if guide is None:
        return ""
    usual = ClipGuide(clip=guide.clip, aims=guide.aims)
    found = []
    if guide.on != usual.on:
        found.append(PLACES[guide.on][0])
    if guide.law != usual.law:
        found.append(f"λ {LAWS[guide.law.name].title}")
    if guide.cutouts != usual.cutouts:
        found.append(f"{guide.cutouts} cutouts")
    if guide.cut_size != usual.cut_size:
        found.append(f"cutouts of {guide.cut_size[0]:g} to {guide.cut_size[1]:g}")
    for name, (title, *_) in NUMBERS.items():
        if (value := getattr(guide, name)) != getattr(usual, name):
            found.append(f"{title.lower()} {value:g}")
    return ", ".join(found)


class ClipOptions(QWidget):
    """Shows and changes the look of `steering`."""

    def __init__(self, steering: Steering) -> None:
        super().__init__()
        self._steering = steering
        self.place = ComboBox("What CLIP is shown")
        for name, (title, about) in PLACES.items():
            self.place.addItem(title, name)
            self.place.setItemData(self.place.count() - 1, about, ABOUT)
        self.law = ComboBox("λ over σ")
        for name, kind in LAWS.items():
            self.law.addItem(kind.title, name)
            self.law.setItemData(self.law.count() - 1, kind.about, ABOUT)
        self.numbers = LawNumbers(steering)
        self.cutouts = NumberField("Cutouts", 1, MAX_CUTOUTS, (1, 16))
        self.sizes = CutSizes(steering)
        self.fields = {
            name: NumberField(title, 0, highest, (0, usual), step, 2)
            for name, (title, highest, usual, step, _) in NUMBERS.items()
        }
        self._seen: list[QWidget] = []  # settings without effect for a CLIP on x_t
        self._lay_out()
        self.place.activated.connect(self._on_placed)
        self.law.activated.connect(self._chose_law)
        self.cutouts.changed.connect(lambda value: steering.set_clip_settings(cutouts=round(value)))
        for name, field in self.fields.items():
            field.changed.connect(partial(self._change, name))
        steering.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        self._place_name = label("CLIP is shown", "muted", self.place)
        law_name = label("λ over σ", "muted", self.law)
        for above in (self._place_name, self.place, law_name, self.law):
            column.addWidget(above)
        column.addWidget(self.numbers)
        column.addSpacing(em(self, 0.3))
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(self, 0.6))
        grid.setVerticalSpacing(em(self, 0.3))
        grid.setColumnStretch(1, 1)
        tip = "How many views of the picture CLIP scores: the whole of it, then parts; more are surer, and dearer"
        rows: list[tuple[str, str, QWidget, str]] = [
            ("cutouts", "Cutouts", self.cutouts, tip),
            (
                "cut_size",
                "Their sizes",
                self.sizes,
                "Smallest and largest side of the parts, as shares of the picture's",
            ),
            *((name, NUMBERS[name][0], field, NUMBERS[name][4]) for name, field in self.fields.items()),
        ]
        for k, (name, title, field, about) in enumerate(rows):
            said = label(title, "muted", field)
            for widget in (said, field):
                widget.setToolTip(about)
                if name in SEEN:
                    self._seen.append(widget)
            grid.addWidget(said, k, 0)
            grid.addWidget(field, k, 1)
        column.addLayout(grid)

    def _on_placed(self, row: int) -> None:
        self._steering.set_clip_settings(on=self.place.itemData(row))

    def _chose_law(self, row: int) -> None:
        self._steering.set_clip_settings(law=Law.of(self.law.itemData(row)))

    def _change(self, name: str, value: float) -> None:
        self._steering.set_clip_settings(**{name: round(value, 2)})

    def refresh(self) -> None:
        steering = self._steering
        on = steering.setting("on")
        for part in (self._place_name, self.place):
            part.setVisible(steering.sees_noise)
        self.place.setCurrentIndex(self.place.findData(on))
        self.law.setCurrentIndex(self.law.findData(steering.law.name))
        self.cutouts.show_value(steering.setting("cutouts"))
        for name, field in self.fields.items():
            field.show_value(steering.setting(name))
        for widget in self._seen:
            widget.setVisible(on != "xt")


class LawNumbers(QWidget):
    """The numbers of λ's law; rebuilt when the law changes."""

    def __init__(self, steering: Steering) -> None:
        super().__init__()
        self._steering = steering
        self._name = ""
        self.fields: dict[str, RealSpinBox] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._content: QWidget | None = None
        steering.changed.connect(self.refresh)
        self.refresh()

    def _build(self, name: str) -> None:
        if self._content is not None:
            self._content.hide()
            self._content.deleteLater()
        self._name, self.fields = name, {}
        self._content = QWidget()
        row = QHBoxLayout(self._content)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.4))
        for parameter in LAWS[name].parameters:
            field = self.fields[parameter.name] = _real(parameter.name.capitalize(), parameter.low, parameter.high, 3)
            field.valueChanged.connect(partial(self._on_typed, parameter.name))
            said = label(parameter.name, "muted", field)
            for widget in (said, field):
                widget.setToolTip(parameter.about)
            row.addWidget(said)
            row.addWidget(field, 1)
        self._column.addWidget(self._content)
        self.setVisible(bool(self.fields))

    def _on_typed(self, name: str, value: float) -> None:
        """Where two are the ends of a window, the other one gives way."""
        law = self._steering.law
        values: dict[str, float] = {key: law[key] for key in self.fields} | {name: value}
        if law.name == "window":
            low, high = values["low"], values["high"]
            values = {
                "low": min(low, high) if name == "high" else low,
                "high": max(low, high) if name == "low" else high,
            }
        self._steering.set_clip_settings(law=Law.of(law.name, **values))

    def refresh(self) -> None:
        law = self._steering.law
        if law.name != self._name:
            self._build(law.name)
        for name, field in self.fields.items():
            show_number(field, law[name])


class CutSizes(QWidget):
    """Smallest and largest; the other one gives way, so that there is always a range."""

    def __init__(self, steering: Steering) -> None:
        super().__init__()
        self._steering = steering
        self.low = _real("Smallest cutout", SMALLEST_CUT, 1, 2)
        self.high = _real("Largest cutout", SMALLEST_CUT, 1, 2)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.4))
        for widget, stretch in ((self.low, 1), (label("to", "muted"), 0), (self.high, 1)):
            row.addWidget(widget, stretch)
        self.setFocusProxy(self.low)
        self.low.valueChanged.connect(
            lambda low: steering.set_clip_settings(cut_size=_pair(low, max(low, self.high.value())))
        )
        self.high.valueChanged.connect(
            lambda high: steering.set_clip_settings(cut_size=_pair(min(self.low.value(), high), high))
        )
        steering.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        sizes: Any = self._steering.setting("cut_size")
        for field, value in zip((self.low, self.high), sizes, strict=True):
            show_number(field, value)


def _pair(low: float, high: float) -> tuple[float, float]:
    return round(low, 2), round(high, 2)


def _real(name: str, low: float, high: float, decimals: int) -> RealSpinBox:
    field = RealSpinBox()
    field.setAccessibleName(name)
    field.setDecimals(decimals)
    field.setRange(low, high)
    field.setSingleStep(0.05)
    field.setButtonSymbols(RealSpinBox.ButtonSymbols.NoButtons)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setKeyboardTracking(False)
    field.setMinimumWidth(em(field, 3))
    return field
