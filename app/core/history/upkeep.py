"""The work of the history's helper threads: checking the database, scanning, taking pictures, copying the marks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from engine.history.errors import DamagedHistory
from engine.history.marks import restore_marks, save_marks
from engine.history.scan import Scanned, scan, scan_runs, take_files
from engine.history.schema import set_aside
from engine.history.store import PictureStore
from engine.history.thumbnails import ThumbnailFolder

EVERY = 0.4  # seconds between two reports of a scan: each lists the pictures again


def prepare(database: Path, thumbnails: ThumbnailFolder) -> str:
    """Check the database, make it where there is none, and clear away what is no longer needed.

    Return the sentence on a damaged one that was set aside, or "". Raises HistoryError.
    """
    complaint = ""
    try:
        store = PictureStore(database, check=True)
    except DamagedHistory:
        aside = set_aside(database)
        complaint = (
            "The history was damaged. It is made again from the folders, with the stars, tags and boards that were "
            f"saved last; the damaged file is kept as {aside}."
        )
        store = PictureStore(database)
    try:
        store.forget_trash()
        thumbnails.free(store.heads())
    finally:
        store.close()
    return complaint


def look_through(
    database: Path,
    folders: Sequence[Path],
    runs: Path,
    restore: bool,
    cancelled: Callable[[], bool],
    report: Callable[[Scanned], object],
) -> Scanned:
    """Scan the folders and the run files; `restore`: then say the copied marks again. Raises Cancelled, HistoryError.

    report -- called now and then with what was found so far
    """
    store, due = PictureStore(database), time.monotonic()

    def now_and_then(found: Scanned) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + EVERY
            report(replace(found))

    try:
        scan_runs(store, runs, cancelled)
        found = scan(store, folders, cancelled, now_and_then)
        if restore:
            restore_marks(store, database.parent)
    finally:
        store.close()
    return found


def take(database: Path, pictures: Sequence[Path], run: Path | None) -> Scanned:
    """Take the pictures of a finished run. Raises HistoryError."""
    store = PictureStore(database)
    try:
        return take_files(store, pictures, run)
    finally:
        store.close()


def copy_marks(database: Path) -> None:
    """Write the copy of the marks. Raises OSError and HistoryError."""
    store = PictureStore(database)
    try:
        save_marks(store, database.parent)
    finally:
        store.close()
