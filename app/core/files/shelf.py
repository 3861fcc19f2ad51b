"""The shelf: artworks that gave their place to another, in numbered folders, the newest last.

The number counts up and is no time: a clock that goes back changes no order and deletes nothing.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from app.core.files.autosave_file import NAME, AutosaveFile, write
from app.core.files.folder_lock import FolderLock
from engine.files import sweep

EARLIER = 5  # artworks on the shelf
NUMBERED = re.compile(r"\d{6}")


class Shelf:
    """The artworks in `folder`/earlier, where `folder` is one that this studio has locked."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "earlier"
        self._last = 0  # the highest number given away: its folder may not be written yet

    def folders(self) -> list[Path]:
        """The artworks, the oldest first. Those of older studios, whose names are times, are older than all numbers."""
        found = (path.parent for path in self.root.glob(f"*/{NAME}"))
        return sorted(found, key=lambda folder: (bool(NUMBERED.fullmatch(folder.name)), folder.name))

    def next_folder(self) -> Path:
        """The folder of the next artwork; it is not made."""
        numbers = (int(path.name) for path in self.root.glob("*") if NUMBERED.fullmatch(path.name))
        self._last = max(self._last, *numbers, 0) + 1
        return self.root / f"{self._last:06d}"

    def write(self, target: Path, kept: AutosaveFile) -> None:
        """Write an artwork to next_folder(), and remove those that are too many. Raises OSError."""
        write(target, kept)
        self._prune()

    def move(self, folder: Path, target: Path) -> None:
        """Move an artwork as it is, unread, from a folder to next_folder(). Raises OSError."""
        if not (folder / NAME).exists():
            return
        target.mkdir(parents=True, exist_ok=True)
        for path in (*folder.glob("mask-*.png"), folder / NAME):
            path.replace(target / path.name)

    def adopt(self, folder: Path) -> int:
        """Take what other studios, which are closed now, left in the folders beside `folder`; return how many. Raises
        nothing: what cannot be taken stays where it is.
        """
        taken = 0
        for other in _beside(folder):
            lock = FolderLock(other)
            try:
                if not lock.take():
                    continue  # that studio is open
                for artwork in (*Shelf(other).folders(), other):
                    if (artwork / NAME).exists():
                        self.move(artwork, self.next_folder())
                        taken += 1
                        with suppress(OSError):
                            artwork.rmdir()
                sweep(other)
                with suppress(OSError):
                    (other / "earlier").rmdir()
            except OSError:
                continue
            finally:
                lock.give_back()
                with suppress(OSError):
                    other.rmdir()
        return taken

    def _prune(self) -> None:
        for folder in self.folders()[:-EARLIER]:
            shutil.rmtree(folder, ignore_errors=True)


def folders_from(base: Path) -> Iterator[Path]:
    """The folder of the first studio that is open, of a second one, and so on, without end."""
    yield base
    k = 2
    while True:
        yield base.with_name(f"{base.name}-{k}")
        k += 1


def _beside(folder: Path) -> list[Path]:
    """The folders of other studios: artwork, artwork-2, artwork-3 …, without `folder`."""
    base = re.sub(r"-\d+$", "", folder.name)
    named = re.compile(rf"{re.escape(base)}(-\d+)?")
    found = (path for path in folder.parent.glob(f"{base}*") if named.fullmatch(path.name))
    return sorted(path for path in found if path != folder and path.is_dir())
