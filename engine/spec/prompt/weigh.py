"""Change the weight of a part of a prompt: the text of the field before, the text after."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.spec.prompt.emphasis import STEP

LARGEST = 5.0  # the range of a weight that is set here is 0 … LARGEST
_NUMBER = re.compile(r":\s*([+-]?(?:\d{1,3}(?:\.\d{0,6})?|\.\d{1,6}))\s*$")
_TAG = re.compile(r"<[^<>\n]*>")
_ENDS_WORD = frozenset("()[]{}|,;<>")
_PARTNER = {")": "(", "]": "["}


@dataclass(frozen=True, slots=True)
class Weighed:
    """A text, and the selected part of it: [start, end)."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Group:
    """A pair of brackets at `open` and `close`; its content without the number is [open + 1, end)."""

    open: int
    close: int
    end: int
    weight: float


def change_weight(text: str, start: int, end: int, by: float) -> Weighed | None:
    """Return the text with `by` added to the weight of a part; None where there is nothing to weigh.

    A selection [start, end) is the part; it grows until its brackets are in pairs. Where nothing is selected, the part
    is the content of the innermost brackets around the cursor, else the word at the cursor. A part with the weight 1
    has no brackets. Weights are kept to two decimals, in 0 … LARGEST.
    """
    groups = _groups(text)
    group: _Group | None = None
    if start == end:
        around = [g for g in groups if g.open < start <= g.close]
        group = min(around, key=lambda g: g.close - g.open, default=None)
        if group is None:
            start, end = _word(text, start)
    else:
        group = next((g for g in groups if (start, end) == (g.open + 1, g.end)), None)
        if group is None:
            start, end = _whole(text, *_stripped(text, start, end), groups)
            group = next((g for g in groups if (start, end) in ((g.open, g.close + 1), (g.open + 1, g.end))), None)
    if group is not None:
        start, end = group.open + 1, group.end
    if not text[start:end].strip() or any(start < tag.end() and tag.start() < end for tag in _TAG.finditer(text)):
        return None  # a weight inside a tag would break it
    weight = round(min(max((1.0 if group is None else group.weight) + by, 0.0), LARGEST), 2)
    part = text[start:end]
    before, after = (text[:start], text[end:]) if group is None else (text[: group.open], text[group.close + 1 :])
    if weight == 1.0:
        return Weighed(before + part + after, len(before), len(before) + len(part))
    begin = len(before) + 1
    return Weighed(f"{before}({part}:{weight:g}){after}", begin, begin + len(part))


def _groups(text: str) -> list[_Group]:
    """Return the pairs of brackets that the parser of weights sees. A bracket without its partner is plain text."""
    found: list[_Group] = []
    stack: list[tuple[str, int, int]] = []  # bracket, place, and where the text begins in which its number may stand
    place = 0
    while place < len(text):
        letter = text[place]
        if letter == "\\" and place + 1 < len(text) and text[place + 1] in "()[]\\":
            place += 1
            if stack:
                stack[-1] = (*stack[-1][:2], place + 1)
        elif letter in "([":
            stack.append((letter, place, place + 1))
        elif letter in _PARTNER and any(bracket == _PARTNER[letter] for bracket, _, _ in stack):
            while stack[-1][0] != _PARTNER[letter]:
                stack.pop()
            bracket, opened, plain = stack.pop()
            number = _NUMBER.search(text, plain, place) if bracket == "(" else None
            weight = float(number[1]) if number else STEP if bracket == "(" else round(1 / STEP, 1)
            found.append(_Group(opened, place, number.start() if number else place, weight))
            if stack:
                stack[-1] = (*stack[-1][:2], place + 1)
        place += 1
    return found


def _word(text: str, cursor: int) -> tuple[int, int]:
    """Return the word that the cursor is in or beside; an empty range where there is none."""

    def inside(place: int) -> bool:
        letter = text[place]
        slashes = len(text[:place]) - len(text[:place].rstrip("\\"))
        return slashes % 2 == 1 or not (letter.isspace() or letter in _ENDS_WORD)

    start = end = cursor
    while start > 0 and inside(start - 1):
        start -= 1
    while end < len(text) and inside(end):
        end += 1
    return start, end


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the range without the blanks at its ends."""
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), max(start, end - len(part) + len(part.rstrip()))


def _whole(text: str, start: int, end: int, groups: list[_Group]) -> tuple[int, int]:
    """Return the range, grown until it cuts no pair of brackets and no escape."""
    if start > 0 and (len(text[:start]) - len(text[:start].rstrip("\\"))) % 2 == 1:
        start -= 1
    grown = True
    while grown:
        grown = False
        for group in groups:
            cut = (start <= group.open < end) != (start <= group.close < end)
            if cut or any(group.end < place <= group.close for place in (start, end)):  # or in its number
                wider = min(start, group.open), max(end, group.close + 1)
                grown |= wider != (start, end)
                start, end = wider
    return start, end
