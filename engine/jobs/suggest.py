"""Suggestions for words that a model does not know: the names nearest to them in meaning. Needs no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from engine.jobs.job import Event, Job
from engine.jobs.score import vocabulary
from engine.spec.catalog import ModelInfo

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
MOST_NAMES = 2000  # that are compared: encoding them takes some 3 ms each, once in a session


@dataclass(frozen=True, slots=True)
class Suggested(Event):
    """The names that may stand in the place of `word`, the nearest first; () where none is near."""

    word: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggest(Job):
    """Find the names of a model that are nearest in meaning to each of `words`; sends one Suggested for each.

    It sends nothing while the model is not loaded, or where the model has no text encoder of its own.

    count -- the number of names for a word, at most

    Raises CatalogError for a model that is not here, and Cancelled.
    """

    kind: ClassVar[str] = "suggest"

    model: str
    words: tuple[str, ...]
    count: int = 3


def known_words(info: ModelInfo) -> frozenset[str]:
    """Return the words of the captions that a model was trained on, in lower case; none where its config names no list.

    Raises OSError where the list cannot be read.
    """
    return frozenset(match.group().lower() for match in WORD.finditer(_listed(info)))


def known_names(info: ModelInfo) -> tuple[str, ...]:
    """Return the names of what a model draws: those that its judge knows, else the entries of its list of words.

    Raises OSError where the list cannot be read.
    """
    names = vocabulary(info)
    if names == info.labels:
        names = tuple(line.strip() for line in _listed(info).splitlines() if line.strip())
    return names[:MOST_NAMES]


def _listed(info: ModelInfo) -> str:
    """Return the list of words that the config of a model names: one entry a line, of one or more words."""
    name = info.config.get("vocabulary")
    return (info.folder / str(name)).read_text(encoding="utf-8", errors="replace") if name else ""
