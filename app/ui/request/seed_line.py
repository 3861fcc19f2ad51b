"""A line for one seed, also as other studios write it."""

from __future__ import annotations

import re

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QLineEdit, QStyle, QStyleOptionFrame

from app.core.request.seeds import roll
from app.ui.widgets.edits import clear_refusal, refuse
from engine.spec.request import MAX_SEED

DIGITS = 10  # of a rolled seed, at most
INSIDE = 2  # pixels that Qt leaves on either side of the text of a line
LONGEST = 40  # characters of a seed that a sentence quotes
TIP = "The same seed and settings give the same picture; a batch counts up from it. −1 is a random seed"


class SeedLine(QLineEdit):
    """A seed, 0 … 2⁶³ − 1: a spin box ends at 2³¹. `chosen` carries a seed as text, for Qt's int ends at 2³¹ too."""

    chosen = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._seed = 0
        self.setAccessibleName(name)
        self.setToolTip(TIP)
        self.textEdited.connect(lambda: clear_refusal(self))
        self.editingFinished.connect(self._take)

    def _narrowest(self) -> int:
        """The width at which DIGITS digits are seen whole."""
        option = QStyleOptionFrame()
        self.initStyleOption(option)
        around = self.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, self)
        margins = self.textMargins()
        text = self.fontMetrics().horizontalAdvance("0" * DIGITS)
        return text + self.width() - around.width() + margins.left() + margins.right() + 2 * INSIDE + 1

    def minimumSizeHint(self) -> QSize:
        return QSize(self._narrowest(), super().minimumSizeHint().height())

    def show_seed(self, seed: int) -> None:
        """Show a seed. While it is the same, what someone is typing stays."""
        if seed != self._seed or not self.isModified():
            self._seed = seed
            if self.text() != str(seed):
                self.setText(str(seed))
                self.setCursorPosition(0)

    def _take(self) -> None:
        """Choose the seed that was typed; where it is none, say why and show the former one."""
        if not self.isModified():
            return
        self.setModified(False)
        typed = self.text().strip().replace("−", "-")
        short = typed if len(typed) <= LONGEST else f"{typed[:LONGEST]}…"
        seed = self._seed
        if typed == "-1":
            seed = roll()
            refuse(self, f"“-1” is a random seed: this time it is {seed}.")
        elif typed and not re.fullmatch(r"[+]?\d+", typed):
            refuse(self, f"“{short}” is not a seed: type a whole number, 0 to {MAX_SEED}.")
        elif len(typed) > LONGEST or (typed and int(typed) > MAX_SEED):
            refuse(self, f"The seed {short} is too large: type one of {MAX_SEED} at most.")
        elif typed:
            seed = int(typed)
        self._seed = seed
        self.setText(str(seed))
        self.setCursorPosition(0)
        self.chosen.emit(str(seed))
