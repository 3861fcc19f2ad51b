"""The panel on the left: everything that decides the next picture, top to bottom in the order people think of it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.core.document import Document
from app.core.models.studio_models import StudioModels
from app.core.request.prompt_history import Walk
from app.core.shown.naming import shorten
from app.ui.actions.action_set import ActionSet
from app.ui.guidance.steering_section import SteeringDisclosure
from app.ui.look.theme import em
from app.ui.models.picker import ModelPicker
from app.ui.request.adapter_list import AdapterList
from app.ui.request.advanced import Advanced
from app.ui.request.edit_choice import EditChoice
from app.ui.request.few_step_line import FewStepLine
from app.ui.request.generate_bar import GenerateBar
from app.ui.request.label_picker import LabelPicker
from app.ui.request.prompt_field import PromptField
from app.ui.request.prompt_keys import PromptKeys
from app.ui.request.sampler_picker import SamplerPicker
from app.ui.request.second_stage import SizePicker
from app.ui.request.seed_field import SeedField
from app.ui.request.size_field import SizeField
from app.ui.request.summaries import describe_advanced, describe_negative
from app.ui.request.text_field import TextField
from app.ui.widgets.disclosure import Disclosure
from app.ui.widgets.field_scroll import focus_field
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.panel_layout import column_of, field_grid, lay_out
from engine.spec.limits import MAX_STEPS
from engine.spec.request import MAX_BATCH

LONGEST = 24  # characters of what a model calls its labels


class PromptPanel(QWidget):
    """Shows and changes the draft; holds nothing of its own."""

    def __init__(self, document: Document, models: StudioModels, actions: ActionSet) -> None:
        super().__init__()
        draft = self._draft = document.draft
        self.setAccessibleName("Settings")
        self.setMinimumWidth(em(self, 17))
        self.model = ModelPicker(draft, models.choice, models.thumbnails, actions["models"])
        self.edit = EditChoice(draft, document.editing)
        self.prompt = PromptField(draft, document.tokens, document.suggestions)
        self.negative = TextField("Negative prompt", "What it should not be", 2.2)
        self.without = Disclosure("Negative prompt", self.negative)
        PromptKeys(self.prompt.text, Walk(document.prompts, "prompt"))
        PromptKeys(self.negative, Walk(document.prompts, "negative"))
        self.without.summarise(lambda: describe_negative(draft.current), draft.changed)
        self.words = self._words()
        self.adapters = AdapterList(models.adapters, models.named, models.thumbnails, actions["models"])
        self.label_heading = label("", "heading")
        self.no_text = paragraph()
        self.labels = LabelPicker(draft)
        self.few_step = FewStepLine(models.few_step)
        self.sampler = SamplerPicker(draft)
        self.steps = NumberField("Steps", 1, MAX_STEPS, (1, 60))
        self.guidance = NumberField("Guidance", -100, 100, (0, 12), 0.5, 1)
        self.guidance.setToolTip("How strongly the picture follows the prompt; 1 needs one model call a step, not two")
        self.seed = SeedField(draft, actions)
        self.batch = NumberField("Pictures", 1, MAX_BATCH, (1, 16))
        self.extent = SizePicker(draft)
        self.sides = SizeField(draft)
        self.extent_name = label("Size", "heading", self.extent)
        self.steering = SteeringDisclosure(document.guidance, actions)
        self.further = Advanced(draft, models)
        self.advanced = Disclosure("Advanced", self.further)
        self.advanced.summarise(lambda: describe_advanced(draft), draft.settings_changed, draft.model_changed)
        self.generate = GenerateBar(document, models.choice, models.vaes, actions)
        self._lay_out()
        self.negative.edited.connect(partial(self._change, "negative"))
        self.steps.changed.connect(lambda value: draft.update(steps=round(value)))
        self.guidance.changed.connect(lambda value: draft.update(guidance=round(value, 1)))
        self.batch.changed.connect(lambda value: draft.update(batch=round(value)))
        draft.changed.connect(self._show_negative)
        draft.settings_changed.connect(self.refresh)
        draft.model_changed.connect(self.refresh)
        self.without.open(bool(draft.current.negative))
        self._show_negative()
        self.refresh()

    def _words(self) -> QWidget:
        """Prompt and negative prompt: all that a model without text has no use for."""
        words = QWidget()
        column = QVBoxLayout(words)
        column.setContentsMargins(0, 0, 0, em(self, 0.5))
        column.setSpacing(em(self, 0.3))
        top = QHBoxLayout()
        top.addWidget(label("Prompt", "heading", self.prompt), 1)
        top.addWidget(self.prompt.count)
        column.addLayout(top)
        column.addWidget(self.prompt)
        column.addSpacing(em(self, 0.4))
        column.addWidget(self.without)
        return words

    def _lay_out(self) -> None:
        content = QWidget()
        column = column_of(content)
        model_heading = label("Model", "heading", self.model)
        for heading, field in (
            (model_heading, self.model),
            (None, self.edit),
            (None, self.words),
            (None, self.adapters),
            (self.label_heading, self.labels),
            (None, self.no_text),
            (None, self.few_step),
            (label("Sampler", "heading", self.sampler), self.sampler),
        ):
            if heading is not None:
                column.addWidget(heading)
            column.addWidget(field)
            if field not in (self.words, self.adapters, self.few_step, self.edit):
                column.addSpacing(em(self, 0.4))
        column.addLayout(self._numbers())
        column.addSpacing(em(self, 0.3))
        column.addWidget(self.steering)
        column.addWidget(self.advanced)
        column.addStretch(1)
        lay_out(self, content, self.generate)

    def _numbers(self) -> QGridLayout:
        fields = {"Steps": self.steps, "Guidance": self.guidance, "Seed": self.seed, "Pictures": self.batch}
        grid = field_grid(self, fields)
        grid.addWidget(self.extent_name, len(fields), 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(self.extent, len(fields), 1)
        grid.addWidget(self.sides, len(fields), 1)
        return grid

    def _known(self) -> str:
        kind = self._draft.model.label_kind
        return f"choose a {kind}." if self._draft.model.labels else "it makes pictures of any kind."

    def focus_first(self) -> None:
        """Put the focus where the next picture is described: the prompt, or the label of a model without text."""
        first = self.prompt if self._draft.model.text else self.labels.first
        focus_field(first or self.sampler)

    def _change(self, field: str, value: object) -> None:
        self._draft.update(**{field: value})

    def _show_negative(self) -> None:
        self.negative.show_text(self._draft.current.negative)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.extent_name.setFixedHeight(self.sides.width_.sizeHint().height())  # beside the first line of the field

    def refresh(self) -> None:
        model, draft = self._draft.model, self._draft.current
        self.words.setVisible(model.text)
        self.no_text.setVisible(not model.text)
        self.no_text.setText(f"{model.title} takes no text: {self._known()}")
        self.label_heading.setText(shorten(model.label_kind.capitalize(), LONGEST))
        for widget in (self.label_heading, self.labels):
            widget.setVisible(bool(model.labels))
        self.steps.show_value(draft.steps)
        self.guidance.show_value(draft.guidance)
        self.batch.show_value(draft.batch)
        self.without.setVisible("negative" in model.takes or bool(draft.negative.strip()))
        self.sides.setVisible(self.sides.needed)
        self.extent.setVisible(self.extent.needed and not self.sides.needed)
        self.extent_name.setVisible(self.extent.needed or self.sides.needed)
