"""The LoRA section of the panel: the adapters of the next run, each with its strength and its trigger words."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.core.models.choice import Offer
from app.core.models.lora_list import LoraList
from app.core.models.model_file import ModelFile
from app.core.models.offers import OfferTable
from app.core.models.studio_models import StudioModels
from app.core.models.table import picture_of
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.models.picker import ModelPopup
from app.ui.widgets.chip import chip
from app.ui.widgets.disclosure import Disclosure
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import paragraph
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.plain_tip import plain_tip
from app.ui.widgets.quiet_label import QuietLabel
from engine.spec.adapter import MAX_STRENGTH, AdapterUse

WORDS = 6  # trigger words that are shown


class LoraRow(Retinted, QWidget):
    """One adapter."""

    def __init__(self, loras: LoraList, k: int, use: AdapterUse, file: ModelFile | None) -> None:
        super().__init__()
        self.name = QuietLabel(muted=False)
        self.name.setText(use.name)
        self.strength = NumberField(f"Strength of {use.name}", -MAX_STRENGTH, MAX_STRENGTH, (-1, 2), 0.05, 2)
        self.strength.setToolTip("1 as it was trained, 0 without effect, below 0 the contrary")
        self.remove = QToolButton()
        self.remove.setAccessibleName(f"Remove {use.name}")
        self.remove.setToolTip("Take this away")
        self.remove.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        head = QHBoxLayout()
        head.addWidget(self.name, 1)
        head.addWidget(self.remove)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, em(self, 0.2))
        column.setSpacing(em(self, 0.1))
        column.addLayout(head)
        column.addWidget(self.strength)
        if file is None or file.missing:
            column.addWidget(paragraph("Its file is not in your folders.", "alarm"))
        self.words = QWidget()
        flow = FlowLayout(self.words, gap=em(self, 0.25))
        for word in file.words[:WORDS] if file is not None else ():
            flow.addWidget(chip(word, lambda word=word: loras.add_word(word), "Add it to the prompt"))  # type: ignore[misc]
        self.words.setVisible(flow.count() > 0)
        column.addWidget(self.words)
        self.strength.changed.connect(lambda value: loras.set_strength(k, round(value, 2)))
        self.remove.clicked.connect(lambda _=False: loras.remove(k))
        self.tint()

    def tint(self) -> None:
        self.remove.setIcon(icons.icon("close", QApplication.palette()))


class LoraSection(QWidget):
    """Shows and changes the draft's adapters."""

    def __init__(self, models: StudioModels, more: QAction) -> None:
        super().__init__()
        self._models, self._loras = models, models.loras
        self.rows: list[LoraRow] = []
        self._shown: object = None
        self.add = QPushButton("Add a LoRA…")
        self.add.setProperty("kind", "link")
        table = OfferTable(self._offers, self)
        nothing = "No LoRA for this model is in your folders."
        self.popup = ModelPopup(table, models.thumbnails, more, self.add, self._choose, nothing=nothing)
        self.waiting = paragraph()
        self._column = QVBoxLayout()
        self._column.setSpacing(em(self, 0.3))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        column.addLayout(self._column)
        column.addWidget(self.waiting)
        column.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.add.clicked.connect(lambda _=False: self.popup.open())
        self._loras.changed.connect(self.refresh)
        self.refresh()

    def _offers(self) -> list[Offer]:
        library = self._models.library
        return [
            Offer(str(file.path), file.stem, file.badge, ", ".join(file.words), 0, picture_of(file, library))
            for file in self._loras.fitting()
        ]

    def _choose(self, key: str) -> None:
        self._loras.add(Path(key))

    def refresh(self) -> None:
        uses = self._loras.uses
        files = [self._loras.file_of(use) for use in uses]
        shown = [(use.sha256, file) for use, file in zip(uses, files, strict=True)]
        if shown != self._shown:
            self._shown = shown
            for row in self.rows:
                row.hide()
                row.deleteLater()
            self.rows = [
                LoraRow(self._loras, k, use, file) for k, (use, file) in enumerate(zip(uses, files, strict=True))
            ]
            for row in self.rows:
                self._column.addWidget(row)
        for use, row in zip(uses, self.rows, strict=True):
            row.strength.show_value(use.strength)
        names = ", ".join(path.stem for path in self._loras.waiting)
        self.waiting.setText(f"Reading {names} once, for its hash …")
        self.waiting.setToolTip(plain_tip(names))
        self.waiting.setVisible(bool(names))
        self.popup.refresh()


class LoraDisclosure(Disclosure):
    """The section under its heading, which counts the adapters; it is not there for a model that takes none."""

    def __init__(self, models: StudioModels, more: QAction) -> None:
        self.section = LoraSection(models, more)
        super().__init__("LoRA", self.section)
        self._loras = models.loras
        self._count = 0
        self._loras.changed.connect(self._say)
        self._say()

    def _say(self) -> None:
        count = len(self._loras.uses) + len(self._loras.waiting)
        self.button.setText(f"LoRA   {count}" if count else "LoRA")
        self.setVisible(self._loras.taken)
        if count > self._count:
            self.open()
        self._count = count
