"""Where the keys of an action work: two actions may share a key only if no place belongs to both."""

from __future__ import annotations

from app.ui.actions.action import Action

PLACES: dict[str, frozenset[str]] = {  # by Action.where; the canvas is two places: with a run on it, and with artwork
    "window": frozenset(
        {"window", "run", "artwork", "timeline", "candidates", "lab", "frames", "morph-keys", "queue", "history"}
    ),
    "picture": frozenset({"run", "artwork", "timeline"}),
    "steps": frozenset({"run", "timeline", "frames"}),
    "candidates": frozenset({"artwork", "candidates"}),
    "timeline": frozenset({"timeline"}),
    "lab": frozenset({"lab"}),
    "morph-keys": frozenset({"morph-keys"}),
    "history": frozenset({"history"}),
    "queue": frozenset({"queue"}),
}


def meet(one: Action, other: Action) -> bool:
    """Whether there is a place in which the keys of both work."""
    return not PLACES[one.where].isdisjoint(PLACES[other.where])
