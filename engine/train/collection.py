"""The concepts of an emoji data set, and the fixed lists of texts that its models are judged by."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LISTS = Path(__file__).parent / "lists"


def words(text: str) -> str:
    """Return the words of a label, in lower-case English letters, with one space between them."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower().replace("’", "").replace("ñ", "n")).strip()


@dataclass(frozen=True, slots=True)
class Collection:
    """A choice of concepts.

    folders  -- of lists in lists/; a list joins those of all folders, in this order
    alpha    -- pictures keep their transparency (four channels) instead of lying on white (three)
    synonyms -- captions also use the names of other English locales and of short codes; no caption contains a text that
                models are judged by
    """

    id: str
    title: str
    folders: tuple[str, ...]
    alpha: bool = False
    synonyms: bool = False

    def read_list(self, name: str) -> list[str]:
        """Return the lines of NAME.txt in every folder that has one, without comments."""
        paths = [LISTS / folder / f"{name}.txt" for folder in self.folders]
        texts = [path.read_text(encoding="utf-8") for path in paths if path.exists()]
        return [line for text in texts for line in text.splitlines() if line and not line.startswith("#")]

    def concepts(self) -> dict[str, str]:
        """Return the names of the concepts → their group."""
        group, names = "", {}
        for line in self.read_list("concepts"):
            if line.startswith("["):
                group = line.strip("[]")
            else:
                names.update(dict.fromkeys(line.split(", "), group))
        return names

    def evaluation(self) -> list[str]:
        """Return the names that models are judged by: drawn once from all concepts, so only the last folder's list
        counts.
        """
        return Collection(self.id, self.title, self.folders[-1:]).read_list("evaluation")

    def held_out(self) -> set[tuple[str, str]]:
        """Return the (name, style) pairs that are never trained on: they show what the model did not memorise."""
        return {(name, style) for name, style in (line.split(" | ") for line in self.read_list("held_out"))}

    def paraphrases(self) -> list[tuple[str, str]]:
        """Return (text, name) pairs: texts for a concept that no caption contains."""
        return [(text, name) for text, name in (line.split(" = ") for line in self.read_list("paraphrases"))]

    def descriptions(self) -> dict[str, tuple[str, ...]]:
        """Return descriptions of each concept without its name, except those with a paraphrase in them: that is the
        test.
        """
        found = (line.split(" = ") for line in self.read_list("descriptions"))
        return {name: self._untested(texts.split(" | ")) for name, texts in found}

    def usable_captions(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Return the texts that may become captions, in their order."""
        return self._untested(texts) if self.synonyms else tuple(texts)

    def _untested(self, texts: Iterable[str]) -> tuple[str, ...]:
        tests = [f" {text} " for text, _ in self.paraphrases()]
        return tuple(text for text in texts if not any(test in f" {text} " for test in tests))


EMOJI = Collection("emoji", "Emoji", ("",))
STICKERS = Collection("stickers", "Stickers", ("", "stickers"), alpha=True, synonyms=True)
COLLECTIONS = {collection.id: collection for collection in (EMOJI, STICKERS)}
