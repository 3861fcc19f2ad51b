"""The second stage of a cascade, where the model has one: the size of the finished pictures, and how it draws them."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from app.core.request.draft_model import DraftModel
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import label
from app.ui.widgets.number_field import NumberField


class SizePicker(ComboBox):
    """The draft's size: the model's own, or the second stage's."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__("Size")
        self._draft = draft
        self.activated.connect(self._on_chosen)
        draft.model_changed.connect(self._build)
        draft.settings_changed.connect(self.refresh)
        self._build()

    @property
    def needed(self) -> bool:
        """Whether there is anything to choose, or to take back."""
        return self._draft.model.cascade is not None or self._draft.current.enlarge

    def _build(self) -> None:
        model = self._draft.model
        self.clear()
        sizes = [(1, "The model's own size")]
        if model.cascade is not None:
            sizes.append((int(model.cascade["net"]["factor"]), "Drawn larger by the second stage"))
        for factor, about in sizes:
            width, height = model.size
            self.addItem(f"{factor * width} × {factor * height}", factor > 1)
            self.setItemData(self.count() - 1, about, ABOUT)
        self.refresh()

    def _on_chosen(self, row: int) -> None:
        self._draft.update(enlarge=self.itemData(row))

    def refresh(self) -> None:
        self.setCurrentIndex(self.findData(self._draft.current.enlarge))


class SecondStageFields(QWidget):
    """The draft's level of noise for the second stage, and whether the first one stops there."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self.level = NumberField("Noise that the second stage sees", 0, 1, (0, 1), 0.01, 2)
        name = label("Noise that the second stage sees", "muted", self.level)
        for widget in (name, self.level):
            widget.setToolTip("More lets it mend what is wrong in the small picture, less keeps it to what is there")
        self.truncated = QCheckBox("Stop the first stage there")
        self.truncated.setAccessibleName("Stop the first stage at that noise")
        self.truncated.setToolTip("Instead of finishing the small picture and putting noise into it again")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        for part in (name, self.level, self.truncated):
            column.addWidget(part)
        self.level.changed.connect(self._on_levelled)
        self.truncated.clicked.connect(lambda on: draft.update(truncated=on))
        draft.settings_changed.connect(self.refresh)
        draft.model_changed.connect(self.refresh)
        self.refresh()

    @property
    def _usual(self) -> float:
        stage = self._draft.model.cascade
        return 0.0 if stage is None else float(stage["defaults"]["level"])

    def _on_levelled(self, level: float) -> None:
        level = round(level, 2)
        self._draft.update(level=None if level == self._usual else level)

    def refresh(self) -> None:
        draft = self._draft.current
        self.level.show_value(self._usual if draft.level is None else draft.level)
        self.truncated.setChecked(draft.truncated)
        self.setVisible(self._draft.model.cascade is not None and draft.enlarge)
