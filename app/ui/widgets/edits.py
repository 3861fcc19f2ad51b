"""Commit the text that is typed in a field, and explain refused text."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QToolTip, QWidget

from app.ui.widgets.plain_tip import plain_tip

_OWN_TIP = "own tip"


def commit_edit() -> None:
    """Commit the text in the focused field, as if the focus left it. No other field has uncommitted text."""
    field = QApplication.focusWidget()
    if isinstance(field, QAbstractSpinBox):
        field.interpretText()
    elif isinstance(field, QLineEdit):
        field.editingFinished.emit()


def refuse(field: QWidget, sentence: str) -> None:
    """Show the reason for refused text in the field's tip until `clear_refusal`."""
    if field.property(_OWN_TIP) is None:
        field.setProperty(_OWN_TIP, field.toolTip())
    field.setToolTip(plain_tip(sentence))
    field.setAccessibleDescription(sentence)
    QToolTip.showText(field.mapToGlobal(QPoint(0, field.height())), field.toolTip(), field)


def clear_refusal(field: QWidget) -> None:
    """Give the field its own tip again."""
    if (tip := field.property(_OWN_TIP)) is not None:
        field.setProperty(_OWN_TIP, None)
        field.setToolTip(tip)
        field.setAccessibleDescription("")
        QToolTip.hideText()
