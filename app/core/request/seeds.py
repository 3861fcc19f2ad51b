"""Seeds that nobody typed."""

from __future__ import annotations

import secrets

SEED_LIMIT = 2**32  # a rolled seed stays short enough to read aloud; a typed one may be any that a Request takes


def roll() -> int:
    """A random seed."""
    return secrets.randbelow(SEED_LIMIT)
