"""Write files that appear whole or not at all: links are followed, permissions stay, a killed writer leaves no litter.

`replacing` is the one way in which the studio writes a file that somebody keeps. It writes into a part file beside the
destination and puts that in its place in one step. The part file has a short name, so every legal name can be written,
and is locked while it is written, so `sweep` removes only those whose writer was killed.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

if os.name == "nt":
    import msvcrt

    LOCKED = 2**31 - 2  # the byte that is locked: on Windows nobody else can read a locked byte

    def lock(file: IO[Any]) -> bool:
        """Lock an open file until it is closed; False if another process has it."""
        at = file.tell()
        try:
            os.lseek(file.fileno(), LOCKED, os.SEEK_SET)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined, unused-ignore]
        except OSError:
            return False
        finally:
            file.seek(at)
        return True

else:
    import fcntl

    def lock(file: IO[Any]) -> bool:
        """Lock an open file until it is closed; False if another process has it, or the file system cannot lock."""
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


PART = re.compile(r"^\.(tweedie-[0-9a-f]{8}|.+\.\d+)\.part$")  # the second: as the studio named them before


@contextmanager
def replace_file(path: Path, fresh: bool = False) -> Iterator[IO[bytes]]:
    """Open a new file for the bytes of `path`; it takes its place when the block ends without an error.

    An older file stays as it was until then. A link stays a link: the file that it points to is replaced. The new file
    gets the permissions of the old one. `file.name` is the path of the part file, for writers that open it themselves.

    fresh -- never replace anything: raises FileExistsError where something has that name by then

    Raises OSError, always about `path`; then nothing is left behind.
    """
    try:
        target, old = _destination(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        file = _open_part(target.parent)
        part = Path(file.name)
        try:
            with file:
                yield file
                file.flush()
                _keep_permissions(file, old)
                os.fsync(file.fileno())
                if os.name != "nt":  # while it is locked
                    _put(part, target, fresh)
            if os.name == "nt":
                _put(part, target, fresh)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
    except OSError as error:
        _name(error, path)
        raise


def check_writable(path: Path) -> None:
    """Raise OSError now for what `replacing` would raise later; makes the folder, and leaves an older file alone."""
    try:
        target, _ = _destination(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with _open_part(target.parent) as file:
            os.unlink(file.name) if os.name != "nt" else None
        if os.name == "nt":
            os.unlink(file.name)
    except OSError as error:
        _name(error, path)
        raise


def sweep(folder: Path) -> None:
    """Remove the part files in a folder whose writers were killed. Raises nothing."""
    with suppress(OSError):
        for path in list(folder.iterdir()):
            if PART.match(path.name) and path.is_file() and not path.is_symlink():
                with suppress(OSError), open(path, "rb") as file:
                    if lock(file) and os.name != "nt":
                        path.unlink()
                if os.name == "nt":
                    with suppress(OSError):
                        path.unlink()


def _destination(path: Path) -> tuple[Path, os.stat_result | None]:
    """The file behind `path` and its links, and what is there now. Raises OSError for what is no ordinary file."""
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, "this is a folder: add the name of a file", str(path))
    target = Path(os.path.realpath(path))
    try:
        old = os.stat(target)
    except FileNotFoundError:
        if target.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path)) from None
        return target, None
    if stat.S_ISDIR(old.st_mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder: add the name of a file", str(path))
    if not stat.S_ISREG(old.st_mode):
        raise OSError(errno.EINVAL, "this is no ordinary file: choose another name", str(path))
    if not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, "this file is write-protected: choose another name", str(path))
    return target, old


def _open_part(folder: Path) -> IO[bytes]:
    """A new, locked part file, open for writing and reading."""
    while True:
        part = folder / f".tweedie-{secrets.token_hex(4)}.part"
        try:
            descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
        except FileExistsError:
            continue
        file = open(part, "r+b", opener=lambda *_, found=descriptor: found)  # noqa: SIM115
        lock(file)
        if os.name == "nt" or os.fstat(descriptor).st_nlink:  # sweep() was not faster than the lock
            return file
        file.close()


def _keep_permissions(file: IO[bytes], old: os.stat_result | None) -> None:
    if old is None or os.name == "nt":
        return
    with suppress(OSError):  # the owner is kept where that is allowed
        os.fchown(file.fileno(), old.st_uid, old.st_gid)
    with suppress(OSError):
        os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))


def _name(error: OSError, path: Path) -> None:
    """Let the error speak of the file that was asked for, and not of a part file, whose name nobody knows."""
    with suppress(AttributeError):  # PyAV's errors have names that cannot be set
        error.filename, error.filename2 = str(path), None


def _put(part: Path, target: Path, fresh: bool) -> None:
    if not fresh:
        os.replace(part, target)
    elif os.name == "nt":
        os.rename(part, target)
    else:
        try:
            os.link(part, target)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links: the name is taken first
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            os.replace(part, target)
