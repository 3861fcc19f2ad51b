"""The CLIPs and classifiers that guide and score, each loaded once; what they must be able to do."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from engine.spec.request import RequestError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from engine.types import Sigma


TEXTS_AT_ONCE = 32  # read between two questions whether to stop


class Clip(Protocol):
    """A frozen CLIP, as engine.models.clip loads them.

    side -- of the pictures that its tower takes; noisy -- whether it is told σ and reads x_t = x0 + σ·ε
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


class NoisyClassifier(Protocol):
    """A frozen classifier of square pictures of a side, as engine.models.noisy loads them; a clean one ignores σ."""

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
    """What is loaded of both, on one device. `clips` and `classifiers` load by name: the engine's own by default."""

    def __init__(
        self,
        device: torch.device,
        clips: Callable[[str, torch.device], Clip] | None = None,
        classifiers: Callable[[str, torch.device, bool], NoisyClassifier] | None = None,
    ) -> None:
        self._device = device
        self._load_clip, self._load_classifier = clips or _clip, classifiers or _classifier
        self._clips: dict[str, Clip] = {}
        self._classifiers: dict[tuple[str, bool], NoisyClassifier] = {}
        self._read: dict[tuple[str, tuple[str, ...]], Tensor] = {}

    def clip(self, name: str, sha256: str = "") -> Clip:
        """The CLIP of that name. Raises ModelError where there is none that can be used, RequestError for another."""
        if name not in self._clips:
            self._clips[name] = self._load_clip(name, self._device)
        _check(name, sha256, self._clips[name].sha256)
        return self._clips[name]

    def read(self, name: str, texts: tuple[str, ...], cancelled: Callable[[], bool] = lambda: False) -> Tensor:
        """Unit vectors (N, d) of many texts by the CLIP of that name, kept. Raises Cancelled, and as clip() does."""
        if (name, texts) not in self._read:
            import torch

            from engine.errors import Cancelled

            clip, parts = self.clip(name), []
            for at in range(0, len(texts), TEXTS_AT_ONCE):
                if cancelled():
                    raise Cancelled
                parts.append(clip.text(texts[at : at + TEXTS_AT_ONCE]))
            self._read[name, texts] = torch.cat(parts)
        return self._read[name, texts]

    def classifier(self, name: str, sha256: str = "", noisy: bool = True) -> NoisyClassifier:
        """The classifier of that name that is told σ, or its clean twin. Raises as clip() does."""
        if (name, noisy) not in self._classifiers:
            self._classifiers[name, noisy] = self._load_classifier(name, self._device, noisy)
        _check(name, sha256, self._classifiers[name, noisy].sha256)
        return self._classifiers[name, noisy]


def _check(name: str, wanted: str, found: str) -> None:
    if wanted and wanted != found:
        raise RequestError(f"These settings are of another version of “{name}”: choose it again to use the one here.")


def _clip(name: str, device: torch.device) -> Clip:
    found: Clip = importlib.import_module("engine.models.clip").load(name, device)  # when one is used, not before
    return found


def _classifier(name: str, device: torch.device, noisy: bool) -> NoisyClassifier:
    found: NoisyClassifier = importlib.import_module("engine.models.noisy").load(name, device, noisy=noisy)
    return found
