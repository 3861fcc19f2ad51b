"""The sheet of a model's own defaults: what the panel begins with when the model is chosen."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QCheckBox, QLabel, QPushButton, QWidget

from app.core.models.choice import ModelChoice
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.panel_layout import field_grid
from app.ui.widgets.spin_box import RealSpinBox, WholeSpinBox
from engine.rules import menu
from engine.spec.catalog import DTYPES, ModelInfo
from engine.spec.limits import MAX_GUIDANCE, MAX_STEPS
from engine.spec.saving import SAVINGS, WAYS

ABOUT = "The panel begins with these settings when you choose this model. They are kept in the studio, not in the file."
PRECISIONS = {"float32": "32 bits", "bfloat16": "16 bits (bfloat16)", "float16": "16 bits (float16)"}


class DefaultsSheet(FormDialog):
    """Kept in the studio's settings, by the path of the model."""

    def __init__(self, choice: ModelChoice, info: ModelInfo, parent: QWidget | None = None) -> None:
        super().__init__(f"Defaults of {info.title}", "Keep", ABOUT, parent)
        self._choice, self._info = choice, info
        now = info.defaults
        self.setMinimumWidth(em(self, 24))
        self.steps, self.guidance = WholeSpinBox(), RealSpinBox()
        self.steps.setRange(1, MAX_STEPS)
        self.guidance.setRange(-MAX_GUIDANCE, MAX_GUIDANCE)
        self.guidance.setDecimals(1)
        self.guidance.setSingleStep(0.5)
        self.steps.setValue(int(now["steps"]))
        self.guidance.setValue(float(now["guidance"]))
        self.sampler, self.sides, self.precision = ComboBox("Sampler"), ComboBox("Size"), ComboBox("Precision")
        for name, rule in menu().items():
            self.sampler.addItem(rule.title, name)
        for width, height in info.sizes.native:
            self.sides.addItem(f"{width} × {height}", [width, height])
        for name in DTYPES:
            self.precision.addItem(PRECISIONS[name], name)
        self.sampler.setCurrentIndex(max(0, self.sampler.findData(now["sampler"])))
        self.precision.setCurrentIndex(max(0, self.precision.findData(info.compute_dtype)))
        self.vae = ComboBox("VAE")
        self.vae.addItem("None: choose one on the panel" if "vae" in info.lacks else "Its own", "")
        for file in choice.vaes_for(info):
            self.vae.addItem(file.stem, str(file.path))
        self.vae.setCurrentIndex(max(0, self.vae.findData(info.config.get("vae") or "")))
        self.saving = {name: QCheckBox(_capital(WAYS[name].verb)) for name in SAVINGS}
        fields = {
            "Steps": self.steps, "Guidance": self.guidance, "Sampler": self.sampler, "Size": self.sides,
            "Precision": self.precision, "VAE": self.vae,
        }  # fmt: skip
        for name, field in fields.items():
            field.setAccessibleName(name)
        self.body.addLayout(field_grid(self, fields))
        self.body.addWidget(QLabel("Where memory is short"))
        for name, box in self.saving.items():
            box.setToolTip(WAYS[name].about)
            box.setChecked(name in info.saving)
            self.body.addWidget(box)
        self.now = QPushButton("Take the panel's settings")
        self.now.setAutoDefault(False)
        self.now.setToolTip("Steps, guidance, sampler and size as they are on the panel now")
        self.reset = QPushButton("Back to the family's defaults")
        self.reset.setAutoDefault(False)
        for button in (self.now, self.reset):
            self.body.addWidget(button)
        self.now.setVisible(choice.draft.model.folder == info.folder)
        self.now.clicked.connect(self._take)
        self.reset.clicked.connect(self._forget)
        self.agreed.connect(self._keep)

    @property
    def defaults(self) -> dict[str, Any]:
        return {
            "steps": self.steps.value(),
            "guidance": round(self.guidance.value(), 1),
            "sampler": self.sampler.currentData(),
            "size": self.sides.currentData(),
            "precision": self.precision.currentData(),
        } | {key: value for key, value in (("vae", self.vae.currentData()), ("saving", self._saving)) if value}

    @property
    def _saving(self) -> list[str]:
        return [name for name, box in self.saving.items() if box.isChecked()]

    def _take(self) -> None:
        """Put the panel's settings into the fields."""
        draft = self._choice.draft.current
        self.steps.setValue(draft.steps)
        self.guidance.setValue(draft.guidance)
        self.sampler.setCurrentIndex(max(0, self.sampler.findData(draft.sampler)))
        size = list(self._choice.draft.size)
        if self.sides.findData(size) < 0:
            self.sides.addItem(f"{size[0]} × {size[1]}", size)
        self.sides.setCurrentIndex(self.sides.findData(size))

    def _keep(self) -> None:
        self._choice.set_defaults(self._info.folder, self.defaults)

    def _forget(self) -> None:
        self._choice.set_defaults(self._info.folder, {})
        self.reject()


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
