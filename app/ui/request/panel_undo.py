"""Ctrl+Z and Ctrl+Y with the focus in the settings panel: they take the last change of the settings back."""

from __future__ import annotations

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QHideEvent, QKeyEvent, QKeySequence, QShowEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLabel, QLineEdit, QPlainTextEdit, QWidget

from app.core.request.draft_undo import DraftUndo
from app.ui.look.theme import em

SHOWN = 4000  # ms that the line stays


class _Line(QLabel):
    """A line that goes away by itself."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "toast")
        self.setAccessibleName("Last change of the settings")
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMargin(em(parent, 0.4))
        self.setWordWrap(True)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SHOWN)
        self._timer.timeout.connect(self.hide)
        self.hide()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()


class PanelUndo(QObject):
    """Listens to the widget of the panel that has the focus. A field where text was typed keeps its own undo.

    line -- says what was taken back, over the panel, above its button
    """

    def __init__(self, undo: DraftUndo, panel: QWidget, above: QWidget) -> None:
        super().__init__(panel)
        self._undo, self._panel, self._above = undo, panel, above
        self._watched: QWidget | None = None
        self.line = _Line(panel)
        undo.told.connect(self._tell)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._follow)

    def _follow(self, _old: QWidget | None, new: QWidget | None) -> None:
        if self._watched is not None and shiboken6.isValid(self._watched):
            self._watched.removeEventFilter(self)
        self._watched = new if new is not None and self._panel.isAncestorOf(new) else None
        if self._watched is not None:
            self._watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or self._types(watched):
            return False
        undo = event.matches(QKeySequence.StandardKey.Undo)
        if not undo and not (event.matches(QKeySequence.StandardKey.Redo) or _is_ctrl_y(event)):
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if event.type() == QEvent.Type.KeyPress:
            (self._undo.undo if undo else self._undo.redo)()
            return True
        return False

    @staticmethod
    def _types(widget: QObject) -> bool:
        """Whether text was typed there that its own undo takes back."""
        if isinstance(widget, QPlainTextEdit):
            return not widget.isReadOnly()
        if isinstance(widget, QAbstractSpinBox):
            widget = widget.lineEdit()
        return isinstance(widget, QLineEdit) and (widget.isUndoAvailable() or widget.isRedoAvailable())

    def _tell(self, words: str) -> None:
        self.line.hide()
        self.line.setText(words)
        self.line.setFixedWidth(self._panel.width() - 2 * em(self._panel, 0.6))
        self.line.adjustSize()
        top = self._above.mapTo(self._panel, self._above.rect().topLeft()).y()
        self.line.move(em(self._panel, 0.6), max(0, top - self.line.height() - em(self._panel, 0.3)))
        self.line.show()
        self.line.raise_()


def _is_ctrl_y(event: QKeyEvent) -> bool:
    return event.key() == Qt.Key.Key_Y and event.modifiers() == Qt.KeyboardModifier.ControlModifier
