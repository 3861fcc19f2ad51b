"""How a film is saved: its kind of file, its enlargement, and the method."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.files.export import METHODS
from app.core.morph.film_export import FilmFormat
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.label import label
from app.ui.widgets.radio_rows import RadioRows
from app.ui.widgets.spin_box import WholeSpinBox
from engine.morph.film import FASTEST_GIF, KINDS, NO_VIDEO, can_write_video, fits
from engine.spec.morph import Morph

ABOUTS = {
    ".webp": "Every colour; plays in browsers and most programs",
    ".gif": "Plays everywhere; 256 colours for the whole film",
    ".mp4": "H.264, for video programs and messengers",
    "": "One PNG a frame in a folder, nothing lost",
}
ENLARGING = ("nearest", "lanczos")


class FilmSheet(FormDialog):
    """`chosen` carries a Way."""

    chosen = Signal(object)

    def __init__(self, morph: Morph, size: tuple[int, int], way: FilmFormat, parent: QWidget | None = None) -> None:
        """`size` is that of a frame, (width, height)."""
        super().__init__("Export film", "Export …", "", parent)
        self._morph, self._size = morph, size
        self.kind = ComboBox("Kind of file")
        for ending, title in KINDS.items():
            self.kind.addItem(title, ending)
            self.kind.setItemData(self.kind.count() - 1, ABOUTS[ending], ABOUT)
        if not can_write_video():
            self._bar(".mp4", "Needs PyAV: run “pip install av” where the studio is installed")
        self.kind.setCurrentIndex(max(0, self.kind.findData(way.kind)))
        self.factor = WholeSpinBox()
        self.factor.setAccessibleName("Times as large")
        self.factor.setRange(1, fits(size))
        self.factor.setSuffix(" ×")
        self.factor.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.factor.setFixedWidth(em(self.factor, 4))
        self.factor.setValue(way.enlarge)
        self.method = RadioRows("How it is enlarged", [(name, *METHODS[name]) for name in ENLARGING])  # type: ignore[index]
        self.method.chosen = way.resampling
        grid = QGridLayout()
        grid.setHorizontalSpacing(em(self, 0.8))
        grid.setVerticalSpacing(em(self, 0.6))
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("File", "heading", self.kind), 0, 0)
        grid.addWidget(self.kind, 0, 1)
        grid.addWidget(label("Enlarge", "heading", self.factor), 1, 0)
        grid.addWidget(self.factor, 1, 1, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.method, 2, 0, 1, 2)
        self.body.addLayout(grid)
        self.kind.activated.connect(self.refresh)
        self.factor.valueChanged.connect(self.refresh)
        self.method.changed.connect(self.refresh)
        self.agreed.connect(lambda: self.chosen.emit(self.way))
        self.refresh()
        self.kind.setFocus()

    def _bar(self, ending: str, why: str) -> None:
        """There, but it cannot be had."""
        row = self.kind.findData(ending)
        model = self.kind.model()
        assert isinstance(model, QStandardItemModel)
        model.item(row).setEnabled(False)
        self.kind.setItemData(row, why, ABOUT)

    @property
    def way(self) -> FilmFormat:
        return FilmFormat(self.kind.currentData(), self.factor.value(), self.method.chosen)

    def refresh(self) -> None:
        way, (width, height) = self.way, self._size
        frames, rate = len(self._morph.order()), self._morph.rate
        if way.kind == ".mp4" and not can_write_video():
            self.say(NO_VIDEO, alarm=True)
        elif way.kind == ".gif" and rate > FASTEST_GIF:
            self.say(f"A GIF shows at most {FASTEST_GIF} frames a second: choose fewer.", alarm=True)
        else:
            large = f"{width * way.enlarge} × {height * way.enlarge}"
            self.say(f"{frames} frames of {large}, {frames / rate:.1f} s, {KINDS[way.kind]}")
