"""A widget that is made when it is first seen: what nobody opens costs the start of the studio nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

W = TypeVar("W", bound=QWidget)


class Deferred(QWidget, Generic[W]):
    """Holds the widget that `make` makes."""

    def __init__(self, make: Callable[[], W]) -> None:
        super().__init__()
        self._make = make
        self._content: W | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._column = column

    @property
    def content(self) -> W:
        """The widget, made where it is not yet."""
        if self._content is None:
            self._content = self._make()
            self._column.addWidget(self._content)
            self.setFocusProxy(self._content)
            self._content.show()  # at once: the layout would show it with a later event
        return self._content

    def showEvent(self, event: QShowEvent) -> None:
        _ = self.content
        super().showEvent(event)
