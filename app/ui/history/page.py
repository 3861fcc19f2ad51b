"""The page History: every finished picture, found again."""

from __future__ import annotations

from app.ui.actions.action_set import ActionSet
from app.ui.actions.studio import StudioParts
from app.ui.history.details import Details
from app.ui.history.view import HistoryView
from app.ui.window.page import Page


class HistoryPage(Page):
    """Its panel says how the chosen picture was made. Generate works as on the page Pictures; the result comes here."""

    panel: Details
    view: HistoryView

    def __init__(self, studio: StudioParts, actions: ActionSet) -> None:
        super().__init__()
        self._document = studio.document
        self.panel = Details(studio.history, studio.history_commands, actions)
        self.view = HistoryView(studio.history, studio.history_commands, actions)
        self.focus = self.view.gallery

    def take_focus(self) -> None:
        self.view.take_focus()

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
