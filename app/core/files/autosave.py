"""The artwork is never lost: it is written after each pause, with its candidates, and is there at the next start."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from PySide6.QtCore import QElapsedTimer, QObject, QRect, QTimer, Signal

from app.core.canvas.artwork import Artwork, bgra
from app.core.canvas.undo import Pixels
from app.core.files.autosave_candidates import AutosaveCandidates, FoundResult
from app.core.files.autosave_file import NAME, AutosaveFile, forget, read, write
from app.core.files.background import Background
from app.core.files.folder_lock import FolderLock
from app.core.files.shelf import Shelf, folders_from
from app.core.notices import Notice, NoticeAction
from engine.errors import why
from engine.files import sweep
from engine.pictures.image_file import ImageError
from engine.pictures.naming import next_path

PAUSE_MS = 2000  # after the last change
LATEST_MS = 15_000  # after the first one, for who paints without a pause
RETRY_MS = 20_000  # after what could not be written


State: TypeAlias = tuple[bool, int, tuple[QRect, bool], bool, tuple[tuple[Path, int], ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """An artwork from its folder; pixels -- in its own order of channels; found -- its candidates, with pictures"""

    kept: AutosaveFile
    pixels: Pixels
    found: Sequence[FoundResult]


class Autosave(QObject):
    """Keeps the artwork in `folder` as it changes, and those that others took the place of in `folder`/earlier."""

    notice_raised = Signal(object)  # a Notice
    earlier_changed = Signal()
    brought_back = Signal()

    def __init__(
        self, artwork: Artwork, folder: Path, parent: QObject | None = None, results: AutosaveCandidates | None = None
    ) -> None:
        """`results` are the artwork's candidates, kept with it where they are given."""
        super().__init__(parent)
        self._artwork, self._folder, self._results = artwork, folder, results
        self._lock: FolderLock | None = None
        self._background = Background(self, finishes=True)
        self._shelf = Shelf(folder)
        self._failed: list[tuple[Path, AutosaveFile]] = []  # set aside, but not written yet: the disk was full
        self._unread = False  # the folder holds an artwork that could not be read this time
        self._written = self._state()  # what is on disk
        self._saved = artwork.revision  # the revision that a person has a file of
        self._complained = False
        self.has_earlier = False
        """Whether there is one that was set aside: bring_back()."""
        self._restoring = self._closed = False
        self._spent: list[Path] = []  # set aside once, and back: to be removed when written as the artwork
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self.flush)
        self._retry = QTimer(self)
        self._retry.setSingleShot(True)
        self._retry.setInterval(RETRY_MS)
        self._retry.timeout.connect(self._try_again)
        self._waiting = QElapsedTimer()  # since the first change that is not being written
        self._writing = False
        for signal in (artwork.opened, artwork.closed, artwork.resized, artwork.picture_changed, artwork.mask_changed,
                       artwork.box_changed, artwork.box_pinned):  # fmt: skip
            signal.connect(self._schedule)
        if results is not None:
            results.changed.connect(self._schedule)

    @property
    def unsaved(self) -> bool:
        """Whether the artwork has something of which a person has no file."""
        return self._artwork.is_open and self._artwork.revision != self._saved

    def mark_saved(self, revision: int | None = None) -> None:
        """A person has a file of the artwork as it is, or as it was at a revision."""
        self._saved = self._artwork.revision if revision is None else revision
        self._schedule()

    # the last session's

    def restore(self) -> None:
        """Bring back what was kept, in the background; a notice says so. The folder of another open studio is left
        alone; what closed ones left in folders of their own is put on the shelf.
        """
        try:
            for folder in folders_from(self._folder):
                folder.mkdir(parents=True, exist_ok=True)
                if self._take_lock(folder):
                    break
        except OSError as error:
            self._report(error)
            return
        self._folder, self._shelf = folder, Shelf(folder)
        sweep(folder)
        if taken := self._shelf.adopt(folder):
            text = "The picture of another window was" if taken == 1 else f"{taken} pictures of other windows were"
            back = NoticeAction("Back to it" if taken == 1 else "Back to the last one", self.bring_back)
            self.notice_raised.emit(Notice("info", f"{text} not saved; the studio has kept it.", (back,)))
        if (folder / NAME).exists():
            self._read_again()
        self._look_for_earlier()

    def _take_lock(self, folder: Path) -> bool:
        """Lock a folder; False if another studio has it. One that cannot be written is used as it is."""
        self._lock = FolderLock(folder)
        try:
            return self._lock.take()
        except OSError:
            return True

    def _read_again(self) -> None:
        if self._artwork.is_open or self._restoring:
            return
        self._restoring = True
        self._background.start(partial(self._read, self._folder), self._on_restored, self._on_restore_failed)

    def _on_restored(self, read: Read) -> None:
        self._restoring = self._unread = False
        kept = read.kept
        if self._artwork.is_open:  # somebody was faster
            self._put_aside(kept)
            self._schedule()
            return
        self._put(read)
        self._saved = -1 if kept.unsaved else self._artwork.revision
        self._written = self._state()
        self._timer.stop()
        text = " ".join((f"{_title_in_words(kept.title)} is back as you left it.", *kept.notes))
        self.notice_raised.emit(Notice("info", text))

    def _on_restore_failed(self, error: Exception) -> None:
        self._restoring = False
        if not isinstance(error, ImageError):  # the disk or the memory: perhaps later, and the picture is whole
            self._unread = True
            text = f"The picture of the last session cannot be read now ({why(error)}): it stays in {self._folder}."
            self.notice_raised.emit(Notice("error", text, (NoticeAction("Try again", self._read_again),)))
            return
        aside = next_path(self._folder, "damaged", ".png")
        try:
            (self._folder / NAME).replace(aside)
        except OSError:
            aside = self._folder / NAME
        text = f"The picture of the last session cannot be read; the damaged file is {aside}. ({error})"
        self.notice_raised.emit(Notice("error", text))
        self._schedule()

    # the one before this

    def set_aside(self) -> None:
        """Set the unsaved artwork aside before another picture replaces it."""
        if self.unsaved:
            self._put_aside(self._current())

    def bring_back(self) -> None:
        """Make the newest picture set aside the artwork; the present one is set aside."""
        if found := self._find_earlier():
            callbacks = partial(self._on_brought_back, found[-1]), self._on_lost
            self._background.start(partial(self._read, found[-1]), *callbacks)

    def _on_brought_back(self, folder: Path, read: Read) -> None:
        self.set_aside()
        self._put(read)
        self._saved = -1
        self._spent.append(folder)
        self.flush()
        self.brought_back.emit()

    def _on_lost(self, error: Exception) -> None:
        self.notice_raised.emit(Notice("error", f"The earlier picture cannot be brought back: {why(error)}"))

    def _find_earlier(self) -> list[Path]:
        return [folder for folder in self._shelf.folders() if folder not in self._spent]

    def _put_aside(self, kept: AutosaveFile, target: Path | None = None) -> None:
        target = target or self._shelf.next_folder()
        failed = partial(self._on_set_aside_failed, target, kept)
        self._background.start(
            partial(self._shelf.write, target, kept), partial(self._on_set_aside, kept.title), failed
        )

    def _on_set_aside_failed(self, target: Path, kept: AutosaveFile, error: Exception) -> None:
        self._failed.append((target, kept))
        self._retry.start()
        self._report(error)

    def _look_for_earlier(self) -> None:
        found = bool(self._find_earlier())
        if found != self.has_earlier:
            self.has_earlier = found
            self.earlier_changed.emit()

    def _on_set_aside(self, title: str, _: object) -> None:
        self._look_for_earlier()
        text = f"{_title_in_words(title)} was not saved; the studio has kept it."
        self.notice_raised.emit(Notice("info", text, (NoticeAction("Back to it", self.bring_back),)))

    # now

    def flush(self) -> None:
        """Write the changes in the background. Later changes are written after their own pause."""
        self._timer.stop()
        if self._is_due() and not self._writing:
            self._writing = True
            self._waiting.invalidate()
            self._background.start(self._task(), partial(self._on_written, self._state()), self._on_write_failed)

    @property
    def writing(self) -> bool:
        """Whether something is being read or written now."""
        return not self._background.idle

    @property
    def idle_changed(self) -> Any:
        """The signal of `writing`."""
        return self._background.idle_changed

    def close(self) -> None:
        """Wait for a running write, write the rest, and stop saving."""
        if self._closed:
            return
        self._timer.stop()
        self._background.close()
        self._closed = True
        self._retry.stop()
        try:
            for target, kept in self._failed:
                self._shelf.write(target, kept)
            if self._is_due():
                self._task()()
                self._remove_spent()
        except (OSError, MemoryError) as error:
            self._complained = False
            self._report(error)
        if self._lock is not None:
            self._lock.give_back()

    def _try_again(self) -> None:
        """Write again after a failed write: the disk may have room now."""
        failed, self._failed = self._failed, []
        for target, kept in failed:
            self._put_aside(kept, target)
        self.flush()

    def _schedule(self) -> None:
        if self._closed or not self._is_due():
            return
        if not self._waiting.isValid():
            self._waiting.start()
        if not self._timer.isActive() or self._waiting.elapsed() < LATEST_MS:
            self._timer.start()

    def _is_due(self) -> bool:
        return not self._restoring and self._written != self._state()

    def _state(self) -> State:
        artwork, results = self._artwork, self._results
        revision = artwork.revision if artwork.is_open else -1
        box = artwork.box, artwork.box_by_hand
        return artwork.is_open, revision, box, self.unsaved, results.keys if results else ()

    def _task(self) -> Callable[[], object]:
        if not self._artwork.is_open:
            work = partial(forget, self._folder)
        else:
            work = partial(write, self._folder, self._current())
        return partial(self._make_room, self._shelf.next_folder(), work) if self._unread else work

    def _make_room(self, target: Path, work: Callable[[], object]) -> None:
        """Put the artwork that could not be read on the shelf, unread, before another takes its place."""
        self._shelf.move(self._folder, target)
        work()

    def _current(self) -> AutosaveFile:
        """The artwork as it is; its pixels are not copied: write() does that in its own thread."""
        artwork, box, aspect = self._artwork, self._artwork.box, self._artwork.box_aspect
        where = box.x(), box.y(), box.width(), box.height()
        rgb = artwork.pixels[..., 2::-1]
        shape, results = (aspect.width(), aspect.height()), self._results.now() if self._results else ()
        return AutosaveFile(
            rgb,
            artwork.mask,
            where,
            shape,
            artwork.title,
            self.unsaved,
            results,
            origin=artwork.origin,
            by_hand=artwork.box_by_hand,
        )

    def _read(self, folder: Path) -> Read:
        """Raises ImageError. In the reader's thread: for a large picture, and many candidates, it takes time."""
        kept = read(folder)
        return Read(kept, bgra(kept.rgb), self._results.find(kept.results) if self._results else [])

    def _put(self, read: Read) -> None:
        read.kept.put_into(self._artwork, read.pixels)
        if self._results is not None:
            self._results.put(read.found)

    def _on_written(self, state: State, _: object) -> None:
        self._written, self._complained, self._writing, self._unread = state, False, False, False
        self._remove_spent()
        self._schedule()

    def _remove_spent(self) -> None:
        for folder in self._spent:
            shutil.rmtree(folder, ignore_errors=True)
        if self._spent:
            self._spent.clear()
        self._look_for_earlier()

    def _on_write_failed(self, error: Exception) -> None:
        self._writing = False
        self._retry.start()
        self._report(error)

    def _report(self, error: Exception) -> None:
        """Said once, and again only after something could be written in between."""
        if not self._complained:
            self._complained = True
            text = f"The picture cannot be kept in {self._folder} ({why(error)}): save it yourself, or make room there."
            self.notice_raised.emit(Notice("error", text))


def _title_in_words(title: str) -> str:
    return f"“{title}”" if title else "The picture"
