"""A copy of all stars, ratings, tags and boards beside the database: with it a damaged history loses nothing.

The database can be made again from the folders; what a person said of the pictures is in no picture file.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from engine.files import replace_file
from engine.history.query import MOST_RATING
from engine.history.store import LONGEST_NAME, Marks, PictureStore

FILE = "history-marks.json"
MAX_BYTES = 256 << 20


def save_marks(store: PictureStore, folder: Path) -> None:
    """Write the copy. Raises OSError and HistoryError."""
    said = [
        [stamp.head, int(marks.starred), marks.rating, list(marks.tags), list(marks.boards)]
        for stamp, marks in store.marked()
    ]
    text = json.dumps({"boards": list(store.boards()), "marks": said}, ensure_ascii=False, separators=(",", ":"))
    with replace_file(folder / FILE) as file:
        file.write(text.encode())


def restore_marks(store: PictureStore, folder: Path) -> int:
    """Say again what the copy says of the pictures that nothing is said of; return of how many. Raises HistoryError.

    A missing or damaged copy says nothing.
    """
    said: dict[str, Marks] = {}
    boards: list[str] = []
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        with open(folder / FILE, "rb") as file:
            held: dict[str, Any] = json.loads(file.read(MAX_BYTES))
        boards = _names(held["boards"])
        for head, starred, rating, tags, on in held["marks"]:
            rating = max(0, min(int(rating), MOST_RATING))
            said[str(head)] = Marks(bool(starred), rating, tuple(_names(tags)), tuple(_names(on)))
    for board in boards:
        store.add_to_board((), board)
    ids = store.by_head(said)
    now = store.marks(ids)
    wanted = {id: said[head] for id, head in ids.items() if now[id] == Marks()}
    if wanted:
        store.mark(wanted)
    return len(wanted)


def _names(data: Any) -> list[str]:
    return [str(name)[:LONGEST_NAME] for name in data]
