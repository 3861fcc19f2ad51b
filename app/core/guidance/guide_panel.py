"""All about guidance that the window shows: what steers, how near it came, what CLIP sees, what a sweep found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.core.guidance.aim_pictures import AimPictures
from app.core.guidance.aim_sources import Aiming
from app.core.guidance.clip_concepts import Seeing
from app.core.guidance.clip_scores import Scoring
from app.core.guidance.steering import Steering
from app.core.guidance.sweep import Sweeping
from engine.spec.guides import digests
from engine.store import StoreError

if TYPE_CHECKING:
    from app.core.document import Document
    from app.core.jobs.engine import Engine


class Guidance(QObject):
    """Its parts, joined to the document that owns it."""

    def __init__(self, document: Document, engine: Engine) -> None:
        super().__init__(document)
        self._document = document
        self.pictures = AimPictures()
        self.steering = Steering(document, self.pictures, self)
        self.scoring = Scoring(document, self.steering, engine, self)
        self.seeing = Seeing(document, self.steering, engine, self)
        self.sweeping = Sweeping(document, self.steering, engine, self)
        self.aiming = Aiming(self.steering, self)
        self.aiming.notice_raised.connect(document.notice_raised)
        document.run_changed.connect(self._take_pictures)

    def close(self) -> None:
        """Wait for what is being read."""
        self.aiming.close()

    def _take_pictures(self) -> None:
        """What the shown run aims at can be aimed at again."""
        run = self._document.run
        if run is not None and digests(run.request.guides):
            try:
                self.pictures.take(run.own.aims())
            except (StoreError, OSError):
                return  # the engine says so where they are needed
