"""Which layer of the text encoder is read, for models whose `takes` has "clip_skip"."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.core.request.draft_model import DraftModel
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import label

LAYERS = (
    (None, "As trained", "The layer that the model was trained with"),
    (1, "1", "The last layer"),
    (2, "2", "The last but one: many models of drawings were trained with it"),
)


class ClipSkip(QWidget):
    """The draft's clip skip."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self.choice = ComboBox("Clip skip")
        for layer, title, about in LAYERS:
            self.choice.addItem(title, layer)
            self.choice.setItemData(self.choice.count() - 1, about, ABOUT)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.6))
        row.addWidget(label("Clip skip", "muted", self.choice))
        row.addWidget(self.choice, 1)
        self.setFocusProxy(self.choice)
        self.choice.activated.connect(lambda at: draft.update(clip_skip=self.choice.itemData(at)))
        draft.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        layer = self._draft.current.clip_skip
        row = next((k for k in range(self.choice.count()) if self.choice.itemData(k) == layer), 0)
        self.choice.setCurrentIndex(row)
        self.setVisible("clip_skip" in self._draft.model.takes)
