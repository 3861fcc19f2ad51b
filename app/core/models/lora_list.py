"""LoraList: the adapters (LoRA and its kin) of the next run, with their strengths, from the user's files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.models.library import ModelLibrary
from app.core.models.model_file import ModelFile
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from engine.spec.adapter import MAX_ADAPTERS, AdapterUse
from engine.spec.limits import MAX_NAME


class LoraList(QObject):
    """The draft's adapters. `changed` is emitted when the files or the draft change."""

    changed = Signal()
    notice_raised = Signal(object)

    def __init__(self, draft: DraftModel, library: ModelLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._library = draft, library
        self._waiting: list[tuple[Path, str]] = []  # files whose hash is being computed, each with its model's id
        for signal in (draft.changed, draft.model_changed, library.changed):
            signal.connect(self.changed)
        library.hashing.computed.connect(self._on_hash)

    @property
    def taken(self) -> bool:
        """Whether the model takes adapters."""
        return "adapters" in self._draft.model.takes

    @property
    def uses(self) -> tuple[AdapterUse, ...]:
        return self._draft.current.adapters

    @property
    def waiting(self) -> list[Path]:
        """The files that come into the list as soon as their hash is known."""
        return [path for path, model in self._waiting if model == self._draft.model.id]

    def file_of(self, use: AdapterUse) -> ModelFile | None:
        """The file of an adapter; None where it is not among the user's files."""
        return next((file for file in self._library.files.values() if file.sha256 == use.sha256), None)

    def fitting(self) -> list[ModelFile]:
        """The adapters for the model's family that are not in the list, by name."""
        family = self._draft.model.config.get("family")
        used = {use.sha256 for use in self.uses}
        found = [
            file
            for file in self._library.files.values()
            if file.role == "adapter" and file.usable and family in file.serves and file.sha256 not in used
        ]
        return sorted(found, key=lambda file: (file.stem.lower(), str(file.path)))

    def why_not(self, file: ModelFile) -> str:
        """Why an adapter cannot be used with the model, in one sentence; "" where it can."""
        model = self._draft.model
        if not file.usable:
            return file.problem or "This file is no longer there."
        if not self.taken:
            return f"{model.title} takes no LoRA: choose a checkpoint first."
        if model.config.get("family") not in file.serves:
            return f"It is a {file.title}, and {model.title} is of another family."
        if any(use.sha256 == file.sha256 for use in self.uses):
            return "It is in the list."
        return f"{MAX_ADAPTERS} are in use: remove one first." if len(self.uses) >= MAX_ADAPTERS else ""

    def add(self, path: Path) -> bool:
        """Add an adapter at strength 1, once its hash is known; False, with a notice, where that is not possible."""
        file = self._library.files.get(path)
        if file is None:
            return False
        if why := self.why_not(file):
            self.notice_raised.emit(Notice("info", why))
            return False
        if file.sha256:
            self._append(file.sha256, file)
        elif (path, self._draft.model.id) not in self._waiting:
            self._waiting.append((path, self._draft.model.id))
            self._library.hashing.compute([path], first=True)
            self.changed.emit()
        return True

    def set_strength(self, k: int, strength: float) -> None:
        """Set the strength of the k-th adapter, for the UNet and the text encoders."""
        self._put({k: replace(self.uses[k], strength=strength, text_strength=strength)})

    def remove(self, k: int) -> None:
        self._put({k: None})

    def add_word(self, word: str) -> None:
        """Add a trigger word to the prompt, unless it is there."""
        prompt = self._draft.current.prompt
        if word.lower() not in prompt.lower():
            self._draft.update(prompt=f"{prompt.rstrip(' ,')}, {word}" if prompt.strip(" ,") else word)

    def _put(self, changes: Mapping[int, AdapterUse | None]) -> None:
        uses = [changes.get(k, use) for k, use in enumerate(self.uses)]
        self._draft.update(adapters=tuple(use for use in uses if use is not None))

    def _append(self, digest: str, file: ModelFile) -> None:
        use = AdapterUse(name=file.stem[:MAX_NAME], sha256=digest)
        if all(one.sha256 != digest for one in self.uses):
            self._draft.update(adapters=(*self.uses, use))

    def _on_hash(self, path: Path, digest: str) -> None:
        waiting = (path, self._draft.model.id) in self._waiting
        self._waiting = [(one, model) for one, model in self._waiting if one != path]
        file = self._library.files.get(path)
        if waiting and file is not None:
            self._append(digest, file)
        self.changed.emit()
