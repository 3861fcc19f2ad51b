"""One line under the prompt: a word that the model does not know, and known names to put in its place."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from app.core.shown.naming import shorten
from app.ui.look.theme import em
from app.ui.widgets.quiet_label import QuietLabel

MOST = 3  # names
LONGEST_WORD = 18  # characters of a word or a name


class HintLine(QWidget):
    """Its height never changes, and its widgets stay: only their texts change.

    replaced -- (word, name): a person chose the name in the place of the word
    """

    replaced = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[str, tuple[str, ...], int] = ("", (), 0)
        self.text = QuietLabel()
        self.links = [QPushButton() for _ in range(MOST)]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.2))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        row.addWidget(self.text)
        for k, link in enumerate(self.links):
            link.setProperty("kind", "link")
            link.hide()
            link.clicked.connect(partial(self._choose, k))
            row.addWidget(link)
        row.addStretch(1)

    @property
    def word(self) -> str:
        """The shown word; "" for none."""
        return self._shown[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The names that can be clicked."""
        return self._shown[1][: sum(not link.isHidden() for link in self.links)]

    def show_hint(self, word: str, names: tuple[str, ...] = (), others: int = 0) -> None:
        """Show an unknown word, with names for it, and the number of other unknown words; "" clears the line."""
        if (word, names, others) == self._shown:
            return
        self._shown = word, names, others
        for link, name in zip(self.links, names, strict=False):
            link.setText(shorten(name, LONGEST_WORD).replace("&", "&&"))
            link.setAccessibleName(f"Replace {word} by {name}")
            link.setToolTip(f"Replace “{word}” by “{name}”")
        self._fit()

    def _fit(self) -> None:
        """Show the names that there is room for, and the words before them."""
        word, names, others = self._shown
        short, gap, metrics = shorten(word, LONGEST_WORD), em(self, 0.2), self.fontMetrics()
        for lead in (f"Unknown: {short}  →", f"{short}  →"):
            room, fitting = self.width() - metrics.horizontalAdvance(lead) - 4, 0
            for link in self.links[: len(names)]:
                room -= link.sizeHint().width() + gap
                fitting += room >= 0
            if fitting:
                break
        if not fitting:
            lead = f"The model does not know “{short}”" if word else ""
            lead += f" and {others} more" if others else ""
        self.text.setText(lead)
        width = self.width() if not fitting else metrics.horizontalAdvance(lead) + 4
        self.text.setFixedWidth(min(width, self.width()))
        for k, link in enumerate(self.links):
            link.setVisible(k < fitting)

    def _choose(self, k: int, _checked: bool = False) -> None:
        self.replaced.emit(self._shown[0], self._shown[1][k])

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(em(self, 8), max(em(self, 1.1), self.links[0].sizeHint().height()))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())
