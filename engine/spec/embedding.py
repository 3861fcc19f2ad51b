"""EmbeddingUse: the file of a textual inversion that a Request's text names. Needs no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.spec.limits import MAX_NAME
from engine.spec.validation import RequestError, check_text, text

MAX_EMBEDDINGS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingUse:
    """A learned word: the name of its file without the ending, which stands in the text, and the file's SHA-256."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        check_text(self.name, "name of the embedding")
        if not self.name or len(self.name) > MAX_NAME:
            raise RequestError(f"An embedding's name has 1 to {MAX_NAME} characters: rename its file.")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise RequestError(f"The embedding “{self.name}” has no SHA-256: get its settings again.")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> EmbeddingUse:
        """Invert dataclasses.asdict. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(name=text(data["name"]), sha256=text(data["sha256"]))


def check_embeddings(embeddings: tuple[EmbeddingUse, ...]) -> None:
    """Raise RequestError for too many embeddings, and for a name that is there twice."""
    if len(embeddings) > MAX_EMBEDDINGS:
        raise RequestError(f"{len(embeddings)} embeddings are too many: name {MAX_EMBEDDINGS} at most.")
    if len({use.name.lower() for use in embeddings}) != len(embeddings):
        raise RequestError("Two embeddings have the same name: rename one file.")


def wrong_width(name: str, held: Iterable[int], wanted: Iterable[int]) -> str:
    """Say that an embedding has vectors of `held` numbers where a model's encoders take `wanted`."""
    has, takes = (" and ".join(map(str, widths)) for widths in (held, wanted))
    return (
        f"The embedding “{name}” has vectors of {has} numbers, and this model takes {takes}: "
        "use it with the kind of model that it was made for."
    )
