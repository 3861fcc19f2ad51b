"""What the terminal can show."""

from __future__ import annotations

import io
import sys


def print_anything() -> None:
    """Print "?" for each character that the terminal's encoding lacks: the work is worth more than the sign ×."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
