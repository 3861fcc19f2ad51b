"""A loaded CLIP from any source, and the only import of open_clip."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models.errors import ModelError
from engine.models.towers import Level, features, scale_input
from engine.offline import stay_offline
from engine.spec.guide_models import GuideInfo
from engine.types import Sigma


@dataclass(frozen=True, eq=False)
class ClipModel:
    """A frozen CLIP.

    side    -- of the square pictures that its tower reads; others are resized to it
    noisy   -- its tower reads σ and x_t = x0 + σ·ε; else it reads clean pictures, such as x̂₀
    net     -- the open_clip model; `level` turns σ into a shift of its tokens if it is noisy
    mean, std -- (1, 3, 1, 1), of the values in [0, 1] in the tower's training
    least   -- the lowest σ of a noisy one's training; lower ones are raised to it
    """

    id: str
    title: str
    sha256: str
    side: int
    noisy: bool
    net: Any
    tokenizer: Any
    mean: Tensor
    std: Tensor
    level: Level | None = None
    least: float = 0.0

    @property
    def device(self) -> torch.device:
        return self.mean.device

    @property
    def dtype(self) -> torch.dtype:
        return self.mean.dtype

    def image(self, pictures: Tensor, sigma: Sigma | None = None) -> Tensor:
        """Return unit vectors (B, d) of pictures (B, 3 or 1, h, w) in [−1, 1], differentiable in them.

        A noisy model takes x_t, of its own size, and its σ, a float or (B,); without one, 0. Others take x̂₀ and ignore
        sigma. Values are not clipped: outside [−1, 1] there is a slope back. Raises ValueError for other shapes.
        """
        if pictures.ndim != 4 or pictures.shape[1] not in (1, 3):
            raise ValueError("A CLIP reads pictures of one or three channels, (B, C, h, w).")
        x = pictures.to(self.device, self.dtype).expand(-1, 3, -1, -1)
        shift = None
        if self.level is not None:
            if x.shape[-2:] != (self.side, self.side):
                raise ValueError(f"“{self.title}” reads noisy pictures of {self.side}×{self.side} pixels only.")
            level = torch.as_tensor(0.0 if sigma is None else sigma, dtype=self.dtype, device=self.device)
            level = level.reshape(-1).expand(len(x)).clamp(min=self.least)
            x, shift = scale_input(x, level), self.level(level)
        x = (self.resize(x) / 2 + 0.5 - self.mean) / self.std
        return F.normalize(features(self.net.visual, x, shift), dim=1)

    def resize(self, x: Tensor) -> Tensor:
        """Resize x to the tower's side, with smoothing where it becomes smaller."""
        if x.shape[-2:] == (self.side, self.side):
            return x
        smaller = min(x.shape[-2:]) > self.side
        return F.interpolate(x, (self.side, self.side), mode="bilinear", align_corners=False, antialias=smaller)

    @torch.no_grad()
    def text(self, texts: Sequence[str]) -> Tensor:
        """Return unit vectors (N, d) of texts. Raises ModelError for a text that is too long."""
        return F.normalize(self.net.encode_text(self.tokens(texts).to(self.device)).to(self.dtype), dim=1)

    def tokens(self, texts: Sequence[str]) -> Tensor:
        """Return tokens (N, L) int64. Raises ModelError for a text longer than the model reads: no text is cut
        short.
        """
        for text in texts:
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise ModelError(f"This text holds half a character that no CLIP can read: {text!a}.") from error
        length = int(self.tokenizer.context_length)
        inner = getattr(self.tokenizer, "tokenizer", None)  # of a Hugging Face tokenizer
        empty = int(getattr(inner, "pad_token_id", None) or 0)
        tokens: Tensor = self.tokenizer(list(texts), context_length=2 * length)
        counts = (tokens != empty).long() * torch.arange(1, tokens.shape[1] + 1)
        longest = counts.amax(1)
        for text, found in zip(texts, longest.tolist(), strict=True):
            if found > length:
                size = f"{found} tokens" if found < 2 * length else f"{found} tokens or more"
                raise ModelError(f"“{short_name(text)}” has {size}, and “{self.title}” reads {length}: shorten it.")
        padded = hasattr(
            getattr(self.net, "text", None), "pooler"
        )  # the pooler distinguishes padding from text: padding need not be read
        return tokens[:, : max(1, int(longest.max())) if padded else length]


def short_name(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def frozen_clip(
    about: GuideInfo,
    net: Any,
    tokenizer: Any,
    preprocess: Mapping[str, Any],
    level: Level | None,
    place: tuple[torch.device, torch.dtype],
) -> ClipModel:
    """Make a ClipModel of an open_clip model with its weights; place is (device, dtype)."""
    device, dtype = place
    size = net.visual.image_size
    mean, std = (torch.tensor(preprocess[key], device=device, dtype=dtype).view(1, 3, 1, 1) for key in ("mean", "std"))
    return ClipModel(
        id=about.id,
        title=about.title,
        sha256=about.sha256,
        side=int(size[0] if isinstance(size, tuple | list) else size),
        noisy=level is not None,
        net=net.to(device, dtype).eval().requires_grad_(False),
        tokenizer=tokenizer,
        mean=mean,
        std=std,
        level=None if level is None else level.to(device, dtype).eval().requires_grad_(False),
        least=float(about.config.get("least_sigma", 0.0)),
    )


def open_clip() -> Any:
    """Import and return open_clip, with its downloads blocked: the studio uses no network."""
    stay_offline()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its dependencies, about each other's versions: nothing a person can mend
        import open_clip as library
    return library


def read_open_clip_config(folder: Path) -> dict[str, Any] | None:
    """Read the open_clip_config.json in `folder`; None without one."""
    path = folder / "open_clip_config.json"
    if not path.is_file():
        return None
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return config if config["model_cfg"] else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged: save it again, or name the architecture.") from error
