"""The page History: every finished picture, found again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.actions.action_set import ActionSet
from app.ui.actions.studio import StudioParts
from app.ui.widgets.deferred import Deferred
from app.ui.window.page import Page

if TYPE_CHECKING:
    from app.ui.history.details import Details
    from app.ui.history.view import HistoryView


class HistoryPage(Page):
    """Its panel says how the chosen picture was made. Generate works as on the page Pictures; the result comes here.

    The widgets are made when the page is first opened.
    """

    panel: Deferred[Details]
    view: Deferred[HistoryView]

    def __init__(self, studio: StudioParts, actions: ActionSet) -> None:
        super().__init__()
        self._studio, self._actions = studio, actions
        self._document = studio.document
        self.panel = Deferred(self._make_details)
        self.view = Deferred(self._make_view)
        self.focus = self.view

    def _make_details(self) -> Details:
        from app.ui.history.details import Details

        return Details(self._studio.history, self._studio.history_commands, self._actions)

    def _make_view(self) -> HistoryView:
        from app.ui.history.view import HistoryView

        return HistoryView(self._studio.history, self._studio.history_commands, self._actions)

    def take_focus(self) -> None:
        self.view.content.take_focus()

    def start(self) -> None:
        self._document.generate()

    def why_no_start(self) -> str:
        return self._document.why_not

    def cancel(self) -> None:
        self._document.jobs.cancel()

    def busy(self) -> bool:
        return bool(self._document.jobs.running)

    def why_no_save(self) -> str:
        return "Every picture of the history is a file already: open one to save it under another name."
