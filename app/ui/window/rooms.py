"""The rooms of the window: the pictures, the 2-D lab, the morph. One is in front, with its panel and its timeline."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.core.shown.timeline import StepTimeline

PICTURES, LAB, MORPH = "pictures", "lab", "morph"


def _nothing() -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Room:
    """What stands in the window's three places while the room is in front, and what the shared commands do there.

    title    -- in the window's title; "" for what the picture is called
    view     -- in the middle, in the place of the picture; None for the picture itself
    focus    -- where the keyboard goes
    start, cancel, runs -- Generate and Cancel, and whether there is something to cancel
    why_not  -- why nothing can be started, in one sentence; "" when it can
    save, can_save -- Save as
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
    runs: Callable[[], bool]
    save: Callable[[], object]
    can_save: Callable[[], bool]
    why_not: Callable[[], str] = _nothing


class Rooms(QObject):
    """Which room is in front. `panels` and `timelines` are the stacks that the window docks."""

    changed = Signal()

    def __init__(self, rooms: Sequence[Room], parent: QObject | None = None) -> None:
        """The first is in front at first."""
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
