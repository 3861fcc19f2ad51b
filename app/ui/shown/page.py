"""The page Pictures: the run or the artwork on the canvas, the settings of the next run, the timeline."""

from __future__ import annotations

from app.ui.actions.action_set import ActionSet
from app.ui.actions.studio import StudioParts
from app.ui.request.prompt_panel import PromptPanel
from app.ui.shown.timeline import Timeline
from app.ui.window.page import Page

NO_PICTURE = "There is no picture to save yet: generate one, or open one."


class PicturesPage(Page):
    """Its view is the canvas."""

    beside = "likelihood", "queue", "recent"
    panel: PromptPanel
    timeline: Timeline
    view: None

    def __init__(self, studio: StudioParts, actions: ActionSet) -> None:
        document = studio.document
        super().__init__(steps=document.shown)
        self._document, self._likelihood, self._files = document, studio.picture_likelihood, studio.files
        self.panel = PromptPanel(document, studio.models, actions)
        self.timeline = Timeline(document.shown, document.jobs, document.guidance.scores, actions)
        self.view, self.focus = None, studio.canvas

    @property
    def window_title(self) -> str | None:
        return ""

    def take_focus(self) -> None:
        if self.focus.isVisible():
            super().take_focus()
        else:
            self.panel.focus_first()

    def start(self) -> None:
        self._document.generate()

    def why_no_start(self) -> str:
        return self._document.why_not

    def cancel(self) -> None:
        """Cancel the job of the queue; where none is running, the measurement."""
        if self._document.jobs.running is not None:
            self._document.jobs.cancel()
        else:
            self._likelihood.stop()

    def busy(self) -> bool:
        return bool(self._document.jobs.running or self._likelihood.activity)

    def save(self) -> None:
        self._files.save_shown()

    def why_no_save(self) -> str:
        something = self._document.shown.step_count > 0 or self._document.editing.shows_artwork
        return "" if something else NO_PICTURE
