"""Paths as people write them."""

from __future__ import annotations

from pathlib import Path


def short_path(path: Path) -> str:
    """Return a path with ~ for the user's home folder."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if home in path.parents else str(path)
