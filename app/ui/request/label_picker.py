"""The model's styles (or classes): chips while they are few, a list when they are many. The first choice is "any"."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPainterPath, QPixmap
from PySide6.QtWidgets import QButtonGroup, QPushButton, QVBoxLayout, QWidget

from app.core.files.read_image import read_transparent
from app.core.request.draft_model import DraftModel
from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.flow_layout import FlowLayout

FEW = 12  # labels that have room as chips


class LabelPicker(QWidget):
    """The draft's label; rebuilt when the model changes."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._content: QWidget | None = None
        self._group: QButtonGroup | None = None
        self.choice: ComboBox | None = None
        draft.model_changed.connect(self._build)
        draft.settings_changed.connect(self.refresh)
        self._build()

    @property
    def chips(self) -> dict[str | None, QPushButton]:
        """The chips by label, None for any; empty where a list stands in their place."""
        if self._group is None:
            return {}
        return {button.property("label") or None: button for button in self._group.buttons()}  # type: ignore[misc]

    @property
    def first(self) -> QWidget | None:
        """What takes the focus: the chosen chip, or the list; None where the model has no labels."""
        if not self._draft.model.labels:
            return None
        return self.choice or self.chips.get(self._draft.current.label)

    def _build(self) -> None:
        if self._content is not None:
            self._content.hide()
            self._content.deleteLater()
        self._group, self.choice = None, None
        few = len(self._draft.model.labels) <= FEW
        self._content = self._build_chips() if few else self._build_list()
        self._column.addWidget(self._content)
        self.refresh()

    def _build_chips(self) -> QWidget:
        content = QWidget()
        flow = FlowLayout(content, gap=em(self, 0.35))
        self._group = QButtonGroup(content)
        for label in (None, *self._draft.model.labels):
            button = chip(display_name(label), partial(self._choose, label))
            button.setCheckable(True)
            button.setProperty("label", label or "")
            picture = None if label is None else self._thumbnail(label)
            if picture is not None:
                button.setIcon(picture)
                button.setIconSize(QSize(em(self, 1.25), em(self, 1.25)))
            self._group.addButton(button)
            flow.addWidget(button)
        return content

    def _build_list(self) -> QWidget:
        self.choice = ComboBox(self._draft.model.label_kind.capitalize())
        for label in (None, *self._draft.model.labels):
            picture = None if label is None else self._thumbnail(label)
            self.choice.addItem(picture or QIcon(), display_name(label), label)
        self.choice.activated.connect(self._on_chosen)
        return self.choice

    def _thumbnail(self, label: str) -> QIcon | None:
        path = self._draft.model.folder / "labels" / f"{label.replace(' ', '-')}.png"
        picture = QPixmap.fromImage(read_transparent(path))  # null where there is no such file
        return None if picture.isNull() else QIcon(_round_corners(picture, em(self, 1.25) * 2))

    def _choose(self, label: str | None) -> None:
        self._draft.update(label=label)

    def _on_chosen(self, row: int) -> None:
        assert self.choice is not None
        self._choose(self.choice.itemData(row))

    def refresh(self) -> None:
        label = self._draft.current.label
        for name, button in self.chips.items():
            button.setChecked(name == label)
        if self.choice is not None:
            self.choice.setCurrentIndex(max(0, self.choice.findData(label)))


def _round_corners(picture: QPixmap, side: int) -> QPixmap:
    """`picture`, `side` pixels square, without the corners that would stand out on a chip."""
    made = QPixmap(side, side)
    made.fill(Qt.GlobalColor.transparent)
    outline = QPainterPath()
    outline.addRoundedRect(QRectF(0, 0, side, side), side / 3, side / 3)
    painter = QPainter(made)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(outline)
    painter.drawPixmap(QRectF(0, 0, side, side), picture, QRectF(picture.rect()))
    painter.end()
    return made


def display_name(label: str | None) -> str:
    """A label as people read it."""
    return "Any" if label is None else label.title()
