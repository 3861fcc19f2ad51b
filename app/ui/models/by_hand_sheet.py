"""The sheet that says by hand what a file is: its family and what it predicts."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QCheckBox, QWidget

from app.core.models.library import ModelLibrary
from app.core.models.model_file import PREDICTS, ModelFile
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.panel_layout import field_grid
from engine.checkpoints.families import families
from engine.checkpoints.scan import look_at
from engine.checkpoints.settings import PREDICTIONS

ABOUT = "Set only what you know: its page or its author says it. The file itself is not changed."


class ByHandSheet(FormDialog):
    """Shows at once what the file would be. The choices are kept in the studio's settings."""

    def __init__(self, library: ModelLibrary, file: ModelFile, parent: QWidget | None = None) -> None:
        super().__init__(f"Set by hand: {file.stem}", "Set", ABOUT, parent)
        self._library, self._file = library, file
        self.setMinimumWidth(em(self, 26))
        self.family, self.predicts = ComboBox("Family"), ComboBox("Predicts")
        self.family.addItem("As recognised", "")
        for name, about in families().items():
            self.family.addItem(about.title, name)
        self.predicts.addItem("As recognised", "")
        for name in PREDICTIONS:
            self.predicts.addItem(PREDICTS[name], name)
        self.zero = QCheckBox("Its schedule ends in pure noise (zero terminal SNR)")
        self.body.addLayout(field_grid(self, {"Family": self.family, "Predicts": self.predicts}))
        self.body.addWidget(self.zero)
        self.said.setWordWrap(True)
        for field, key in ((self.family, "family"), (self.predicts, "predicts")):
            field.setCurrentIndex(max(0, field.findData(file.by_hand.get(key, ""))))
            field.activated.connect(self._check)
        self.zero.setChecked(bool(file.by_hand.get("zero_snr", False)))
        self.zero.toggled.connect(self._check)
        self.agreed.connect(self._keep)
        self._check()

    @property
    def choices(self) -> dict[str, Any]:
        """What is set: without what is left as recognised; what else the user set is kept."""
        chosen = dict(self._file.by_hand) | {
            "family": self.family.currentData(),
            "predicts": self.predicts.currentData(),
            "zero_snr": self.zero.isChecked(),
        }
        return {key: value for key, value in chosen.items() if value}

    def _check(self, *_: object) -> None:
        """Look at the header with these choices: a few milliseconds."""
        path = self._file.path
        listed = look_at(path, self._library.settings.with_choices(path, self.choices))
        found = listed.found
        if found is None:
            alarm = bool(self.choices)
            self.say("It does not fit this family: choose another." if alarm else "It fits no kind as it is.", alarm)
        elif found.role != "model":
            self.say(f"It is: {found.title}.")
        elif found.predicts:
            self.say(f"It is: {found.title}, predicts {PREDICTS[found.predicts]}.")
        else:
            self.say(f"It is: {found.title}. Choose also what it predicts.")

    def _keep(self) -> None:
        self._library.set_by_hand(self._file.path, self.choices)
