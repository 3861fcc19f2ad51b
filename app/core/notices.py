"""What the studio tells a person: one clear sentence, perhaps with what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple


class NoticeAction(NamedTuple):
    """Something to do about a notice, as a button says it."""

    text: str
    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Notice:
    level: Literal["info", "error"]
    text: str
    actions: tuple[NoticeAction, ...] = ()
