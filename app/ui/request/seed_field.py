"""The seed, with its dice and its lock."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.core.request.draft_model import DraftModel
from app.ui.actions.action_set import ActionSet
from app.ui.look.theme import em
from app.ui.request.seed_line import SeedLine


class SeedField(QWidget):
    """The draft's seed."""

    def __init__(self, draft: DraftModel, actions: ActionSet) -> None:
        super().__init__()
        self._draft = draft
        self.field = SeedLine("Seed")
        self.field.chosen.connect(lambda seed: draft.update(seed=int(seed)))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.2))
        row.addWidget(self.field, 1)
        row.addWidget(actions.button("roll", self))
        row.addWidget(actions.button("lock", self))
        self.setFocusProxy(self.field)
        draft.settings_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        self.field.show_seed(self._draft.current.seed)
