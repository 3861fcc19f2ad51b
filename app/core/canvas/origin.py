"""Origin: how the picture that a person opened was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.pictures.foreign.adopt import FoundLoras, FoundVae, adopt
from engine.pictures.foreign.settings import ForeignSettings
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft
from engine.spec.request import Request


@dataclass(frozen=True, slots=True)
class Origin:
    """What the file of an opened picture says: the Request of that one picture, or what another studio wrote.

    forked -- whether its run went on from a step of another one
    loras, vae -- those of another studio's files that are here
    """

    request: Request | None = None
    forked: bool = False
    foreign: ForeignSettings | None = None
    loras: FoundLoras | None = None
    vae: FoundVae | None = None

    def draft(self, models: Sequence[ModelInfo], model: ModelInfo) -> Draft:
        """Return the settings as a draft, for `model` where another studio's is not among `models`."""
        if self.request is not None:
            return Draft.of(self.request)
        assert self.foreign is not None
        return adopt(self.foreign, models, model, self.loras, self.vae).draft
