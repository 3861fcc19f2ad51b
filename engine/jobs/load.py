"""Loading a CLIP before a run or a score needs it, which takes seconds: an errand. No torch until it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.session import Session


@dataclass(frozen=True, slots=True)
class LoadClip:
    """Have the CLIP of that name ready; there is no news but the end. Raises ModelError for one that cannot be used."""

    clip: str

    def run(self, session: Session, cancelled: Callable[[], bool]) -> Iterator[object]:
        session.library.clip(self.clip)
        yield from ()
