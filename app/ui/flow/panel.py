"""The Likelihood panel: the log density of the picture on the canvas, by noise level and by region."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QAction, QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.flow.encode import CLOSENESS, METHODS, Encoder
from app.core.flow.likelihood import MOST_PROBES, TOLERANCES, PictureLikelihood
from app.core.flow.likelihood_result import ConditionSource
from app.core.flow.subject import MIDDLE, SHRUNK
from app.ui.actions.action_set import ActionSet
from app.ui.flow.encoded_card import EncodedCard
from app.ui.flow.likelihood_results import DensityResults, Steps, Surprise
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.disclosure import Disclosure
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.number_field import NumberField
from app.ui.widgets.panel_layout import column_of, field_grid, lay_out
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.widgets.quiet_progress import QuietProgress

SOURCE_NAMES: dict[ConditionSource, str] = {"nothing": "Nothing", "panel": "The panel's words", "made": "What made it"}


class LikelihoodPanel(QWidget):
    """Shows the likelihood of the picture and its settings; has no state of its own."""

    def __init__(self, picture_likelihood: PictureLikelihood, encoder: Encoder, actions: ActionSet) -> None:
        super().__init__()
        self._likelihood, self._encoder, self._actions = picture_likelihood, encoder, actions
        self.setAccessibleName("Likelihood and encoding")
        self.setMinimumWidth(em(self, 18.5))
        self.picture = QuietLabel(muted=False)
        self.judge = ComboBox("Judged by")
        for info in picture_likelihood.models:
            self.judge.addItem(info.title, info.id)
        self.condition_source = ComboBox("Condition")
        self.way = ComboBox("Brought to size")
        self.size_note = paragraph()
        self.probes = NumberField("Probes", 1, MOST_PROBES, (1, 16))
        self.probes.setToolTip("Random directions along which the flow's spread is measured; more make ± smaller")
        self.tolerance = tolerances("Tolerance of the likelihood", TOLERANCES)
        self.method = ComboBox("Encoding")
        self.method.setToolTip("How a picture is taken up to its noise")
        self.closeness = tolerances("Tolerance of encoding", CLOSENESS)
        self.density = DensityResults(picture_likelihood)
        self.steps = Steps(picture_likelihood)
        self.surprise = Surprise(picture_likelihood, actions)
        self.problem = paragraph("", "alarm")
        self.encoded = EncodedCard(encoder, actions)
        self.measure = self._button(actions["likelihood"], "Measure")
        set_kind(self.measure, "primary")
        self.encode = self._button(actions["encode"], "Encode")
        self.stop = QPushButton("Stop")
        self.stop.setAccessibleName("Stop")
        set_kind(self.stop, "stop")
        self.progress = QuietProgress("Progress along the flow")
        self.note = QuietLabel(lines=2, align="centre")
        self._lay_out()
        self.judge.activated.connect(lambda row: picture_likelihood.choose_judge(self.judge.itemData(row)))
        self.condition_source.activated.connect(self._choose_condition)
        self.way.activated.connect(self._tell_way)
        self.tolerance.activated.connect(self._tell_tolerance)
        self.closeness.activated.connect(self._tell_closeness)
        self.probes.changed.connect(self._tell_probes)
        self.method.activated.connect(self._tell_method)
        self.stop.clicked.connect(self._stop)
        encoder.changed.connect(self.refresh)  # it emits the likelihood's changes too
        picture_likelihood.found.connect(self._show_found)
        for signal in (
            picture_likelihood.activity_changed,
            encoder.activity_changed,
            picture_likelihood.progressed,
            encoder.progressed,
        ):
            signal.connect(self._show_foot)
        self.refresh()
        self._show_found()

    def _lay_out(self) -> None:
        content = QWidget()
        column = column_of(content)
        column.addWidget(label("Likelihood and encoding", "heading"))
        column.addWidget(self.picture)
        column.addSpacing(em(self, 0.3))
        column.addLayout(field_grid(self, {"Judged by": self.judge, "Condition": self.condition_source}))
        column.addWidget(self.size_note)
        column.addWidget(self.way)
        careful = QWidget()
        fields: dict[str, QWidget] = {"Probes": self.probes, "Tolerance": self.tolerance}
        fields |= {"Encoding": self.method, "To within": self.closeness}
        grid = field_grid(self, fields)
        grid.setContentsMargins(0, 0, 0, 0)
        careful.setLayout(grid)
        self.careful = Disclosure("Accuracy", careful)
        column.addWidget(self.careful)
        for part in (self.problem, self.encoded, self.density, self.surprise, self.steps):
            column.addSpacing(em(self, 0.3))
            column.addWidget(part)
        column.addStretch(1)
        lay_out(self, content, self._foot())

    @staticmethod
    def _button(action: QAction, text: str) -> QPushButton:
        """Triggers the action. The panel itself enables it: the action also works while the panel is closed."""
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.setToolTip(action.toolTip())
        button.clicked.connect(action.trigger)
        return button

    def _foot(self) -> QWidget:
        foot = QWidget()
        column = QVBoxLayout(foot)
        side = em(self, 0.8)
        column.setContentsMargins(side, em(self, 0.7), side, em(self, 0.3))
        column.setSpacing(em(self, 0.3))
        row = QHBoxLayout()
        row.setSpacing(em(self, 0.4))
        for button in (self.measure, self.encode, self.stop):
            row.addWidget(button, 1)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addWidget(self.note)
        return foot

    # mouse and keyboard

    def _stop(self) -> None:
        self._likelihood.stop()
        self._encoder.stop()

    def _tell_method(self, row: int) -> None:
        self._encoder.method = self.method.itemData(row)

    def _choose_condition(self, row: int) -> None:
        self._likelihood.condition_source = self.condition_source.itemData(row)

    def _tell_way(self, row: int) -> None:
        self._likelihood.way = self.way.itemData(row)

    def _tell_tolerance(self, row: int) -> None:
        self._likelihood.tolerance = self.tolerance.itemData(row)

    def _tell_closeness(self, row: int) -> None:
        self._encoder.tolerance = self.closeness.itemData(row)

    def _tell_probes(self, probes: float) -> None:
        self._likelihood.probes = round(probes)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._likelihood.set_watched(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._likelihood.set_watched(False)

    # showing

    def refresh(self) -> None:
        picture_likelihood, judge = self._likelihood, self._likelihood.judge
        subject = picture_likelihood.subject
        title = subject.title if subject else ""
        self.picture.setText(title[:1].upper() + title[1:] if subject else "No picture yet")
        self.judge.setCurrentIndex(self.judge.findData(judge.id))
        self._list_conditions()
        self._list_ways()
        self._list_tolerances()
        self._list_methods()
        self.probes.show_value(picture_likelihood.probes)
        self._show_foot()

    def _show_found(self) -> None:
        """What it took is the next one's price."""
        self._list_tolerances()
        self._show_foot()
        result = self._likelihood.result
        self.problem.setText(result.problem if result else "")
        self.problem.setVisible(bool(self.problem.text()))

    def _list_conditions(self) -> None:
        conditions = self._likelihood.conditions
        entries = [
            (
                f"{SOURCE_NAMES[condition_source]}: {c.words}" if c.words else SOURCE_NAMES[condition_source],
                condition_source,
            )
            for condition_source, c in conditions.items()
        ]
        fill(self.condition_source, entries, self._likelihood.condition_source)
        self.condition_source.setEnabled(len(entries) > 1)

    def _list_ways(self) -> None:
        picture_likelihood, judge, subject = self._likelihood, self._likelihood.judge, self._likelihood.subject
        ways = picture_likelihood.ways
        for widget in (self.size_note, self.way):
            widget.setVisible(bool(ways))
        if not ways or subject is None:
            return
        width, height = picture_likelihood.judged_size
        wanted = f"{width} × {height}"
        self.size_note.setText(f"It is {subject.size[0]} × {subject.size[1]}, and {judge.title} judges {wanted}:")
        names = {SHRUNK: f"all of it, brought to {wanted}", MIDDLE: f"its middle {wanted} pixels as they are"}
        fill(self.way, [(names[way], way) for way in ways], picture_likelihood.way)

    def _list_tolerances(self) -> None:
        """Each with its price, as far as it is known."""
        for row, value in enumerate(TOLERANCES):
            self.tolerance.setItemData(row, self._likelihood.price(value), ABOUT)
        for row, value in enumerate(CLOSENESS):
            self.closeness.setItemData(row, self._encoder.price(value), ABOUT)
        self.tolerance.setCurrentIndex(self.tolerance.findData(self._likelihood.tolerance))
        self.closeness.setCurrentIndex(self.closeness.findData(self._encoder.tolerance))

    def _list_methods(self) -> None:
        methods = self._encoder.methods
        fill(self.method, [(METHODS[method][0], method) for method in methods], self._encoder.method)
        for row, method in enumerate(methods):
            self.method.setItemData(row, METHODS[method][1], ABOUT)
        self.method.setEnabled(len(methods) > 1)

    def _show_foot(self) -> None:
        picture_likelihood, measured, moved = self._likelihood, self._likelihood.activity, self._encoder.activity
        busy = measured or moved
        why = picture_likelihood.why_no_bits
        for button, why_not in ((self.measure, why), (self.encode, picture_likelihood.why_not)):
            button.setVisible(busy is None)
            button.setEnabled(not why_not)
            button.setAccessibleDescription(why_not)
        self.stop.setVisible(busy is not None)
        self.progress.setVisible(busy is not None)
        prices = f"Measure: {picture_likelihood.price_text}\nEncode: {self._encoder.price_text}"
        said = why or (prices if picture_likelihood.subject is not None else "")
        if busy is not None:
            self.stop.setText("Stopping …" if busy.stopping else "Stop")
            self.stop.setEnabled(not busy.stopping)
            self.progress.show_share(busy.share)
            elsewhere = measured is not None and not picture_likelihood.measuring
            said = f"{busy.words}{', of another picture' if elsewhere else ''}"
        self.note.setText(said)


def tolerances(name: str, values: Sequence[float]) -> ComboBox:
    choice = ComboBox(name)
    for value in values:
        choice.addItem(f"{value:.0e}".replace("e-0", "e-"), value)
    choice.setToolTip("How exactly the flow is followed: a smaller error takes more model calls")
    return choice


def fill(choice: ComboBox, entries: Sequence[tuple[str, str]], current: str) -> None:
    """Offer `entries` (text, data), where they are others than now."""
    if [(choice.itemText(k), choice.itemData(k)) for k in range(choice.count())] != list(entries):
        choice.clear()
        for text, data in entries:
            choice.addItem(text, data)
    choice.setCurrentIndex(choice.findData(current))
