"""The words that a model knows, so that the others can be marked under the prompt."""

from __future__ import annotations

import difflib
import re
from functools import cached_property
from typing import NamedTuple

from engine.spec.catalog import ModelInfo

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
NO_WORD = re.compile(r":\s*[+-]?[\d.]+\s*(?=\))|__[\w./-]+__")  # a weight, and a list, in the prompt language


LONGEST_WORD = 40  # characters: a longer one is no slip of a known word
MOST_KEPT = 1000  # words whose nearest ones are remembered


class Unknown(NamedTuple):
    """A word of a prompt that the model does not know, and where it stands."""

    word: str
    start: int


class Vocabulary:
    """The words of one model's captions; knows every word where the model lists none."""

    def __init__(self, words: frozenset[str]) -> None:
        self.words = words
        self._nearest: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, model: ModelInfo) -> Vocabulary:
        """From the file that the model's config names: one entry a line, of one or more words. Raises OSError."""
        name = model.config.get("vocabulary")
        if not name:
            return cls(frozenset())
        text = (model.folder / str(name)).read_text(encoding="utf-8", errors="replace")
        return cls(frozenset(match.group().lower() for match in WORD.finditer(text)))

    def unknown(self, prompt: str) -> list[Unknown]:
        """The words of `prompt` that the model does not know, in their order, each time they occur."""
        if not self.words:
            return []
        words = NO_WORD.sub(lambda match: " " * len(match.group()), prompt)
        found = ((match.group().lower(), match.start()) for match in WORD.finditer(words))
        return [Unknown(word, at) for word, at in found if word not in self.words]

    def nearest(self, word: str) -> tuple[str, ...]:
        """At most three known words that are nearest to `word`. It takes some 20 ms for 4000 known words."""
        if len(word) > LONGEST_WORD:
            return ()
        if word not in self._nearest:
            if len(self._nearest) >= MOST_KEPT:
                self._nearest.clear()
            close = difflib.get_close_matches(word, self._ordered, n=6, cutoff=0.6)  # the nearest first …
            close.sort(
                key=lambda known: (-_similarity(word, known), known[0] != word[0])
            )  # … a slip rarely comes first
            self._nearest[word] = tuple(close[:3])
        return self._nearest[word]

    @cached_property
    def _ordered(self) -> list[str]:
        return sorted(self.words)


def _similarity(word: str, known: str) -> float:
    return difflib.SequenceMatcher(None, known, word).ratio()
