"""A heading that opens the widget under it. While it is closed, it says what the section below does."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, SignalInstance
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QApplication, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.widgets.plain_tip import plain_tip


class Disclosure(Retinted, QWidget):
    """`toggled` tells whether it is open.

    A section with settings that act while it is closed has a summary of them: see summarise().
    """

    toggled = Signal(bool)

    def __init__(self, title: str, content: QWidget) -> None:
        super().__init__()
        self._title, self._content = title, content
        self._summary: Callable[[], str] | None = None
        self._words = ""
        self.button = QPushButton(title)
        self.button.setProperty("kind", "disclosure")
        self.button.setCheckable(True)
        self.button.setAccessibleName(title)
        # long words are cut, and never widen the panel
        self.button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        column.addWidget(self.button)
        column.addWidget(content)
        content.hide()
        self.button.toggled.connect(self._toggle)
        self.tint()

    def summarise(self, summary: Callable[[], str], *changed: SignalInstance) -> None:
        """Say `summary` in the heading while it is closed: the settings that act, in few words; "" for none.

        It is called again when one of `changed` is emitted.
        """
        self._summary = summary
        for signal in changed:
            signal.connect(self._say)
        self._say()

    def open(self, opened: bool = True) -> None:
        self.button.setChecked(opened)

    @property
    def opened(self) -> bool:
        return self.button.isChecked()

    def tint(self) -> None:
        self.button.setIcon(icons.icon("down" if self.opened else "right", QApplication.palette()))

    def _toggle(self, opened: bool) -> None:
        self._content.setVisible(opened)
        self.button.setAccessibleDescription("open" if opened else "closed")
        self.tint()
        self._say()
        self.toggled.emit(opened)

    def _say(self) -> None:
        words = " ".join(self._summary().split()) if self._summary is not None else ""
        shown = self._title if self.opened or not words else self._shorten(f"{self._title}   {words}")
        if shown != self.button.text():
            self.button.setText(shown)
        if words != self._words:
            self._words = words
            self.button.setToolTip(plain_tip(words))
            self.button.setAccessibleName(f"{self._title}: {words}" if words else self._title)

    def _shorten(self, text: str) -> str:
        room = self.width() - em(self, 2.5)
        return self.button.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, room).replace("&", "&&")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._say()
