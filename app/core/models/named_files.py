"""NamedFiles: the embeddings and LoRAs that the prompt on the panel names, found among the user's files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.models.library import ModelLibrary
from app.core.models.model_file import ModelFile
from app.core.request.draft_model import DraftModel
from engine.checkpoints.families import families
from engine.errors import one_line
from engine.spec.adapter import AdapterUse
from engine.spec.draft import drawn_texts
from engine.spec.embedding import EmbeddingUse, wrong_width
from engine.spec.prompt.named import find_lora, find_named, names, no_lora
from engine.spec.prompt.tags import Tag, tags_in
from engine.spec.request import RequestError


class NamedFiles(QObject):
    """Follows the text and the user's files. A named file is hashed first, as a Request names it by its hash: until
    then the draft lacks it. It is also the draft's finder: it reads no file itself.

    changed -- what the text names
    """

    changed = Signal()

    def __init__(self, draft: DraftModel, library: ModelLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._library = draft, library
        self._refused: dict[Path, str] = {}  # files that could not be hashed, and why
        self._awaited: set[Path] = set()  # that are read for their hashes
        self._read: tuple[object, ...] = ()
        self.loras: tuple[tuple[Tag, ModelFile], ...] = ()
        """The LoRAs that the prompt puts on, with the strengths in their tags."""
        self.vectors: Mapping[str, int] = {}
        """How many tokens each embedding in the text takes, by its name in lower case."""
        draft.finder = self
        draft.changed.connect(self._on_draft)
        library.changed.connect(self._on_library)
        library.activity_changed.connect(self._find)
        library.hashing.computed.connect(self._on_hash)
        library.hashing.failed.connect(self._on_no_hash)

    # as the finder of the draft

    def embeddings_in(self, texts: Iterable[str]) -> tuple[EmbeddingUse, ...]:
        """As engine.spec.prompt.named.Finder. Raises RequestError for a file whose hash is not known yet, and for one
        of another kind of model.
        """
        named = self._embeddings("\n".join(texts))
        own = str(self._draft.model.config.get("family", ""))
        for file in named:
            if file.family and file.family != own:
                held, wanted = (_widths(family) for family in (file.family, own))
                raise RequestError(wrong_width(one_line(file.stem, 100), held, wanted))
        uses = [EmbeddingUse(name=file.stem, sha256=self._hash(file)) for file in named]
        return tuple(sorted(uses, key=lambda use: use.name.lower()))

    def lora_of(self, tag: Tag) -> AdapterUse:
        """As engine.spec.prompt.named.Finder. Raises RequestError also for a file whose hash is not known yet."""
        file = self._lora(tag)
        if file is None:
            if self._library.listing:
                raise RequestError(f"Looking for “{one_line(tag.name, 100)}” in your folders …")
            raise RequestError(no_lora(tag.name, [one.stem for one in self._of_role("adapter")]))
        digest = self._hash(file)
        return AdapterUse(name=file.stem, sha256=digest, strength=tag.strength, text_strength=tag.text_strength)

    # inside

    def _on_draft(self) -> None:
        draft = self._draft.current
        read = self._draft.model.id, draft.prompt, draft.negative, draft.seed, draft.wildcards, draft.adapters
        if read != self._read:
            self._read = read
            self._find()

    def _on_library(self, _paths: Collection[Path]) -> None:
        self._find()

    def _on_hash(self, path: Path, _digest: str) -> None:
        self._find()
        if path in self._awaited:
            self._awaited.remove(path)
            self._draft.note_named()

    def _on_no_hash(self, path: Path, sentence: str) -> None:
        if path in self._awaited:
            self._awaited.remove(path)
            self._refused[path] = sentence
            self._find()
            self._draft.note_named()

    def _find(self) -> None:
        before = self.loras, self.vectors
        self.loras, self.vectors = (), {}
        self._draft.lack("named", self._problem())
        if (self.loras, self.vectors) != before:
            self.changed.emit()

    def _problem(self) -> str:
        """Find the named files; why they cannot be used, in the engine's sentence, "" where they can."""
        if "adapters" not in self._draft.model.takes:
            return ""
        try:
            prompt, negative, _ = drawn_texts(self._draft.current)
        except RequestError:  # a list is missing: Generate says which
            return ""
        named = self._embeddings(f"{prompt}\n{negative}")
        self.vectors = {file.stem.lower(): file.vectors for file in named}
        found = [(tag, self._lora(tag)) for tag in tags_in(prompt) if tag.kind != "hypernet"]
        self.loras = tuple((tag, file) for tag, file in found if file is not None)
        try:
            find_named(prompt, negative, self._draft.current.worn, self)
        except RequestError as error:
            return str(error)
        return ""

    def _of_role(self, role: str) -> list[ModelFile]:
        return [file for file in self._library.files.values() if file.role == role and not file.missing]

    def _embeddings(self, text: str) -> list[ModelFile]:
        """The embeddings that a text names: of two with one name the first one."""
        found: dict[str, ModelFile] = {}
        for file in self._of_role("embedding"):
            if file.stem.lower() not in found and names(text, file.stem):
                found[file.stem.lower()] = file
        return list(found.values())

    def _lora(self, tag: Tag) -> ModelFile | None:
        return find_lora(tag.name, self._of_role("adapter"), lambda one: one.stem, lambda one: (one.name,))

    def _known(self, file: ModelFile) -> str:
        return file.sha256 or self._library.hashes.known(file.path) or ""

    def _hash(self, file: ModelFile) -> str:
        """Its hash. Raises RequestError where that is not known: it is computed in the background, or cannot be."""
        if digest := self._known(file):
            return digest
        if file.path in self._refused:
            raise RequestError(self._refused[file.path])
        self._awaited.add(file.path)
        self._library.hashing.compute([file.path], first=True)
        raise RequestError(f"Reading “{one_line(file.stem, 24)}” once, for its hash …")


def _widths(family: str) -> list[int]:
    """The widths of a family's text encoders."""
    return [int(one["net"]["width"]) for one in families()[family].text] if family in families() else []
