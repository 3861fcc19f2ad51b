"""Storage: measures the studio's folders in a helper thread, and moves runs to the trash when the user says so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event

from PySide6.QtCore import QFile, QObject, QStandardPaths, Signal

from app.core.files.background import Background
from app.core.notices import Notice
from app.core.storage.usage import Place, RunFile, measure, surplus
from engine.errors import Cancelled, one_line

RUNS = "runs"  # the name of the place that has the run files


def to_trash(path: Path) -> bool:
    """Move a file to the desktop's trash; False where there is none or it cannot be moved."""
    data = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.GenericDataLocation)
    with suppress(OSError):
        Path(data).mkdir(parents=True, exist_ok=True)  # Qt makes the trash in it, but not the folder itself
    return QFile(str(path)).moveToTrash()


class Storage(QObject):
    """The space that each place takes, and the runs above the limit.

    places  -- what is measured; one is named RUNS
    in_use  -- the runs that must stay: shown, running, starred, candidates of the artwork
    discard -- moves a file to the trash
    """

    changed = Signal()
    notice_raised = Signal(object)

    def __init__(
        self,
        places: Sequence[Place],
        in_use: Callable[[], Collection[Path]],
        discard: Callable[[Path], bool] = to_trash,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.places = {place.name: place for place in places}
        self.surplus: list[RunFile] = []
        self._limit = 0
        self._in_use, self._discard = in_use, discard
        self._background = Background(self)
        self._background.idle_changed.connect(self.changed)
        self._stop = Event()

    @property
    def busy(self) -> bool:
        return not self._background.idle

    @property
    def over_limit(self) -> bool:
        """Whether the runs take more than the limit."""
        runs = self.places[RUNS].bytes
        return bool(self._limit) and runs is not None and runs > self._limit

    @property
    def limit(self) -> int:
        """Bytes that the runs may take; 0 for no limit."""
        return self._limit

    def set_limit(self, limit: int) -> None:
        if limit != self._limit:
            self._limit = limit
            self.refresh()

    def move(self, name: str, path: Path) -> None:
        """The place of that name is another folder from now on."""
        if self.places[name].path != path:
            self.places[name] = replace(self.places[name], path=path, bytes=None, files=0)

    def refresh(self) -> None:
        """Measure everything again."""
        self._stop.set()
        self._stop = stop = Event()
        for place in self.places.values():
            self._background.start(partial(measure, place, stop.is_set), self._on_measured, self._on_failed)
        if self._limit:
            keep = set(self._in_use())
            work = partial(surplus, self.places[RUNS].path, self._limit, keep, stop.is_set)
            self._background.start(work, self._on_surplus, self._on_failed)
        else:
            self._on_surplus([])

    def delete(self, paths: Collection[Path]) -> None:
        """Move runs of the surplus to the trash. One that came into use in between stays."""
        keep = set(self._in_use())
        chosen = [run for run in self.surplus if run.path in paths and run.path not in keep]
        self._background.start(partial(self._move, chosen), self._on_moved, self._on_failed)

    def close(self) -> None:
        self._stop.set()
        self._background.close()

    def _move(self, runs: Sequence[RunFile]) -> list[RunFile]:
        """Return those that could not be moved."""
        return [run for run in runs if not self._discard(run.path)]

    def _on_moved(self, failed: list[RunFile]) -> None:
        if failed:
            name, more = failed[0].path.name, f" and {len(failed) - 1} more" if len(failed) > 1 else ""
            sentence = f"{name}{more} could not be moved to the trash: delete the file in its folder."
            self.notice_raised.emit(Notice("error", sentence))
        self.refresh()

    def _on_measured(self, place: Place) -> None:
        if self.places[place.name].path == place.path:
            self.places[place.name] = place
            self.changed.emit()

    def _on_surplus(self, runs: list[RunFile]) -> None:
        self.surplus = runs
        self.changed.emit()

    def _on_failed(self, error: Exception) -> None:
        if not isinstance(error, Cancelled):
            self.notice_raised.emit(Notice("error", f"The folders could not be measured: {one_line(str(error))}."))
