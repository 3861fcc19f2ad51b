"""Guidance by a classifier: which, towards which of its labels, how strongly, and whether it knows noise."""

from __future__ import annotations

from PySide6.QtWidgets import QGridLayout, QWidget

from app.core.guidance.steering import Steering
from app.ui.look.theme import em
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.label import label
from app.ui.widgets.number_field import NumberField

TWINS = {
    True: ("Trained on noise", "Is told σ, and knows what a noisy picture may become"),
    False: ("Clean pictures only", "Takes noise for a picture: the catch, to see it fail"),
}


class ClassGuidance(QWidget):
    """Shows and changes the class wish of `steering`."""

    def __init__(self, steering: Steering) -> None:
        super().__init__()
        self._steering = steering
        self.classifier = ComboBox("Classifier")
        self.label = ComboBox("Class to steer to")
        self.scale = NumberField("Strength γ", -1000, 1000, (0, 20), 0.5, 1)
        self.scale.setToolTip("1 is Bayes' rule; above it sharpens, below 0 steers away")
        self.twin = ComboBox("What the classifier knows")
        for noisy, (title, about) in TWINS.items():
            self.twin.addItem(title, noisy)
            self.twin.setItemData(self.twin.count() - 1, about, ABOUT)
        self._fields = {"Class": self.label, "γ": self.scale, "Knows": self.twin}
        self._hidden: list[QWidget] = []
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(em(self, 0.6))
        grid.setVerticalSpacing(em(self, 0.3))
        grid.setColumnStretch(1, 1)
        grid.addWidget(label("Classifier", "heading", self.classifier), 0, 0)
        grid.addWidget(self.classifier, 0, 1)
        for k, (title, field) in enumerate(self._fields.items(), 1):
            said = label(title, "muted", field)
            grid.addWidget(said, k, 0)
            grid.addWidget(field, k, 1)
            self._hidden += [said, field]
        self.classifier.activated.connect(self._on_chosen)
        self.label.activated.connect(self._on_labelled)
        self.twin.activated.connect(self._on_twinned)
        self.scale.changed.connect(lambda value: steering.set_class(scale=round(value, 1)))
        steering.changed.connect(self.refresh)
        self.refresh()

    def _on_chosen(self, row: int) -> None:
        self._steering.set_class(classifier=self.classifier.itemData(row))

    def _on_labelled(self, row: int) -> None:
        self._steering.set_class(label=self.label.itemData(row))

    def _on_twinned(self, row: int) -> None:
        self._steering.set_class(noisy=self.twin.itemData(row))

    def refresh(self) -> None:
        steering, wish = self._steering, self._steering.class_wish
        _fill(self.classifier, [("", "None", ""), *((c.id, c.title, c.where) for c in steering.classifiers)])
        self.classifier.setCurrentIndex(self.classifier.findData(wish.classifier))
        _fill(self.label, [(name, name, "") for name in steering.labels_of(wish.classifier)])
        self.label.setCurrentIndex(self.label.findData(wish.label))
        self.scale.show_value(wish.scale)
        self.twin.setCurrentIndex(self.twin.findData(wish.noisy))
        for widget in self._hidden:
            widget.setVisible(bool(wish.classifier))
        self.setVisible(bool(steering.classifiers) or bool(wish.classifier))


def _fill(choice: ComboBox, entries: list[tuple[str, str, str]]) -> None:
    """(data, title, second line) each; an open list is not disturbed where nothing changed."""
    if [choice.itemData(k) for k in range(choice.count())] == [data for data, _, _ in entries]:
        return
    choice.clear()
    for data, title, about in entries:
        choice.addItem(title, data)
        choice.setItemData(choice.count() - 1, about, ABOUT)
