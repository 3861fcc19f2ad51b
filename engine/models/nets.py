"""Nets of diffusers, called as the engine calls nets: net(x_native, t, cond). One small wrapper for each net.

diffusers is imported when the first of them is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from engine.types import Cond

LEAST_LOG = -1e4  # stands for log 0 in an attention bias


class UNet(nn.Module):
    """diffusers' UNet2DConditionModel.

    inner -- the UNet
    extra -- the channels that its input has besides the state: 5 for inpainting (mask, masked picture), 4 for pix2pix
    """

    def __init__(self, inner: nn.Module, extra: int = 0) -> None:
        super().__init__()
        self.inner, self.extra = inner, extra
        self.reads_numbers = getattr(inner.config, "addition_embed_type", None) == "text_time"

    def forward(self, x: Tensor, t: Tensor, cond: Cond) -> Tensor:
        """x (B, C, h, w) in the compute dtype, t (B,), cond with a row for each image → (B, C, h, w)."""
        more: dict[str, Any] = {}
        if self.reads_numbers:
            assert cond.pooled is not None
            assert cond.numbers is not None
            more["added_cond_kwargs"] = {"text_embeds": cond.pooled, "time_ids": cond.numbers}
        if self.extra:
            assert cond.image is not None
            x = torch.cat([x, cond.image.to(x.dtype)], 1)
        if cond.mask is not None and not bool((cond.mask == 1).all()):
            more["encoder_attention_mask"] = _as_diffusers(cond.mask)
        out: Tensor = self.inner(x, t, encoder_hidden_states=cond.tokens, return_dict=False, **more)[0]
        return out


def _as_diffusers(mask: Tensor) -> Tensor:
    """Return weights w in 0 … 1 in the form that diffusers turns into the bias log w: it computes −10⁴·(1 − mask)."""
    return 1 + torch.log(mask.float()).clamp_min(LEAST_LOG) / 1e4


def build_unet(config: Mapping[str, Any]) -> nn.Module:
    """Build a UNet2DConditionModel. Raises TypeError or ValueError for settings that fit none."""
    from diffusers import UNet2DConditionModel

    return _built(UNet2DConditionModel, config)


def build_vae(config: Mapping[str, Any]) -> nn.Module:
    """Build an AutoencoderKL."""
    from diffusers import AutoencoderKL

    return _built(AutoencoderKL, config)


def build_tiny_vae(config: Mapping[str, Any]) -> nn.Module:
    """Build an AutoencoderTiny (TAESD)."""
    from diffusers import AutoencoderTiny

    return _built(AutoencoderTiny, config)


def _built(cls: Any, config: Mapping[str, Any]) -> nn.Module:
    settings = {key: value for key, value in config.items() if not key.startswith("_")}
    module: nn.Module = cls.from_config(settings)
    return module
