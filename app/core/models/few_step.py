"""FewStepOffer: the settings that a few-step checkpoint or LoRA of the draft is made for, offered and never forced."""

from __future__ import annotations

from typing import NamedTuple

from PySide6.QtCore import QObject, Signal

from app.core.models.adapters import AdapterChoice
from app.core.models.library import ModelLibrary
from app.core.request.draft_model import DraftModel
from engine.rules import RULES
from engine.spec.few_step import Preset, recognise


class Offered(NamedTuple):
    """A preset, and the name of the model or LoRA that it belongs to; `kind` is "LoRA" or "model"."""

    preset: Preset
    name: str
    kind: str


class FewStepOffer(QObject):
    """Follows the draft. `changed` is emitted when there may be another offer."""

    changed = Signal()

    def __init__(
        self, draft: DraftModel, library: ModelLibrary, adapters: AdapterChoice, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._draft, self._library, self._adapters = draft, library, adapters
        self._declined: set[tuple[str, str]] = set()  # names and methods
        adapters.changed.connect(self.changed)  # which follows the draft too

    @property
    def offered(self) -> Offered | None:
        """The preset to offer: of the first LoRA that has one, else of the model. None where the draft has its sampler
        and about its steps and guidance, and where it was declined.
        """
        found = self._found()
        if found is None or (found.name, found.preset.title) in self._declined or self._follows(found.preset):
            return None
        return found

    @property
    def sentence(self) -> str:
        """The offer in one line, such as “LCM LoRA: 6 steps, guidance 1.5, sampler LCM”; "" without one."""
        offered = self.offered
        if offered is None:
            return ""
        preset = offered.preset
        steps = f"{preset.steps} step{'s' if preset.steps > 1 else ''}"
        return f"{preset.title} {offered.kind}: {steps}, guidance {preset.guidance:g}, {RULES[preset.sampler].title}"

    def accept(self) -> None:
        """Put the preset on the panel."""
        if (offered := self.offered) is not None:
            preset = offered.preset
            self._draft.update(
                steps=preset.steps, guidance=preset.guidance, sampler=preset.sampler, spacing=preset.spacing,
                options=preset.options,
            )  # fmt: skip

    def decline(self) -> None:
        """Offer this one no more until the next start."""
        if (offered := self.offered) is not None:
            self._declined.add((offered.name, offered.preset.title))
            self.changed.emit()

    def _found(self) -> Offered | None:
        for line in self._adapters.lines if self._adapters.needed else ():
            preset = recognise((line.use.name, "" if line.file is None else line.file.name))
            if line.on and not line.problem and preset is not None:
                return Offered(preset, line.use.name, "LoRA")
        model = self._draft.model
        if "size" not in model.takes:  # a model in the box has its own defaults
            return None
        file = self._library.files.get(model.folder)
        texts = model.title, "" if file is None else file.name
        preset = recognise(texts, model.config.get("few_step_keys", ()))
        return None if preset is None else Offered(preset, model.title, "model")

    def _follows(self, preset: Preset) -> bool:
        """Whether the draft has the preset's sampler, and steps and guidance near to it."""
        draft = self._draft.current
        near = draft.steps <= 2 * preset.steps and abs(draft.guidance - preset.guidance) <= 1
        return near and draft.sampler == preset.sampler
