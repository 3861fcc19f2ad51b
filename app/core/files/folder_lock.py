"""The lock on a folder that one open studio has for itself."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import IO

from engine.files import lock

NAME = "lock"


class FolderLock:
    """Holds a folder through the file "lock" in it. A killed process holds nothing.

    Qt's QLockFile cannot open a path that is not UTF-8, and then gives no lock.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self._file: IO[bytes] | None = None

    def take(self) -> bool:
        """Take the lock; False if another studio has it. Where the file system cannot lock, it counts as taken.

        Raises OSError where the file cannot be made.
        """
        while self._file is None:
            file = open(self._path, "ab")  # noqa: SIM115 -- held open, and so locked, until give_back()
            if not lock(file, otherwise=True):
                file.close()
                return False
            if os.name != "nt" and not os.fstat(file.fileno()).st_nlink:
                file.close()  # the studio that had it removed the file between the two lines above
                continue
            self._file = file
        return True

    def give_back(self) -> None:
        """Remove the file and let go of the lock. Does nothing without a lock."""
        file, self._file = self._file, None
        if file is None:
            return
        if os.name != "nt":  # while it is locked: nobody can hold a file that is gone
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
        file.close()
        if os.name == "nt":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
