"""Library of guide models: loads each CLIP and classifier once; their protocols Clip and NoisyClassifier."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from engine.spec.request import RequestError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from engine.types import Sigma


TEXTS_AT_ONCE = 32  # texts encoded between two checks for a cancel


class Clip(Protocol):
    """A frozen CLIP, as engine.models.clip loads them.

    side  -- of the pictures that its image tower takes, in pixels
    noisy -- whether it takes σ and reads x_t = x0 + σ·ε
    """

    @property
    def title(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def side(self) -> int: ...
    @property
    def noisy(self) -> bool: ...
    def text(self, texts: Sequence[str]) -> Tensor: ...  # (N, d) unit vectors
    def image(self, pictures: Tensor, sigma: Sigma | None = None) -> Tensor: ...  # (B, 3, h, w) in [−1, 1] → (B, d)


class GuideClassifier(Protocol):
    """A frozen classifier of square pictures, as engine.models.noisy loads them; a clean one ignores σ."""

    @property
    def title(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def side(self) -> int: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    def logp(self, x: Tensor, sigma: Sigma) -> Tensor: ...  # (B, C, h, w) → (B, labels), log-probabilities


class Library:
    """The loaded CLIPs and classifiers, on one device.

    clips, classifiers -- functions that load one by name; by default those of engine.models
    """

    def __init__(
        self,
        device: torch.device,
        clips: Callable[[str, torch.device], Clip] | None = None,
        classifiers: Callable[[str, torch.device, bool], GuideClassifier] | None = None,
    ) -> None:
        self._device = device
        self._load_clip, self._load_classifier = clips or _clip, classifiers or _classifier
        self._clips: dict[str, Clip] = {}
        self._classifiers: dict[tuple[str, bool], GuideClassifier] = {}
        self._encoded: dict[tuple[str, tuple[str, ...]], Tensor] = {}

    def clip(self, name: str, sha256: str = "") -> Clip:
        """Return the CLIP of that name. Raises ModelError if it cannot be loaded, RequestError for another sha256."""
        if name not in self._clips:
            self._clips[name] = self._load_clip(name, self._device)
        _check(name, sha256, self._clips[name].sha256)
        return self._clips[name]

    def encode_texts(self, name: str, texts: tuple[str, ...], cancelled: Callable[[], bool] = lambda: False) -> Tensor:
        """Encode texts with a CLIP as unit vectors (N, d), cached. Raises Cancelled, and as clip() does."""
        if (name, texts) not in self._encoded:
            import torch

            from engine.errors import Cancelled

            clip, parts = self.clip(name), []
            for at in range(0, len(texts), TEXTS_AT_ONCE):
                if cancelled():
                    raise Cancelled
                parts.append(clip.text(texts[at : at + TEXTS_AT_ONCE]))
            self._encoded[name, texts] = torch.cat(parts)
        return self._encoded[name, texts]

    def classifier(self, name: str, sha256: str = "", noisy: bool = True) -> GuideClassifier:
        """Return the noise-aware classifier of that name, or its clean version. Raises as clip() does."""
        if (name, noisy) not in self._classifiers:
            self._classifiers[name, noisy] = self._load_classifier(name, self._device, noisy)
        _check(name, sha256, self._classifiers[name, noisy].sha256)
        return self._classifiers[name, noisy]


def _check(name: str, wanted: str, found: str) -> None:
    if wanted and wanted != found:
        raise RequestError(
            f"These settings belong to another version of “{name}”: choose it again to use this version."
        )


def _clip(name: str, device: torch.device) -> Clip:
    found: Clip = importlib.import_module("engine.models.clip").load(name, device)  # imported only when it is used
    return found


def _classifier(name: str, device: torch.device, noisy: bool) -> GuideClassifier:
    found: GuideClassifier = importlib.import_module("engine.models.noisy").load(name, device, noisy=noisy)
    return found
