"""What the pickers of the sampler, its options and its steps need of what they choose for."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import SignalInstance

from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft


class Drafted(Protocol):
    """Holds a draft for a model: the document, and the lab."""

    @property
    def draft_changed(self) -> SignalInstance: ...
    @property
    def draft(self) -> Draft: ...
    @property
    def model(self) -> ModelInfo: ...
    def update_draft(self, **changes: Any) -> None: ...
