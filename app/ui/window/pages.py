"""The pages of the window, shown as tabs: their table, and which one is in front."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from app.ui.actions.action_set import ActionSet
    from app.ui.actions.studio import StudioParts
    from app.ui.window.page import Page

PICTURES, MORPH, LAB = "pictures", "morph", "lab"


@dataclass(frozen=True, slots=True)
class PageEntry:
    """One tab.

    kind -- the import path of its class: the actions are made of this table, and the classes use the actions
    key  -- a second key; the first is Ctrl and the number of the tab
    """

    name: str
    title: str
    kind: str
    tip: str
    key: str = ""


PAGES = (
    PageEntry(PICTURES, "Pictures", "app.ui.shown.page:PicturesPage", "Make pictures, edit them, and see every step"),
    PageEntry(
        MORPH, "Morph", "app.ui.morph.page:MorphPage",
        "From picture to picture along the flow: key frames, the frames between them, a film", "F4",
    ),
    PageEntry(
        LAB, "Lab", "app.ui.lab.page:LabPage",
        "The 2-D lab: models in the plane, known exactly, with their score, samplers and chains", "F2",
    ),
)  # fmt: skip
TITLES = {entry.name: entry.title for entry in PAGES}

P = TypeVar("P", bound="Page")


def make_pages(studio: StudioParts, actions: ActionSet) -> dict[str, Page]:
    """Make every page of PAGES, by its name."""
    made = {}
    for entry in PAGES:
        module, _, name = entry.kind.partition(":")
        made[entry.name] = getattr(import_module(module), name)(studio, actions)
    return made


class Pages(QObject):
    """Which page is in front, and the ones that lead back from it. The studio opens with the first.

    The first page is home: nothing leads back from there.
    """

    changed = Signal()

    def __init__(self, pages: Mapping[str, Page], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pages = dict(pages)
        self._home = self._name = next(iter(pages))
        self._trail: list[str] = []

    @property
    def name(self) -> str:
        """The name of the page in front."""
        return self._name

    @property
    def front(self) -> Page:
        return self._pages[self._name]

    @property
    def all(self) -> tuple[Page, ...]:
        return tuple(self._pages.values())

    @property
    def before(self) -> str:
        """The name of the page that leads back from the one in front; "" for none."""
        return self._trail[-1] if self._trail else ""

    def find(self, kind: type[P]) -> P:
        """Return the page of that class."""
        return next(page for page in self._pages.values() if isinstance(page, kind))

    def show(self, name: str) -> None:
        """Bring that page to the front."""
        if name == self._name:
            return
        self._trail = [] if name == self._home else [*(n for n in self._trail if n != name), self._name]
        self.front.steps.pause()
        self._name = name
        self.changed.emit()

    def go_back(self) -> None:
        """Show the page that was in front before this one."""
        if self._trail:
            *rest, name = self._trail
            self.show(name)
            self._trail = [n for n in rest if n != name]
