"""Pictures into the trash of the desktop, and back from it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QFile

from engine.files import replace_file
from engine.history.query import HERE, MISSING, TRASHED
from engine.history.store import PictureStore

INFO = ".trashinfo"  # beside the files of a freedesktop trash: where each of them was


@dataclass(frozen=True, slots=True)
class Thrown:
    """A picture in the trash. place: of its file there; None where it had no file, or where the system does not say.

    state -- of the picture before
    """

    id: int
    path: Path
    place: Path | None
    state: str


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done, and the names of the files for which it was not."""

    done: tuple[Thrown, ...]
    failed: tuple[str, ...]


def throw_away(database: Path, ids: list[int]) -> Moved:
    """Put the files of pictures into the trash. A missing file has nothing to put there: its picture leaves the list.

    In a helper thread. Raises HistoryError.
    """
    store = PictureStore(database)
    done, failed = list[Thrown](), list[str]()
    try:
        for id in ids:
            picture = store.picture(id)
            if picture is None:
                continue
            if not os.path.lexists(picture.path):
                done.append(Thrown(id, picture.path, None, MISSING))
                continue
            file = QFile(str(picture.path))
            if file.moveToTrash():
                place = Path(file.fileName()) if file.fileName() != str(picture.path) else None
                done.append(Thrown(id, picture.path, place, HERE))
            else:
                failed.append(picture.path.name)
        store.set_state([thrown.id for thrown in done], TRASHED)
    finally:
        store.close()
    return Moved(tuple(done), tuple(failed))


def bring_back(database: Path, thrown: tuple[Thrown, ...]) -> Moved:
    """Undo throw_away(): move the files back to where they were. No file that is there now is replaced.

    In a helper thread. Raises HistoryError.
    """
    store = PictureStore(database)
    done, failed = list[Thrown](), list[str]()
    try:
        for one in thrown:
            if one.state == HERE and not _move_back(one):
                failed.append(one.path.name)
            else:
                done.append(one)
        for state in (HERE, MISSING):
            store.set_state([one.id for one in done if one.state == state], state)
    finally:
        store.close()
    return Moved(tuple(done), tuple(failed))


def _move_back(one: Thrown) -> bool:
    if os.path.lexists(one.path):
        return False
    if one.place is None:
        return False
    try:
        one.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.rename(one.place, one.path)
        except OSError:  # another disk
            times = one.place.stat()
            with replace_file(one.path, fresh=True) as file:
                file.write(one.place.read_bytes())
            os.utime(one.path, ns=(times.st_atime_ns, times.st_mtime_ns))
            one.place.unlink()
    except OSError:
        return False
    with suppress(OSError):
        (one.place.parent.parent / "info" / f"{one.place.name}{INFO}").unlink(missing_ok=True)
    return True
