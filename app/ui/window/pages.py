"""Which page of the window is in front."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Signal

if TYPE_CHECKING:
    from app.ui.window.page import Page

P = TypeVar("P", bound="Page")


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
