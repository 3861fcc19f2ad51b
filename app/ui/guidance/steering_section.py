"""Steering by CLIP and by a classifier, in the settings column: nothing to see of it until it is opened or in use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QCheckBox, QFileDialog, QScrollArea, QVBoxLayout, QWidget

from app.core.guidance.guide_panel import DocumentGuidance
from app.ui.actions.action_set import ActionSet
from app.ui.files.file_dialog import Purpose, file_dialog
from app.ui.guidance.aim_list import AimList
from app.ui.guidance.classifier_guidance import ClassGuidance
from app.ui.guidance.clip_options import ClipOptions, describe_finer
from app.ui.guidance.concept_bars import ConceptBars
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.disclosure import Disclosure
from app.ui.widgets.field_scroll import focus_field
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.panel_layout import field_grid
from engine.pictures.image_file import patterns

FILE = "\0file"  # the entry that opens a file dialog
CHECKPOINTS = "*.safetensors *.bin *.pt *.pth"
LARGEST = 1e6


class SteeringDisclosure(Disclosure):
    """The section under its heading; closed, the heading names the guides."""

    def __init__(self, guidance: DocumentGuidance, actions: ActionSet) -> None:
        self.section = SteeringSection(guidance, actions)
        super().__init__("Steering", self.section)
        steering = guidance.steering
        self.summarise(lambda: steering.in_words, steering.changed)
        self.toggled.connect(self._come_up)

    def _come_up(self, opened: bool) -> None:
        """What was opened is brought into sight, once it has its place in the column."""
        if opened:
            QTimer.singleShot(0, self, self._scroll)

    def _scroll(self) -> None:
        scroll = next((w for w in _parents(self) if isinstance(w, QScrollArea)), None)
        if scroll is not None:
            margin = em(self)
            scroll.ensureWidgetVisible(self.section.sweep, 0, margin)
            scroll.ensureWidgetVisible(self.button, 0, margin)


class SteeringSection(QWidget):
    """Shows and changes `guidance.steering`; `guidance.concepts` shows its effect."""

    def __init__(self, guidance: DocumentGuidance, actions: ActionSet) -> None:
        super().__init__()
        self._steering = guidance.steering
        self._guidance = guidance
        self.dialog: QFileDialog | None = None
        self.clip = ComboBox("CLIP")
        self.none = paragraph("There is no CLIP here: open the file of one.")
        self.aims = AimList(guidance.steering, guidance.aim_sources)
        self.scale = NumberField("Strength λ", 0, LARGEST, (0, 50), 0.5, 1)
        self.scale.setToolTip("How strongly CLIP pulls at every step; 0 is no guide at all")
        self.fine = ClipOptions(guidance.steering)
        self.finer = Disclosure("Finer", self.fine)
        self.finer.summarise(lambda: describe_finer(guidance.steering), guidance.steering.changed)
        self.classes = ClassGuidance(guidance.steering)
        self.scored = QCheckBox("Score runs without a guide too")
        self.scored.setAccessibleName("Score runs that no CLIP steers too")
        self.scored.setToolTip("By their own prompt: a curve under the timeline, and the order of candidates")
        self.bars = ConceptBars(guidance.concepts)
        self.sees = Disclosure("What CLIP sees", self.bars)
        self.sweep = actions.button("sweep", self)
        self.sweep.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._lay_out()
        self.clip.activated.connect(self._on_chosen)
        self.aims.picture_asked.connect(self.choose_picture)
        self.scale.changed.connect(lambda value: self._steering.set_clip_settings(scale=round(value, 1)))
        self.scored.clicked.connect(self._score)
        self._steering.changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, em(self, 0.3))
        column.setSpacing(em(self, 0.35))
        column.addWidget(label("CLIP steers to", "heading", self.aims.rows[0].text))
        column.addWidget(self.aims)
        column.addLayout(field_grid(self, {"λ": self.scale, "CLIP": self.clip}))
        column.addWidget(self.none)
        column.addWidget(self.finer)
        column.addSpacing(em(self, 0.3))
        column.addWidget(self.classes)
        column.addSpacing(em(self, 0.3))
        column.addWidget(self.scored)
        column.addWidget(self.sees)
        column.addWidget(self.sweep)

    def focus_first(self) -> None:
        focus_field(self.aims.rows[0].text)

    def choose_picture(self) -> None:
        """Ask for a picture to aim at, without stopping anything meanwhile."""
        dialog = self._ask("Steer to a picture", "open", [f"Pictures ({' '.join(patterns())})", "All files (*)"])
        dialog.fileSelected.connect(lambda path: self._guidance.aim_sources.take_file(Path(path)))
        dialog.open()

    def choose_file(self) -> None:
        """Ask for the file of a CLIP."""
        dialog = self._ask("Open a CLIP", "models", [f"Checkpoints of open_clip ({CHECKPOINTS})", "All files (*)"])
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def open_file(self, path: str) -> None:
        """Choose a file; when the engine loads it, it says what is wrong."""
        self._steering.clip = path

    def _ask(self, title: str, purpose: Purpose, filters: list[str]) -> QFileDialog:
        self.dialog = file_dialog(self.window(), title, purpose)
        self.dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self.dialog.setNameFilters(filters)
        return self.dialog

    def _on_chosen(self, row: int) -> None:
        chosen = self.clip.itemData(row)
        if chosen == FILE:
            self.clip.setCurrentIndex(self.clip.findData(self._steering.clip))
            self.choose_file()
        else:
            self._steering.clip = chosen

    def _score(self, on: bool) -> None:
        self._steering.scored = on

    def refresh(self) -> None:
        steering = self._steering
        entries = [(info.id, info.title, info.where) for info in steering.clips] + [(FILE, "Open a file …", "")]
        if [self.clip.itemData(k) for k in range(self.clip.count())] != [entry[0] for entry in entries]:
            self.clip.clear()
            for id, title, about in entries:
                self.clip.addItem(title, id)
                self.clip.setItemData(self.clip.count() - 1, about, ABOUT)
        self.clip.setCurrentIndex(self.clip.findData(steering.clip))
        self.none.setVisible(not steering.clip)
        self.scale.show_value(steering.setting("scale"))
        self.scored.setChecked(steering.scored)


def _parents(widget: QWidget) -> Iterator[QWidget]:
    parent = widget.parentWidget()
    while parent is not None:
        yield parent
        parent = parent.parentWidget()
