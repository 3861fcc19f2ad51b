"""SettingRow: one setting of a page of preferences, with its words, its field and the way back to its default."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QPushButton, QWidget

from app.settings import Settings
from app.settings.declare import Declaration
from app.ui.look.theme import em
from app.ui.preferences.fields import CheckField, field_for
from app.ui.widgets.label import label, paragraph

LATER = "Used from the next start on."
NOW_WAITING = "Changed: start the studio again to use it."


class SettingRow(QWidget):
    """Follows the setting, wherever it is changed."""

    def __init__(
        self, settings: Settings, declared: Declaration, usual: Callable[[str], Path | None] = lambda name: None
    ) -> None:
        super().__init__()
        self._settings, self.declared = settings, declared
        self.field = field_for(declared, usual)
        self.about = paragraph(declared.description)
        self.reset = QPushButton("Reset")
        self.reset.setProperty("kind", "link")
        self.reset.setAutoDefault(False)
        self.reset.setAccessibleName(f"Reset {declared.title}")
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # else the words beside it move
        self.reset.setSizePolicy(policy)
        self.waits = label(LATER, "muted")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(self, 1))
        grid.setVerticalSpacing(em(self, 0.15))
        grid.setColumnStretch(0, 1)
        checks = isinstance(self.field, CheckField)
        grid.addWidget(self.field if checks else label(declared.title, "heading", self.field), 0, 0)
        grid.addWidget(self.reset, 0, 1)
        if self.field.wide:
            grid.addWidget(self.field, 2, 0, 1, 3)
        elif not checks:
            grid.addWidget(self.field, 0, 2)
        grid.addWidget(self.about, 1, 0, 1, 3)
        if declared.restart:
            grid.addWidget(self.waits, 3, 0, 1, 3)
        else:
            self.waits.setParent(self)
            self.waits.hide()
        self.field.chosen.connect(self._choose)
        self.reset.clicked.connect(self._on_reset)
        settings.changed.connect(self._on_changed)
        self.refresh()

    def refresh(self) -> None:
        name = self.declared.name
        value = getattr(self._settings.values, name)
        self.field.show_value(value)
        self.reset.setVisible(value != self.declared.default)
        if self.declared.restart:
            waiting = value != getattr(self._settings.at_start, name)
            self.waits.setText(NOW_WAITING if waiting else LATER)
            self.waits.setProperty("rank", "heading" if waiting else "muted")
            self.waits.style().unpolish(self.waits)
            self.waits.style().polish(self.waits)

    def _choose(self, value: Any) -> None:
        self._settings.update(**{self.declared.name: value})

    def _on_reset(self) -> None:
        self._settings.reset(self.declared.name)
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)  # the button is gone

    def _on_changed(self, names: set[str]) -> None:
        if self.declared.name in names:
            self.refresh()
