"""Find the files of adapters by their hashes, in the user's folders and wherever they were used before. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from engine.checkpoints.errors import CheckpointError
from engine.checkpoints.hashes import SHORT, Hashes
from engine.checkpoints.header import read_header
from engine.checkpoints.scan import ENDINGS, places
from engine.checkpoints.settings import load as load_settings
from engine.errors import one_line

TRAINED = "sshs_model_hash"  # of the metadata: the SHA-256 of the tensors as they were trained


class Match(NamedTuple):
    """A file that was looked for: its name, SHA-256 and path, and whether its hash is the one that was asked for."""

    name: str
    sha256: str
    path: Path
    same: bool


class AdapterFiles:
    """The files of adapters, or of VAEs. Nothing is read before the first one is looked for.

    folder -- of the studio's settings, with the folders to look in and the hashes that are known
    what   -- they are, for sentences
    """

    def __init__(self, folder: Path, what: str = "LoRA") -> None:
        self._folder, self._what = folder, what
        self._found: dict[str, Path] = {}  # by hash
        self._hashes: Hashes | None = None

    def add(self, where: str) -> tuple[str, str]:
        """Return the name and the hash of the adapter at the path `where`, or of that name in the user's folders.

        Raises CheckpointError where there is none.
        """
        path = Path(where)
        if not path.is_file():
            named = next(self._named(where.removesuffix(ENDINGS[0])), None)
            if named is None:
                raise CheckpointError(f"There is no {self._what} “{one_line(where, 200)}”: give its .safetensors file.")
            path = named
        digest = self._known().of(path)
        self._found[digest] = path
        return path.stem, digest

    def path(self, name: str, digest: str) -> Path:
        """Return the file with this hash; `name` is what it was called. Raises CheckpointError for a missing one."""
        hashes = self._known()
        found = self._found.get(digest)
        if found is not None and hashes.known(found) == digest:
            return found
        found = (
            hashes.holding(digest)
            or self._anew().holding(digest)
            or next((p for p in self._named(name) if self._known().of(p) == digest), None)
        )
        if found is None and (other := next(self._named(name), None)) is not None:
            raise CheckpointError(
                f"The {self._what} “{one_line(name, 100)}” has changed: {other} is not the file {digest[:SHORT]} that "
                "was used. Put that one back, or start a new run."
            )
        if found is None:
            raise CheckpointError(
                f"The {self._what} “{one_line(name, 100)}” ({digest[:SHORT]}) is missing: put its file into one of "
                "your model folders."
            )
        self._found[digest] = found
        return found

    def _anew(self) -> Hashes:
        """Read the known hashes again: the window or another command may have added some."""
        self._hashes = Hashes(self._folder)
        return self._hashes

    def named(self, name: str, digits: str = "") -> Match | None:
        """Find the file with a hash that begins with `digits`, else the one called `name` in the user's folders; None
        where neither is there.

        Up to ten digits are those of the file; more may also be those of its tensors, as A1111 writes them: by what
        its metadata say, or by tensors_sha256() where that is known. Raises CheckpointError for a file that cannot be
        read.
        """
        path = self._known().holding(digits) if digits else None
        same = path is not None
        if path is None and len(digits) > SHORT:
            path = Hashes(self._folder, of_tensors=True).holding(digits) or self._trained(digits)
            same = path is not None
        if path is None and (path := next(self._named(name), None)) is not None and digits:
            same = self._known().of(path).startswith(digits) or (
                len(digits) > SHORT and Hashes(self._folder, of_tensors=True).of(path).startswith(digits)
            )
        if path is None:
            return None
        digest = self._known().of(path)
        self._found[digest] = path
        return Match(path.stem, digest, path, same or not digits)

    def _trained(self, digits: str) -> Path | None:
        """Return the file in the user's folders whose metadata name this hash of its tensors, as kohya's trainers
        write it.
        """
        settings = load_settings(self._folder)
        for path in places(settings.folders, settings.files):
            if path.suffix in ENDINGS and path.is_file():
                try:
                    said = read_header(path).metadata.get(TRAINED, "")
                except CheckpointError:
                    continue
                if said.lower().removeprefix("0x").startswith(digits):
                    return path
        return None

    def _known(self) -> Hashes:
        if self._hashes is None:
            self._hashes = Hashes(self._folder)
        return self._hashes

    def _named(self, name: str) -> Iterator[Path]:
        """Yield the files of that name in the user's folders."""
        settings = load_settings(self._folder)
        for path in places(settings.folders, settings.files):
            if path.stem == name and path.suffix in ENDINGS and path.is_file():
                yield path
