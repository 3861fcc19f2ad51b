"""ForeignSettings: the settings in another studio's picture, and readers of single values that trust nothing."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

MAX_JSON = 10 * 2**20  # characters of a text that is read as JSON
MAX_FILE_NAME = 300  # characters
MAX_LORAS = 100
MAX_PROMPT = 20_000  # characters
SHORT, OLD = (
    10,
    8,
)  # digits of a SHA-256; of the hash that A1111 wrote before 2023, which only a part of the file decides
_ENDINGS = (".safetensors", ".sft", ".ckpt", ".pth", ".pt", ".bin", ".gguf")


@dataclass(frozen=True, slots=True)
class ForeignFile:
    """A model, a VAE or a LoRA by its name.

    name   -- without folders and ending
    sha256 -- the first digits of its file's SHA-256; "" where they are not known
    other  -- another kind of hash, for people; "" without
    """

    name: str
    sha256: str = ""
    other: str = ""

    @property
    def title(self) -> str:
        """The name for a sentence, with its hash."""
        shown = self.sha256[:SHORT] or self.other
        return f"“{self.name}” ({shown})" if shown and self.name else f"“{self.name or shown}”"


@dataclass(frozen=True, slots=True)
class ForeignLora:
    """A LoRA with its strengths for the net and for the text encoders."""

    file: ForeignFile
    strength: float = 1.0
    text_strength: float = 1.0


@dataclass(frozen=True, slots=True)
class Hires:
    """A second pass that enlarged the picture. None and "" where it is not said."""

    factor: float | None = None
    size: tuple[int, int] | None = None
    steps: int | None = None
    strength: float | None = None
    upscaler: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignSettings:
    """What a picture says of how it was made. None, "" and () where it says nothing.

    program  -- the studio's name
    version  -- its version
    names    -- whose names its samplers have, one of engine.spec.foreign_samplers.PROGRAMS
    prompt, negative -- in the notation of this studio's prompts
    sampler, grid -- in the program's own words
    size     -- (width, height) in pixels, before a second pass
    clip_skip -- the layer of the text encoder, counted from its end, 1 for the last
    distilled -- the guidance that a guidance-distilled model reads as an input
    strength -- the share of the noise of a picture that was made from another one, 0 … 1; None for a new picture
    unused   -- names of settings that this studio has nothing for
    notes    -- sentences on what is ambiguous
    """

    program: str
    version: str = ""
    names: str = "a1111"
    prompt: str = ""
    negative: str = ""
    sampler: str = ""
    grid: str = ""
    steps: int | None = None
    guidance: float | None = None
    distilled: float | None = None
    seed: int | None = None
    size: tuple[int, int] | None = None
    model: ForeignFile | None = None
    vae: ForeignFile | None = None
    loras: tuple[ForeignLora, ...] = ()
    clip_skip: int | None = None
    strength: float | None = None
    hires: Hires | None = None
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def whole(value: object, low: int = 0, high: int = 2**64 - 1) -> int | None:
    """Read a whole number within low … high from a number or a text; None for anything else."""
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"\s*[+-]?\d{1,20}\s*", value, re.ASCII) else real(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high else None


def real(value: object, low: float = -1e9, high: float = 1e9) -> float | None:
    """Read a number within low … high from a number or a text; None for anything else."""
    try:
        found = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return found if low <= found <= high else None


def words(value: object, longest: int = MAX_PROMPT) -> str:
    """Read a text of at most `longest` characters, without halves of characters; "" for anything else."""
    return value[:longest].encode("utf-8", "replace").decode().strip() if isinstance(value, str) else ""


def sides(width: object, height: object) -> tuple[int, int] | None:
    """Read (width, height) in pixels; None where one of them is no side."""
    found = whole(width, 1, 2**16), whole(height, 1, 2**16)
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def size_in(text: str) -> tuple[int, int] | None:
    """Read a size such as "512x768", "512 × 768" or "(512, 768)"."""
    match = re.fullmatch(r"\s*\(?'?(\d{1,5})'?\s*[x×,]\s*'?(\d{1,5})'?\)?\s*", text)
    return sides(match[1], match[2]) if match else None


def file_of(name: object, digest: object = "") -> ForeignFile | None:
    """Read the name of a file, its folders and ending removed, and a hash of any kind; None where both are missing."""
    bare = PurePosixPath(words(name, 10 * MAX_FILE_NAME).replace("\\", "/")).name[:MAX_FILE_NAME].strip()
    for ending in _ENDINGS:
        if bare.lower().endswith(ending):
            bare = bare[: -len(ending)]
            break
    if bare in ("None", "null", "Automatic", "Default (model)"):
        bare = ""
    known = words(digest, 100).lower().removeprefix("sha256:")
    if known in ("none", "null"):
        known = ""
    sha256 = known if len(known) >= SHORT and re.fullmatch("[0-9a-f]{10,64}", known) else ""
    return ForeignFile(bare, sha256, "" if sha256 else known[:80]) if bare or known else None


def read_json(text: str) -> Any:
    """Read JSON of at most MAX_JSON characters; None for anything else."""
    if not text or len(text) > MAX_JSON:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def table(value: object) -> dict[str, Any]:
    """Return a JSON object; {} for anything else."""
    return value if isinstance(value, dict) else {}


def rows(value: object) -> list[Any]:
    """Return a JSON list; [] for anything else."""
    return value if isinstance(value, list) else []
