"""StudioModels: the user's models as the window needs them."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.models.library import ModelLibrary
from app.core.models.thumbnails import Thumbnails


class StudioModels(QObject):
    """The parts.

    library    -- the folders and files
    thumbnails -- of their pictures
    """

    notice_raised = Signal(object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        """`folder`: of the studio's settings. Nothing is read before start()."""
        super().__init__(parent)
        self.library = ModelLibrary(folder, self)
        self.thumbnails = Thumbnails(self)
        self.library.notice_raised.connect(self.notice_raised)

    def start(self) -> None:
        self.library.start()

    def close(self) -> None:
        self.thumbnails.close()
        self.library.close()
