"""A small window with fields, their result in words, and buttons. The other windows stay usable."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPushButton, QVBoxLayout, QWidget

from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.widgets.label import label, paragraph


class FormDialog(QDialog):
    """`body` holds the fields; Enter or the button `verb` agrees, Esc or Cancel leaves everything as it was."""

    agreed = Signal()

    def __init__(self, title: str, verb: str, about: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 1.2), em(self, 1), em(self, 1.2), em(self, 1))
        column.setSpacing(em(self, 0.8))
        self.about = paragraph(about)
        self.about.setVisible(bool(about))
        self.body = QVBoxLayout()
        self.body.setSpacing(em(self, 0.5))
        self.said = label("", "muted")  # the result of the fields, or why there is none
        self.buttons = QDialogButtonBox()
        self.yes = QPushButton(verb)
        set_kind(self.yes, "primary")
        self.no = QPushButton("Cancel")
        self.no.setMinimumHeight(self.yes.sizeHint().height())
        self.buttons.addButton(self.no, QDialogButtonBox.ButtonRole.RejectRole)
        self.buttons.addButton(self.yes, QDialogButtonBox.ButtonRole.AcceptRole)
        column.addWidget(self.about)
        column.addLayout(self.body, 1)
        column.addWidget(self.said)
        column.addWidget(self.buttons)
        self.yes.setDefault(True)  # only now: a button outside of a dialog forgets it
        self.buttons.accepted.connect(self._agree)
        self.buttons.rejected.connect(self.reject)

    def say(self, text: str, alarm: bool = False) -> None:
        """Under the fields; with `alarm` it is why the button cannot be used."""
        self.said.setText(text)
        self.said.setProperty("rank", "alarm" if alarm else "muted")
        self.said.style().unpolish(self.said)
        self.said.style().polish(self.said)
        self.yes.setEnabled(not alarm)

    def _agree(self) -> None:
        if self.yes.isEnabled():
            self.agreed.emit()
            self.accept()
