"""Fuzzy search: the letters of a query in their order, anywhere in a text; better where they begin words."""

from __future__ import annotations

import functools
import unicodedata

BEGINS, FOLLOWS, INSIDE = 8.0, 5.0, 1.0  # the merit of a letter: first of a word, next to the last one, elsewhere
WHOLE = 20.0  # of a word of the query that stands in the text as it is
FAR = 0.02  # lost for each letter of the text: of two equal hits the shorter text is meant


def score(query: str, text: str) -> float:
    """The merit of `text` for a query; 0 where a word of the query is not in it. An empty query fits everything."""
    words, plain = _plain(query).split(), _plain(text)
    if not words:
        return 1.0
    if not all(letter in plain for word in words for letter in word):
        return 0.0
    merits = [_score_word(word, plain) for word in words]
    return max(0.1, sum(merits) - FAR * len(plain)) if all(merits) else 0.0


def _score_word(word: str, text: str) -> float:
    """The best of the ways to find the letters of `word` in `text`: begun where the whole word stands, where a word of
    the text begins, and at the first letter that fits.
    """
    starts = {text.find(word), text.find(word[0])}
    at = _first_of_word(word[0], text, 0)
    while at >= 0:
        starts.add(at)
        at = _first_of_word(word[0], text, at + 1)
    return max((_from(word, text, start) for start in starts if start >= 0), default=0.0)


def _from(word: str, text: str, at: int) -> float:
    begins = at == 0 or not text[at - 1].isalnum()
    if text.startswith(word, at):
        return len(word) * FOLLOWS + (WHOLE if begins else WHOLE / 4)
    total, last = BEGINS if begins else INSIDE, at
    for letter in word[1:]:
        nearest = text.find(letter, last + 1)
        if nearest < 0:
            return 0.0
        first = _first_of_word(letter, text, last + 1)
        if nearest == last + 1:
            total += FOLLOWS
            last = nearest
        elif first >= 0:
            total += BEGINS
            last = first
        else:
            total += INSIDE
            last = nearest
    return total


def _first_of_word(letter: str, text: str, start: int) -> int:
    """Where a word of the text begins with that letter, from `start` on; −1 for nowhere."""
    at = text.find(letter, start)
    while at > 0 and text[at - 1].isalnum():
        at = text.find(letter, at + 1)
    return at


@functools.lru_cache(maxsize=8192)
def _plain(text: str) -> str:
    """Small letters without accents."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))
