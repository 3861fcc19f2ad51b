"""VaeChoice: the VAE of the next run, the model's own or one of the user's files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.models.choice import ModelChoice
from app.core.models.library import ModelLibrary
from app.core.models.model_file import ModelFile
from app.core.request.draft_model import DraftModel
from engine.spec.limits import MAX_NAME
from engine.spec.vae import VaeUse


class VaeChoice(QObject):
    """Follows the draft and the user's files. A chosen file is hashed first, as a Request names it by its hash.

    changed -- the choice, or what can be chosen
    """

    changed = Signal()

    def __init__(
        self, draft: DraftModel, library: ModelLibrary, choice: ModelChoice, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._draft, self._library, self._choice = draft, library, choice
        self._waiting: tuple[Path, str] | None = None  # a file that is read for its hash, and the model that it is for
        draft.changed.connect(self._check)
        draft.model_changed.connect(self._check)
        library.changed.connect(self._on_library)
        library.activity_changed.connect(self._check)
        library.hashing.computed.connect(self._on_hash)
        library.hashing.failed.connect(self._on_no_hash)

    @property
    def needed(self) -> bool:
        """Whether the model can take another VAE."""
        return "vae" in self._draft.model.takes

    @property
    def files(self) -> list[ModelFile]:
        """The VAEs that are here and fit the model, by name."""
        return self._choice.vaes_for(self._draft.model)

    @property
    def current(self) -> Path | None:
        """The file of the chosen VAE, or the one that is read for its hash; None for the model's own or a missing
        one.
        """
        if self.waiting and self._waiting is not None:
            return self._waiting[0]
        use = self._draft.current.vae
        file = None if use is None else self._file(use)
        return None if file is None else file.path

    @property
    def default(self) -> str:
        """The name of the VAE that the model is set to; "" for its own."""
        vae = self._draft.model.vae
        return "" if vae is None else vae.name

    @property
    def waiting(self) -> bool:
        """Whether the chosen file is still read for its hash."""
        return self._waiting is not None and self._waiting[1] == self._draft.model.id

    @property
    def problem(self) -> str:
        """Why the chosen VAE cannot be used, in one sentence; "" where it can."""
        use = self._draft.current.vae
        if use is None or not self.needed or self._library.listing or self._file(use) is not None:
            return ""
        held = [file for file in self._library.files.values() if file.sha256 == use.sha256 and not file.missing]
        if held:
            return f"The VAE “{use.name}” does not fit this model: choose another."
        return f"The VAE “{use.name}” is not here: add its file, or choose another."

    def choose(self, path: Path | None) -> None:
        """Use the VAE in that file from now on; None: the model's own."""
        self._waiting = None if path is None else (path, self._draft.model.id)
        if path is None:
            self._draft.update(vae=None)
        elif digest := self._library.hashes.known(path):
            self._on_hash(path, digest)
        else:
            self._library.hashing.compute([path], first=True)
        self.changed.emit()

    def _file(self, use: VaeUse) -> ModelFile | None:
        """The fitting file with that hash, else one of that name whose hash is not known yet."""
        return next((file for file in self.files if file.sha256 == use.sha256), None) or next(
            (file for file in self.files if not file.sha256 and file.stem == use.name), None
        )

    def _on_hash(self, path: Path, digest: str) -> None:
        if self._waiting == (path, self._draft.model.id):
            self._waiting = None
            self._draft.update(vae=VaeUse(name=path.stem[:MAX_NAME], sha256=digest))

    def _on_no_hash(self, path: Path, _sentence: str) -> None:
        if self._waiting is not None and self._waiting[0] == path:
            self._waiting = None
            self.changed.emit()

    def _on_library(self, _paths: Collection[Path]) -> None:
        self._check()

    def _check(self) -> None:
        self._draft.lack("vae", self.problem)
        self.changed.emit()
