"""NamedFiles: the embeddings and LoRAs that the prompt on the panel names, found among the user's files."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.models.library import ModelLibrary
from app.core.models.model_file import ModelFile
from app.core.request.draft_model import DraftModel
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.header import read_header
from engine.errors import one_line
from engine.spec.draft import drawn_texts
from engine.spec.prompt.named import find_lora, no_lora, vectors_in
from engine.spec.prompt.tags import Tag, tags_in
from engine.spec.request import RequestError


class NamedFiles(QObject):
    """Follows the text and the user's files. A named file is hashed first, as a Request names it by its hash: until
    then the draft lacks it. No other file is read.

    changed -- what the text names
    """

    changed = Signal()

    def __init__(self, draft: DraftModel, library: ModelLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._library = draft, library
        self._counts: dict[tuple[Path, int], int] = {}  # vectors of embeddings, by file and time
        self._refused: dict[Path, str] = {}  # files that could not be hashed, and why
        self._read: tuple[str, ...] = ()
        self.loras: tuple[tuple[Tag, ModelFile], ...] = ()
        """The LoRAs that the prompt puts on, with the strengths in their tags."""
        self.vectors: Mapping[str, int] = {}
        """How many tokens each embedding in the text takes, by its name in lower case."""
        draft.changed.connect(self._on_draft)
        library.changed.connect(self._on_library)
        library.activity_changed.connect(self._find)
        library.hashing.computed.connect(self._find)
        library.hashing.failed.connect(self._on_no_hash)

    def _on_draft(self) -> None:
        draft = self._draft.current
        if (read := (self._draft.model.id, draft.prompt, draft.negative)) != self._read:
            self._read = read
            self._find()

    def _on_library(self, _paths: Collection[Path]) -> None:
        self._find()

    def _on_no_hash(self, path: Path, sentence: str) -> None:
        self._refused[path] = sentence
        self._find()

    def _find(self) -> None:
        before = self.loras, self.vectors
        self.loras, self.vectors = (), {}
        self._draft.lack("named", self._problem())
        if (self.loras, self.vectors) != before:
            self.changed.emit()

    def _problem(self) -> str:
        """Find the named files; why they cannot be used, in one sentence, "" where they can."""
        if "adapters" not in self._draft.model.takes:
            return ""
        try:
            prompt, negative, _ = drawn_texts(self._draft.current)
        except RequestError:  # a list is missing: Generate says which
            return ""
        here = [file for file in self._library.files.values() if not file.missing]
        embeddings = self._embeddings(f"{prompt}\n{negative}", [file for file in here if file.role == "embedding"])
        loras = [file for file in here if file.role == "adapter"]
        found: list[tuple[Tag, ModelFile]] = []
        for tag in tags_in(prompt):
            if tag.kind == "hypernet":
                return ""  # Generate says why
            file = find_lora(tag.name, loras, lambda one: one.path.stem, lambda one: (one.name,))
            if file is None:
                return "" if self._library.listing else no_lora(tag.name, [one.path.stem for one in loras])
            found.append((tag, file))
        self.loras = tuple(found)
        own = str(self._draft.model.config.get("family", ""))
        for file in embeddings:
            if file.family and file.family != own:
                title = one_line(file.path.stem, 100)
                return f"The embedding “{title}” is for {file.badge}: take its name out of the prompt."
        return next(filter(None, (self._unread(file) for file in (*embeddings, *(file for _, file in found)))), "")

    def _embeddings(self, text: str, files: list[ModelFile]) -> list[ModelFile]:
        named = [f for f in files if re.search(rf"(?<!\w){re.escape(f.path.stem)}(?!\w)", text, re.IGNORECASE)]
        self.vectors = {file.path.stem.lower(): count for file in named if (count := self._count(file))}
        return named

    def _count(self, file: ModelFile) -> int:
        key = file.path, file.changed
        if key not in self._counts:
            try:
                self._counts[key] = vectors_in(read_header(file.path))
            except CheckpointError:
                self._counts[key] = 0  # its run says why
        return self._counts[key]

    def _unread(self, file: ModelFile) -> str:
        """Why its hash is not known; a file without one is read now, in the background."""
        if file.sha256 or self._library.hashes.known(file.path):
            return ""
        if sentence := self._refused.get(file.path, ""):
            return sentence
        self._library.hashing.compute([file.path], first=True)
        return f"Reading “{one_line(file.path.stem, 100)}” once, for its hash …"
