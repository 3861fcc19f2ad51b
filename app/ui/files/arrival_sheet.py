"""The sheet for a picture that is not of the model's size: four ways to fit it, each with a preview."""

from __future__ import annotations

from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.core.canvas.fitting import Size, frame, result, ways
from app.core.files.open import Arrival
from app.ui.files.picture_plan import PicturePlan
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.label import label
from app.ui.widgets.radio_rows import RadioRows
from engine.spec.catalog import ModelInfo


def describe_size(size: Size) -> str:
    return f"{size[0]} × {size[1]}"


class ArrivalSheet(FormDialog):
    """`chosen` carries the arrival, the way (of fitting.WAYS) and the size that it is brought to."""

    chosen = Signal(object, str, object)

    def __init__(
        self, arrival: Arrival, model: ModelInfo, sizes: list[Size], target: Size, parent: QWidget | None = None
    ) -> None:
        """`sizes` can be chosen; `target`, the current size of the model's pictures, is chosen first."""
        made = "many sizes" if model.sizes.free else " or ".join(map(describe_size, sizes))
        about = f"“{arrival.title}” is {describe_size(arrival.size)}; {model.title} makes pictures of {made}."
        super().__init__("Open picture", "Open", about, parent)
        self._arrival, self._model = arrival, model
        self._sizes = sizes
        self.plan = PicturePlan(arrival.rgb)
        self.size_ = ComboBox("Size to bring it to")
        for size in self._sizes:
            self.size_.addItem(describe_size(size), size)
        self.size_.setCurrentIndex(self._sizes.index(target) if target in self._sizes else 0)
        shown = ways(arrival.size, self._sizes[0])
        self.pick = RadioRows("What to do with it", [(way.name, way.title, way.about) for way in shown])
        right = QVBoxLayout()
        right.setSpacing(em(self, 0.5))
        right.addWidget(self.pick)
        sizing = QHBoxLayout()
        self._sizing = label("Crop, fit and pad to", "muted", self.size_)
        sizing.addWidget(self._sizing)
        sizing.addWidget(self.size_)
        sizing.addStretch(1)
        right.addLayout(sizing)
        right.addStretch(1)
        for widget in (self._sizing, self.size_):
            widget.setVisible(len(self._sizes) > 1)
        across = QHBoxLayout()
        across.setSpacing(em(self, 1))
        across.addWidget(self.plan, 1)
        across.addLayout(right)
        self.body.addLayout(across)
        self.say(" ".join(arrival.notes))
        self.said.setVisible(bool(arrival.notes))
        self.pick.changed.connect(self.refresh)
        self.size_.activated.connect(self.refresh)
        self.agreed.connect(self._choose)
        self.refresh()
        self.pick.setFocus()

    @property
    def target(self) -> Size:
        return self._sizes[max(0, self.size_.currentIndex())]

    def refresh(self) -> None:
        size, target = self._arrival.size, self.target
        for row in self.pick.rows.values():
            row.say(row.about, describe_size(result(row.name, size, target)))
        way = self.pick.chosen
        self.size_.setEnabled(way != "keep")
        box = QRect(*frame("crop", size, self._sizes[0])) if way == "keep" else None
        self.plan.show_plan(QRect(*frame(way, size, target)), box)

    def _choose(self) -> None:
        self.chosen.emit(self._arrival, self.pick.chosen, self.target)
