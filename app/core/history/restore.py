"""The settings of a picture in the history, back on the panel."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.core.files.background import Background
from app.core.files.settings_in import SettingsFound, settings_in
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from engine.pictures.foreign.adopt import adopt
from engine.spec.draft import Draft
from engine.spec.request import RequestError

if TYPE_CHECKING:
    from engine.history.store import Picture


class SettingsRestorer(QObject):
    """Reads the settings in a picture's file, in a helper thread, and makes them the draft."""

    used = Signal()
    notice_raised = Signal(object)

    def __init__(self, draft: DraftModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._background = Background(self)

    def use(self, picture: Picture, with_seed: bool) -> None:
        """Put the settings of a picture on the panel, with its seed or with the one that is there."""
        work = partial(settings_in, picture.path)
        then = partial(self._on_read, picture, with_seed)
        self._background.start(work, then, lambda error: self._say("error", str(error)))

    def close(self) -> None:
        self._background.close()

    def _on_read(self, picture: Picture, with_seed: bool, found: SettingsFound) -> None:
        name = picture.path.name
        said = f"The settings of {name} are on the panel." if with_seed else f"The settings of {name}, with your seed."
        try:
            if found.own is not None:
                draft = Draft.of(found.own)
            elif found.foreign is not None:
                adopted = adopt(found.foreign, self._draft.models, self._draft.model, found.loras, found.vae)
                draft, said = adopted.draft, adopted.notice
            else:
                gone = "is gone" if not picture.path.exists() else "holds no settings"
                self._say("info", f"{name} {gone}: choose another picture.")
                return
            self._draft.current = draft if with_seed else replace(draft, seed=self._draft.current.seed)
        except RequestError as error:
            self._say("error", str(error))
            return
        self._say("info", said)
        self.used.emit()

    def _say(self, level: str, sentence: str) -> None:
        self.notice_raised.emit(Notice("error" if level == "error" else "info", sentence))
