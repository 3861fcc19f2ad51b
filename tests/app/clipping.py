"""Finds text that has too little room, and controls outside the widget that holds them."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRect
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSpinBox,
    QLabel,
    QLineEdit,
    QMenuBar,
    QScrollArea,
    QTabBar,
    QWidget,
)

from app.ui.widgets.elided_button import ElidedButton


def clipped(window: QWidget) -> list[str]:
    """Return a line for each visible widget of `window` that is cut off; what ends in an ellipsis by design is not."""
    found = []
    for widget in window.findChildren(QWidget):
        if widget.isVisibleTo(window) and widget.window() is window and not _is_part(widget):
            found += [f"{_name(widget)}: {fault}" for fault in _faults(widget)]
    return found


def _faults(widget: QWidget) -> Iterator[str]:
    yield from _text(widget)
    parent = widget.parentWidget()
    if parent is None or isinstance(parent, QAbstractScrollArea) or widget.objectName().startswith("qt_"):
        return
    around = parent.parentWidget()
    if isinstance(around, QScrollArea) and parent is around.viewport():  # it scrolls up and down alone
        if widget.width() > parent.width():
            yield f"is {widget.width()} wide in a viewport of {parent.width()}"
    elif not parent.rect().adjusted(-1, -1, 1, 1).contains(_inside(widget)):
        yield f"{widget.geometry().getRect()} is outside {type(parent).__name__} {parent.rect().getRect()}"


def _text(widget: QWidget) -> Iterator[str]:
    needs, has = widget.minimumSizeHint(), widget.size()
    if isinstance(widget, QLabel) and widget.text():
        if widget.wordWrap():
            height = widget.heightForWidth(has.width())
            if height > has.height():
                yield f"needs {height} lines of pixels, has {has.height()}"
        elif needs.width() > has.width() or needs.height() > has.height():
            yield f"needs {needs.toTuple()}, has {has.toTuple()}"
    elif isinstance(widget, QTabBar | QMenuBar):
        needed = widget.sizeHint()
        if needed.width() > has.width():
            yield f"needs {needed.toTuple()}, has {has.toTuple()}"
    elif isinstance(widget, QAbstractButton) and not isinstance(widget, ElidedButton):
        if needs.width() > has.width() or needs.height() > has.height():
            yield f"needs {needs.toTuple()}, has {has.toTuple()}"
    elif isinstance(widget, QAbstractSpinBox):
        field = widget.findChild(QLineEdit)
        if field is not None and field.fontMetrics().horizontalAdvance(field.text()) > field.width():
            yield f"cuts {field.text()!r}"


def _inside(widget: QWidget) -> QRect:
    """Return its geometry; an empty one takes no room."""
    return widget.geometry() if not widget.geometry().isEmpty() else QRect(0, 0, 1, 1)


def _is_part(widget: QWidget) -> bool:
    """Whether Qt itself places it inside a control."""
    return isinstance(widget.parentWidget(), QAbstractSpinBox | QLineEdit | QTabBar | QMenuBar)


def _name(widget: QWidget) -> str:
    words = getattr(widget, "text", lambda: "")()
    return f"{type(widget).__name__} {widget.accessibleName() or words or widget.objectName()!r}"
