"""A page of the window: the widgets that it brings, and what the shared actions do while it is in front."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QWidget

from app.core.shown.timeline import StepTimeline, TimelineRun


class NoSteps(StepTimeline):
    """The timeline of a page without one: empty for ever."""

    @property
    def run(self) -> TimelineRun | None:
        return None

    def thumbnail(self, k: int, size: int) -> QImage:
        return QImage()

    def _move(self, k: int) -> None:
        pass


class Page(QObject):
    """One page. A new one is a subclass, and one line in PAGES (app/ui/window/page_table.py).

    The subclass makes its widgets in __init__(studio, actions), and overrides of the methods what it has.

    view     -- the widget in the middle; None for the canvas
    focus    -- the widget that gets the keyboard when the page comes to the front
    panel    -- the widget on the left; None without one
    timeline -- the widget below; None without one
    steps    -- the steps that the keys of the timeline move through
    beside   -- the names of the panels on the right that it has: see PANELS in app/ui/window/docks.py
    """

    view: QWidget | None
    focus: QWidget
    panel: QWidget | None = None
    timeline: QWidget | None = None
    beside: tuple[str, ...] = ()

    def __init__(self, parent: QObject | None = None, steps: StepTimeline | None = None) -> None:
        super().__init__(parent)
        self.steps = steps or NoSteps(self)

    @property
    def window_title(self) -> str | None:
        """What the title of the window says; None for the title of the page."""
        return None

    def take_focus(self) -> None:
        """Give the keyboard to the page, which has just come to the front."""
        self.focus.setFocus(Qt.FocusReason.OtherFocusReason)

    def start(self) -> None:
        """Generate."""

    def why_no_start(self) -> str:
        """Why Generate cannot start, in one sentence; "" when it can."""
        return "There is nothing to generate on this page: open the page Pictures."

    def cancel(self) -> None:
        """Stop what is running on this page."""

    def busy(self) -> bool:
        """Whether there is something to cancel."""
        return False

    def save(self) -> None:
        """Save as."""

    def why_no_save(self) -> str:
        """Why there is nothing to save, in one sentence; "" when there is."""
        return "There is no picture to save on this page: open the page Pictures."
