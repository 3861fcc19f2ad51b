"""What a picture file says of itself, as the history keeps it: size, settings, seed, and the digest of the settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.pictures.foreign.programs import of_texts
from engine.pictures.foreign.settings import ForeignSettings
from engine.pictures.foreign.texts import texts_of
from engine.pictures.image_file import ImageError, size_of
from engine.spec.request import MAX_SEED, Request, RequestError

ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".webp"})  # of the files that are listed
OURS = "Tweedie Studio"
HEAD = 1 << 16  # bytes that a file is recognised by, with its length: they hold the settings, seed included
DIGITS = 32  # of a digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """width, height -- in pixels, 0 where the file is no picture
    seed       -- None where it is not known
    parameters -- the digest of all settings but the seed; "" where nothing is known
    loras      -- their names, a space between them
    program    -- the studio that made it, "" where it is not known
    """

    width: int = 0
    height: int = 0
    seed: int | None = None
    parameters: str = ""
    model: str = ""
    prompt: str = ""
    negative: str = ""
    loras: str = ""
    program: str = ""


def is_picture(path: Path) -> bool:
    """Whether the name is that of a picture that the history lists; files that are being written are not."""
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def head_of(path: Path, size: int) -> str:
    """Return the digest that a file is recognised by after it was moved. Raises OSError."""
    with open(path, "rb") as file:
        head = file.read(HEAD)
    return hashlib.blake2b(head, salt=size.to_bytes(16, "big"), digest_size=DIGITS // 2).hexdigest()


def facts_of(path: Path) -> Facts:
    """Read the facts of a picture file. No pixel is decoded. Raises OSError; a damaged file has no facts."""
    try:
        width, height = size_of(path)
        texts = texts_of(path)
    except ImageError:
        with open(path, "rb"):  # a file that cannot be read is no damaged picture
            return Facts()
    facts = Facts(width=width, height=height)
    if (own := texts.get("tweedie")) is not None:
        try:
            return of_request(facts, Request.from_json(own), _parent(texts.get("tweedie-parent")))
        except RequestError:
            return replace(facts, program=OURS)
    found = of_texts(texts)
    return facts if found is None else of_foreign(facts, found)


def of_request(facts: Facts, request: Request, parent: Mapping[str, Any] | None = None) -> Facts:
    """Return the facts of the first picture of a request."""
    return replace(
        facts,
        seed=request.seeds[0],
        parameters=digest_of(request, parent),
        model=request.model,
        prompt=request.prompt or request.label or "",
        negative=request.negative,
        loras=" ".join(use.name for use in request.adapters),
        program=OURS,
    )


def of_foreign(facts: Facts, found: ForeignSettings) -> Facts:
    """Return the facts of a picture of another studio."""
    seed = found.seed if found.seed is not None and 0 <= found.seed <= MAX_SEED else None
    alone = asdict(replace(found, seed=None))
    return replace(
        facts,
        seed=seed,
        parameters=_digest(json.dumps(alone, sort_keys=True, default=str)),
        model=found.model.name if found.model is not None else "",
        prompt=found.prompt,
        negative=found.negative,
        loras=" ".join(lora.file.name for lora in found.loras),
        program=found.program,
    )


def digest_of(request: Request, parent: Mapping[str, Any] | None = None) -> str:
    """Return the digest of all settings of a run but its seeds.

    parent -- of a run that went on from another one's step, as the run file's header says it
    """
    alone = replace(request, seeds=(0,)).to_json()
    return _digest(alone if parent is None else alone + json.dumps(parent, sort_keys=True))


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=DIGITS // 2).hexdigest()


def _parent(text: str | None) -> dict[str, Any] | None:
    try:
        parent = None if text is None else json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parent if isinstance(parent, dict) else None
