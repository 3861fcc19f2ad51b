"""ModelChoice: which model the next run uses, of those in the box and the user's checkpoints, and what it needs."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.jobs.engine import End, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import JobState, QueuedJob
from app.core.models.library import ModelLibrary
from app.core.models.model_file import ModelFile
from app.core.models.table import in_bytes, picture_of
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import in_words
from engine.checkpoints.complete import named, why_incomplete
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.hashes import Hashes
from engine.checkpoints.recognise import recognise
from engine.checkpoints.sampling import files_of
from engine.checkpoints.settings import load as load_settings
from engine.errors import EngineError
from engine.jobs.job import Event
from engine.jobs.load import CheckpointOpened, OpenCheckpoint
from engine.spec.catalog import DTYPES, ModelInfo, own_checkpoint
from engine.spec.draft import outline
from engine.spec.limits import MAX_NAME
from engine.spec.memory import automatic_precision, request_bytes, smallest_change
from engine.spec.request import Request, RequestError
from engine.spec.saving import HALF, SAVINGS, Change
from engine.spec.vae import OWN, VaeUse

LARGE = 256 * 2**20  # bytes from which on loading is worth a word


@dataclass(frozen=True, slots=True)
class Offer:
    """A model to choose.

    key     -- the id of a model in the box, or the path of a checkpoint
    used    -- its place in the order of uses, 0 for a model that was never used
    picture -- of it, None without one
    alarm   -- why it cannot be chosen; "" where it can
    """

    key: str
    title: str
    badge: str
    about: str
    used: int = 0
    picture: Path | None = None
    alarm: str = ""


def is_checkpoint(info: ModelInfo) -> bool:
    """Whether a model is one of the user's checkpoints."""
    return info.config.get("kind") == "checkpoint"


def last_checkpoint(model: str, path: str, folder: Path) -> tuple[list[ModelInfo], str]:
    """Return the checkpoint at `path` as the model of that id, for the next start, and "".

    folder -- of the studio's settings. Where it cannot be used: none, and the reason; none and "" where `path` is ""
    """
    if not path:
        return [], ""
    try:
        settings = load_settings(folder)
        info = own_checkpoint(Path(path), settings, Hashes(folder))
    except (EngineError, OSError) as error:
        return [], f"The last model cannot be used: {error}" if os.path.lexists(path) else (
            f"The last model is no longer there ({path}): another one is chosen.")  # fmt: skip
    return [replace(info, id=model)], ""


