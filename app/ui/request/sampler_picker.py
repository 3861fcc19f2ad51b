"""The sampler and the spacing of its steps, each with one line on when to choose it and what it costs.

Typed text finds the names of other studios too.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.core.request.draft_protocol import EditableDraft
from app.ui.look.theme import em
from app.ui.request.model_calls import COUNTED, calls_of
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import paragraph
from engine.rules import RULES, menu
from engine.schedules import SPACINGS
from engine.spec.draft import outline
from engine.spec.foreign_samplers import other_grids, other_names, plain
from engine.spec.request import RequestError

SPACING_TITLES = {  # where capital letters are in it
    "sgm-uniform": "SGM uniform",
    "ays": "Align Your Steps",
    "ays-xl": "Align Your Steps XL",
    "kl-optimal": "KL optimal",
}


def title_of_spacing(name: str) -> str:
    """Return the name of a spacing as people read it."""
    return SPACING_TITLES.get(name, name.replace("-", " ").capitalize())


def find_row(names: list[list[str]], typed: str) -> int:
    """Return the first row with a name that is `typed`, else begins with it, else holds it; −1 for none.

    `names` are plain (engine.spec.foreign_samplers.plain), one list a row.
    """
    text = plain(typed)
    for fits in (str.__eq__, str.startswith, str.__contains__):
        for row, some in enumerate(names):
            if text and any(fits(name, text) for name in some):
                return row
    return -1


class SamplerPicker(QWidget):
    """The draft's sampler; under it what it is good for and its price in model calls."""

    def __init__(self, draft: EditableDraft) -> None:
        super().__init__()
        self._draft = draft
        self.choice = ComboBox("Sampler")
        names = [(rule.title, name, *other_names(name)) for name, rule in menu().items()]
        for title, name, *others in names:
            self.choice.addItem(title, name)
            if others:
                tip = f"Also named {', '.join(one for one in others if not one.endswith('Scheduler'))}"
                self.choice.setItemData(self.choice.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.choice.search_by(partial(find_row, [[plain(one) for one in row] for row in names]))
        self.choice.opening.connect(self._tell_prices)
        self.choice.activated.connect(self._on_chosen)
        self.about = paragraph()
        self.price = paragraph("", "")
        self.price.setToolTip(COUNTED)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.25))
        column.addWidget(self.choice)
        column.addWidget(self.about)
        column.addWidget(self.price)
        self.setFocusProxy(self.choice)
        draft.settings_changed.connect(self.refresh)
        self.refresh()

    def _on_chosen(self, row: int) -> None:
        sampler = self.choice.itemData(row)
        if sampler != self._draft.current.sampler:
            self._draft.update(sampler=sampler, options=())  # another sampler, other options

    def _tell_prices(self) -> None:
        """Each sampler's line, with what it costs for the steps and the guidance of now."""
        draft = self._draft.current
        for row in range(self.choice.count()):
            name = self.choice.itemData(row)
            about = RULES[name].about.rstrip(".")
            options = draft.options if RULES[name] is RULES.get(draft.sampler) else ()
            try:
                price = calls_of(outline(replace(draft, sampler=name, options=options), self._draft.model))
            except RequestError:  # said under the field for the one that is chosen
                self.choice.setItemData(row, about, ABOUT)
            else:
                self.choice.setItemData(row, f"{about} · {price.split(' (')[0]}", ABOUT)

    def refresh(self) -> None:
        draft = self._draft.current
        rule = RULES.get(draft.sampler)
        row = next((k for k in range(self.choice.count()) if RULES[self.choice.itemData(k)] is rule), -1)
        self.choice.setCurrentIndex(row)
        try:
            price = calls_of(outline(draft, self._draft.model))
        except RequestError as error:
            price = str(error)
        self.about.setText(rule.about if rule else "")
        self.price.setText(price)


class SpacingPicker(QWidget):
    """The draft's spacing: how the steps are shared out over the noise levels."""

    def __init__(self, draft: EditableDraft) -> None:
        super().__init__()
        self._draft = draft
        self.choice = ComboBox("Spacing of the steps")
        names = [(name, *other_grids(name)) for name in SPACINGS]
        self.choice.search_by(partial(find_row, [[plain(one) for one in row] for row in names]))
        for name, about in SPACINGS.items():
            self.choice.addItem(title_of_spacing(name), name)
            self.choice.setItemData(self.choice.count() - 1, about, ABOUT)
        self.choice.activated.connect(self._on_chosen)
        self.about = paragraph()
        self.about.setAlignment(Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.25))
        column.addWidget(self.choice)
        column.addWidget(self.about)
        self.setFocusProxy(self.choice)
        draft.settings_changed.connect(self.refresh)
        self.refresh()

    def _on_chosen(self, row: int) -> None:
        self._draft.update(spacing=self.choice.itemData(row))

    def refresh(self) -> None:
        spacing = self._draft.current.spacing
        self.choice.setCurrentIndex(self.choice.findData(spacing))
        self.about.setText(SPACINGS.get(spacing, ""))
