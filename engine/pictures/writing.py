"""Write a file at once or not at all: what was there stays until the new file is whole."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the path of a new, empty file beside `path`, which takes its place when the block ends without an error.

    A link stays a link: what it leads to is replaced. The permissions of an older file stay. Raises OSError with
    `path` as its file, also where that is a folder, a device or a pipe; then nothing is left behind, and the older
    file stands.
    """
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        target = Path(os.path.realpath(path)) if path.is_symlink() else path
        known = target.stat() if target.exists() else None
        if known is not None and stat.S_ISDIR(known.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if known is not None and not stat.S_ISREG(known.st_mode):
            raise OSError(errno.EINVAL, "not an ordinary file, so no file can take its place")
        # a short name: the longest that a disk takes leaves no room for an ending
        part = target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.{os.getpid()}.part")
        part.touch()
        if known is not None:
            part.chmod(stat.S_IMODE(known.st_mode))
        yield part
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(part, target)
    except OSError as error:
        error.filename = str(path)  # the file that the user named, and not the one that was being written
        raise
    finally:
        if part is not None:
            part.unlink(missing_ok=True)
