"""Long prompts: CLIP reads 75 tokens at a time, so a prompt is divided into chunks, as A1111's studio does.

A chunk that is full ends at its last comma if that is among its last 20 tokens: the words after it move to the next
chunk, so that no phrase is torn. BREAK ends a chunk at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from engine.spec.prompt.emphasis import Span

ROOM = 75  # tokens of a chunk, without start and end
BACK = 20  # tokens that may move to the next chunk with their phrase

Unit = tuple[int, ...]  # tokens that stay together: one token, or the vectors of a learned word


class Chunk(NamedTuple):
    """At most ROOM tokens: their ids, and the weight of each."""

    ids: tuple[int, ...] = ()
    weights: tuple[float, ...] = ()


class Used(NamedTuple):
    """The tokens of a prompt: `count` of `room`. A chunk that is not the last counts in full."""

    count: int  # type: ignore[assignment]  # a tuple has a method of that name
    room: int


def chunks(spans: Iterable[Span], encode: Callable[[str], Sequence[Unit]], comma: int) -> tuple[Chunk, ...]:
    """Divide a prompt into chunks, at least one.

    encode -- text → its tokens; a unit of more than ROOM tokens raises ValueError
    comma  -- the id of the token ","
    """
    made: list[Chunk] = []
    ids: list[int] = []
    weights: list[float] = []
    last_comma = -1

    def end(at: int) -> None:
        nonlocal ids, weights, last_comma
        made.append(Chunk(tuple(ids[:at]), tuple(weights[:at])))
        ids, weights, last_comma = ids[at:], weights[at:], -1

    for span in spans:
        if span.breaks:
            end(len(ids))
        for unit in encode(span.text):
            if len(unit) > ROOM:
                raise ValueError(f"{len(unit)} tokens cannot stay together: a chunk has {ROOM}")
            if len(ids) + len(unit) > ROOM:
                near = len(ids) == ROOM and unit != (comma,) and last_comma >= 0 and ROOM - last_comma <= BACK
                end(last_comma + 1 if near else len(ids))
            if len(ids) + len(unit) > ROOM:  # the phrase moved, and a word of many vectors still does not fit
                end(len(ids))
            if unit == (comma,):
                last_comma = len(ids)
            ids += unit
            weights += [span.weight] * len(unit)
    if ids or not made:
        end(len(ids))
    return tuple(made)


def used(made: Sequence[Chunk]) -> Used:
    """Count the tokens of the chunks of a prompt."""
    return Used(ROOM * (len(made) - 1) + len(made[-1].ids), ROOM * len(made))
