"""The seed, with its dice and its lock."""

from __future__ import annotations

from PySide6.QtCore import QRegularExpression
from PySide6.QtGui import QRegularExpressionValidator
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from app.core.request.draft_model import DraftModel
from app.ui.actions.action_set import ActionSet
from app.ui.look.theme import em

LARGEST = 2**63 - 1


class SeedField(QWidget):
    """The draft's seed. A line of digits: a spin box ends at 2³¹, a seed at 2⁶³."""

    def __init__(self, draft: DraftModel, actions: ActionSet) -> None:
        super().__init__()
        self._draft = draft
        self.field = QLineEdit()
        self.field.setAccessibleName("Seed")
        self.field.setToolTip("The same seed and settings give the same picture; a batch counts up from it")
        self.field.setValidator(QRegularExpressionValidator(QRegularExpression(r"\d{1,19}"), self.field))
        self.field.editingFinished.connect(self._typed)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.2))
        row.addWidget(self.field, 1)
        row.addWidget(actions.button("roll", self))
        row.addWidget(actions.button("lock", self))
        self.setFocusProxy(self.field)
        draft.changed.connect(self.refresh)
        self.refresh()

    def _typed(self) -> None:
        text = self.field.text()
        self._draft.update(seed=min(int(text), LARGEST) if text else 0)
        self.refresh()

    def refresh(self) -> None:
        text = str(self._draft.current.seed)
        if self.field.text() != text:
            self.field.setText(text)
            self.field.setCursorPosition(0)
