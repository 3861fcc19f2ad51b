"""The words that a model knows, so that the others can be marked under the prompt."""

from __future__ import annotations

import re
from typing import NamedTuple

from engine.jobs.suggest import WORD, known_words
from engine.spec.catalog import ModelInfo

NO_WORD = re.compile(r":\s*[+-]?[\d.]+\s*(?=\))|__[\w./-]+__")  # a weight, and a list, in the prompt language


class Unknown(NamedTuple):
    """A word of a prompt that the model does not know, and where it stands."""

    word: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.word)


class Vocabulary:
    """The words of one model's captions; knows every word where the model lists none."""

    def __init__(self, words: frozenset[str]) -> None:
        self.words = words

    @classmethod
    def of(cls, model: ModelInfo) -> Vocabulary:
        """From the file that the model's config names. Raises OSError."""
        return cls(known_words(model))

    def unknown(self, prompt: str) -> list[Unknown]:
        """The words of `prompt` that the model does not know, in their order, each time they occur."""
        if not self.words:
            return []
        words = NO_WORD.sub(lambda match: " " * len(match.group()), prompt)
        found = ((match.group().lower(), match.start()) for match in WORD.finditer(words))
        return [Unknown(word, at) for word, at in found if word not in self.words]
