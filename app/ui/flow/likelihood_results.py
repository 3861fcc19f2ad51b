"""The results for a picture: bits along the flow, the bound by noise level, and the map of surprising regions."""

from __future__ import annotations

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from app.core.flow.likelihood import REGIONS, PictureLikelihood
from app.ui.actions.action_set import ActionSet
from app.ui.flow import likelihood_text
from app.ui.flow.map_legend import Legend
from app.ui.flow.plot import CurvePlot
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.disclosure import Disclosure
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.quiet_label import QuietLabel


class DensityResults(QWidget):
    """The number of the flow with an explanation."""

    def __init__(self, picture_likelihood: PictureLikelihood) -> None:
        super().__init__()
        self._likelihood = picture_likelihood
        self.headline = label("", "title")
        self.detail = paragraph()
        about = paragraph(likelihood_text.SMEARED)
        self.about = Disclosure("What the number means", about)
        column = column_in(self)
        column.addWidget(self.headline)
        column.addWidget(self.detail)
        column.addWidget(self.about)
        picture_likelihood.found.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        result = self._likelihood.result
        density = result.density if result else None
        self.setVisible(density is not None)
        if density is not None:
            self.headline.setText(likelihood_text.headline(density))
            self.detail.setText(likelihood_text.detail(density))


class Steps(QWidget):
    """The bound by noise level, and the rate–distortion curve of the picture."""

    def __init__(self, picture_likelihood: PictureLikelihood) -> None:
        super().__init__()
        self._likelihood = picture_likelihood
        self.sum = paragraph()
        self.terms = CurvePlot("Bits by noise level")
        self.terms.setToolTip(likelihood_text.BOUND)
        self.trade = CurvePlot("Rate and distortion")
        self.trade.setToolTip(likelihood_text.TRADE)
        self.readings = {
            plot: PlotReading(plot, resting)
            for plot, resting in (
                (self.terms, likelihood_text.RESTING_TERMS),
                (self.trade, likelihood_text.RESTING_TRADE),
            )
        }
        column = column_in(self)
        column.addWidget(label("Step by step", "heading", self.terms))
        column.addWidget(self.sum)
        for plot, heading in ((self.terms, None), (self.trade, label("Rate and distortion", "heading", self.trade))):
            if heading is not None:
                column.addSpacing(em(self, 0.3))
                column.addWidget(heading)
            column.addWidget(plot)
            column.addWidget(self.readings[plot])
        picture_likelihood.found.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        result = self._likelihood.result
        terms = result.terms if result else None
        self.setVisible(terms is not None)
        if terms is not None:
            self.sum.setText(likelihood_text.sum_of(terms))
            self.terms.show_curve(likelihood_text.terms_curve(terms), likelihood_text.sum_of(terms))
            curve = likelihood_text.trade_curve(terms)
            self.trade.show_curve(curve, f"From {curve.words[0]} to {curve.words[-1]}")


class PlotReading(QuietLabel):
    """What is read of a plot; `resting`, while nothing is."""

    def __init__(self, plot: CurvePlot, resting: str) -> None:
        super().__init__()
        self._resting = resting
        self.setText(resting)
        plot.read.connect(self._read)

    def _read(self, text: str) -> None:
        self.setText(text or self._resting)


class Surprise(QWidget):
    """The map's switch, its region size, its scale and the region under the pointer."""

    def __init__(self, picture_likelihood: PictureLikelihood, actions: ActionSet) -> None:
        super().__init__()
        self._likelihood = picture_likelihood
        self.switch = QCheckBox("Show over the picture")
        self.switch.setAccessibleName("Show what surprises over the picture")
        self.switch.setToolTip(actions["surprise-map"].toolTip())
        self.side = ComboBox("Regions")
        for side in REGIONS:
            self.side.addItem("single pixels" if side == 1 else f"{side} × {side} pixels", side)
        self.legend = Legend()
        self.reading = QuietLabel(lines=2)
        heading = label("What surprises", "heading", self.switch)
        heading.setToolTip(likelihood_text.MAP)
        row = QHBoxLayout()
        row.addWidget(label("Regions", "muted", self.side))
        row.addWidget(self.side, 1)
        column = column_in(self)
        column.addWidget(heading)
        column.addWidget(self.switch)
        column.addLayout(row)
        column.addWidget(self.legend)
        column.addWidget(self.reading)
        self.switch.clicked.connect(self._turn)
        self.side.activated.connect(self._choose)
        for signal in (picture_likelihood.found, picture_likelihood.changed, picture_likelihood.pointed_region_changed):
            signal.connect(self.refresh)
        self.refresh()

    def _turn(self, on: bool) -> None:
        self._likelihood.map_shown = on

    def _choose(self, row: int) -> None:
        self._likelihood.side = self.side.itemData(row)

    def refresh(self) -> None:
        picture_likelihood, regions = self._likelihood, self._likelihood.regions
        self.setVisible(regions is not None)
        self.switch.setChecked(picture_likelihood.map_shown)
        self.side.setCurrentIndex(self.side.findData(picture_likelihood.side))
        if regions is None:
            return
        self.legend.show_regions(regions)
        pointed_region = picture_likelihood.pointed_region
        row, column = pointed_region or regions.most
        lead = "" if pointed_region else "Most: "
        self.reading.setText(f"{lead}{regions.where(row, column)}, {regions.words(row, column)}")


def column_in(widget: QWidget) -> QVBoxLayout:
    """A column without a margin, for a part of a panel."""
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(em(widget, 0.3))
    return column
