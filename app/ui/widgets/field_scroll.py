"""A panel that scrolls and keeps in sight what the keyboard works on."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget

from app.ui.look.theme import em


def focus_field(field: QWidget) -> None:
    """Give the keyboard to a field and bring it into sight, also where it had the keyboard and was scrolled away."""
    field.setFocus(Qt.FocusReason.ShortcutFocusReason)
    above = field.parentWidget()
    while above is not None and not isinstance(above, FieldScroll):
        above = above.parentWidget()
    if above is not None:
        above.reveal()
        QTimer.singleShot(0, above, above.reveal)  # what was opened just now gets its place in between


class FieldScroll(QScrollArea):
    """A field comes into sight when it gets the keyboard focus, and when someone types in it after scrolling away."""

    def __init__(self, content: QWidget) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(content)
        self._field: QWidget | None = None
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusChanged.connect(self._on_focus)

    def _on_focus(self, _before: QWidget | None, now: QWidget | None) -> None:
        """Follow the keyboard, but move nothing under a pressed mouse button."""
        if self._field is not None:
            self._field.removeEventFilter(self)
        content = self.widget()
        inside = now is not None and content is not None and content.isAncestorOf(now)
        self._field = now if inside else None
        if self._field is not None:
            self._field.installEventFilter(self)
            if QApplication.mouseButtons() == Qt.MouseButton.NoButton:
                self.reveal()

    def reveal(self) -> None:
        """Scroll to the field that has the keyboard."""
        if self._field is not None and self._field.isVisible():
            self.ensureWidgetVisible(self._field, 0, em(self))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and self._field is not None and not self.shows(self._field):
            self.reveal()
        return super().eventFilter(watched, event)

    def shows(self, field: QWidget) -> bool:
        """Whether all the height of a field is in sight, or as much as there is room for."""
        top = field.mapTo(self.viewport(), QPoint()).y()
        return top >= 0 and top + min(field.height(), self.viewport().height()) <= self.viewport().height()
