"""History: every finished picture, found again. What is listed, what is chosen, and what a person says of pictures.

The database is imported in the functions that need it: the window is painted before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.files.background import Background
from app.core.history.large_pictures import LargePictures
from app.core.history.scanner import Place, Scanner
from app.core.history.thumbnails import PictureThumbnails
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import QueuedJob
from app.core.notices import Notice, NoticeAction
from engine.errors import EngineError, why
from engine.history.errors import DamagedHistory, HistoryError
from engine.history.query import Filter, Row

if TYPE_CHECKING:
    from app.core.history.trash import Moved
    from engine.history.scan import Scanned
    from engine.history.store import Marks, Picture, PictureStore

T = TypeVar("T")
SAVE_MS = 5000  # after the last mark the copy of the marks is written
MOST_UNDO = 100


class History(QObject):
    """The part of the studio for finished pictures. Nothing is opened or read before somebody looks, or a run ends.

    filter   -- which pictures are listed
    rows     -- the listed pictures, newest first
    selected -- the ids of the chosen ones, the current one first
    looking  -- the ids of the one or two pictures that are looked at in large; () for the gallery
    thumbnails, large -- the pixels of pictures, small and whole
    """

    rows_changed = Signal()  # other rows, or other marks in them
    filter_changed = Signal()
    facets_changed = Signal()  # models, tags and boards to filter by
    selection_changed = Signal()
    looking_changed = Signal()
    folders_changed = Signal()
    activity_changed = Signal()
    undo_changed = Signal()
    notice_raised = Signal(object)

    def __init__(self, place: Place, jobs: JobsModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.place = place
        self.scanner = Scanner(place, self)
        self._store: PictureStore | None = None
        self._filter = Filter()
        self._watched: tuple[Path, ...] = ()
        self._set_folders()
        self.rows: list[Row] = []
        self.selected: tuple[int, ...] = ()
        self.looking: tuple[int, ...] = ()
        self._pictures: dict[int, Picture | None] = {}
        self._told: set[str] = set()  # what could not be read
        self._undo: list[tuple[str, Callable[[], object]]] = []
        self._closed = self._unsaved = False
        self.thumbnails = PictureThumbnails(place.thumbnails, self)
        self.large = LargePictures(self)
        self._files = Background(self, finishes=True)
        self._save = QTimer(self)
        self._save.setSingleShot(True)
        self._save.setInterval(SAVE_MS)
        self._save.timeout.connect(self._save_marks)
        self.scanner.ready.connect(self._on_ready)
        self.scanner.told.connect(self._on_scanned)
        self.scanner.ended.connect(self._on_ended)
        self.scanner.damaged.connect(self._on_damaged)
        self.scanner.failed.connect(self._complain)
        self.scanner.scanning_changed.connect(self.activity_changed)
        jobs.ended.connect(self._on_job)

    # the folders

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders of the user that are looked through, besides the studio's own."""
        return self._watched

    @folders.setter
    def folders(self, folders: Iterable[Path]) -> None:
        folders = tuple(dict.fromkeys(folders))
        if folders != self._watched:
            self._watched = folders
            self._set_folders()
            self.folders_changed.emit()

    def watch(self, folder: Path) -> None:
        """Look through one more folder, now and from now on."""
        self.folders = (*self._watched, folder)
        self.scanner.scan()

    def unwatch(self, folder: Path) -> None:
        """Do not look through a folder any more; its pictures stay in the history."""
        self.folders = [other for other in self._watched if other != folder]

    def _set_folders(self) -> None:
        self.scanner.folders = (self.place.pictures, *self._watched)

    # looking

    def set_seen(self, seen: bool) -> None:
        """Say whether the gallery is in front."""
        self.scanner.set_seen(seen)

    @property
    def is_ready(self) -> bool:
        return self._store is not None

    @property
    def activity(self) -> str:
        """What is being done, in words; "" for nothing."""
        if not self.is_ready:
            return "Opening the history …"
        return "Looking through the folders …" if self.scanner.scanning else ""

    @property
    def filter(self) -> Filter:
        return self._filter

    def narrow(self, **choices: Any) -> None:
        """Change what is listed: narrow(text="red", starred=True), by the fields of a Filter."""
        chosen = self._filter._replace(**choices)
        if chosen != self._filter:
            self._filter = chosen
            self.filter_changed.emit()
            self.refresh()

    def clear_filter(self) -> None:
        """List all pictures."""
        self.narrow(**Filter()._replace(stacked=self._filter.stacked)._asdict())

    def refresh(self) -> None:
        """List the pictures again."""
        self._pictures.clear()
        self.rows = self._ask(lambda store: store.rows(self._filter), [])
        self.rows_changed.emit()

    def picture(self, id: int) -> Picture | None:
        """Return all that is known of a picture; None where it is gone."""
        if id not in self._pictures:
            self._pictures[id] = self._ask(lambda store: store.picture(id), None)
        return self._pictures[id]

    @property
    def current(self) -> Picture | None:
        """The first of the chosen pictures."""
        return self.picture(self.selected[0]) if self.selected else None

    def run_of(self, picture: Picture) -> tuple[Path, int] | None:
        """Return the run file of a picture and its place in the batch; None where there is none any more."""
        return self._ask(lambda store: store.run_of(picture), None)

    def alike(self, id: int) -> list[int]:
        """Return the pictures with the settings of this one, but for the seed, and itself."""
        return self._ask(lambda store: store.alike([id]), [id])

    def models(self) -> dict[str, int]:
        return self._ask(lambda store: store.models(), {})

    def tags(self) -> dict[str, int]:
        return self._ask(lambda store: store.tags(), {})

    def boards(self) -> dict[str, int]:
        return self._ask(lambda store: store.boards(), {})

    def counts(self) -> dict[str, int]:
        """Return how many pictures there are, by state."""
        return self._ask(lambda store: store.counts(), {})

    def select(self, ids: Sequence[int]) -> None:
        """Choose pictures, the current one first."""
        if tuple(ids) != self.selected:
            self.selected = tuple(ids)
            self.selection_changed.emit()

    def look(self, ids: Sequence[int]) -> None:
        """Look at one picture in large, compare two, or go back to the gallery with none."""
        ids = tuple(ids[:2])
        if ids != self.looking:
            self.looking = ids
            self.looking_changed.emit()

    def show_alike(self, id: int) -> None:
        """List the pictures with the settings of this one, whatever their seeds."""
        picture = self.picture(id)
        if picture is not None and picture.facts.parameters:
            self.narrow(parameters=picture.facts.parameters, stacked=False)

    # what a person says of pictures; each can be undone

    def star(self, ids: Sequence[int], starred: bool) -> None:
        self._mark(ids, "Star" if starred else "Take the star away", lambda store: store.star(ids, starred))

    def rate(self, ids: Sequence[int], rating: int) -> None:
        self._mark(ids, "Rate", lambda store: store.rate(ids, rating))

    def tag(self, ids: Sequence[int], text: str) -> None:
        """Add the tags in a text, separated by commas."""
        from engine.history.store import tidy

        if tags := tidy(text):
            self._mark(ids, "Tag", lambda store: store.tag(ids, tags))

    def untag(self, ids: Sequence[int], tag: str) -> None:
        self._mark(ids, "Take the tag away", lambda store: store.untag(ids, tag))

    def add_to_board(self, ids: Sequence[int], text: str) -> None:
        """Put pictures on the boards in a text, separated by commas; new ones are made."""
        from engine.history.store import tidy

        boards = tidy(text)

        def add(store: PictureStore) -> None:
            for board in boards:
                store.add_to_board(ids, board)

        if boards:
            self._mark(ids, "Put on a board", add)

    def take_off_board(self, ids: Sequence[int], board: str) -> None:
        self._mark(ids, "Take off the board", lambda store: store.take_off_board(ids, board))

    def remove_board(self, board: str) -> None:
        """Remove a board; its pictures stay."""
        ids = [row.id for row in self._ask(lambda store: store.rows(Filter(board=board)), list[Row]())]
        self._mark(ids, "Remove the board", lambda store: store.remove_board(board))
        if self._filter.board == board:
            self.narrow(board="")

    def _mark(self, ids: Sequence[int], text: str, do: Callable[[PictureStore], object]) -> None:
        before: dict[int, Marks] = self._ask(lambda store: store.marks(ids), {})
        if self._ask(lambda store: (do(store), True)[1], False):
            self._keep_undo(text, lambda: self._mark_again(before))
            self._on_marked()

    def _mark_again(self, marks: dict[int, Marks]) -> None:
        self._ask(lambda store: store.mark(marks), None)
        self._on_marked()

    def _on_marked(self) -> None:
        self._unsaved = True
        self._save.start()
        self.refresh()
        self.facets_changed.emit()

    # the trash

    def delete(self, ids: Sequence[int]) -> None:
        """Put the files of pictures into the trash; pictures whose files are gone leave the history."""
        from app.core.history.trash import throw_away

        if ids and self.is_ready:
            work = partial(throw_away, self.place.database, list(ids))
            self._files.start(work, self._on_thrown, self._on_file_error)

    def _on_thrown(self, moved: Moved) -> None:
        self.scanner.prepare()
        self.refresh()
        self.facets_changed.emit()
        if moved.failed:
            self._complain(f"{_names(moved.failed)} could not be put into the trash. Check who may write that folder.")
        if moved.done:
            self._keep_undo("Delete", lambda: self._bring_back(moved))
            count = f"{len(moved.done)} pictures are" if len(moved.done) > 1 else "The picture is"
            there = "in the trash" if any(one.state == "here" for one in moved.done) else "no longer in the history"
            undo = NoticeAction("Undo", self.undo)
            self.notice_raised.emit(Notice("info", f"{count} {there}.", (undo,)))

    def _bring_back(self, moved: Moved) -> None:
        from app.core.history.trash import bring_back

        self._files.start(partial(bring_back, self.place.database, moved.done), self._on_back, self._on_file_error)

    def _on_back(self, moved: Moved) -> None:
        self.refresh()
        self.facets_changed.emit()
        if moved.failed:
            self._complain(
                f"{_names(moved.failed)} could not be brought back: another file has the name, or the trash was "
                "emptied. Look into the trash of your desktop."
            )

    # undo

    @property
    def undo_text(self) -> str:
        """What undo() takes back; "" where there is nothing."""
        return self._undo[-1][0] if self._undo else ""

    def undo(self) -> None:
        """Take back the last deletion, star, rating, tag or board."""
        if self._undo:
            _, back = self._undo.pop()
            back()
            self.undo_changed.emit()

    def _keep_undo(self, text: str, back: Callable[[], object]) -> None:
        self._undo.append((text, back))
        del self._undo[:-MOST_UNDO]
        self.undo_changed.emit()

    # the end

    def close(self) -> None:
        """End the threads; the copy of the marks is written."""
        if self._closed:
            return
        self._closed = True
        self._save.stop()
        if self._unsaved:
            self._save_marks()
        self.scanner.close()
        self.thumbnails.close()
        self.large.close()
        self._files.close()
        if self._store is not None:
            self._store.close()
            self._store = None

    # inside

    def _on_ready(self) -> None:
        from engine.history.store import PictureStore

        self._close_store()
        try:
            self._store = PictureStore(self.place.database)
        except HistoryError as error:
            self._complain(str(error))
            return
        self.refresh()
        self.facets_changed.emit()
        self.activity_changed.emit()

    def _on_scanned(self, _found: Scanned) -> None:
        if not self._closed:
            self.refresh()

    def _on_ended(self, found: Scanned) -> None:
        self.refresh()
        self.facets_changed.emit()
        self._tell_unreadable(dict(found.unreadable))
        if found.missing:
            those = "1 picture is" if found.missing == 1 else f"{found.missing} pictures are"
            self.notice_raised.emit(
                Notice(
                    "info",
                    f"{those} no longer where the history last saw the file. If you moved a folder, add its new place "
                    "under “Folders”.",
                )
            )

    def _tell_unreadable(self, unreadable: dict[str, str]) -> None:
        """Once for each folder and file; the studio's own folder is made with the first picture."""
        unreadable.pop(str(self.place.pictures), None)
        new = [name for name in unreadable if name not in self._told]
        self._told = set(unreadable)
        if new:
            more = f" and {len(new) - 1} more" if len(new) > 1 else ""
            self._complain(f"The history cannot read {new[0]} ({unreadable[new[0]]}){more}.")

    def _on_job(self, job: QueuedJob) -> None:
        if job.images:
            self.scanner.take(job.images, job.run_path)

    def _on_damaged(self, sentence: str) -> None:
        self._undo.clear()
        self.undo_changed.emit()
        self._complain(sentence)

    def _on_file_error(self, error: Exception) -> None:
        self.refresh()
        self._complain(str(error) if isinstance(error, EngineError) else f"The trash cannot be used: {error}")

    def _save_marks(self) -> None:
        from app.core.history.upkeep import copy_marks

        self._unsaved = False
        self._files.start(partial(copy_marks, self.place.database), lambda _: None, self._on_unsaved)

    def _on_unsaved(self, error: Exception) -> None:
        sentence = why(error) if isinstance(error, OSError) else str(error)
        self._complain(f"The copy of your stars, tags and boards cannot be written: {sentence}.")

    def _ask(self, question: Callable[[PictureStore], T], otherwise: T) -> T:
        """Ask the database; `otherwise` before it is open and after an error, which is told."""
        if self._store is None:
            return otherwise
        try:
            return question(self._store)
        except DamagedHistory:
            self._close_store()
            self.scanner.start_anew()
            self.activity_changed.emit()
        except HistoryError as error:
            self._complain(str(error))
        return otherwise

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None

    def _complain(self, sentence: str) -> None:
        self.notice_raised.emit(Notice("error", sentence))


def _names(names: Sequence[str]) -> str:
    first = ", ".join(names[:3])
    return first if len(names) <= 3 else f"{first} and {len(names) - 3} more"
