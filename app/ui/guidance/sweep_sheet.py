"""The sheet of a sweep: its plan, the plot, and the pictures of the chosen point."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.guidance.guide_panel import DocumentGuidance
from app.core.guidance.sweep import STRENGTHS, GuidanceSweep, SweptPoint
from app.core.shown.render import from_rgb
from app.ui.guidance.pareto_plot import ParetoPlot, describe_point
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import label
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.widgets.quiet_progress import QuietProgress
from app.ui.widgets.spin_box import RealSpinBox, WholeSpinBox, show_number
from engine.jobs.sweep import MAX_VALUES
from engine.spec.request import MAX_BATCH

AXES = (("Diversity", "How unlike each other the pictures are"),
        ("Strain", "How far the pictures are from what the model draws by itself"))  # fmt: skip


class SweepSheet(QDialog):
    """Shows `guidance.sweep`; stops nothing while it is open, and the sweep when it closes."""

    def __init__(self, guidance: DocumentGuidance, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sweep = guidance.sweep
        self.setWindowTitle("Sweep the guidance")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.over = ComboBox("What is swept")
        self.over.setMinimumContentsLength(15)
        self.low, self.high = (_real(name) for name in ("Lowest strength", "Highest strength"))
        self.count = _whole("How many strengths", MAX_VALUES)
        self.pictures = _whole("Pictures at each", MAX_BATCH)
        self.twins = QCheckBox("Clean twin beside it")
        self.twins.setToolTip(
            "The same with the classifier that has never seen noise: the catch of classifier guidance"
        )
        self.axis = ComboBox("Against")
        for title, about in AXES:
            self.axis.addItem(title)
            self.axis.setItemData(self.axis.count() - 1, about, ABOUT)
        self.go = QPushButton("Sweep")
        self.note = QuietLabel()
        self.progress = QuietProgress("Progress of the sweep")
        self.plot = ParetoPlot(guidance.sweep)
        self.shown = SweptPictures(guidance.sweep)
        self.words = QuietLabel(muted=False)
        self.use = QPushButton("Use these settings")
        self._lay_out()
        self.over.activated.connect(self._chose)
        self.low.valueChanged.connect(lambda low: self._set(low=low, high=max(low, self._sweep.plan.high)))
        self.high.valueChanged.connect(lambda high: self._set(high=high, low=min(high, self._sweep.plan.low)))
        self.count.valueChanged.connect(lambda count: self._set(count=count))
        self.pictures.valueChanged.connect(lambda pictures: self._set(pictures=pictures))
        self.twins.clicked.connect(lambda on: self._set(twins=on))
        self.axis.activated.connect(self._turned)
        self.go.clicked.connect(self._pressed)
        self.use.clicked.connect(self._use)
        self.plot.used.connect(self._use)
        self._sweep.changed.connect(self.refresh)
        self._sweep.progressed.connect(self._show_progress)
        self.resize(em(self, 60), em(self, 38))
        self.refresh()

    def _lay_out(self) -> None:
        what = QHBoxLayout()
        what.setSpacing(em(self, 0.4))
        parts: tuple[QWidget | str, ...] = (
            self.over, "from", self.low, "to", self.high, "in", self.count, "steps of", self.pictures, "pictures",
            self.twins,
        )  # fmt: skip
        for part in parts:
            what.addWidget(label(part, "muted") if isinstance(part, str) else part)
        what.addStretch(1)
        what.addWidget(self.go)
        row = QHBoxLayout()
        row.addWidget(self.note, 1)
        row.addWidget(self.progress)
        row.addSpacing(em(self, 0.6))
        row.addWidget(label("against", "muted", self.axis))
        row.addWidget(self.axis)
        foot = QHBoxLayout()
        foot.addWidget(self.words, 1)
        foot.addWidget(self.use)
        column = QVBoxLayout(self)
        side = em(self, 0.9)
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(em(self, 0.5))
        column.addLayout(what)
        column.addLayout(row)
        column.addWidget(self.plot, 1)
        column.addWidget(self.shown)
        column.addLayout(foot)
        self.go.setDefault(False)
        self.go.setAutoDefault(False)
        self.use.setAutoDefault(False)

    def _set(self, **changes: object) -> None:
        self._sweep.plan = replace(self._sweep.plan, **changes)  # type: ignore[arg-type]

    def _chose(self, row: int) -> None:
        self._set(over=self.over.itemData(row))

    def _turned(self, row: int) -> None:
        self.plot.by_diversity = row == 0

    def _pressed(self) -> None:
        if self._sweep.running:
            self._sweep.cancel()
        else:
            self._sweep.start()

    def _use(self) -> None:
        if self._sweep.chosen is not None:
            self._sweep.use(self._sweep.chosen)

    def refresh(self) -> None:
        sweep, plan = self._sweep, self._sweep.plan
        if [self.over.itemData(k) for k in range(self.over.count())] != list(sweep.choices):
            self.over.clear()
            for name in sweep.choices:
                self.over.addItem(STRENGTHS[name][0], name)
                self.over.setItemData(self.over.count() - 1, STRENGTHS[name][1], ABOUT)
        self.over.setCurrentIndex(self.over.findData(plan.over))
        for real, strength in ((self.low, plan.low), (self.high, plan.high)):
            show_number(real, strength)
        for whole, number in ((self.count, plan.count), (self.pictures, plan.pictures)):
            show_number(whole, number)
        fields: tuple[QWidget, ...] = (self.over, self.low, self.high, self.count, self.pictures, self.twins)
        for field in fields:
            field.setEnabled(not sweep.running)
        self.twins.setVisible(sweep.has_twins)
        self.twins.setChecked(plan.twins)
        self.go.setText("Stop" if sweep.running else "Sweep")
        self.go.setAccessibleName(self.go.text())
        set_kind(self.go, "stop" if sweep.running else "primary")
        self.go.setEnabled(sweep.running or not sweep.why_not)
        chosen = sweep.chosen
        self.use.setEnabled(chosen is not None)
        self.words.setText(f"{STRENGTHS[sweep.over][0]} = {describe_point(chosen)}" if chosen else "")
        self._show_progress()

    def _show_progress(self) -> None:
        sweep = self._sweep
        self.progress.setVisible(sweep.running)
        self.progress.show_share(sweep.share)
        if sweep.running:
            self.note.setText(f"{len(sweep.swept)} strengths done, all at the same seeds")
        elif sweep.why_not:
            self.note.setText(sweep.why_not)
        else:
            self.note.setText(f"Takes {sweep.price}" if sweep.price.startswith("≈") else sweep.price)

    def done(self, result: int) -> None:
        """However it is closed."""
        self._sweep.cancel()
        super().done(result)


class SweptPictures(QWidget):
    """All pictures of the chosen point; of two series both, one under the other."""

    def __init__(self, sweep: GuidanceSweep) -> None:
        super().__init__()
        self._sweep = sweep
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Pictures at this strength")
        sweep.changed.connect(self.refresh)

    @property
    def rows(self) -> list[SweptPoint]:
        chosen = self._sweep.chosen
        return [] if chosen is None else self._sweep.at_same_value(chosen)

    def sizeHint(self) -> QSize:
        series = {one.series for one in self._sweep.swept}
        return QSize(em(self, 30), round(em(self, 5.4) * max(1, len(series))))

    def refresh(self) -> None:
        self.setAccessibleDescription("; ".join(describe_point(one) for one in self.rows))
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for k, one in enumerate(self.rows):
            high = self.height() / len(self.rows)
            self._paint_row(painter, one, QRectF(0, k * high, self.width(), high))
        painter.end()

    def _paint_row(self, painter: QPainter, one: SweptPoint, row: QRectF) -> None:
        left, gap = 0.0, float(em(self, 0.3))
        if one.series:
            left = float(em(self, 8.5))
            painter.setPen(self._ink(QPalette.ColorRole.PlaceholderText))
            cell = QRectF(0, row.top(), left - gap, row.height())
            painter.drawText(cell, int(Qt.AlignmentFlag.AlignVCenter | Qt.TextFlag.TextWordWrap), one.series)
        count = len(one.point.rgb)
        side = min(row.height() - gap, (row.width() - left) / count - gap)
        for n, rgb in enumerate(one.point.rgb):
            cell = QRectF(left + n * (side + gap), row.top(), side, side)
            painter.drawImage(cell, from_rgb(rgb))
            painter.setPen(QPen(self._ink(QPalette.ColorRole.Mid), 1))
            painter.drawRect(cell.adjusted(0.5, 0.5, -0.5, -0.5))

    def _ink(self, role: QPalette.ColorRole) -> QColor:
        return self.palette().color(role)


def _real(name: str) -> RealSpinBox:
    field = RealSpinBox()
    field.setAccessibleName(name)
    field.setDecimals(2)
    field.setRange(-100, 1e6)
    field.setButtonSymbols(RealSpinBox.ButtonSymbols.NoButtons)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setKeyboardTracking(False)
    field.setFixedWidth(em(field, 4))
    return field


def _whole(name: str, most: int) -> WholeSpinBox:
    field = WholeSpinBox()
    field.setAccessibleName(name)
    field.setRange(1, most)
    field.setButtonSymbols(WholeSpinBox.ButtonSymbols.NoButtons)
    field.setAlignment(Qt.AlignmentFlag.AlignRight)
    field.setKeyboardTracking(False)
    field.setFixedWidth(em(field, 2.6))
    return field
