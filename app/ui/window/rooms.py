"""The rooms of the window: the pictures, the 2-D lab, the morph. One is in front, with its panel and its timeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.core.shown.timeline import StepTimeline

PICTURES, LAB, MORPH = "pictures", "lab", "morph"


def _no_reason() -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Room:
    """The room's widgets for the three places of the window, and what the shared actions do in it.

    title -- of the window; "" for the title of the picture
    view  -- the widget in the middle; None for the canvas
    focus -- the widget that gets the keyboard
    start, why_no_start -- Generate, and why it cannot start, in one sentence; "" when it can
    cancel, busy        -- Cancel, and whether there is something to cancel
    save, why_no_save   -- Save as, and why there is nothing to save, in one sentence; "" when there is
    """

    name: str
    title: str
    steps: StepTimeline
    panel: QWidget
    timeline: QWidget
    view: QWidget | None
    focus: QWidget
    start: Callable[[], object]
    cancel: Callable[[], object]
    busy: Callable[[], bool]
    save: Callable[[], object]
    why_no_save: Callable[[], str]
    why_no_start: Callable[[], str] = _no_reason


class Rooms(QObject):
    """Which room is in front. `panels` and `timelines` are the stacks that the window docks."""

    changed = Signal()

    def __init__(self, rooms: Sequence[Room], parent: QObject | None = None) -> None:
        """The studio opens with the first one."""
        super().__init__(parent)
        self._rooms = {room.name: room for room in rooms}
        self._name = rooms[0].name
        self.panels, self.timelines = QStackedWidget(), QStackedWidget()
        for room in rooms:
            self.panels.addWidget(room.panel)
            self.timelines.addWidget(room.timeline)

    @property
    def front(self) -> Room:
        return self._rooms[self._name]

    def show(self, name: str) -> None:
        if name != self._name:
            self.front.steps.pause()
            self._name = name
            self.panels.setCurrentWidget(self.front.panel)
            self.timelines.setCurrentWidget(self.front.timeline)
            self.changed.emit()
