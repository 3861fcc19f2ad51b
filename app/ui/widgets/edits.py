"""What is typed into a field and not taken yet, and the sentence on what a field cannot take."""

from __future__ import annotations

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QToolTip, QWidget

from app.ui.widgets.plain_tip import plain_tip

_OWN_TIP = "own tip"


def commit_edit() -> None:
    """Take what is typed in the field that has the focus, as if the focus left it. Other fields hold no such text."""
    field = QApplication.focusWidget()
    if isinstance(field, QAbstractSpinBox):
        field.interpretText()
    elif isinstance(field, QLineEdit):
        field.editingFinished.emit()


def refuse(field: QWidget, sentence: str) -> None:
    """Say under the field why it did not take what was typed; its tip says so until `clear_refusal`."""
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
