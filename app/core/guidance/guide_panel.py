"""All about guidance that the window shows: what steers, how near it came, what CLIP sees, what a sweep found."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.core.canvas.editing import Editing
from app.core.guidance.aim_pictures import AimPictures
from app.core.guidance.aim_sources import Aiming
from app.core.guidance.clip_concepts import Seeing
from app.core.guidance.clip_scores import Scoring
from app.core.guidance.steering import Steering
from app.core.guidance.sweep import Sweeping
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import Engine
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import Prices
from app.core.shown.viewer import Viewer
from engine.spec.guides import digests
from engine.store import StoreError


class Guidance(QObject):
    """The parts of guidance, and what joins them."""

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
        self.scoring = Scoring(shown, editing.candidates, jobs, self.steering, engine, self)
        self.seeing = Seeing(draft, shown, jobs, self.steering, engine, self)
        self.sweeping = Sweeping(draft, editing, jobs, prices, self.steering, engine, self)
        self.aiming = Aiming(self.steering, self)
        for part in (self.steering, self.scoring, self.seeing, self.sweeping, self.aiming):
            part.notice_raised.connect(self.notice_raised)
        shown.run_changed.connect(self._take_pictures)

    def close(self) -> None:
        """Wait for what is being read."""
        self.aiming.close()

    def _take_pictures(self) -> None:
        """What the shown run aims at can be aimed at again."""
        run = self._shown.run
        if run is not None and digests(run.request.guides):
            try:
                self.pictures.take(run.own.aims())
            except (StoreError, OSError):
                return  # the engine says so where they are needed
