"""VaeUse: the VAE file of a Request, where it is not the model's own; VaeChosen: the choice of a Draft. No torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from engine.spec.limits import MAX_NAME
from engine.spec.validation import RequestError, check_text, text

OWN: Final = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class VaeUse:
    """A VAE: the name of its file without the ending, and the file's SHA-256."""

    name: str
    sha256: str

    def __post_init__(self) -> None:
        check_text(self.name, "name of the VAE")
        if not self.name or len(self.name) > MAX_NAME:
            raise RequestError(f"A VAE's name has 1 to {MAX_NAME} characters: rename its file.")
        if not re.fullmatch(r"[0-9a-f]{64}", self.sha256):
            raise RequestError(f"The VAE “{self.name}” has no SHA-256: choose its file again.")

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> VaeUse:
        """Invert dataclasses.asdict. Raises KeyError, TypeError or ValueError for anything else."""
        return cls(name=text(data["name"]), sha256=text(data["sha256"]))


VaeChosen: TypeAlias = VaeUse | Literal["own"] | None  # that file; the model's own; what the model is set to
