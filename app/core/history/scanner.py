"""Scanner: keeps the history's database up to date with the folders, in a helper thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from app.core.files.background import Background
from engine.errors import Cancelled
from engine.history.errors import DamagedHistory
from engine.history.thumbnails import ThumbnailFolder

if TYPE_CHECKING:
    from engine.history.scan import Scanned

SETTLE_MS = 1500  # after the last change of a folder: other programs write many files in a row
MOST_WATCHED = 256  # folders


@dataclass(frozen=True, slots=True)
class Place:
    """Where the history is kept, and where the studio's own files are."""

    folder: Path
    pictures: Path
    runs: Path

    @property
    def database(self) -> Path:
        return self.folder / "history.db"

    @property
    def thumbnails(self) -> ThumbnailFolder:
        return ThumbnailFolder(self.folder / "thumbnails")


class Scanner(QObject):
    """Prepares the database when it is first needed, scans the folders while they are looked at, takes finished runs.

    scanning -- whether a scan is under way
    """

    ready = Signal()  # the database can be opened
    told = Signal(object)  # the Scanned so far; emitted in the helper thread
    ended = Signal(object)  # the Scanned of the whole scan
    damaged = Signal(str)  # a sentence: the history was set aside, and is made again
    failed = Signal(str)  # a sentence
    scanning_changed = Signal()

    def __init__(self, place: Place, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.place = place
        self.folders: tuple[Path, ...] = ()
        self.is_ready = self.scanning = False
        self._preparing = self._restore = self._again = self._seen = False
        self._stop = Event()
        self._background = Background(self)
        self._watcher = QFileSystemWatcher(self)
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self.scan)
        self._watcher.directoryChanged.connect(self._on_disk)

    def prepare(self) -> None:
        """Make the database ready, once; a damaged one is set aside."""
        if not (self.is_ready or self._preparing):
            self._preparing = True
            self._background.start(partial(_prepare, self.place), self._on_prepared, self._on_failed)

    def start_anew(self) -> None:
        """Set the database aside, which turned out to be damaged, and make it again."""
        self.is_ready = False
        self._stop.set()
        self.prepare()

    def scan(self) -> None:
        """Look through the folders; once more afterwards if that is under way."""
        self._settle.stop()
        if not self.is_ready or self.scanning:
            self._again = True
            self.prepare()
            return
        self._again, self.scanning = False, True
        self._stop = Event()
        work = partial(_look_through, self.place, self.folders, self._restore, self._stop.is_set, self.told.emit)
        self._background.start(work, self._on_scanned, self._on_failed)
        self.scanning_changed.emit()

    def take(self, pictures: Sequence[Path], run: Path | None) -> None:
        """Take the pictures of a finished run."""
        self.prepare()
        self._background.start(partial(_take, self.place, list(pictures), run), self.ended.emit, self._on_failed)

    def set_seen(self, seen: bool) -> None:
        """Say whether somebody looks at the history: only then the folders are scanned and watched."""
        if seen != self._seen:
            self._seen = seen
            if seen:
                self.scan()
            else:
                self._settle.stop()
                self._watch(())

    def close(self) -> None:
        self._seen = False
        self._settle.stop()
        self._stop.set()
        self._background.close()
        self._watch(())

    # inside

    def _on_prepared(self, complaint: str) -> None:
        self._preparing, self.is_ready = False, True
        self._restore = self._restore or bool(complaint)
        self.ready.emit()
        if complaint:
            self.damaged.emit(complaint)
        if self._again or complaint:
            self.scan()

    def _on_scanned(self, found: Scanned) -> None:
        self.scanning = self._restore = False
        if self._seen:
            self._watch(found.folders[:MOST_WATCHED])
        self.ended.emit(found)
        self.scanning_changed.emit()
        if self._again:
            self.scan()

    def _on_failed(self, error: Exception) -> None:
        self._preparing = False
        was, self.scanning = self.scanning, False
        if isinstance(error, DamagedHistory):
            self.start_anew()
        elif not isinstance(error, Cancelled):
            self.failed.emit(str(error))
        if was:
            self.scanning_changed.emit()

    def _watch(self, folders: Sequence[Path]) -> None:
        wanted = {str(folder) for folder in folders}
        now = set(self._watcher.directories())
        if gone := now - wanted:
            self._watcher.removePaths(list(gone))
        if new := wanted - now:
            self._watcher.addPaths(list(new))

    def _on_disk(self, _folder: str) -> None:
        if self._seen:
            self._settle.start()


# in the helper thread, which imports the database when it is first needed


def _prepare(place: Place) -> str:
    from app.core.history.upkeep import prepare

    return prepare(place.database, place.thumbnails)


def _look_through(
    place: Place,
    folders: Sequence[Path],
    restore: bool,
    cancelled: Callable[[], bool],
    report: Callable[[Scanned], object],
) -> Scanned:
    from app.core.history.upkeep import look_through

    return look_through(place.database, folders, place.runs, restore, cancelled, report)


def _take(place: Place, pictures: Sequence[Path], run: Path | None) -> Scanned:
    from app.core.history.upkeep import take

    return take(place.database, pictures, run)