class ModelChoice(QObject):
    """Follows the draft. A checkpoint is made known to the engine when it is chosen; it is loaded by its first run.

    draft   -- whose model it chooses
    changed -- the models to choose from, or what the chosen one needs
    """

    changed = Signal()
    notice_raised = Signal(object)

    def __init__(
        self, draft: DraftModel, jobs: JobsModel, library: ModelLibrary, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.draft, self._jobs, self._library = draft, jobs, library
        self._needs: CheckpointOpened | None = None
        self._task: Task | None = None
        self._extent: object = None  # of the draft: what decides the memory
        self._loaded = ""  # the model of the last run that went through
        draft.find = self._find
        draft.model_changed.connect(self._on_model)
        draft.settings_changed.connect(self._on_draft)
        library.changed.connect(self._on_library)
        library.hashing.changed.connect(self._check)
        library.hashing.computed.connect(self._on_hash)
        jobs.engine_changed.connect(self._open)
        jobs.ended.connect(self._on_ended)

    def start(self) -> None:
        """Check the model that the studio begins with."""
        self._on_model()

    # to choose from

    @property
    def current(self) -> str:
        """The key of the chosen model."""
        return _key(self.draft.model)

    def offers(self) -> list[Offer]:
        """The models to choose from: those that were used last come first, then those in the box, then by name."""
        found = [self._embedded(info) for info in self.draft.models if not is_checkpoint(info)]
        files = [f for f in self._library.files.values() if f.role == "model" and (f.usable or _is_partial(f))]
        files.sort(key=lambda file: (file.stem.lower(), str(file.path)))
        found += [self._of_file(file) for file in files]
        found.sort(key=lambda offer: (bool(offer.alarm), -offer.used))
        return found

    def _embedded(self, info: ModelInfo) -> Offer:
        use, picture = self._library.use_of(info.id), info.folder / "thumbnail.png"
        return Offer(info.id, info.title, "", "In the box", use.at if use else 0, picture)

    def _of_file(self, file: ModelFile) -> Offer:
        use = self._library.use_of(str(file.path))
        about = " · ".join(filter(None, (named(file.lacks), file.path.parent.name, in_bytes(file.bytes))))
        picture = picture_of(file, self._library)
        return Offer(str(file.path), file.stem, file.badge, about, use.at if use else 0, picture, file.problem)

    def choose(self, key: str) -> bool:
        """Use that model from now on; False, with a notice, where that is not possible."""
        file = self._library.files.get(Path(key))
        if file is not None and _is_partial(file):
            self.notice_raised.emit(Notice("info", file.problem))
            return False
        info = next((one for one in self.draft.models if _key(one) == key), None)
        if info is None or is_checkpoint(info):
            try:
                info = self.describe(Path(key))
            except (EngineError, OSError) as error:
                self.notice_raised.emit(Notice("error", str(error)))
                return False
            self.draft.offer(info)
        again = info.id == self.draft.model.id
        self.draft.model = info
        if again:  # perhaps its hash was cancelled
            self._on_model()
        self._library.note_use(key)
        return True

    def describe(self, path: Path) -> ModelInfo:
        """Describe a checkpoint, under an id that no other model has. Raises EngineError and OSError."""
        info = own_checkpoint(path, self._library.settings, self._library.hashes)
        others = {one.id for one in self.draft.models if one.folder != path}
        name, count = info.id, 1
        while name in others:
            name = f"{path.parent.name}/{info.id}" if count == 1 else f"{info.id} ({count})"
            count += 1
        return replace(info, id=name[:MAX_NAME])

    def _find(self, model: str) -> ModelInfo | None:
        """The checkpoint of that id among the user's files; None without one."""
        for file in self._library.files.values():
            if file.role == "model" and file.usable and file.stem[:MAX_NAME] == model:
                try:
                    info = self.describe(file.path)
                except (EngineError, OSError):
                    continue
                if info.id == model:
                    self.draft.offer(info)
                    return info
        return None

    def vaes_for(self, info: ModelInfo) -> list[ModelFile]:
        """The VAEs among the user's single files that serve the family of a checkpoint, by name."""
        family = info.config.get("family")
        found = [
            f for f in self._library.files.values() if f.role == "vae" and f.single and f.usable and family in f.serves
        ]
        return sorted(found, key=lambda file: (file.stem.lower(), str(file.path)))

    # what it needs

    @property
    def note(self) -> str:
        """What a run of the chosen model does before its first step, such as “Loads 2.13 GB first, ≈ 3 s”; "" for
        nothing worth a word.
        """
        needs = self._needs
        if needs is None or needs.held or self._takes < LARGE or self._loaded == needs.model:
            return ""
        rate = self._library.rate
        time = f", ≈ {in_words(self._takes / rate)}" if rate else ""
        order = "part by part" if "offload" in self.draft.model.saving else "first"
        return f"Loads {in_bytes(self._takes)} {order}{time}"

    @property
    def precisions(self) -> tuple[str, ...]:
        """The precisions that the device computes in."""
        return ("float32", HALF) if self._needs is None else self._needs.precisions

    @property
    def _takes(self) -> int:
        """The bytes of memory that the chosen model takes in the draft's precision."""
        needs = self._needs
        precision = self.draft.current.precision or self.draft.model.compute_dtype
        return 0 if needs is None else self._sized(needs).in_precision(precision).bytes

    @property
    def change(self) -> Change | None:
        """The smallest change that makes the draft's run fit into the memory; None where it fits or none does."""
        needs, request = self._needs, self._request()
        if needs is None or needs.free is None or request is None or not self._too_large:
            return None
        return smallest_change(request, self._sized(needs), needs.free, needs.spare)

    @property
    def memory(self) -> int:
        """The bytes of memory that a run takes, with the weights; 0 where nobody asks."""
        needs, request = self._needs, self._request()
        return 0 if needs is None or request is None or not needs.needs else request_bytes(request, self._sized(needs))

    def take_change(self) -> None:
        """Make change(): the model is set to its ways from now on, and the draft to its size."""
        change = self.change
        if change is None:
            return
        if change.ways:
            path = self.draft.model.folder
            own = dict(self._library.settings.defaults_of(path))
            if "half" in change.ways:
                own["precision"] = HALF
                if self.draft.current.precision is not None:
                    self.draft.update(precision=HALF)
            saving = self.draft.model.saving.union(change.ways).intersection(SAVINGS)
            own |= {"saving": sorted(saving)} if saving else {}
            self._library.set_defaults(path, own)
            self.refresh()
        if change.size is not None:
            self.draft.choose_size(change.size)

    def set_defaults(self, path: Path, defaults: Mapping[str, Any]) -> None:
        """Set what runs of a checkpoint begin with, and put it on the panel where that is the chosen model.

        {} forgets it. Raises CheckpointError for impossible ones.
        """
        self._library.set_defaults(path, defaults)
        self.refresh()
        try:
            self.draft.begin_with(self.describe(path))
        except (EngineError, OSError) as error:
            self.notice_raised.emit(Notice("error", str(error)))

    def refresh(self) -> None:
        """Describe the chosen checkpoint again: its settings have changed."""
        if is_checkpoint(self.draft.model):
            try:
                info = self.describe(self.draft.model.folder)
            except (EngineError, OSError) as error:
                self.draft.obstacle = str(error)
                return
            self.draft.offer(info)
            self._on_model()

    @property
    def _too_large(self) -> bool:
        """Whether a run of the draft does not fit into the memory."""
        needs, request = self._needs, self._request()
        if needs is None or needs.free is None or needs.needs < LARGE or request is None:
            return False
        return request_bytes(request, self._sized(needs), needs.spare) > needs.free

    def _sized(self, needs: CheckpointOpened) -> ModelInfo:
        """The chosen model with the draft's VAE, and with the bytes that the engine found."""
        info, vae = self.draft.model, self.draft.current.vae
        weights = {"net": (needs.half - needs.text - needs.vae) // DTYPES[HALF], "text": needs.text, "vae": needs.vae}
        info = replace(info, bytes=needs.needs, config=info.config | {"weights": weights})
        if vae == OWN:
            return info.with_vae(None)
        files = self.vaes_for(info) if isinstance(vae, VaeUse) and vae != info.vae else ()
        chosen = next((file for file in files if isinstance(vae, VaeUse) and file.sha256 == vae.sha256), None)
        return info if chosen is None else info.with_vae(chosen.path, chosen.sha256)

    def _request(self) -> Request | None:
        """The draft's request; None for a model of pixels, and for settings that make none."""
        if not is_checkpoint(self.draft.model):
            return None
        try:
            return outline(self.draft.current, self.draft.model)
        except RequestError:
            return None

    def _on_model(self) -> None:
        """Another model was chosen, or it is described anew."""
        self._needs = None
        info = self.draft.model
        if is_checkpoint(info) and not info.sha256:
            try:
                found = recognise(info.folder, self._library.settings.of(info.folder))
                self._library.hashing.compute(files_of(found, _vae_of(info)), first=True)
            except (CheckpointError, OSError) as error:
                self.draft.obstacle = str(error)
                return
        self._open()
        self._check()

    def _on_draft(self) -> None:
        """Another precision, size, batch or VAE takes another amount of memory."""
        draft = self.draft.current
        extent = draft.precision, draft.width, draft.height, draft.batch, draft.guidance, draft.vae
        if extent != self._extent:
            self._extent = extent
            self._check()

    def _open(self) -> None:
        """Make the checkpoint known to the engine, and ask what it needs."""
        info = self.draft.model
        if self._task is not None:
            self._task.drop()
            self._task = None
        if is_checkpoint(info) and info.sha256 and self._jobs.engine_state == "ready":
            job = OpenCheckpoint(info.id, info.folder, info.compute_dtype, _vae_of(info))
            self._task = self._jobs.do_now(job)
            self._task.told.connect(self._on_told)
            self._task.ended.connect(self._on_opened)
        self._check()

    def _on_told(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, CheckpointOpened) and event.model == self.draft.model.id:
                self._needs = event
                self._choose_precision(event)
        self._check()

    def _choose_precision(self, needs: CheckpointOpened) -> None:
        """Describe the model in the device's own precision, where the user set none for it."""
        info = self.draft.model
        settings = self._library.settings
        if settings.precision or "precision" in settings.defaults_of(info.folder):
            return
        precision = automatic_precision(self._sized(needs), needs.best, needs.free)
        if precision != info.compute_dtype and needs.needs >= LARGE:
            self.draft.offer(info.in_precision(precision))

    def _on_opened(self, end: End) -> None:
        self._task = None
        if end.how == "failed":
            self.draft.obstacle = end.sentence

    def _on_hash(self, _path: Path, _digest: str) -> None:
        if is_checkpoint(self.draft.model) and not self.draft.model.sha256:
            try:
                info = self.describe(self.draft.model.folder)
            except (EngineError, OSError) as error:
                self.draft.obstacle = str(error)
                return
            if info.sha256:
                self.draft.offer(info)
                self._open()

    def _on_library(self, paths: Collection[Path]) -> None:
        if is_checkpoint(self.draft.model) and self.draft.model.folder in paths:
            self._check()
        self.changed.emit()

    def _check(self) -> None:
        """Say why the model cannot be used now, if it cannot."""
        self.draft.obstacle = self._why_not()
        self.changed.emit()

    def _why_not(self) -> str:
        info = self.draft.model
        if not is_checkpoint(info):
            return ""
        file = self._library.files.get(info.folder)
        if file is not None and file.missing:
            return f"{info.title} is no longer in {info.folder.parent}: choose another model."
        if why := why_incomplete(info.title, info.lacks, other_vae=info.lacks == ("vae",)):  # of that VaeChoice speaks
            return why
        if not info.sha256:
            hashing = self._library.hashing
            return f"Reading the file once, for its hash: {hashing.share:.0%}" if hashing.busy else (
                "The hash of this model is not known: choose the model again.")  # fmt: skip
        needs = self._needs
        if needs is not None and needs.free is not None and self._too_large:
            way = self.change.words if self.change is not None else "close other programs, or choose a smaller model"
            return f"It takes {in_bytes(self.memory)} of memory, {in_bytes(needs.free)} are free: {way}."
        return ""

    def _on_ended(self, job: QueuedJob) -> None:
        """Remember the use of the model, its last picture, and how long it took to load."""
        info = next((one for one in self.draft.models if one.id == job.request.model), None)
        if info is None or job.state is not JobState.FINISHED:
            return
        self._loaded = info.id
        if job.load_seconds and self._needs is not None and self._needs.model == info.id:
            self._library.note_load(self._needs.needs, job.load_seconds)
        if self._needs is not None and self._needs.model == info.id:
            self._needs = replace(self._needs, held=True)
        self._library.note_use(_key(info), job.images[0] if job.images else None)
        self._check()


def _is_partial(file: ModelFile) -> bool:
    """Whether a checkpoint cannot be used because it lacks parts that the user cannot choose."""
    return file.role == "model" and bool(file.problem) and bool(file.lacks) and not file.missing


def _key(info: ModelInfo) -> str:
    return str(info.folder) if is_checkpoint(info) else info.id


def _vae_of(info: ModelInfo) -> Path | None:
    """The VAE that the user chose for a checkpoint."""
    vae = info.config.get("vae")
    return None if vae is None else Path(vae)
