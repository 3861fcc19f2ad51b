"""The Likelihood panel: how likely a model finds the picture on the canvas, how that adds up, what surprises it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.appraisal import MOST_PROBES, NOTHING, REGIONS, TOLERANCES, Appraisal, Given
from app.core.subject import MIDDLE, SHRUNK
from app.ui.actions import Actions
from app.ui.choice import Choice
from app.ui.likelihood import words
from app.ui.likelihood.legend import Legend
from app.ui.likelihood.plot import Plot
from app.ui.line import Line, Progress
from app.ui.number import Number
from app.ui.panels import column_of, lay_out, rows, set_kind
from app.ui.theme import em
from app.ui.widgets import Disclosure, label

GIVEN: dict[Given, str] = {"nothing": "Nothing", "panel": "The panel's words", "made": "What made it"}


class LikelihoodPanel(QWidget):
    """Shows and changes the appraisal; holds nothing of its own."""

    def __init__(self, appraisal: Appraisal, actions: Actions) -> None:
        super().__init__()
        self._appraisal, self._actions = appraisal, actions
        self.setAccessibleName("Likelihood")
        self.setMinimumWidth(em(self, 18))
        self.picture = Line(muted=False)
        self.judge = Choice("Judged by")
        for info in appraisal.models:
            self.judge.addItem(info.title, info.id)
        self.given = Choice("Told")
        self.way = Choice("Brought to size")
        self.size_note = label("", "muted")
        self.size_note.setWordWrap(True)
        self.probes = Number("Probes", 1, MOST_PROBES, (1, 16))
        self.probes.setToolTip("Random directions along which the flow's spread is measured; more make ± smaller")
        self.tolerance = Choice("Tolerance")
        for value in TOLERANCES:
            self.tolerance.addItem(f"{value:g}", value)
        self.tolerance.setToolTip("How exactly the flow is followed: a smaller error takes more model calls")
        self.density = Density(appraisal)
        self.steps = Steps(appraisal)
        self.surprise = Surprise(appraisal, actions)
        self.problem = label("", "alarm")
        self.problem.setWordWrap(True)
        self.button = QPushButton()
        self.progress = Progress("Progress of the measurement")
        self.note = Line(lines=2, align="centre")
        self._lay_out()
        self.judge.activated.connect(lambda row: appraisal.choose_judge(self.judge.itemData(row)))
        self.given.activated.connect(self._tell_given)
        self.way.activated.connect(self._tell_way)
        self.tolerance.activated.connect(self._tell_tolerance)
        self.probes.changed.connect(self._tell_probes)
        self.button.clicked.connect(self._press)
        for signal in (appraisal.changed, appraisal.doing_changed, appraisal.found):
            signal.connect(self.refresh)
        self.refresh()

    def _lay_out(self) -> None:
        content = QWidget()
        column = column_of(content)
        column.addWidget(label("Likelihood", "heading"))
        column.addWidget(self.picture)
        column.addSpacing(em(self, 0.3))
        fields = {"Judged by": self.judge, "Told": self.given}
        column.addLayout(rows(self, fields))
        column.addWidget(self.size_note)
        column.addWidget(self.way)
        careful = QWidget()
        grid = rows(self, {"Probes": self.probes, "Tolerance": self.tolerance})
        grid.setContentsMargins(0, 0, 0, 0)
        careful.setLayout(grid)
        self.careful = Disclosure("How carefully", careful)
        column.addWidget(self.careful)
        for part in (self.problem, self.density, self.surprise, self.steps):
            column.addSpacing(em(self, 0.3))
            column.addWidget(part)
        column.addStretch(1)
        lay_out(self, content, self._foot())

    def _foot(self) -> QWidget:
        foot = QWidget()
        column = QVBoxLayout(foot)
        side = em(self, 0.8)
        column.setContentsMargins(side, em(self, 0.7), side, em(self, 0.3))
        column.setSpacing(em(self, 0.3))
        column.addWidget(self.button)
        column.addWidget(self.progress)
        column.addWidget(self.note)
        return foot

    def tint(self) -> None:
        """Redraw what carries the palette's colours in pixels."""
        self.careful.tint()
        self.density.about.tint()

    # what a person does

    def _press(self) -> None:
        if self._appraisal.doing is not None:
            self._appraisal.stop()
        else:
            self._appraisal.measure()

    def _tell_given(self, row: int) -> None:
        self._appraisal.given = self.given.itemData(row)

    def _tell_way(self, row: int) -> None:
        self._appraisal.way = self.way.itemData(row)

    def _tell_tolerance(self, row: int) -> None:
        self._appraisal.tolerance = self.tolerance.itemData(row)

    def _tell_probes(self, probes: float) -> None:
        self._appraisal.probes = round(probes)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._appraisal.set_watched(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._appraisal.set_watched(False)

    # what it shows

    def refresh(self) -> None:
        appraisal, judge = self._appraisal, self._appraisal.judge
        subject = appraisal.subject
        title = subject.title if subject else ""
        self.picture.setText(title[:1].upper() + title[1:] if subject else NOTHING)
        self.judge.setCurrentIndex(self.judge.findData(judge.id if judge else None))
        self._list_conditions()
        self._list_ways()
        self.tolerance.setCurrentIndex(self.tolerance.findData(appraisal.tolerance))
        self.probes.show_value(appraisal.probes)
        verdict = appraisal.verdict
        self.problem.setText(verdict.problem if verdict else "")
        self.problem.setVisible(bool(self.problem.text()))
        self._show_foot()

    def _list_conditions(self) -> None:
        conditions = self._appraisal.conditions
        entries = [
            (f"{GIVEN[given]}: {c.words}" if c.words else GIVEN[given], given) for given, c in conditions.items()
        ]
        fill(self.given, entries, self._appraisal.given)
        self.given.setEnabled(len(entries) > 1)

    def _list_ways(self) -> None:
        appraisal, judge, subject = self._appraisal, self._appraisal.judge, self._appraisal.subject
        ways = appraisal.ways
        for widget in (self.size_note, self.way):
            widget.setVisible(bool(ways))
        if not ways or judge is None or subject is None:
            return
        wanted = f"{judge.width} × {judge.height}"
        self.size_note.setText(f"It is {subject.size[0]} × {subject.size[1]}, and {judge.title} judges {wanted}:")
        names = {SHRUNK: f"all of it, brought to {wanted}", MIDDLE: f"its middle {wanted} pixels as they are"}
        fill(self.way, [(names[way], way) for way in ways], appraisal.way)

    def _show_foot(self) -> None:
        appraisal, doing = self._appraisal, self._appraisal.doing
        face = "Measure" if doing is None else "Stopping …" if doing.stopping else "Stop"
        self.button.setText(face)
        self.button.setAccessibleName(face)
        self.button.setEnabled(not doing.stopping if doing is not None else not appraisal.why_not)
        set_kind(self.button, "primary" if doing is None else "stop")
        self.progress.setVisible(doing is not None)
        self.progress.show_share(doing.share if doing is not None else 0.0)
        said = appraisal.why_not
        if doing is not None:
            said = doing.words if appraisal.measuring else f"{doing.words}, of another picture"
        self.note.setText(said)
        self.button.setAccessibleDescription(said)


class Density(QWidget):
    """The number along the flow, and what it means."""

    def __init__(self, appraisal: Appraisal) -> None:
        super().__init__()
        self._appraisal = appraisal
        self.headline = label("", "title")
        self.unit = label("bits/dim", "muted")
        self.detail = label("", "muted")
        self.detail.setWordWrap(True)
        about = label(words.SMEARED, "muted")
        about.setWordWrap(True)
        self.about = Disclosure("What the number is of", about)
        row = QHBoxLayout()
        row.setSpacing(em(self, 0.4))
        row.addWidget(self.headline, 0, Qt.AlignmentFlag.AlignBaseline)
        row.addWidget(self.unit, 1, Qt.AlignmentFlag.AlignBaseline)
        column = _column(self)
        column.addLayout(row)
        column.addWidget(self.detail)
        column.addWidget(self.about)
        appraisal.found.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        verdict = self._appraisal.verdict
        density = verdict.density if verdict else None
        self.setVisible(density is not None)
        if density is not None:
            self.headline.setText(words.headline(density))
            self.detail.setText(words.detail(density))


class Steps(QWidget):
    """The bound, level by level, and what it says of sending the picture bit by bit."""

    def __init__(self, appraisal: Appraisal) -> None:
        super().__init__()
        self._appraisal = appraisal
        self.sum = label("", "muted")
        self.sum.setWordWrap(True)
        self.terms = Plot("Bits by noise level")
        self.terms.setToolTip(words.BOUND)
        self.trade = Plot("Rate and distortion")
        self.trade.setToolTip(words.TRADE)
        self.readings = {plot: Line() for plot in (self.terms, self.trade)}
        column = _column(self)
        column.addWidget(label("Step by step", "heading", self.terms))
        column.addWidget(self.sum)
        for plot, heading in ((self.terms, None), (self.trade, label("Rate and distortion", "heading", self.trade))):
            if heading is not None:
                column.addSpacing(em(self, 0.3))
                column.addWidget(heading)
            column.addWidget(plot)
            column.addWidget(self.readings[plot])
            plot.read.connect(self.readings[plot].setText)
        appraisal.found.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        verdict = self._appraisal.verdict
        terms = verdict.terms if verdict else None
        self.setVisible(terms is not None)
        if terms is not None:
            self.sum.setText(words.sum_of(terms))
            self.terms.show_curve(words.terms_curve(terms), words.sum_of(terms))
            curve = words.trade_curve(terms)
            self.trade.show_curve(curve, f"From {curve.words[0]} to {curve.words[-1]}")


class Surprise(QWidget):
    """The map's switch, its regions and its scale, and what is pointed at."""

    def __init__(self, appraisal: Appraisal, actions: Actions) -> None:
        super().__init__()
        self._appraisal = appraisal
        self.switch = QCheckBox("Show over the picture")
        self.switch.setAccessibleName("Show what surprises over the picture")
        self.switch.setToolTip(actions["surprise-map"].toolTip())
        self.side = Choice("Regions")
        for side in REGIONS:
            self.side.addItem("single pixels" if side == 1 else f"{side} × {side} pixels", side)
        self.legend = Legend()
        self.reading = Line(lines=2)
        heading = label("What surprises", "heading", self.switch)
        heading.setToolTip(words.MAP)
        row = QHBoxLayout()
        row.addWidget(label("Regions", "muted", self.side))
        row.addWidget(self.side, 1)
        column = _column(self)
        column.addWidget(heading)
        column.addWidget(self.switch)
        column.addLayout(row)
        column.addWidget(self.legend)
        column.addWidget(self.reading)
        self.switch.clicked.connect(self._turn)
        self.side.activated.connect(self._choose)
        for signal in (appraisal.found, appraisal.changed, appraisal.pointed_changed):
            signal.connect(self.refresh)
        self.refresh()

    def _turn(self, on: bool) -> None:
        self._appraisal.map_shown = on

    def _choose(self, row: int) -> None:
        self._appraisal.side = self.side.itemData(row)

    def refresh(self) -> None:
        appraisal, regions = self._appraisal, self._appraisal.regions
        self.setVisible(regions is not None)
        self.switch.setChecked(appraisal.map_shown)
        self.side.setCurrentIndex(self.side.findData(appraisal.side))
        if regions is None:
            return
        self.legend.show_regions(regions)
        pointed = appraisal.pointed
        row, column = pointed or regions.most
        lead = "" if pointed else "Most: "
        self.reading.setText(f"{lead}{regions.where(row, column)}, {regions.words(row, column)}")


def _column(widget: QWidget) -> QVBoxLayout:
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(em(widget, 0.3))
    return column


def fill(choice: Choice, entries: Sequence[tuple[str, str]], current: str) -> None:
    """Offer `entries` (text, data), where they are others than now."""
    if [(choice.itemText(k), choice.itemData(k)) for k in range(choice.count())] != list(entries):
        choice.clear()
        for text, data in entries:
            choice.addItem(text, data)
    choice.setCurrentIndex(choice.findData(current))
