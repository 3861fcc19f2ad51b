"""CheckpointError: a file of a model that cannot be read, is not recognised, or cannot be loaded."""

from __future__ import annotations

from engine.errors import EngineError


class CheckpointError(EngineError, ValueError):
    """A checkpoint that cannot be used; the message says in one sentence what is wrong and what to do."""

    kind = "model"


class PickleError(CheckpointError):
    """A pickle: reading it can run any code. engine.checkpoints.pickles converts it on request."""


class UnknownCheckpoint(CheckpointError):
    """A readable file that fits no row of engine.checkpoints.kinds.KINDS.

    nearest -- for each of the nearest rows its title and the tensors that did not fit, as a sentence
    """

    def __init__(self, message: str, nearest: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.nearest = nearest
