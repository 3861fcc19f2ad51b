"""The pictures that are looked at in large, under a bar with the way back and the ways to compare."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.core.history.history import History
from app.core.history.table import title_of
from app.ui.history.pair import Mode, Pair
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.widgets.segments import Segments
from engine.history.store import Picture

MODES: dict[str, tuple[str, str]] = {
    "side": ("Side by side", "Both pictures under one zoom"),
    "slider": ("Slider", "One picture on each side of a line: drag it, or use ← and →"),
    "blink": ("Blink", "One after the other in the same place; Space turns by hand"),
}


class LookPage(Retinted, QWidget):
    """Shows `history.looking`."""

    def __init__(self, history: History) -> None:
        super().__init__()
        self._history = history
        self.pair = Pair()
        self.left = self.pair.left
        self.back = QToolButton()
        self.back.setText("All pictures")
        self.back.setToolTip("Back to all pictures (Esc)")
        self.back.setAccessibleName("Back to all pictures")
        self.back.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.modes = Segments("Compare", MODES)
        self.modes.show_choice("side")
        self.title = QuietLabel()
        bar = QFrame()
        bar.setObjectName("pane")
        row = QHBoxLayout(bar)
        row.setContentsMargins(em(self, 0.4), em(self, 0.4), em(self, 0.6), em(self, 0.4))
        row.setSpacing(em(self, 0.8))
        row.addWidget(self.back)
        row.addWidget(self.title, 1)
        row.addWidget(self.modes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(bar)
        column.addWidget(self.pair, 1)
        self.setFocusProxy(self.pair)
        self.back.clicked.connect(self.left)
        self.modes.chosen.connect(self.choose_mode)
        history.looking_changed.connect(self.refresh)
        history.large.arrived.connect(self.refresh)
        self.tint()

    def tint(self) -> None:
        self.back.setIcon(icons.icon("previous", self.palette()))

    def refresh(self) -> None:
        looked = [picture for id in self._history.looking if (picture := self._history.picture(id)) is not None]
        images = tuple(self._history.large.of(picture.path) for picture in looked)
        self.pair.show_images(images, tuple(_caption(picture) for picture in looked))
        self.modes.setVisible(len(looked) > 1)
        self.title.setText(title_of(looked[0]) if len(looked) == 1 else "")

    def choose_mode(self, mode: str) -> None:
        """Compare in one of MODES."""
        self.modes.show_choice(mode)
        chosen: dict[str, Mode] = {"side": "side", "slider": "slider", "blink": "blink"}
        self.pair.mode = chosen[mode]
        self.pair.setFocus()


def _caption(picture: Picture) -> str:
    seed = "" if picture.facts.seed is None else f"   seed {picture.facts.seed}"
    return f"{title_of(picture)}{seed}   {picture.facts.width} × {picture.facts.height}"
