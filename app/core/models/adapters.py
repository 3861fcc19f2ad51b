"""AdapterChoice: the list of adapters (LoRA and its kin) of the draft, and those that can be added to it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import QueuedJob
from app.core.models.choice import Offer
from app.core.models.library import ModelLibrary
from app.core.models.model_file import ModelFile
from app.core.models.table import in_bytes, picture_of
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from engine.checkpoints.adapters.names import Names
from engine.checkpoints.adapters.usable import names_of_checkpoint, why_not
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.families import family
from engine.checkpoints.recognise import recognise
from engine.jobs.job import Event
from engine.jobs.load import AdapterApplied
from engine.spec.adapter import MAX_ADAPTERS, AdapterUse
from engine.spec.limits import MAX_NAME

TAKES = "adapters"  # what a model must take


@dataclass(frozen=True, slots=True)
class AdapterLine:
    """One adapter of the draft.

    on      -- whether runs use it
    file    -- None where it is not here
    problem -- why no run can use it, in one sentence; "" where it can
    words   -- its trigger words
    """

    use: AdapterUse
    on: bool
    file: ModelFile | None
    problem: str
    words: tuple[str, ...] = ()


class AdapterChoice(QObject):
    """Follows the draft and the user's files. An added file is hashed first, as a Request names it by its hash.

    changed -- the lines, or what can be added
    """

    changed = Signal()
    notice_raised = Signal(object)

    def __init__(
        self, draft: DraftModel, jobs: JobsModel, library: ModelLibrary, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._draft, self._library = draft, library
        self._adding: dict[Path, str] = {}  # files that wait for their hashes, and the models that they are for
        self._names: Names | None = None  # of the model's modules
        self._fits: dict[tuple[Path, int, int], str] = {}  # why adapters do not fit the model, by file, time and size
        self._told: object = None  # of the last run: its model and adapters
        draft.changed.connect(self._on_change)
        draft.model_changed.connect(self._on_model)
        library.changed.connect(self._on_library)
        library.activity_changed.connect(self._on_change)
        library.hashing.computed.connect(self._on_hash)
        library.hashing.failed.connect(self._on_no_hash)
        jobs.told.connect(self._on_told)

    @property
    def needed(self) -> bool:
        """Whether the model takes adapters."""
        return TAKES in self._draft.model.takes

    @property
    def lines(self) -> list[AdapterLine]:
        draft = self._draft.current
        return [self._line(use, use.sha256 not in draft.off) for use in draft.adapters]

    @property
    def adding(self) -> bool:
        """Whether an added file is still read for its hash."""
        return self._draft.model.id in self._adding.values()

    # to add

    def offers(self) -> list[Offer]:
        """The adapters that are here: those that fit the model come first, the last used ones before the others."""
        files = [file for file in self._library.files.values() if file.role == "adapter" and not file.missing]
        files.sort(key=lambda file: (file.stem.lower(), str(file.path)))
        found = [self._offer(file) for file in files]
        found.sort(key=lambda offer: (bool(offer.alarm), -offer.used))
        return found

    def _offer(self, file: ModelFile) -> Offer:
        use, alarm = self._library.use_of(str(file.path)), self._seems_not_to_fit(file)
        words = ", ".join(file.words[:3])
        about = alarm or " · ".join(filter(None, (file.path.parent.name, in_bytes(file.bytes), words)))
        picture = picture_of(file, self._library)
        return Offer(str(file.path), file.stem, file.badge, about, use.at if use else 0, picture, alarm)

    def why_not(self, file: ModelFile) -> str:
        """Why the model cannot use an adapter, in one sentence; "" where it can."""
        if file.problem or file.missing:
            return file.problem or "This file is no longer here."
        if not self.needed:
            return f"{self._draft.model.title} takes no LoRA: choose a checkpoint first."
        key = file.path, file.changed, file.bytes
        if key not in self._fits:
            self._fits[key] = self._why_unfit(file.path)
        return self._fits[key]

    def _why_unfit(self, path: Path) -> str:
        """Say why the adapter at `path` does not fit the model; reads the headers of both."""
        info = self._draft.model
        try:
            if self._names is None:
                self._names = names_of_checkpoint(recognise(info.folder, info.config["by_hand"]))
            return why_not(path, self._names, family(info.config["family"]).title)
        except (CheckpointError, OSError) as error:
            return str(error)

    def _seems_not_to_fit(self, file: ModelFile) -> str:
        """Say why the model cannot use an adapter, by what the list knows: without reading its header, which would be
        slow with a thousand of them.
        """
        known = (file.path, file.changed, file.bytes) in self._fits
        own = self._draft.model.config.get("family", "")
        if known or not self.needed or file.problem or file.missing:
            return self.why_not(file)
        return "" if not file.serves or own in file.serves else f"It does not fit this model: {file.title}."

    def choose(self, key: str) -> bool:
        """Add the adapter at that path; False, with a notice, where that is not possible."""
        path = Path(key)
        file, draft = self._library.files.get(path), self._draft.current
        why = "This file is no longer here." if file is None else self.why_not(file)
        if not why and len(draft.adapters) >= MAX_ADAPTERS:
            why = f"A run takes {MAX_ADAPTERS} adapters at most: remove one first."
        if why or file is None:
            self.notice_raised.emit(Notice("info", why))
            return False
        self._adding[path] = self._draft.model.id
        if digest := self._library.hashes.known(path):
            self._on_hash(path, digest)
        else:
            self._library.hashing.compute([path], first=True)
            self.changed.emit()
        return True

    def add_word(self, word: str) -> None:
        """Add a trigger word to the prompt, unless it is there."""
        prompt = self._draft.current.prompt
        if word.lower() not in prompt.lower():
            self._draft.update(prompt=f"{prompt.rstrip(' ,')}, {word}" if prompt.strip(" ,") else word)

    # to change

    def remove(self, digest: str) -> None:
        draft = self._draft.current
        kept = tuple(use for use in draft.adapters if use.sha256 != digest)
        self._draft.update(adapters=kept, off=tuple(one for one in draft.off if one != digest))

    def switch(self, digest: str, on: bool) -> None:
        """Let runs use an adapter, or not; it keeps its place and its strengths."""
        off = tuple(one for one in self._draft.current.off if one != digest)
        self._draft.update(off=off if on else (*off, digest))

    def set_strength(self, digest: str, strength: float, text_too: bool = True) -> None:
        """Set the strength, with `text_too` that of the text encoders as well."""
        use = self._use(digest)
        self._put(replace(use, strength=strength, text_strength=strength if text_too else use.text_strength))

    def set_text_strength(self, digest: str, strength: float) -> None:
        self._put(replace(self._use(digest), text_strength=strength))

    def _use(self, digest: str) -> AdapterUse:
        return next(use for use in self._draft.current.adapters if use.sha256 == digest)

    def _put(self, use: AdapterUse) -> None:
        adapters = self._draft.current.adapters
        self._draft.update(adapters=tuple(use if one.sha256 == use.sha256 else one for one in adapters))

    # inside

    def _line(self, use: AdapterUse, on: bool) -> AdapterLine:
        file = self._file(use)
        if file is not None:
            return AdapterLine(use, on, file, self.why_not(file), file.words)
        if self._library.listing:
            return AdapterLine(use, on, None, "")
        return AdapterLine(use, on, None, "It is not here: add the folder with its file, or remove it.")

    def _file(self, use: AdapterUse) -> ModelFile | None:
        """The file of an adapter: the one with its hash, else one of its name whose hash is not known yet."""
        files = [file for file in self._library.files.values() if file.role == "adapter" and not file.missing]
        return next((file for file in files if file.sha256 == use.sha256), None) or next(
            (file for file in files if not file.sha256 and file.stem == use.name), None
        )

    def _on_model(self) -> None:
        self._names = None
        self._fits.clear()
        self._on_change()

    def _on_change(self) -> None:
        lines = self.lines if self.needed else []
        bad = next((line for line in lines if line.on and line.problem), None)
        self._draft.lack("adapters", "" if bad is None else f"“{bad.use.name}”: {bad.problem}")
        self.changed.emit()

    def _on_library(self, _paths: Collection[Path]) -> None:
        self._on_change()

    def _on_hash(self, path: Path, digest: str) -> None:
        if path not in self._adding:
            return
        model = self._adding.pop(path)
        adapters = self._draft.current.adapters
        if model == self._draft.model.id and not any(use.sha256 == digest for use in adapters):
            self._library.note_use(str(path))
            self._draft.update(adapters=(*adapters, AdapterUse(name=path.stem[:MAX_NAME], sha256=digest)))
        else:
            self.changed.emit()

    def _on_no_hash(self, path: Path, _sentence: str) -> None:
        if self._adding.pop(path, None) is not None:
            self.changed.emit()

    def _on_told(self, job: QueuedJob, events: Sequence[Event]) -> None:
        """Say what a run's adapters change, unless the last run had the same."""
        applied = [event for event in events if isinstance(event, AdapterApplied)]
        told = job.request.model_sha256, job.request.adapters
        if applied and told != self._told:
            self._told = told
            said = "; ".join(f"“{one.name}”: {one.tensors} of {one.total} tensors applied" for one in applied)
            self.notice_raised.emit(Notice("info", f"{said}."))
