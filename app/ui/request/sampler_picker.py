"""The sampler and the spacing of its steps, each with one line on when to choose it and what it costs."""

from __future__ import annotations

from dataclasses import replace

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
from engine.spec.request import RequestError


class SamplerPicker(QWidget):
    """The draft's sampler; under it what it is good for and its price in model calls."""

    def __init__(self, draft: EditableDraft) -> None:
        super().__init__()
        self._draft = draft
        self.choice = ComboBox("Sampler")
        for name, rule in menu().items():
            self.choice.addItem(rule.title, name)
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
        draft.changed.connect(self.refresh)
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
        for name, about in SPACINGS.items():
            self.choice.addItem(name.replace("-", " ").capitalize(), name)
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
        draft.changed.connect(self.refresh)
        self.refresh()

    def _on_chosen(self, row: int) -> None:
        self._draft.update(spacing=self.choice.itemData(row))

    def refresh(self) -> None:
        spacing = self._draft.current.spacing
        self.choice.setCurrentIndex(self.choice.findData(spacing))
        self.about.setText(SPACINGS.get(spacing, ""))
