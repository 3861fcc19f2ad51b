"""ModelLibrary: the folders of the user's models, and every model in them. It blocks nobody: helper threads read."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer, Signal

from app.core.files.background import Background
from app.core.models.hashing import Hashing
from app.core.models.listing import Listing, list_models
from app.core.models.model_file import ModelFile
from app.core.models.record import Record, Use, read, write
from app.core.notices import Notice
from engine.checkpoints import settings as kept
from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.hashes import Hashes
from engine.checkpoints.scan import is_model_file
from engine.checkpoints.settings import ModelSettings
from engine.errors import Cancelled, one_line, why

SETTLE_MS = 700  # after a change in a folder: a copy of many files is one change
MOST_WATCHED = 2000  # folders


class ModelLibrary(QObject):
    """The folders, files and settings of the user's models.

    changed          -- carries the paths of models that came, changed or went
    folders_changed  -- the list of folders changed
    activity_changed -- a listing began or ended
    """

    changed = Signal(object)
    folders_changed = Signal()
    activity_changed = Signal()
    notice_raised = Signal(object)
    _found = Signal(int, object)

    def __init__(self, folder: Path, parent: QObject | None = None) -> None:
        """`folder`: of the studio's settings. Nothing is read before start()."""
        super().__init__(parent)
        self.folder = folder
        self.settings = ModelSettings()
        self.hashes = Hashes(folder)
        self.hashing = Hashing(self.hashes, self)
        self._record = Record()
        self._background = Background(self)
        self._writing = Background(self, finishes=True)
        self._unsaved = False
        self._writing.idle_changed.connect(self._on_written)
        self._number = 0  # of the newest listing
        self._stop = Event()
        self._listing = False
        self._complained: set[str] = set()
        self._watcher = QFileSystemWatcher(self)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self.refresh)
        self._watcher.directoryChanged.connect(self._on_disk)
        self._found.connect(self._on_found, Qt.ConnectionType.QueuedConnection)
        self.hashing.computed.connect(self._on_hash)
        self.hashing.failed.connect(self._on_no_hash)

    def start(self) -> None:
        """Show what the last session found, and list the folders anew."""
        self._record = read(self.folder)
        self._reload()
        self.changed.emit(set(self._record.files))
        self.refresh()

    def close(self) -> None:
        """Stop reading, and write the record."""
        self._settle.stop()
        self._number += 1
        self._stop.set()
        self.hashing.close()
        self._background.close()
        self._writing.close()  # which may begin the last write
        self._writing.close()
        if watched := self._watcher.directories():
            self._watcher.removePaths(watched)

    # what is here

    @property
    def files(self) -> Mapping[Path, ModelFile]:
        return self._record.files

    @property
    def folders(self) -> tuple[Path, ...]:
        return self.settings.folders

    @property
    def empty(self) -> bool:
        """Whether no folder and no file was ever added."""
        return not self.settings.folders and not self.settings.files and not self._record.files

    @property
    def listing(self) -> bool:
        return self._listing

    @property
    def missing(self) -> list[Path]:
        return [path for path, file in self.files.items() if file.missing]

    def use_of(self, key: str) -> Use | None:
        """The last use of a model, by the path of its file or the id of an embedded one."""
        return self._record.uses.get(key)

    def duplicates(self) -> dict[Path, tuple[Path, bool]]:
        """For each file that has a copy: the copy, and whether their hashes say so; else their names and sizes do."""
        groups: dict[object, list[ModelFile]] = defaultdict(list)
        for file in self.files.values():
            if file.bytes:
                groups[file.path.name, file.bytes].append(file)
            if file.sha256:
                groups[file.sha256].append(file)
        found: dict[Path, tuple[Path, bool]] = {}
        for key, group in groups.items():
            sure = isinstance(key, str)
            for file in group:
                other = next((one for one in group if one is not file and (sure or not _differ(one, file))), None)
                if other is not None and (sure or file.path not in found):
                    found[file.path] = other.path, sure
        return found

    # the folders

    def add(self, paths: Iterable[Path]) -> list[Path]:
        """Add folders and single files; return those that were new. A file in one of the folders is there already."""
        folders, files, new = list(self.folders), list(self.settings.files), []
        for path in (path.absolute() for path in paths):
            if path.is_dir() and not (path / "model_index.json").is_file():
                if path not in folders:
                    folders.append(path)
                    new.append(path)
            elif (path.is_dir() or is_model_file(path)) and path not in files:
                new.append(path)
                if not any(folder in path.parents for folder in folders):
                    files.append(path)
        if (tuple(folders), tuple(files)) != (self.folders, self.settings.files):
            self._change(lambda settings: replace(settings, folders=tuple(folders), files=tuple(files)))
            self.folders_changed.emit()
        self.refresh()
        return new

    def remove_folder(self, folder: Path) -> None:
        """Look in a folder no longer. Its files stay where they are."""
        self._change(lambda settings: replace(settings, folders=tuple(f for f in settings.folders if f != folder)))
        self._complained.discard(str(folder))
        gone = {path for path in self.files if not self._belongs(path)}
        for path in gone:
            del self._record.files[path]
        self.folders_changed.emit()
        self.changed.emit(gone)
        self.refresh()

    def forget(self, paths: Iterable[Path]) -> None:
        """Forget files that are missing, and take single files from the list."""
        gone = set(paths)
        self._change(lambda settings: replace(settings, files=tuple(f for f in settings.files if f not in gone)))
        for path in gone:
            self._record.files.pop(path, None)
        self.changed.emit(gone)
        self._save()
        self.refresh()

    # what the user sets

    def set_by_hand(self, path: Path, choices: Mapping[str, Any]) -> None:
        """Say by hand what a file is; {} forgets it. Raises CheckpointError for impossible choices."""
        kept.check(dict(choices))
        self._change(lambda settings: settings.with_choices(path, choices))
        self.refresh()

    def set_defaults(self, path: Path, defaults: Mapping[str, Any]) -> None:
        """Set what runs with a model begin with; {} forgets it. Raises CheckpointError for impossible ones."""
        kept.check_defaults(dict(defaults))
        self._change(lambda settings: settings.with_defaults(path, defaults))
        self.changed.emit({path})

    def set_precision(self, precision: str) -> None:
        """Set the precision of models that have none of their own, a key of DTYPES; "" for the device's best."""
        self._change(lambda settings: replace(settings, precision=precision))
        self.changed.emit(set(self.files))

    def note_use(self, key: str, picture: Path | None = None) -> None:
        """Remember that a model was used, and the picture that it made."""
        self._record.use(key, picture)
        self.changed.emit({Path(key)} if Path(key) in self.files else set())
        self._save()

    @property
    def rate(self) -> float:
        """Bytes per second of the last load; 0 before the first one."""
        return self._record.rate

    def note_load(self, count: int, seconds: float) -> None:
        """Remember how long it took to load `count` bytes."""
        if count and seconds > 0:
            self._record.rate = count / seconds
            self._save()

    # listing

    def refresh(self) -> None:
        """List the folders again. What did not change is not read again."""
        self._settle.stop()
        self._reload()
        self._number += 1
        self._stop.set()
        self._stop = Event()
        was, self._listing = self._listing, True
        number, stop = self._number, self._stop
        work = partial(
            list_models, self.settings, dict(self.files), self.hashes, partial(self._found.emit, number), stop.is_set
        )
        self._background.start(work, partial(self._on_listed, number), partial(self._on_failed, number))
        if not was:
            self.activity_changed.emit()

    def _on_found(self, number: int, found: Sequence[ModelFile]) -> None:
        if number == self._number:
            for file in found:
                self._record.files[file.path] = file
            self.changed.emit({file.path for file in found})

    def _on_listed(self, number: int, listing: Listing) -> None:
        if number != self._number:
            return
        changed = set()
        for path, file in list(self.files.items()):
            if path in listing.paths:
                continue
            changed.add(path)
            if self._belongs(path):
                self._record.files[path] = replace(file, missing=True)
            else:
                del self._record.files[path]
        if changed:
            self.changed.emit(changed)
        self._watch(listing.walked)
        self._listing = False
        self.activity_changed.emit()
        self._save()
        self._tell_unreadable(listing.unreadable)

    def _on_failed(self, number: int, error: Exception) -> None:
        if number == self._number and not isinstance(error, Cancelled):
            self._listing = False
            self.activity_changed.emit()
            self._complain(f"The folders of models could not be listed: {one_line(str(error))}")

    def _belongs(self, path: Path) -> bool:
        """Whether a path is one of the user's files, or in one of the folders."""
        return path in self.settings.files or any(folder == path or folder in path.parents for folder in self.folders)

    def _watch(self, folders: Sequence[Path]) -> None:
        now, wanted = set(self._watcher.directories()), {os.fspath(path) for path in folders[:MOST_WATCHED]}
        if gone := sorted(now - wanted):
            self._watcher.removePaths(gone)
        if new := sorted(wanted - now):
            self._watcher.addPaths(new)

    def _tell_unreadable(self, unreadable: Sequence[tuple[str, str]]) -> None:
        """Complain of each folder once, and again only after it could be read in between."""
        bad = dict(unreadable)
        self._complained &= set(bad)
        for folder, reason in bad.items():
            if folder not in self._complained:
                self._complained.add(folder)
                self._complain(f"The folder {folder} cannot be read ({reason}): its models are not listed.")

    def _on_disk(self, _folder: str) -> None:
        self._settle.start()

    # hashes

    def _on_hash(self, path: Path, digest: str) -> None:
        if (file := self.files.get(path)) is not None:
            self._record.files[path] = replace(file, sha256=digest)
            self.changed.emit({path})
            self._save()

    def _on_no_hash(self, _path: Path, sentence: str) -> None:
        self._complain(sentence)

    # inside

    def _reload(self) -> None:
        """Read the settings: the command line may have changed them."""
        try:
            self.settings = kept.load(self.folder)
        except CheckpointError as error:
            self._complain(error.sentence)

    def _change(self, change: Callable[[ModelSettings], ModelSettings]) -> None:
        """Change the settings, as they are on disk now."""
        self._reload()
        self.settings = change(self.settings)
        try:
            kept.save(self.settings, self.folder)
        except OSError as error:
            self._complain(f"The settings of your models could not be saved in {self.folder}: {why(error)}.")

    def _save(self) -> None:
        """Write the record, at most one at a time: a flurry of changes is two writes."""
        if not self._writing.idle:
            self._unsaved = True
            return
        self._unsaved, record = False, self._record
        work = partial(write, self.folder, dict(record.files), dict(record.uses), record.rate)
        self._writing.start(work, _nothing, _nothing)  # without a record the folders are read again

    def _on_written(self) -> None:
        if self._unsaved and self._writing.idle:
            self._save()

    def _complain(self, sentence: str) -> None:
        self.notice_raised.emit(Notice("error", sentence))


def _differ(one: ModelFile, other: ModelFile) -> bool:
    """Whether the hashes of two files say that they are not the same."""
    return bool(one.sha256 and other.sha256 and one.sha256 != other.sha256)


def _nothing(_: object) -> None:
    pass
