"""Guidance as the window shows it: the guides, CLIP's scores, the concepts that CLIP sees, the sweep."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.core.canvas.editing import Editing
from app.core.guidance.aim_pictures import AimPictures
from app.core.guidance.aim_sources import AimSources
from app.core.guidance.clip_concepts import ClipConcepts
from app.core.guidance.clip_scores import ClipScores
from app.core.guidance.steering import Steering
from app.core.guidance.sweep import GuidanceSweep
from app.core.jobs.engine import Engine
from app.core.jobs.jobs_model import JobsModel
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import Prices
from app.core.shown.viewer import Viewer
from engine.spec.guides import digests
from engine.store import StoreError


class DocumentGuidance(QObject):
    """The parts of guidance, joined."""

    notice_raised = Signal(object)

    def __init__(
        self,
        draft: DraftModel,
        shown: Viewer,
        editing: Editing,
        jobs: JobsModel,
        prices: Prices,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._shown = shown
        self.pictures = AimPictures()
        self.steering = Steering(draft, shown, self.pictures, self)
        self.scores = ClipScores(shown, editing.candidates, jobs, self.steering, engine, self)
        self.concepts = ClipConcepts(draft, shown, jobs, self.steering, engine, self)
        self.sweep = GuidanceSweep(draft, editing, jobs, prices, self.steering, engine, self)
        self.aim_sources = AimSources(self.steering, self)
        for part in (self.steering, self.scores, self.concepts, self.sweep, self.aim_sources):
            part.notice_raised.connect(self.notice_raised)
        shown.run_changed.connect(self._take_pictures)

    def close(self) -> None:
        """Wait for the picture that is being read."""
        self.aim_sources.close()

    def _take_pictures(self) -> None:
        """Keep the aim pictures of the shown run, so that the draft can use them."""
        run = self._shown.run
        if run is not None and digests(run.request.guides):
            try:
                self.pictures.take(run.own.aims())
            except (StoreError, OSError):
                return  # the engine says so where they are needed
