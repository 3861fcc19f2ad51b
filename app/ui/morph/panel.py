"""The morph's panel: the selected key frame, how it goes between them, and the button with its price."""

from __future__ import annotations

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QCheckBox, QPushButton, QVBoxLayout, QWidget

from app.core.jobs.jobs_model import JobsModel
from app.core.morph.morph_room import MorphRoom
from app.core.request.draft_model import DraftModel
from app.core.shown.naming import shorten
from app.ui.actions.action_set import ActionSet
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.request.seed_line import SeedLine
from app.ui.request.text_field import TextField
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.panel_layout import column_of, field_grid, lay_out
from app.ui.widgets.quiet_label import QuietLabel
from engine.rules import menu
from engine.spec.morph import EASINGS, LOOPS, MOST_FRAMES, MOST_RATE, WAYS

NO_LABEL = "None"


class MorphPanel(QWidget):
    """Shows and changes the morph; holds nothing of its own."""

    def __init__(self, morph: MorphRoom, draft: DraftModel, jobs: JobsModel, actions: ActionSet) -> None:
        super().__init__()
        self._morph, self._draft, self._actions = morph, draft, actions
        self.setAccessibleName("Settings of the morph")
        self.setMinimumWidth(em(self, 17))
        self.key_name = label("", "heading")
        self.prompt = TextField("Prompt of the key frame", "What to see at this key frame", 2.2)
        self.label_name = label("", "heading")
        self.labels = ComboBox("Label of the key frame")
        self.seed_name = label("Seed", "heading")
        self.seed = SeedLine("Seed of the key frame")
        self.about = paragraph()
        self.restore = QPushButton("Make frames as it was made")
        self.restore.setProperty("kind", "link")
        self.restore.setAccessibleName(self.restore.text())
        self.restore.setToolTip("Put the sampler, the steps and the guidance that made it on the page Pictures")
        self.frames = NumberField("Frames", 2, MOST_FRAMES, (2, 120))
        self.rate = NumberField("Frames a second", 1, MOST_RATE, (1, 30))
        self.easing = self._choice("Easing", {name: (title, "") for name, (title, _) in EASINGS.items()})
        self.loop = self._choice("Loop", LOOPS)
        self.way = self._choice("Interpolation", WAYS)
        self.at = NumberField("σ where the pictures are mixed", 0.01, 200, (0.1, 10), 0.1, 2)
        self.at_name = label("At σ", "heading", self.at)
        self.large = QCheckBox("Larger, by the second stage")
        self.large.setAccessibleName(self.large.text())
        self.result = paragraph()
        self.button = QPushButton()
        self.button.setObjectName("generate-morph")
        self.note = QuietLabel(lines=2, align="centre")
        self._lay_out()
        self.prompt.edited.connect(lambda text: morph.keys.describe(prompt=text.strip()))
        self.labels.activated.connect(self._choose_label)
        self.seed.chosen.connect(lambda seed: morph.keys.describe(seed=int(seed)))
        self.restore.clicked.connect(morph.keys.use_settings)
        self.frames.changed.connect(lambda value: morph.choose(frames=round(value)))
        self.rate.changed.connect(lambda value: morph.choose(rate=round(value)))
        self.at.changed.connect(lambda value: morph.choose(at=round(value, 4)))
        self.large.toggled.connect(lambda on: morph.choose(large=on))
        for name in ("easing", "loop", "way"):
            box: ComboBox = getattr(self, name)
            box.activated.connect(lambda row, box=box, name=name: morph.choose(**{name: box.itemData(row)}))
        self.button.clicked.connect(self._press)
        draft.model_changed.connect(self._fill_labels)
        for signal in (morph.choices_changed, morph.activity_changed, morph.frames_changed, jobs.engine_changed):
            signal.connect(self.refresh)
        self._fill_labels()
        self.refresh()

    @staticmethod
    def _choice(name: str, entries: dict[str, tuple[str, str]]) -> ComboBox:
        box = ComboBox(name)
        for key, (title, about) in entries.items():
            box.addItem(title, key)
            if about:
                box.setItemData(box.count() - 1, about, ABOUT)
        return box

    def _lay_out(self) -> None:
        content = QWidget()
        column = column_of(content)
        self._key_parts = (self.prompt, self.label_name, self.labels, self.seed_name, self.seed, self.about)
        column.addWidget(self.key_name)
        for part in self._key_parts:
            column.addWidget(part)
        column.addWidget(self.restore)
        column.addSpacing(em(self, 0.8))
        column.addLayout(
            field_grid(self, {"Frames": self.frames, "Per second": self.rate, "Easing": self.easing, "Loop": self.loop})
        )
        column.addSpacing(em(self, 0.4))
        column.addWidget(label("Interpolation", "heading", self.way))
        column.addWidget(self.way)
        column.addWidget(self.at_name)
        column.addWidget(self.at)
        column.addSpacing(em(self, 0.2))
        column.addWidget(self.large)
        column.addWidget(self.result)
        column.addStretch(1)
        lay_out(self, content, self._foot())

    def _foot(self) -> QWidget:
        foot = QWidget()
        column = QVBoxLayout(foot)
        side = em(self, 0.8)
        column.setContentsMargins(side, em(self, 0.7), side, em(self, 0.15))
        column.setSpacing(em(self, 0.2))
        column.addWidget(self.button)
        column.addWidget(self.note)
        return foot

    def _fill_labels(self) -> None:
        model = self._draft.model
        self.labels.clear()
        self.labels.addItem(NO_LABEL, None)
        for name in model.labels:
            self.labels.addItem(name.title(), name)
        self.label_name.setText(shorten(model.label_kind.capitalize(), 24))
        self.labels.setAccessibleName(f"{model.label_kind.capitalize()} of the key frame")

    def _choose_label(self, row: int) -> None:
        self._morph.keys.describe(label=self.labels.itemData(row))

        self.refresh()

    def _press(self) -> None:
        (self._morph.cancel if self._morph.rendering else self._morph.start)()

    def refresh(self) -> None:
        self._show_key()
        choices = self._morph.choices
        self.frames.show_value(choices.frames)
        self.rate.show_value(choices.rate)
        self.at.show_value(choices.at)
        for box, name in ((self.easing, choices.easing), (self.loop, choices.loop), (self.way, choices.way)):
            box.setCurrentIndex(box.findData(name))
        for widget in (self.at_name, self.at):
            widget.setVisible(choices.way == "mix")
        self.way.setToolTip(WAYS[choices.way][1])
        self.large.setVisible(self._morph.can_enlarge)
        self.large.blockSignals(True)
        self.large.setChecked(choices.large)
        self.large.blockSignals(False)
        self.result.setText(self._how())
        self._show_button()

    def _show_key(self) -> None:
        keys, model = self._morph.keys, self._draft.model
        frame, count = keys.at, len(keys.frames)
        self.key_name.setText(f"Key frame {keys.selected + 1} of {count}" if frame else "No key frames yet")
        for part in self._key_parts:
            part.setVisible(frame is not None)
        self.restore.setVisible(bool(frame and frame.settings is not None and self._morph.remark))
        if frame is None:
            return
        self.prompt.setVisible(model.text)
        self.prompt.show_text(frame.key.prompt)
        for widget in (self.label_name, self.labels):
            widget.setVisible(bool(model.labels))
        self.labels.setCurrentIndex(max(0, self.labels.findData(frame.key.label)))
        self.seed_name.setVisible(not frame.encoded)
        self.seed.setVisible(not frame.encoded)
        self.seed.show_seed(frame.key.seed)
        self.about.setText(self._about())

    def _about(self) -> str:
        """What the selected key frame is to the flow."""
        keys, result = self._morph.keys, self._morph.result
        frame = keys.at
        if frame is None:
            return ""
        if not frame.encoded:
            return "Starts from its seed: nothing is encoded, and nothing lost."
        if self._morph.choices.way == "mix":
            return "A picture: mixed as it is."
        decibels = None
        if result is not None:
            places = result.morph.places()
            decibels = next(
                (v for n, v in result.psnr.items() if result.keys[places[n].key or 0].key == frame.key), None
            )
        back = "" if decibels is None else f" It came back to {decibels:.1f} dB."
        return f"A picture: encoded along the flow, without guidance, under these words.{back}"

    def _how(self) -> str:
        draft = self._draft.current
        sampler = menu()[draft.sampler].title if draft.sampler in menu() else draft.sampler
        how = f"{sampler}, {draft.steps} steps, guidance {draft.guidance:g}"
        without = " The guides there are left out: a morph has none." if draft.guides else ""
        return f"Frames are made as the page Pictures says: {how}.{without} {self._morph.remark}".strip()

    def _show_button(self) -> None:
        morph, why = self._morph, self._morph.why_not
        text = "Stopping …" if morph.stopping else "Cancel" if morph.rendering else "Generate"
        self.button.setText(text)
        self.button.setAccessibleName(text)
        self.button.setEnabled(not morph.stopping if morph.rendering else not why)
        set_kind(self.button, "stop" if morph.rendering else "primary")
        action = self._actions["cancel" if morph.rendering else "generate"]
        self.button.setToolTip(action.toolTip())
        keys = self._actions["generate"].shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        price = morph.price_text
        self.note.setText(morph.progress[1] if morph.rendering else why or (f"{price}   {keys}" if price else keys))
        self.button.setAccessibleDescription(self.note.text())
