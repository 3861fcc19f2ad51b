"""Show how far a flow is while it is followed: what `encode` and `decode` share."""

from __future__ import annotations

import sys
from typing import Any

from engine.jobs.encode import Following, Optimised


def wait_for(news: Any) -> Any:
    """Take all events and return the last one; show progress on standard error if it is a terminal."""
    one = None
    for one in news:
        if not sys.stderr.isatty():
            continue
        if isinstance(one, Following):
            print(f"\r{one.leg} {one.done:.0%}, {one.calls} calls ", end="", file=sys.stderr, flush=True)
        elif isinstance(one, Optimised):
            print(f"\rlevel {one.level + 1}/{one.levels} ", end="", file=sys.stderr, flush=True)
    return one
