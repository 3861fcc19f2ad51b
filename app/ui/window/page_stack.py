"""The widget of the page in front, of the same place in the window."""

from __future__ import annotations

from typing import Literal

from app.ui.widgets.front_stack import FrontStack
from app.ui.window.pages import Pages


class PageStack(FrontStack):
    """Shows the panel, or the timeline, of the page in front. Without one the dock is hidden, and nothing changes."""

    def __init__(self, place: Literal["panel", "timeline"], pages: Pages) -> None:
        super().__init__()
        self._place, self._pages = place, pages
        for page in pages.all:
            if (widget := getattr(page, place)) is not None:
                self.addWidget(widget)
        pages.changed.connect(self._follow)

    def _follow(self) -> None:
        if (widget := getattr(self._pages.front, self._place)) is not None:
            self.setCurrentWidget(widget)
