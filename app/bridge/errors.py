"""Turn any exception into one sentence for the user."""

from __future__ import annotations

import errno

from engine.errors import EngineError


def sentence(error: BaseException) -> str:
    """Return the message of an engine's error, or a translation of an error of the machine."""
    if isinstance(error, EngineError):
        return error.sentence
    if isinstance(error, MemoryError):
        return str(error) or "There is not enough memory for this: make fewer images at once."
    if isinstance(error, OSError):
        return _of_the_machine(error)
    return f"The engine failed unexpectedly ({type(error).__name__}: {error}): what was reached is kept, try again."


def _of_the_machine(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full{where}: free some space, then generate again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"The studio may not write its files{where}: allow it, or set TWEEDIE_HOME to a folder of yours."
    return f"A file could not be written or read{where}: {error.strerror or error}."
