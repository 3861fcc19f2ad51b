"""The widget of the page in front, of the same place in the window."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal

from app.ui.widgets.front_stack import FrontStack
from app.ui.window.page_table import PAGES
from app.ui.window.pages import Pages

if TYPE_CHECKING:
    from app.ui.actions.action_set import ActionSet
    from app.ui.actions.studio import StudioParts
    from app.ui.window.page import Page


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


def make_pages(studio: StudioParts, actions: ActionSet) -> dict[str, Page]:
    """Make every page of PAGES, by its name."""
    made = {}
    for entry in PAGES:
        module, _, name = entry.kind.partition(":")
        made[entry.name] = getattr(import_module(module), name)(studio, actions)
    return made
