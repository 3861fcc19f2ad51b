"""The page Morph: key frames, the frames between them, a film."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from app.ui.actions.action_set import ActionSet
from app.ui.actions.studio import StudioParts
from app.ui.morph.panel import MorphPanel
from app.ui.morph.timeline import MorphTimeline
from app.ui.morph.view import MorphView
from app.ui.window.page import Page


class MorphPage(Page):
    """A click on a picture of this session makes it a key frame."""

    beside = ("queue", "recent")
    panel: MorphPanel
    timeline: MorphTimeline
    view: MorphView

    def __init__(self, studio: StudioParts, actions: ActionSet) -> None:
        morph, document = studio.morph, studio.document
        super().__init__(steps=morph)
        self._morph, self._films = morph, studio.films
        self.panel = MorphPanel(morph, document.draft, document.jobs, actions)
        self.timeline = MorphTimeline(morph, studio.filming, actions)
        self.view = MorphView(morph, actions)
        self.focus = self.view.stage

    def take_focus(self) -> None:
        if self.view.stage.isVisible():
            super().take_focus()
        else:
            ways: Iterator[QWidget] = (button for button in self.view.first.buttons.values() if button.isEnabled())
            next(ways, self.panel).setFocus(Qt.FocusReason.OtherFocusReason)

    def start(self) -> None:
        self._morph.start()

    def why_no_start(self) -> str:
        return self._morph.why_not

    def cancel(self) -> None:
        self._morph.cancel()

    def busy(self) -> bool:
        return self._morph.rendering

    def save(self) -> None:
        self._films.save_frame()

    def why_no_save(self) -> str:
        return "There is no frame yet: make the morph first." if self._morph.image is None else ""
