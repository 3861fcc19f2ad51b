"""ModelError: a model whose files cannot be used."""

from __future__ import annotations

from engine.errors import EngineError

REMEDY = "download the studio again, or restore that file"


class ModelError(EngineError, ValueError):
    """A model that cannot be loaded; the message says in one sentence what to do."""

    kind = "model"
