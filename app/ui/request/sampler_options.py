"""The numbers that the chosen sampler takes, as it describes them itself; nothing where it takes none."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from app.core.request.draft_protocol import EditableDraft
from app.ui.look.theme import em
from app.ui.widgets.label import label
from app.ui.widgets.number_field import NumberField
from engine.rules import RULES
from engine.types import Option, Rule

SLIDABLE = 100.0  # a wider range has no room on a slider


class SamplerOptions(QWidget):
    """The options of the draft's sampler; rebuilt when the sampler changes."""

    def __init__(self, draft: EditableDraft) -> None:
        super().__init__()
        self._draft = draft
        self._rule: Rule | None = None
        self.fields: dict[str, NumberField] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._content: QWidget | None = None
        draft.settings_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        draft = self._draft.current
        rule = RULES.get(draft.sampler)
        if rule is not self._rule:
            self._rule = rule
            self._build(rule.options if rule else ())
        chosen = dict(draft.options)
        for option in rule.options if rule else ():
            self.fields[option.name].show_value(chosen.get(option.name, option.default))

    def _build(self, options: tuple[Option, ...]) -> None:
        if self._content is not None:
            self._content.hide()
            self._content.deleteLater()
        self._content = QWidget()
        self.fields = {}
        grid = QGridLayout(self._content)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(self, 0.6))
        grid.setVerticalSpacing(em(self, 0.3))
        grid.setColumnStretch(1, 1)
        for row, option in enumerate(options):
            field = self.fields[option.name] = _field(option)
            field.changed.connect(partial(self._change, option))
            name = label(option.name.replace("_", " "), "muted", field)
            for widget in (name, field):
                widget.setToolTip(option.about)
            grid.addWidget(name, row, 0)
            grid.addWidget(field, row, 1)
        self._column.addWidget(self._content)
        self.setVisible(bool(options))

    def _change(self, option: Option, value: float) -> None:
        chosen = dict(self._draft.current.options) | {option.name: value}
        kept = tuple(sorted((name, v) for name, v in chosen.items() if name != option.name or v != option.default))
        self._draft.update(options=kept)


def _field(option: Option) -> NumberField:
    """Whole where the default is; else in hundredths of its range, as far as decimals show them."""
    span = option.high - option.low
    name = option.name.replace("_", " ")
    if isinstance(option.default, int):
        return NumberField(name, option.low, option.high, (option.low, option.high))
    step = 0.001 if span < 1 else 0.01
    usual = option.low, min(option.high, SLIDABLE)
    return NumberField(name, option.low, option.high, usual, step, 3, slidable=span <= SLIDABLE)
