"""What the pickers of the sampler, its options and its steps show and change."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import SignalInstance

from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft


class EditableDraft(Protocol):
    """A draft for a model that widgets show and change: the document's, and the lab's."""

    @property
    def changed(self) -> SignalInstance: ...
    @property
    def settings_changed(self) -> SignalInstance: ...
    @property
    def current(self) -> Draft: ...
    @property
    def model(self) -> ModelInfo: ...
    def update(self, **changes: Any) -> None: ...
