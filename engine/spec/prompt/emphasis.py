"""Weights in a prompt: `(word)`, `(word:1.3)`, `[word]`, and BREAK, in the notation of A1111's studio.

`(word)` multiplies the weight of its text by 1.1, `(word:1.3)` by 1.3, `[word]` divides it by 1.1; brackets nest. A
backslash makes a bracket plain: `\\(`. A bracket without its partner is plain text too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

STEP = 1.1  # the factor of a bracket without a number
_CLOSING = {")": "(", "]": "["}
_ESCAPED = frozenset("()[]\\")
_NUMBER = re.compile(r":\s*([+-]?(?:\d{1,3}(?:\.\d{0,6})?|\.\d{1,6}))\s*$")
_BREAK = re.compile(r"\s*\bBREAK\b\s*")


class Span(NamedTuple):
    """A piece of a prompt with one weight, its brackets removed; `breaks`: a new chunk of tokens begins before it."""

    text: str
    weight: float = 1.0
    breaks: bool = False


class _Frame:
    """The text since an opening bracket: runs of (text, weight); `plain` is the last run's text without escapes."""

    def __init__(self, bracket: str) -> None:
        self.bracket = bracket
        self.runs: list[tuple[str, float]] = []
        self.open = ""  # the unescaped text at the end, in which a number may stand

    def add(self, text: str, escaped: bool = False) -> None:
        if self.runs and self.runs[-1][1] == 1.0:
            self.runs[-1] = (self.runs[-1][0] + text, 1.0)
        else:
            self.runs.append((text, 1.0))
        self.open = "" if escaped else self.open + text

    def extend(self, runs: list[tuple[str, float]]) -> None:
        self.runs += runs
        self.open = ""

    def close(self) -> list[tuple[str, float]]:
        """Return the runs with the weight of the bracket pair."""
        factor = STEP if self.bracket == "(" else 1 / STEP
        number = _NUMBER.search(self.open) if self.bracket == "(" else None
        if number is not None:
            factor = float(number[1])
            text, weight = self.runs[-1]
            self.runs[-1] = (text[: len(text) - len(number[0])], weight)
        return [(text, weight * factor) for text, weight in self.runs]


def parse(text: str, breaks: bool = True) -> tuple[Span, ...]:
    """Return the spans of a prompt, neighbours with equal weights joined; () for a text of nothing.

    breaks -- whether the word BREAK begins a chunk; else it is plain text
    """
    stack = [_Frame("")]
    place = 0
    while place < len(text):
        letter = text[place]
        if letter == "\\" and text[place + 1 : place + 2] in _ESCAPED and place + 1 < len(text):
            place += 1
            stack[-1].add(text[place], escaped=True)
        elif letter in "([":
            stack.append(_Frame(letter))
        elif letter in _CLOSING:
            _close(stack, letter)
        else:
            stack[-1].add(letter)
        place += 1
    while len(stack) > 1:
        _flatten(stack)
    return tuple(_spans(stack[0].runs, breaks))


def _close(stack: list[_Frame], letter: str) -> None:
    if not any(frame.bracket == _CLOSING[letter] for frame in stack):
        stack[-1].add(letter)
        return
    while stack[-1].bracket != _CLOSING[letter]:
        _flatten(stack)  # the partner of a bracket in between is missing
    frame = stack.pop()
    stack[-1].extend(frame.close())


def _flatten(stack: list[_Frame]) -> None:
    """Make the last opening bracket plain text."""
    frame = stack.pop()
    stack[-1].add(frame.bracket)
    for text, weight in frame.runs:
        if weight == 1.0:
            stack[-1].add(text)
        else:
            stack[-1].extend([(text, weight)])
    stack[-1].open = frame.open


def _spans(runs: list[tuple[str, float]], breaks: bool) -> list[Span]:
    spans: list[Span] = []
    for text, weight in runs:
        for k, piece in enumerate(_BREAK.split(text) if breaks else (text,)):
            if k == 0 and not piece:
                continue
            if k == 0 and spans and spans[-1].weight == weight:
                spans[-1] = spans[-1]._replace(text=spans[-1].text + piece)
            else:
                spans.append(Span(piece, weight, breaks=k > 0))
    return spans
