"""The SHA-256 of a checkpoint, computed once per file and remembered; the hash of a layout. Needs no torch.

Other studios write the first ten digits of a file's SHA-256. A file is known by its path, size and time of change.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.header import Header
from engine.errors import Cancelled, why
from engine.files import replace_file

FILE = "hashes.json"
TENSORS_FILE = "tensor-hashes.json"
BLOCK = 4 * 2**20  # bytes between two calls of `cancelled`
SHORT = 10  # digits by which other studios name a file
MOST = 20_000  # files that are remembered
MAX_BYTES = 32 * 2**20


def sha256(
    path: Path,
    progress: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
    start: int = 0,
) -> str:
    """Return the SHA-256 of a file from byte `start` on. `progress` is called with the share that is done, 0 … 1.

    Raises Cancelled when `cancelled` returns True, and CheckpointError for a file that cannot be read.
    """
    found, block = hashlib.sha256(), bytearray(BLOCK)
    view, done = memoryview(block), 0
    try:
        with open(path, "rb", buffering=0) as file:
            size = max(os.fstat(file.fileno()).st_size - start, 1)
            file.seek(start)
            while count := file.readinto(block):
                if cancelled():
                    raise Cancelled
                found.update(view[:count])
                done += count
                progress(min(done / size, 1.0))
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
    return found.hexdigest()


def tensors_sha256(
    path: Path, progress: Callable[[float], None] = lambda share: None, cancelled: Callable[[], bool] = lambda: False
) -> str:
    """Return the SHA-256 of a safetensors file without its header: by its first twelve digits A1111 names a LoRA.

    It stays when the metadata change. Raises as sha256() does.
    """
    try:
        with open(path, "rb") as file:
            start = 8 + int.from_bytes(file.read(8), "little")
            if start > os.fstat(file.fileno()).st_size:
                raise CheckpointError(f"{path} is damaged: its header is longer than the file.")
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
    return sha256(path, progress, cancelled, start)


class Hashes:
    """The hashes of files, remembered in `folder`.

    of_tensors -- remember tensors_sha256() instead of sha256(), in a file of its own

    A damaged or missing memory is not an error: the hashes are computed again.
    """

    def __init__(self, folder: Path, of_tensors: bool = False) -> None:
        self.path = folder / (TENSORS_FILE if of_tensors else FILE)
        self._compute = tensors_sha256 if of_tensors else sha256
        self._known = _read(self.path)

    def known(self, path: Path) -> str | None:
        """Return the hash of a file that did not change since it was computed, else None."""
        name = os.path.realpath(path)
        try:
            stamp = _stamp(name)
        except OSError:
            return None
        found = self._known.get(name)
        return found[2] if found is not None and found[:2] == stamp else None

    def holding(self, digest: str) -> Path | None:
        """Return a file that is known to have this hash, or one that begins so, and did not change since; else None."""
        names = [name for name, held in self._known.items() if digest and held[2].startswith(digest)]
        return next((Path(name) for name in names if (self.known(Path(name)) or "").startswith(digest)), None)

    def of(
        self,
        path: Path,
        progress: Callable[[float], None] = lambda share: None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> str:
        """Return the hash of a file, computed if it is not known. Raises as sha256() does."""
        if (found := self.known(path)) is not None:
            return found
        name = os.path.realpath(path)
        try:
            stamp = _stamp(name)
        except OSError as error:
            raise CheckpointError(f"{path} cannot be read ({why(error)}).") from error
        digest = self._compute(path, progress, cancelled)
        known = self._known | _read(self.path)  # with what the window, the engine and the commands have added since
        known.pop(name, None)
        known[name] = *stamp, digest
        while len(known) > MOST:
            del known[next(iter(known))]
        self._known = known
        self._save()
        return digest

    def _save(self) -> None:
        with suppress(OSError), replace_file(self.path) as file:  # then it is computed again next time
            file.write(json.dumps(self._known, ensure_ascii=True).encode())


def _read(path: Path) -> dict[str, tuple[int, int, str]]:
    """Return the entries of a file that can be used."""
    with suppress(OSError, ValueError, TypeError, AttributeError, RecursionError):
        with open(path, "rb") as file:
            held = json.loads(file.read(MAX_BYTES))
        return {
            name: (size, changed, digest)
            for name, (size, changed, digest) in held.items()
            if type(size) is int and type(changed) is int and isinstance(digest, str) and len(digest) == 64
        }
    return {}


def _stamp(name: str) -> tuple[int, int]:
    about = os.stat(name)
    return about.st_size, about.st_mtime_ns


def layout_md5(shapes: Mapping[str, tuple[int, ...]] | Header) -> str:
    """Return the MD5 of names and shapes, by which DiffSynth-Studio tells the layouts of published files apart.

    For each tensor the texts "name:d0_d1_…" and "name", all sorted and joined by commas.
    """
    if isinstance(shapes, Header):
        shapes = {name: entry.shape for name, entry in shapes.tensors.items()}
    texts = [f"{name}:{'_'.join(map(str, shape))}" for name, shape in shapes.items()] + list(shapes)
    return hashlib.md5(",".join(sorted(texts)).encode(), usedforsecurity=False).hexdigest()
