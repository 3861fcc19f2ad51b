"""The LoRA section of the panel: a list with strengths and trigger words, and a button that adds one."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QCheckBox, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.core.models.adapters import AdapterChoice, AdapterLine
from app.core.models.named_files import NamedFiles
from app.core.models.offers import OfferTable
from app.core.models.thumbnails import Thumbnails
from app.core.shown.naming import shorten
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.models.picker import ModelPopup
from app.ui.widgets.chip import chip
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import NumberField
from engine.spec.adapter import MAX_STRENGTH
from engine.spec.prompt.tags import Tag

USUAL = -2.0, 2.0  # the range of the slider
SHOWN_WORDS = 6
LONGEST = 30  # characters of a name in the panel


class AdapterRow(Retinted, QWidget):
    """One adapter. The signals carry what a person chose."""

    switched = Signal(bool)
    removed = Signal()
    strength_chosen = Signal(float, bool)  # whether that of the text encoders follows
    text_strength_chosen = Signal(float)
    word_chosen = Signal(str)

    def __init__(self, line: AdapterLine) -> None:
        super().__init__()
        name = line.use.name
        self.digest = line.use.sha256
        self._words: tuple[str, ...] = ()
        self.switch = QCheckBox(shorten(name, LONGEST).replace("&", "&&"))
        self.switch.setAccessibleName(f"Use {name}")
        self.remove = QToolButton()
        self.remove.setAccessibleName(f"Remove {name}")
        self.remove.setToolTip("Take it out of the list; its file stays where it is")
        self.remove.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.strength = NumberField(f"Strength of {name}", -MAX_STRENGTH, MAX_STRENGTH, USUAL, 0.05, 2)
        self.strength.setToolTip("How strongly it changes the model: 1 as trained, 0 not at all, below 0 the other way")
        self.text_strength = NumberField(f"Text strength of {name}", -MAX_STRENGTH, MAX_STRENGTH, USUAL, 0.05, 2)
        self.text_name = label("text", "muted", self.text_strength)
        for widget in (self.text_name, self.text_strength):
            widget.setToolTip("How strongly it changes the text encoder")
        self.apart = chip("Text", self._part, "Give the text encoder a strength of its own, or the same one again")
        self.apart.setCheckable(True)
        self.problem = paragraph(rank="alarm")
        self._flow_of = QWidget()
        self._flow = FlowLayout(self._flow_of, gap=em(self, 0.3))
        top = QHBoxLayout()
        top.addWidget(self.switch, 1)
        top.addWidget(self.apart)
        top.addWidget(self.remove)
        text = QHBoxLayout()
        text.setSpacing(em(self, 0.4))
        text.addWidget(self.text_name)
        text.addWidget(self.text_strength, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, em(self, 0.3))
        column.setSpacing(em(self, 0.25))
        column.addLayout(top)
        column.addWidget(self.problem)
        column.addWidget(self.strength)
        column.addLayout(text)
        column.addWidget(self._flow_of)
        self._parted = False
        self.switch.clicked.connect(self.switched)
        self.remove.clicked.connect(lambda _=False: self.removed.emit())
        self.strength.changed.connect(self._on_strength)
        self.text_strength.changed.connect(lambda value: self.text_strength_chosen.emit(round(value, 2)))
        self.tint()

    def tint(self) -> None:
        self.remove.setIcon(icons.icon("close", QApplication.palette()))

    def show_line(self, line: AdapterLine) -> None:
        use = line.use
        self.switch.setChecked(line.on)
        self.switch.setToolTip(str(line.file.path) if line.file else use.name)
        self.strength.show_value(use.strength)
        self.text_strength.show_value(use.text_strength)
        apart = self._parted or use.text_strength != use.strength
        for widget in (self.text_name, self.text_strength):
            widget.setVisible(apart)
        self.apart.setAccessibleName(f"Text strength of {use.name} {'the same' if apart else 'apart'}")
        self.apart.setChecked(apart)
        self.problem.setText(line.problem)
        self.problem.setVisible(bool(line.problem))
        usable = line.on and not line.problem
        for part in (self.strength, self.text_strength, self.text_name):
            part.setEnabled(usable)
        self.apart.setEnabled(usable)
        self._flow_of.setVisible(usable and bool(line.words))
        if line.words != self._words:
            self._show_words(line.words)

    def _show_words(self, words: tuple[str, ...]) -> None:
        """Show a chip for each of the first trigger words."""
        while self._flow.count():
            item = self._flow.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for word in words[:SHOWN_WORDS]:
            made = chip(word, partial(self.word_chosen.emit, word), "A trigger word: puts it into the prompt")
            self._flow.addWidget(made)
            made.show()
        self._words = words

    def _on_strength(self, strength: float) -> None:
        self.strength_chosen.emit(round(strength, 2), not self.text_strength.isVisibleTo(self))

    def _part(self) -> None:
        """Give the text encoder a strength of its own, or the same one again."""
        self._parted = not self.text_strength.isVisibleTo(self)
        strength = self.strength.field.value()
        for widget in (self.text_name, self.text_strength):
            widget.setVisible(self._parted)
        self.apart.setChecked(self._parted)
        if not self._parted:
            self.text_strength_chosen.emit(round(strength, 2))


def _strengths(tag: Tag) -> str:
    """The strengths in a tag: one number, or those of the UNet and of the text."""
    unet = f"{tag.strength:g}"
    return unet if tag.strength == tag.text_strength else f"{unet} (text {tag.text_strength:g})"


class AdapterList(QWidget):
    """Shows and changes the draft's adapters; nothing is there for a model that takes none."""

    def __init__(self, choice: AdapterChoice, named: NamedFiles, thumbnails: Thumbnails, more: QAction) -> None:
        super().__init__()
        self._choice, self._named = choice, named
        self.rows: list[AdapterRow] = []
        self.add = chip("+ LoRA", self._open, "Add a LoRA, LoHa, LoKr or DoRA from your folders of models")
        table = OfferTable(choice.offers, self)
        nothing = "No LoRA with these words is in your folders."
        self.popup = ModelPopup(table, thumbnails, more, self.add, choice.choose, nothing=nothing)
        self.popup.setAccessibleName("Choose a LoRA")
        self.popup.search.setAccessibleName("Search the LoRAs")
        self.from_prompt = paragraph("")
        self.reading = paragraph("Reading the file once, for its hash …")
        top = QHBoxLayout()
        top.addWidget(label("LoRA", "heading", self.add), 1)
        top.addWidget(self.add)
        self._column = QVBoxLayout()
        self._column.setSpacing(em(self, 0.3))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, em(self, 0.4))
        column.setSpacing(em(self, 0.3))
        column.addLayout(top)
        column.addLayout(self._column)
        column.addWidget(self.from_prompt)
        column.addWidget(self.reading)
        choice.changed.connect(self.refresh)
        named.changed.connect(self.refresh)
        self.refresh()

    def _open(self) -> None:
        self.popup.open()

    def refresh(self) -> None:
        lines = self._choice.lines if self._choice.needed else []
        if [row.digest for row in self.rows] != [line.use.sha256 for line in lines]:
            self._build(lines)
        for row, line in zip(self.rows, lines, strict=True):
            row.show_line(line)
        self.reading.setVisible(self._choice.adding)
        tagged = "\n".join(f"{shorten(file.stem, LONGEST)}  {_strengths(tag)}" for tag, file in self._named.loras)
        self.from_prompt.setText(f"From the prompt:\n{tagged}")
        self.from_prompt.setVisible(bool(tagged))
        self.setVisible(self._choice.needed)
        self.popup.refresh()

    def _build(self, lines: list[AdapterLine]) -> None:
        """Keep the rows that stay, so that a slider is not lost under the pointer."""
        kept = {row.digest: row for row in self.rows}
        self.rows = [kept.pop(d) if (d := line.use.sha256) in kept else self._row(line) for line in lines]
        for row in kept.values():
            row.hide()
            self._column.removeWidget(row)
            row.deleteLater()
        before: QWidget = self.add
        for k, row in enumerate(self.rows):
            self._column.removeWidget(row)
            self._column.insertWidget(k, row)
            for widget in (row.switch, row.remove, row.strength.slider, row.strength.field):
                QWidget.setTabOrder(before, widget)
                before = widget

    def _row(self, line: AdapterLine) -> AdapterRow:
        row, choice, digest = AdapterRow(line), self._choice, line.use.sha256
        row.switched.connect(partial(choice.switch, digest))
        row.removed.connect(partial(self._remove, digest))
        row.strength_chosen.connect(partial(choice.set_strength, digest))
        row.text_strength_chosen.connect(partial(choice.set_text_strength, digest))
        row.word_chosen.connect(choice.add_word)
        return row

    def _remove(self, digest: str) -> None:
        """The keyboard goes to the row that takes the place of the removed one."""
        at = [row.digest for row in self.rows].index(digest)
        self._choice.remove(digest)
        after = self.rows[min(at, len(self.rows) - 1)].switch if self.rows else self.add
        after.setFocus(Qt.FocusReason.OtherFocusReason)
