"""Other work than a run: scores, likelihoods, morphs, sweeps. Torch-free, so that a window can ask at once.

An errand is a frozen dataclass that says everything about what is wanted; what it needs of torch it imports in run().
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.session import Session


class Errand(Protocol):
    """Something to do on a Session that answers bit by bit."""

    def run(self, session: Session, cancelled: Callable[[], bool]) -> Iterator[object]:
        """Do it and yield what is new as it comes: small frozen objects of NumPy arrays, some thirty a second at most.

        `cancelled` is asked before each model call (a Meter does): True ends the errand with engine.run.Cancelled. In
        the studio that question is also when other work is done in between, so it must not be asked with anything half
        changed. Raises what a run raises; ValueErrors of the engine say in one sentence what to change.
        """
        ...
