"""The lab's panel: the data, the sampler, the coverage of the plane, and the buttons."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.lab.lab_draft import LabDraft
from app.core.lab.lab_model import Lab
from app.ui.actions.action_button import ActionButton
from app.ui.actions.action_set import ActionSet
from app.ui.lab.coverage_card import CoverageCard
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.request.sampler_options import SamplerOptions
from app.ui.request.sampler_picker import SamplerPicker, SpacingPicker
from app.ui.request.summaries import describe_advanced
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.disclosure import Disclosure
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.panel_layout import column_of, field_grid, lay_out
from app.ui.widgets.quiet_label import QuietLabel
from engine.jobs.lab import MOST_PARTICLES
from engine.spec.lab_data import DATA
from engine.spec.limits import MAX_STEPS


class LabPanel(QWidget):
    """Shows and changes the lab; holds nothing of its own."""

    def __init__(self, lab: Lab, actions: ActionSet) -> None:
        super().__init__()
        self._lab, self._actions = lab, actions
        self.setAccessibleName("Settings of the lab")
        self.setMinimumWidth(em(self, 17))
        self.data = ComboBox("Data")
        for name, data in DATA.items():
            self.data.addItem(data.title, name)
            self.data.setItemData(self.data.count() - 1, data.about, ABOUT)
        self.about = paragraph()
        self.undo = ActionButton(actions["lab-undo"], "Undo stroke")
        self.clear = ActionButton(actions["lab-clear"], "Clear")
        self.sampler = SamplerPicker(LabDraft(lab))
        self.steps = NumberField("Steps", 1, MAX_STEPS, (1, 60))
        self.particles = NumberField("Particles", 1, MOST_PARTICLES, (1, 1000))
        self.seed = NumberField("Seed", 0, 2**31 - 1, (0, 99))
        self.advanced = Disclosure("Advanced", self._advanced())
        self.advanced.summarise(lambda: describe_advanced(LabDraft(lab)), lab.draft_changed)
        self.cover = ActionButton(actions["lab-cover"], "Measure coverage")
        self.card = CoverageCard(lab)
        self.run = QPushButton()
        self.walk = ActionButton(actions["lab-walk"], "Walk chains")
        self.note = QuietLabel(lines=2, align="centre")
        self._lay_out()
        self.data.activated.connect(self._choose_data)
        self.steps.changed.connect(lambda value: lab.update_draft(steps=round(value)))
        self.seed.changed.connect(lambda value: lab.update_draft(seed=round(value)))
        self.particles.changed.connect(self._set_particles)
        self.run.clicked.connect(self._run)
        for signal in (lab.draft_changed, lab.activity_changed):
            signal.connect(self.refresh)
        self.refresh()

    def _advanced(self) -> QWidget:
        content = QWidget()
        column = QVBoxLayout(content)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.3))
        self.spacing = SpacingPicker(LabDraft(self._lab))
        column.addWidget(label("Spacing of the steps", "muted", self.spacing))
        column.addWidget(self.spacing)
        column.addWidget(SamplerOptions(LabDraft(self._lab)))
        return content

    def _lay_out(self) -> None:
        content = QWidget()
        column = column_of(content)
        column.addWidget(label("Data", "heading", self.data))
        column.addWidget(self.data)
        column.addWidget(self.about)
        pens = QHBoxLayout()
        pens.setSpacing(em(self, 0.4))
        pens.addWidget(self.undo, 1)
        pens.addWidget(self.clear, 1)
        column.addLayout(pens)
        column.addSpacing(em(self, 0.4))
        column.addWidget(label("Sampler", "heading", self.sampler))
        column.addWidget(self.sampler)
        column.addSpacing(em(self, 0.4))
        column.addLayout(field_grid(self, {"Steps": self.steps, "Particles": self.particles, "Seed": self.seed}))
        column.addSpacing(em(self, 0.3))
        column.addWidget(self.advanced)
        column.addSpacing(em(self, 0.4))
        column.addWidget(label("Why noise at many scales?", "heading"))
        column.addWidget(self.card)
        column.addWidget(self.cover)
        column.addStretch(1)
        lay_out(self, content, self._foot())

    def _foot(self) -> QWidget:
        foot = QWidget()
        column = QVBoxLayout(foot)
        side = em(self, 0.8)
        column.setContentsMargins(side, em(self, 0.7), side, em(self, 0.15))
        column.setSpacing(em(self, 0.3))
        for widget in (self.run, self.walk, self.note):
            column.addWidget(widget)
        return foot

    def _choose_data(self, row: int) -> None:
        self._lab.choose(self.data.itemData(row))

    def _set_particles(self, value: float) -> None:
        self._lab.particles = round(value)

    def _run(self) -> None:
        if self._lab.activity == "run":
            self._lab.cancel()
        else:
            self._lab.start()

    def refresh(self) -> None:
        lab = self._lab
        self.data.setCurrentIndex(self.data.findData(lab.data.name))
        self.about.setText(DATA[lab.data.name].about)
        for button in (self.undo, self.clear):
            button.setVisible(lab.drawing)
        self.steps.show_value(lab.draft.steps)
        self.seed.show_value(lab.draft.seed)
        self.particles.show_value(lab.particles)
        runs = lab.activity == "run"
        self._face(self.run, "Cancel" if runs else "Run", "stop" if runs else "primary")
        self.run.setToolTip(self._actions["cancel" if runs else "generate"].toolTip().replace("Generate", "Run"))
        self._face(self.walk, "Stop the chains" if lab.activity == "walk" else "Walk chains", "")
        self._face(self.cover, "Measuring …" if lab.activity == "cover" else "Measure coverage", "")
        self.note.setText(lab.problem)

    @staticmethod
    def _face(button: QPushButton, text: str, kind: str) -> None:
        button.setText(text)
        button.setAccessibleName(text)
        set_kind(button, kind)
