"""What the command palette offers, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.core.palette.fuzzy import score

RECENT = 6.0  # added to the merit of what was chosen last; less for what was chosen earlier
MOST = 60  # rows


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to choose.

    name  -- what it is remembered by, such as “action:generate”
    about -- where it belongs, muted behind its title
    keys  -- its shortcut as this system writes it
    why   -- why it cannot be chosen now, in one sentence; "" when it can
    words -- further words that find it, with less merit
    """

    name: str
    title: str
    do: Callable[[], object]
    about: str = ""
    keys: str = ""
    why: str = ""
    words: str = ""


def ranked(entries: Iterable[Entry], query: str, recent: Sequence[str]) -> list[Entry]:
    """The entries that fit, the best first. Without a query: the recent ones, then the possible ones."""
    age = {name: k for k, name in enumerate(recent)}
    found = []
    for k, entry in enumerate(entries):
        merit = score(query, entry.title) or 0.5 * score(query, f"{entry.about} {entry.title} {entry.words}")
        if merit > 0:
            bonus = RECENT * (1 - age[entry.name] / len(recent)) if entry.name in age else 0.0
            if not query.strip():
                bonus *= 1000
            found.append((-(merit + bonus - (1.0 if entry.why else 0.0)), k, entry))
    found.sort(key=lambda row: row[:2])
    return [entry for _, _, entry in found[:MOST]]
