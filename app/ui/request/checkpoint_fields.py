"""Fields of the Advanced section that only some models take: VAE, clip skip, precision."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.models.choice import ModelChoice
from app.core.models.vaes import VaeChoice
from app.core.request.draft_model import DraftModel
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import label, paragraph
from engine.spec.vae import OWN

DEFAULT = "default"  # the key of what the model is set to
MOST_SKIPPED = 12  # layers: as many as the smallest text encoder has
PRECISIONS = {
    "float32": ("32 bits", "Exact, and twice the memory of 16 bits"),
    "bfloat16": ("16 bits (bfloat16)", "Half the memory; pictures differ a little"),
    "float16": ("16 bits (float16)", "Half the memory; finer than bfloat16, but large values can overflow"),
}


class VaePicker(QWidget):
    """The VAE: what the model is set to, its own, or a file that fits."""

    def __init__(self, choice: VaeChoice) -> None:
        super().__init__()
        self._choice = choice
        self._listed: object = None
        self.box = ComboBox("VAE")
        self.box.setPlaceholderText("Choose a VAE")
        self.note = paragraph()
        _column(self, label("VAE", "muted", self.box), self.box, self.note)
        self.box.activated.connect(self._on_chosen)
        choice.changed.connect(self.refresh)
        self.refresh()

    def _on_chosen(self, row: int) -> None:
        key = self.box.itemData(row)
        if key == DEFAULT:
            self._choice.choose_default()
        elif key == OWN:
            self._choice.choose_own()
        else:
            self._choice.choose(Path(key))

    def refresh(self) -> None:
        choice = self._choice
        self.setVisible(choice.needed)
        listed = choice.default, choice.has_own, [file.path for file in choice.files]
        if listed != self._listed:
            self._listed = listed
            self._fill()
        current = choice.current
        key = str(current) if current else OWN if choice.is_own else DEFAULT
        missing = bool(choice.problem) and not current
        self.box.setCurrentIndex(-1 if missing else self.box.findData(key))
        self.note.setText(choice.problem)
        self.note.setVisible(bool(self.note.text()))

    def _fill(self) -> None:
        choice = self._choice
        self.box.clear()
        if choice.default:
            self.box.addItem("Automatic", DEFAULT)
            self.box.setItemData(0, f"As the model is set: {choice.default}", ABOUT)
        if choice.has_own:
            self.box.addItem("The model's own", OWN)
        for file in choice.files:
            self.box.addItem(file.stem, str(file.path))
            self.box.setItemData(self.box.count() - 1, f"{file.title} · {file.path.parent.name}", ABOUT)


class ClipSkipPicker(QWidget):
    """The layer of the text encoder that is read, counted from its end."""

    def __init__(self, draft: DraftModel) -> None:
        super().__init__()
        self._draft = draft
        self.box = ComboBox("Clip skip")
        self.box.addItem("The model's own", None)
        for layer in range(1, MOST_SKIPPED + 1):
            self.box.addItem(str(layer), layer)
        self.box.setItemData(1, "The last layer", ABOUT)
        self.box.setItemData(2, "The last but one, as many anime models were trained", ABOUT)
        _column(self, label("Clip skip", "muted", self.box), self.box)
        self.box.activated.connect(lambda row: draft.update(clip_skip=self.box.itemData(row)))
        draft.changed.connect(self.refresh)
        draft.model_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        self.setVisible("clip_skip" in self._draft.model.takes)
        skipped = self._draft.current.clip_skip
        if self.box.findData(skipped) < 0:
            self.box.addItem(str(skipped), skipped)
        self.box.setCurrentIndex(self.box.findData(skipped))


class PrecisionPicker(QWidget):
    """The numbers that the net computes with."""

    def __init__(self, draft: DraftModel, choice: ModelChoice) -> None:
        super().__init__()
        self._draft, self._choice = draft, choice
        self._names: tuple[str, ...] = ()
        self.box = ComboBox("Precision")
        _column(self, label("Precision", "muted", self.box), self.box)
        self.box.activated.connect(lambda row: draft.update(precision=self.box.itemData(row)))
        draft.changed.connect(self.refresh)
        draft.model_changed.connect(self.refresh)
        choice.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        chosen, own = self._draft.current.precision, self._draft.model.compute_dtype
        self.setVisible("precision" in self._draft.model.takes)
        names = tuple(name for name in PRECISIONS if name in self._choice.precisions or name == chosen)
        if names != self._names:
            self._names = names
            self.box.clear()
            self.box.addItem("Automatic", None)
            for name in names:
                self.box.addItem(PRECISIONS[name][0], name)
                self.box.setItemData(self.box.count() - 1, PRECISIONS[name][1], ABOUT)
        self.box.setItemData(0, f"As the model is set: {PRECISIONS[own][0]}", ABOUT)
        self.box.setCurrentIndex(self.box.findData(chosen))


class CheckpointFields(QWidget):
    """The three fields, each where the model takes it."""

    def __init__(self, draft: DraftModel, choice: ModelChoice, vaes: VaeChoice) -> None:
        super().__init__()
        self.vae, self.clip_skip = VaePicker(vaes), ClipSkipPicker(draft)
        self.precision = PrecisionPicker(draft, choice)
        _column(self, self.vae, self.clip_skip, self.precision)
        draft.model_changed.connect(self.refresh)
        self._draft = draft
        self.refresh()

    def refresh(self) -> None:
        self.setVisible(bool({"vae", "clip_skip", "precision"} & self._draft.model.takes))


def _column(widget: QWidget, *parts: QWidget) -> None:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(em(widget, 0.3))
    for part in parts:
        column.addWidget(part)
