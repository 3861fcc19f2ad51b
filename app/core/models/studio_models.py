"""StudioModels: the user's models as the window needs them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.jobs.jobs_model import JobsModel
from app.core.models.adapters import AdapterChoice
from app.core.models.choice import ModelChoice
from app.core.models.few_step import FewStepOffer
from app.core.models.library import ModelLibrary
from app.core.models.named_files import NamedFiles
from app.core.models.thumbnails import Thumbnails
from app.core.models.vaes import VaeChoice
from app.core.request.draft_model import DraftModel


class StudioModels(QObject):
    """The parts.

    library    -- the folders and files
    choice     -- which model the next run uses
    adapters   -- its LoRAs and their kin
    vaes       -- its VAE
    named      -- the files that its prompt names
    few_step   -- the settings that it is made for
    thumbnails -- of their pictures
    """

    notice_raised = Signal(object)

    def __init__(self, folder: Path, draft: DraftModel, jobs: JobsModel, parent: QObject | None = None) -> None:
        """`folder`: of the studio's settings. Nothing is read before start()."""
        super().__init__(parent)
        self.library = ModelLibrary(folder, self)
        self.thumbnails = Thumbnails(self)
        self.choice = ModelChoice(draft, jobs, self.library, self)
        self.adapters = AdapterChoice(draft, jobs, self.library, self)
        self.vaes = VaeChoice(draft, self.library, self.choice, self)
        self.named = NamedFiles(draft, self.library, self)
        self.few_step = FewStepOffer(draft, self.library, self.adapters, self)
        for part in (self.library, self.choice, self.adapters):
            part.notice_raised.connect(self.notice_raised)

    def start(self) -> None:
        self.library.start()
        self.choice.start()

    def close(self) -> None:
        self.thumbnails.close()
        self.library.close()
