"""The sheet for exporting a picture: its factor, its method and its kind of file."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.files.export import KINDS, METHODS, Export, ExportSubject, largest_factor, longest_side
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.label import label
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.radio_rows import RadioRows
from app.ui.widgets.spin_box import WholeSpinBox


class ExportSheet(FormDialog):
    """`chosen` carries an Export. Where `why_no_cascade` says something, the second stage is there but cannot be had.

    factor -- how many times as large the second stage makes a picture
    """

    chosen = Signal(object)

    def __init__(
        self, subject: ExportSubject, choice: Export, factor: int, why_no_cascade: str, parent: QWidget | None = None
    ) -> None:
        super().__init__("Export picture", "Export …", "", parent)
        self._subject, self._stage_factor = subject, factor
        self.factor = WholeSpinBox()
        self.factor.setAccessibleName("Times as large")
        self.factor.setRange(1, largest_factor(subject.size))
        self.factor.setSuffix(" ×")
        self.factor.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.factor.setFixedWidth(em(self.factor, 4))
        self.factor.setValue(choice.factor)
        self.method = RadioRows("How it is enlarged", [(name, *words) for name, words in METHODS.items()])
        self.kind = ComboBox("Kind of file")
        for name, (title, about) in KINDS.items():
            self.kind.addItem(title, name)
            self.kind.setItemData(self.kind.count() - 1, about, ABOUT)
        self.kind.setCurrentIndex(self.kind.findData(choice.kind))
        self.quality = NumberField("Quality", 1, 100, (50, 100))
        self.quality.show_value(choice.quality)
        self._quality_name = label("Quality", "heading", self.quality)
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(self, 0.8))
        grid.setVerticalSpacing(em(self, 0.6))
        grid.setColumnStretch(1, 1)
        left = Qt.AlignmentFlag.AlignLeft
        grid.addWidget(label("Enlarge", "heading", self.factor), 0, 0)
        grid.addWidget(self.factor, 0, 1, left)
        grid.addWidget(self.method, 1, 0, 1, 2)
        grid.addWidget(label("File", "heading", self.kind), 2, 0)
        grid.addWidget(self.kind, 2, 1)
        grid.addWidget(self._quality_name, 3, 0)
        grid.addWidget(self.quality, 3, 1)
        self.body.addLayout(grid)
        cascade = self.method.rows["cascade"]
        cascade.setEnabled(not why_no_cascade)
        if why_no_cascade:
            cascade.say(why_no_cascade)
        usable = choice.method != "cascade" or not why_no_cascade
        self.method.chosen = choice.method if usable else "nearest"
        self.factor.valueChanged.connect(self.refresh)
        self.method.changed.connect(self.refresh)
        self.kind.activated.connect(self.refresh)
        self.quality.changed.connect(self.refresh)
        self.agreed.connect(self._choose)
        self.refresh()
        self.factor.setFocus()
        self.factor.selectAll()

    @property
    def choice(self) -> Export:
        factor = self._stage_factor if self.method.chosen == "cascade" else self.factor.value()
        quality = round(self.quality.field.value())
        return Export(factor, self.method.chosen, self.kind.currentData(), quality)  # type: ignore[arg-type]

    def refresh(self) -> None:
        choice = self.choice
        by_stage = choice.method == "cascade"
        self.factor.setEnabled(not by_stage)
        lossy = choice.kind != "png"
        for widget in (self._quality_name, self.quality):
            widget.setEnabled(lossy)
        width, height = self._subject.size
        large = f"{width * choice.factor} × {height * choice.factor}"
        title = KINDS[choice.kind][0]
        side = longest_side(choice.kind)
        if max(width, height) * choice.factor > side:
            other = "" if choice.kind == "png" else " choose PNG, or"
            self.say(f"{title} has at most {side} pixels a side here:{other} enlarge it less.", alarm=True)
        elif choice.factor == 1:
            self.say(f"{large} as it is, {title}")
        else:
            self.say(f"{width} × {height} becomes {large}, {title}")

    def _choose(self) -> None:
        self.chosen.emit(self.choice)
