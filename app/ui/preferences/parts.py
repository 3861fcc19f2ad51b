"""What the preferences need of the studio."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.core.files.folders import Folders
from app.core.models.library import ModelLibrary
from app.core.storage.storage import Storage
from app.settings import Settings
from app.ui.actions.bindings import Bindings


@dataclass(frozen=True, slots=True, kw_only=True)
class PreferenceParts:
    """usual       -- the folders where nothing else is chosen
    folders     -- those in use
    set_precision -- sets the precision of models that have none of their own
    add_folder  -- asks for another folder of models
    open_folder -- shows a folder in the file manager
    """

    settings: Settings
    bindings: Bindings
    library: ModelLibrary
    set_precision: Callable[[str], object]
    storage: Storage
    usual: Folders
    folders: Folders
    add_folder: Callable[[], object]
    open_folder: Callable[[Path], object]

    def usual_folder(self, setting: str) -> Path | None:
        """The folder that an empty setting stands for."""
        return {"pictures_folder": self.usual.pictures, "runs_folder": self.usual.runs}.get(setting)
