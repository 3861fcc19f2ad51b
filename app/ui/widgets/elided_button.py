"""A flat button with words that a person may have written."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QStyleOptionToolButton, QToolButton

from app.ui.look.theme import em


class ElidedButton(QToolButton):
    """A button whose text never widens a layout: what does not fit is cut with an ellipsis."""

    def show_text(self, text: str) -> None:
        """Show the text as it is: “&” is a sign of it, not the mark of a key."""
        self.setText(text.replace("&", "&&"))

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 4), super().minimumSizeHint().height())

    def initStyleOption(self, option: QStyleOptionToolButton) -> None:
        super().initStyleOption(option)
        room = self.width() - self.iconSize().width() - em(self, 1)
        mnemonics = Qt.TextFlag.TextShowMnemonic
        option.text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room, mnemonics)
