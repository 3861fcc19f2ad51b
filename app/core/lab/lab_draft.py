"""The lab's draft for the widgets that choose a sampler: they are the same as the settings panel's."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import SignalInstance

from app.core.lab.lab_model import Lab
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft


class LabDraft:
    """An app.core.request.draft_protocol.EditableDraft of the lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    @property
    def changed(self) -> SignalInstance:
        return self._lab.draft_changed

    @property
    def settings_changed(self) -> SignalInstance:
        return self._lab.draft_changed

    @property
    def current(self) -> Draft:
        return self._lab.draft

    @property
    def model(self) -> ModelInfo:
        return self._lab.model

    def update(self, **changes: Any) -> None:
        self._lab.update_draft(**changes)
