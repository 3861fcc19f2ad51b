"""The page Lab: models in the plane whose law is known exactly."""

from __future__ import annotations

from app.ui.actions.action_set import ActionSet
from app.ui.actions.studio import StudioParts
from app.ui.lab.panel import LabPanel
from app.ui.lab.timeline import LabTimeline
from app.ui.lab.view import LabView
from app.ui.window.page import Page


class LabPage(Page):
    """Its timeline is a row of noise levels."""

    panel: LabPanel
    timeline: LabTimeline
    view: LabView

    def __init__(self, studio: StudioParts, actions: ActionSet) -> None:
        super().__init__(steps=studio.lab)
        self._lab = studio.lab
        self.panel = LabPanel(studio.lab, actions)
        self.timeline = LabTimeline(studio.lab, actions)
        self.view = LabView(studio.lab, actions)
        self.focus = self.view.plane

    def start(self) -> None:
        self._lab.start()

    def why_no_start(self) -> str:
        return ""

    def cancel(self) -> None:
        self._lab.cancel()

    def busy(self) -> bool:
        return bool(self._lab.activity)

    def save(self) -> None:
        self.view.save_as()

    def why_no_save(self) -> str:
        return "The lab is still loading." if self._lab.field is None else ""
