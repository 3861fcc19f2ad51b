"""Sheets for a new canvas and for another canvas size."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QColorDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.core.canvas.artwork import Artwork
from app.core.canvas.fitting import Size, sizes
from app.ui.files.picture_plan import PicturePlan
from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.label import label
from app.ui.widgets.spin_box import WholeSpinBox
from engine.spec.catalog import ModelInfo
from engine.spec.validation import MAX_SIDE

COLOURS = {"White": "#ffffff", "Grey": "#808080", "Black": "#000000"}
TIMES = (1, 2, 4, 8, 16)  # of the model's size, offered


def side_field(name: str, low: int, high: int, value: int) -> WholeSpinBox:
    field = WholeSpinBox()
    field.setAccessibleName(name)
    field.setRange(low, high)
    field.setValue(value)
    field.setSuffix(" px")
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setButtonSymbols(WholeSpinBox.ButtonSymbols.NoButtons)
    field.setFixedWidth(em(field, 5.5))
    return field


class NewSheet(FormDialog):
    """`chosen` carries a width, a height and a QColor."""

    chosen = Signal(int, int, QColor)

    def __init__(self, model: ModelInfo, own: Size, parent: QWidget | None = None) -> None:
        """`own` is the size of the model's next pictures."""
        about = f"{model.title} makes pictures of {own[0]} × {own[1]}: on a larger canvas it works inside a box."
        super().__init__("New canvas", "Create", about, parent)
        large = sizes(model, own)[-1]
        self.width_ = side_field("Width", 1, MAX_SIDE, large[0])
        self.height_ = side_field("Height", 1, MAX_SIDE, large[1])
        self.colour = ComboBox("Colour")
        for name, code in COLOURS.items():
            self.colour.addItem(name, QColor(code))
        self.colour.addItem("Another …", None)
        self._last = 0
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(self, 0.6))
        grid.setVerticalSpacing(em(self, 0.5))
        grid.setColumnStretch(2, 1)
        for row, (name, field) in enumerate(
            {"Width": self.width_, "Height": self.height_, "Colour": self.colour}.items()
        ):
            grid.addWidget(label(name, "heading", field), row, 0)
            grid.addWidget(field, row, 1)
        self.body.addLayout(grid)
        offers = QHBoxLayout()
        offers.setSpacing(em(self, 0.4))
        for k in TIMES:
            size = k * own[0], k * own[1]
            if max(size) <= MAX_SIDE:
                offers.addWidget(chip(f"{size[0]} × {size[1]}", partial(self._take, size), f"{k} × the model's size"))
        offers.addStretch(1)
        self.body.addLayout(offers)
        self.said.hide()
        self.colour.activated.connect(self._coloured)
        self.agreed.connect(self._choose)
        self.width_.setFocus()
        self.width_.selectAll()

    def _take(self, size: tuple[int, int]) -> None:
        self.width_.setValue(size[0])
        self.height_.setValue(size[1])

    def _coloured(self, row: int) -> None:
        if self.colour.itemData(row) is not None:
            self._last = row
            return
        self.colour.setCurrentIndex(self._last)
        dialog = QColorDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.colorSelected.connect(self.take_colour)
        dialog.open()

    def take_colour(self, colour: QColor) -> None:
        """Add a colour to the list and select it."""
        row = self.colour.findData(colour)
        if row < 0:
            row = self.colour.count() - 1
            self.colour.insertItem(row, colour.name(), colour)
        self.colour.setCurrentIndex(row)
        self._last = row

    def _choose(self) -> None:
        self.chosen.emit(self.width_.value(), self.height_.value(), self.colour.currentData())


class CanvasSheet(FormDialog):
    """Pixels to add or cut at each side; `chosen` carries the part of the artwork that the new size shows."""

    chosen = Signal(QRect)

    def __init__(self, artwork: Artwork, parent: QWidget | None = None) -> None:
        about = "What is added is marked to be made anew: the model draws it to suit. Negative numbers cut off."
        super().__init__("Canvas size", "Change", about, parent)
        self._artwork = artwork
        self._size = QSize(artwork.width, artwork.height)
        self.plan = PicturePlan(artwork.pixels[..., 2::-1])
        self.sides = {
            name: side_field(f"{name}, pixels", -MAX_SIDE, MAX_SIDE, 0) for name in ("Left", "Top", "Right", "Bottom")
        }
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(self, 0.6))
        grid.setVerticalSpacing(em(self, 0.5))
        for row, (name, field) in enumerate(self.sides.items()):
            grid.addWidget(label(name, "heading", field), row, 0)
            grid.addWidget(field, row, 1)
            field.valueChanged.connect(self.refresh)
        offers = QHBoxLayout()
        offers.setSpacing(em(self, 0.4))
        for share, text in ((4, "¼ more all around"), (2, "½ more all around")):
            offers.addWidget(chip(text, partial(self._grow, share)))
        offers.addStretch(1)
        right = QVBoxLayout()
        right.setSpacing(em(self, 0.7))
        right.addLayout(grid)
        right.addLayout(offers)
        right.addStretch(1)
        across = QHBoxLayout()
        across.setSpacing(em(self, 1))
        across.addWidget(self.plan, 1)
        across.addLayout(right)
        self.body.addLayout(across)
        for signal in (artwork.opened, artwork.closed, artwork.resized):
            signal.connect(self.close)  # its picture is gone
        self.agreed.connect(lambda: self.chosen.emit(self.rect_))
        self.refresh()
        first = self.sides["Left"]
        first.setFocus()
        first.selectAll()

    @property
    def rect_(self) -> QRect:
        """The part of the artwork that the new size shows; it may reach outside."""
        left, top, right, bottom = (field.value() for field in self.sides.values())
        return QRect(-left, -top, self._size.width() + left + right, self._size.height() + top + bottom)

    def _grow(self, share: int) -> None:
        for name, field in self.sides.items():
            across = name in ("Left", "Right")
            field.setValue((self._size.width() if across else self._size.height()) // share)

    def refresh(self) -> None:
        rect, picture = self.rect_, QRect(0, 0, self._size.width(), self._size.height())
        if rect.width() < 1 or rect.height() < 1 or not rect.intersects(picture):
            self.say("Nothing of the picture would be left.", alarm=True)
            return
        if max(rect.width(), rect.height()) > MAX_SIDE:
            self.say(f"{MAX_SIDE} pixels a side are the most: make it smaller.", alarm=True)
            return
        self.say(f"{picture.width()} × {picture.height()} becomes {rect.width()} × {rect.height()}")
        self.plan.show_plan(rect)
