"""PreviewDecoder: which decoder makes the sharp previews of a latent run's steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from app.core.models.library import ModelLibrary
from app.core.request.draft_model import DraftModel

TINY = "TAESD"  # begins the title of such a file


class PreviewDecoder:
    """Follows the setting `preview_decoder`: "taesd", "full" or "linear".

    The tensors of a TAESD do not say whether it is for XL: its name does, as the published files have it.
    """

    def __init__(self, setting: Callable[[], str], library: ModelLibrary, draft: DraftModel) -> None:
        self._setting, self._library, self._draft = setting, library, draft

    @property
    def sharpens(self) -> bool:
        """Whether a step becomes sharp where the cursor rests on it."""
        return self._setting() != "linear"

    def tiny_for(self, model: str) -> Path | None:
        """Return the TAESD for the runs of a model, if there is one and it is to be used."""
        info = next((one for one in self._draft.models if one.id == model), None)
        if self._setting() != "taesd" or info is None:
            return None
        family = info.config.get("family", "")
        found = [
            file.path
            for file in self._library.files.values()
            if file.role == "vae" and file.usable and TINY in file.title and family in file.serves
            and ("encoder of" not in file.title) and ("xl" in file.stem.lower()) == family.startswith("sdxl")
        ]  # fmt: skip
        return min(found, key=lambda path: (len(path.name), str(path)), default=None)
