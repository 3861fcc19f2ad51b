"""Notices to the user: one clear sentence, perhaps with buttons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple


class NoticeAction(NamedTuple):
    """A button of a notice."""

    text: str
    do: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Notice:
    level: Literal["info", "error"]
    text: str
    actions: tuple[NoticeAction, ...] = ()
