"""The size of the next pictures, for a model whose sizes are free: two sides, a swap, and its native sizes."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.core.request.draft_model import DraftModel
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label
from app.ui.widgets.spin_box import WholeSpinBox, show_number
from engine.spec.sizes import Size


class SizeField(Retinted, QWidget):
    """Shows and changes the draft's width and height."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self.width_, self.height_ = _side("Width"), _side("Height")
        self.swap = QToolButton()
        self.swap.setAccessibleName("Swap width and height")
        self.swap.setToolTip("Swap width and height")
        self.chips: dict[Size, QPushButton] = {}
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.3))
        row.addWidget(self.width_, 1)
        row.addWidget(label("×", "muted"))
        row.addWidget(self.height_, 1)
        row.addWidget(self.swap)
        self._native = QWidget()
        self._flow = FlowLayout(self._native, gap=em(self, 0.3))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        column.addLayout(row)
        column.addWidget(self._native)
        self.setFocusProxy(self.width_)
        for field in (self.width_, self.height_):
            field.valueChanged.connect(self._typed)
        self.swap.clicked.connect(self._swap)
        draft.model_changed.connect(self._build)
        draft.settings_changed.connect(self.refresh)
        self._build()

    @property
    def needed(self) -> bool:
        """Whether the model leaves a choice."""
        return self._draft.model.sizes.free

    def _build(self) -> None:
        rule = self._draft.model.sizes
        for field in (self.width_, self.height_):
            field.blockSignals(True)
            field.setRange(rule.least, rule.most)
            field.setSingleStep(rule.multiple)
            field.blockSignals(False)
            field.setToolTip(f"In pixels, a multiple of {rule.multiple} from {rule.least} to {rule.most}")
        while self._flow.count():
            item = self._flow.takeAt(0)
            if item is not None and (old := item.widget()) is not None:
                old.deleteLater()
        self.chips = {}
        for size in rule.native:
            text = f"{size[0]} × {size[1]}"
            button = chip(text, partial(self._draft.choose_size, size), "A size that it was trained on")
            button.setCheckable(True)
            self.chips[size] = button
            self._flow.addWidget(button)
        self.tint()
        self.refresh()

    def tint(self) -> None:
        self.swap.setIcon(icons.icon("swap", self.palette()))

    def _typed(self) -> None:
        self._draft.choose_size((self.width_.value(), self.height_.value()))
        self.refresh()  # a side that is no multiple became one

    def _swap(self) -> None:
        width, height = self._draft.size
        self._draft.choose_size((height, width))

    def refresh(self) -> None:
        width, height = self._draft.size
        show_number(self.width_, width)
        show_number(self.height_, height)
        for size, button in self.chips.items():
            button.setChecked(size == (width, height))


def _side(name: str) -> WholeSpinBox:
    field = WholeSpinBox()
    field.setAccessibleName(f"{name} in pixels")
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setButtonSymbols(WholeSpinBox.ButtonSymbols.NoButtons)
    field.setKeyboardTracking(False)
    field.setMinimumWidth(em(field, 3))
    return field
