"""VaeChoice: the VAE of the next run: the one that the model is set to, its own, or one of the user's files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.models.choice import ModelChoice
from app.core.models.library import ModelLibrary
from app.core.models.model_file import ModelFile
from app.core.request.draft_model import DraftModel
from engine.spec.limits import MAX_NAME
from engine.spec.vae import OWN, VaeUse


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
    def has_own(self) -> bool:
        """Whether the model's own file holds a VAE."""
        return "vae" not in self._draft.model.lacks

    @property
    def files(self) -> list[ModelFile]:
        """The VAEs that are here and fit the model, by name."""
        return self._choice.vaes_for(self._draft.model)

    @property
    def default(self) -> str:
        """The name of the VAE that the model is set to; "" for its own."""
        vae = self._draft.model.vae
        return "" if vae is None else vae.name

    @property
    def current(self) -> Path | None:
        """The file of the chosen VAE, or the one that is read for its hash; None where no file is chosen or its file
        is missing.
        """
        if self.waiting and self._waiting is not None:
            return self._waiting[0]
        use = self._draft.current.vae
        file = self._file(use) if isinstance(use, VaeUse) else None
        return None if file is None else file.path

    @property
    def is_own(self) -> bool:
        """Whether the model's own VAE is used: it is chosen, or the model is set to no other one."""
        vae = self._draft.current.vae
        return not self.waiting and (vae == OWN or (vae is None and not self.default))

    @property
    def waiting(self) -> bool:
        """Whether the chosen file is still read for its hash."""
        return self._waiting is not None and self._waiting[1] == self._draft.model.id

    @property
    def lacking(self) -> bool:
        """Whether a VAE must be chosen, because the model has none."""
        return self.needed and self.is_own and not self.has_own

    @property
    def problem(self) -> str:
        """Why the chosen VAE cannot be used, in one sentence; "" where it can."""
        use = self._draft.current.vae
        if not self.needed:
            return ""
        if self.waiting:  # a run would use the VAE of before
            return "Reading the VAE's file once, for its hash …"
        if self.lacking:
            way = "choose one" if self.files else "add the folder with a VAE's file to your models"
            return f"{self._draft.model.title} has no VAE: {way}."
        if not isinstance(use, VaeUse) or self._library.listing or self._file(use) is not None:
            return ""
        held = [file for file in self._library.files.values() if file.sha256 == use.sha256 and not file.missing]
        if held:
            return f"The VAE “{use.name}” does not fit this model: choose another."
        return f"The VAE “{use.name}” is not here: add its file, or choose another."

    def choose(self, path: Path) -> None:
        """Use the VAE in that file from now on."""
        self._waiting = (path, self._draft.model.id)
        if digest := self._library.hashes.known(path):
            self._on_hash(path, digest)
        else:
            self._library.hashing.compute([path], first=True)
        self._check()

    def choose_own(self) -> None:
        """Use the model's own VAE from now on, whatever the model is set to."""
        self._waiting = None
        self._draft.update(vae=OWN if self.default else None)
        self._check()

    def choose_default(self) -> None:
        """Use the VAE that the model is set to from now on, also where that changes."""
        self._waiting = None
        self._draft.update(vae=None)
        self._check()

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
            self._check()

    def _on_library(self, _paths: Collection[Path]) -> None:
        self._check()

    def _check(self) -> None:
        self._draft.lack("vae", self.problem)
        self.changed.emit()
