"""What the studio tells a person: one clear sentence, perhaps with one thing to do about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Notice:
    level: Literal["info", "error"]
    text: str
    action_text: str = ""
    action: Callable[[], object] | None = None
