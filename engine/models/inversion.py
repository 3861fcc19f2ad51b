"""Textual inversion: words that were learned as vectors (Gal et al. 2023), found in folders by the name of their file.

Read are A1111's files (`string_to_param`, `emb_params`), diffusers' (one `<token>`) and those for SDXL (`clip_l` and
`clip_g`). A pickle is read only where that was asked for, and then its arrays alone.
"""

from __future__ import annotations

import hashlib
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import Tensor

from engine.errors import why
from engine.models.errors import ModelError
from engine.spec.embedding import wrong_width
from engine.spec.prompt.chunks import ROOM
from engine.types import Model

PICKLES = (".pt", ".bin", ".pth", ".ckpt")
SUFFIXES = (".safetensors", *PICKLES)
MAX_BYTES = 64 * 2**20  # of a file: 75 vectors of both encoders take 600 kB
PARTS = ("clip_l", "clip_g")


@dataclass(frozen=True)
class Inversion:
    """A learned word.

    name    -- the stem of its file, by which a prompt names it
    sha256  -- of its file
    vectors -- (n, width) by encoder: "clip_l" and "clip_g" for SDXL, "" for a model with one encoder
    """

    name: str
    sha256: str
    vectors: Mapping[str, Tensor]

    def fitting(self, widths: Sequence[int]) -> tuple[Tensor, ...]:
        """Return the vectors for encoders of these widths, (n, width) each. Raises ModelError for other widths."""
        found = tuple(v for v in self.vectors.values())
        if sorted(v.shape[1] for v in found) == sorted(widths):
            return tuple(next(v for v in found if v.shape[1] == width) for width in widths)
        raise ModelError(wrong_width(self.name, (v.shape[1] for v in found), widths))


@dataclass
class Inversions:
    """The learned words in some folders, with their subfolders; files are read when a prompt names them.

    pickles -- whether .pt and .bin files may be read, their arrays alone
    """

    folders: Sequence[Path] = ()
    pickles: bool = False
    paths: dict[str, Path] = field(default_factory=dict, init=False)  # by name in lower case, an earlier folder first
    _read: dict[str, Inversion] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        for folder in self.folders:
            for path in sorted(folder.rglob("*")):
                if path.suffix.lower() in SUFFIXES and path.is_file():
                    self.paths.setdefault(path.stem.lower(), path)
        self._compile()

    @classmethod
    def at(cls, paths: Mapping[str, Path]) -> Inversions:
        """The learned words with these names, at these files."""
        made = cls()
        made.paths |= {name.lower(): path for name, path in paths.items()}
        made._compile()
        return made

    def _compile(self) -> None:
        names = sorted(self.paths, key=len, reverse=True)  # the longest that fits
        words = "|".join(map(re.escape, names))
        self._names = re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE) if names else None

    def split(self, text: str) -> Iterator[str | Inversion]:
        """Yield a text's parts: plain texts, and the learned words that it names. Raises ModelError for a file that
        cannot be read.
        """
        place = 0
        for match in self._names.finditer(text) if self._names else ():
            yield text[place : match.start()]
            yield self.find(match[0])
            place = match.end()
        yield text[place:]

    def find(self, name: str) -> Inversion:
        """Read the learned word of that name, once. Raises ModelError, and KeyError for an unknown name."""
        path = self.paths[name.lower()]
        if name.lower() not in self._read:
            self._read[name.lower()] = read_inversion(path, self.pickles)
        return self._read[name.lower()]


@runtime_checkable
class Reader(Protocol):
    """A model whose texts can name learned words."""

    def knowing(self, embeddings: Inversions) -> Model: ...


def know(model: Model, files: Mapping[str, Path]) -> Model:
    """Return a view of a model whose texts can name the learned words in these files. Raises ModelError for a model
    that takes none.
    """
    if not isinstance(model, Reader):
        raise ModelError(f"The model “{model.id}” takes no embeddings: take them out of the prompt.")
    made: Model = model.knowing(Inversions.at(files))
    return made


def read_inversion(path: Path, pickles: bool = False) -> Inversion:
    """Read one file. Raises ModelError in one sentence, also for a pickle where `pickles` is False."""
    if path.suffix.lower() in PICKLES and not pickles:
        raise ModelError(f"{path.name} is a pickle, which can hold code: save it as safetensors, or allow pickles.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ModelError(f"{path.name} is larger than {MAX_BYTES // 2**20} MiB, so it is no embedding.")
        data = path.read_bytes()
        held = load_safetensors(data) if path.suffix.lower() == ".safetensors" else _unpickled(path)
    except OSError as error:
        raise ModelError(f"{path.name} cannot be read ({why(error)}): check the file.") from error
    except pickle.UnpicklingError as error:
        raise ModelError(f"{path.name} holds more than arrays and was not run: save it as safetensors.") from error
    except (SafetensorError, RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path.name} is damaged: fetch it again.") from error
    return Inversion(path.stem, hashlib.sha256(data).hexdigest(), _vectors(held, path.name))


def _unpickled(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


def _vectors(held: Any, name: str) -> dict[str, Tensor]:
    """Return the vectors by encoder, float32. Raises ModelError for a file of another kind."""
    if isinstance(held, Mapping) and isinstance(held.get("string_to_param"), Mapping):
        held = held["string_to_param"]
    tensors = {str(k): v for k, v in held.items() if isinstance(v, Tensor)} if isinstance(held, Mapping) else {}
    found = {part: tensors[part] for part in PARTS if part in tensors}
    if not found and len(tensors) == 1:
        found = {"": next(iter(tensors.values()))}
    if not found:
        raise ModelError(f"{name} is no embedding: it holds neither one learned word nor clip_l and clip_g.")
    made = {part: torch.atleast_2d(value).float() for part, value in found.items()}
    if any(v.ndim != 2 or not 1 <= len(v) <= ROOM or not v.isfinite().all() for v in made.values()):
        raise ModelError(f"{name} is no embedding: it must hold 1 to {ROOM} vectors of finite numbers.")
    if len({len(v) for v in made.values()}) > 1:
        counts = " and ".join(str(len(v)) for v in made.values())
        raise ModelError(f"{name} is damaged: its two encoders have {counts} vectors, which must be as many.")
    return made
