"""How the panels on the left are laid out: a column that scrolls, and a bar below it that is always in sight."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from app.ui.look.theme import em
from app.ui.widgets.field_scroll import FieldScroll
from app.ui.widgets.label import label


def column_of(content: QWidget) -> QVBoxLayout:
    """The layout of what scrolls in a panel."""
    content.setObjectName("panel")
    column = QVBoxLayout(content)
    side = em(content, 0.8)
    column.setContentsMargins(side, em(content, 0.7), side, em(content, 0.6))
    column.setSpacing(em(content, 0.3))
    return column


def lay_out(panel: QWidget, content: QWidget, foot: QWidget) -> None:
    """`content` scrolls, `foot` stands under it. The tab key goes that way too if `content` is filled by now."""
    hairline = QFrame()
    hairline.setObjectName("rule")
    hairline.setFixedHeight(1)
    outer = QVBoxLayout(panel)
    outer.setContentsMargins(0, 0, 0, 0)
    outer.setSpacing(0)
    outer.addWidget(FieldScroll(content), 1)
    outer.addWidget(hairline)
    outer.addWidget(foot)


def field_grid(panel: QWidget, fields: Mapping[str, QWidget]) -> QGridLayout:
    """Names left, fields right: one line each."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(em(panel, 0.6))
    grid.setVerticalSpacing(em(panel, 0.4))
    grid.setColumnStretch(1, 1)
    for k, (name, field) in enumerate(fields.items()):
        grid.addWidget(label(name, "heading", field), k, 0)
        grid.addWidget(field, k, 1)
    return grid
