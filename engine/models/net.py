"""PatchTransformer, the net of the embedded models: a transformer over picture patches with text tokens in context.

After Peebles & Xie, "Scalable Diffusion Models with Transformers" (2023), reduced for two CPU cores: one shared
modulation with a learned offset per block, RMS norms, gated feed-forward layers, and matrix products instead of
convolutions.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.upscaler import Upscaler, embed_label, frequencies
from engine.models.widening import Runs
from engine.types import Cond


def _rms(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],))


class Block(nn.Module):
    """Self-attention over picture and text tokens, then a gated feed-forward layer; both modulated by `c`."""

    def __init__(self, width: int, head: int) -> None:
        super().__init__()
        hidden = width * 8 // 3 // 32 * 32
        self.head = head
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.o = nn.Linear(width, width, bias=False)
        self.w1 = nn.Linear(width, 2 * hidden, bias=False)
        self.w2 = nn.Linear(hidden, width, bias=False)
        self.b = nn.Parameter(torch.zeros(6, width))
        nn.init.zeros_(self.o.weight)
        nn.init.zeros_(self.w2.weight)

    def forward(self, z: Tensor, c: Tensor, mask: Tensor | None) -> Tensor:
        """z (B, L, width), c (B, 6, width) the modulation, mask (B, 1, 1, L) of the tokens to attend to."""
        batch, length, width = z.shape
        scale1, shift1, gate1, scale2, shift2, gate2 = (c + self.b)[:, :, None].unbind(1)
        heads = self.qkv(_rms(z) * (1 + scale1) + shift1).view(batch, length, 3, width // self.head, self.head)
        q, k, v = heads.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(_rms(q), _rms(k), v, attn_mask=mask)
        z = z + (1 + gate1) * self.o(y.transpose(1, 2).reshape(batch, length, width))
        gate, up = self.w1(_rms(z) * (1 + scale2) + shift2).chunk(2, -1)
        return z + (1 + gate2) * self.w2(F.silu(gate) * up)


class PatchTransformer(nn.Module):
    """Predicts a picture from a noisy one, its time, text tokens and a class.

    side, patch     -- of the (square) picture and of its patches, in pixels
    width, depth    -- of the transformer; head is the width of one attention head
    text_length     -- most text tokens in context, each text_width wide (0: a model of classes alone)
    labels          -- how many classes; index `labels` means "none"
    detail          -- channels of the convolutional head that lets neighbouring patches agree (0: none)
    """

    def __init__(
        self,
        side: int = 32,
        patch: int = 4,
        channels: int = 3,
        width: int = 288,
        depth: int = 8,
        head: int = 48,
        text_length: int = 16,
        text_width: int = 384,
        labels: int = 6,
        detail: int = 16,
    ) -> None:
        super().__init__()
        self.side, self.patch, self.channels, self.grid = side, patch, channels, side // patch
        pixels, places = channels * patch**2, self.grid**2
        self.inp = nn.Linear(pixels, width)
        self.pos = nn.Parameter(nn.init.normal_(torch.empty(1, places, width), std=0.02))
        self.reads = text_length > 0
        if self.reads:
            self.txt = nn.Linear(text_width, width)
            self.tpos = nn.Parameter(nn.init.normal_(torch.empty(1, text_length, width), std=0.02))
        self.t = nn.Sequential(nn.Linear(128, width), nn.SiLU(), nn.Linear(width, width))
        if self.reads:
            self.pool = nn.Linear(text_width, width)
        self.sty = nn.Embedding(labels + 1, width)
        modulation = nn.Linear(width, 6 * width)
        self.ada = nn.Sequential(nn.SiLU(), modulation)
        self.blocks = nn.ModuleList(Block(width, head) for _ in range(depth))
        self.out = nn.Linear(width, pixels)
        self.detail = Detail(width, patch, channels, detail) if detail else None
        for zero in (modulation.weight, modulation.bias, self.out.weight):
            nn.init.zeros_(zero)
        self.f: Tensor
        self.register_buffer("f", frequencies(), persistent=False)

    def by_channel(self) -> dict[str, Runs]:
        """The arrays that grow with the channels, and how (engine.models.widening)."""
        pixels: Runs = (1, ((self.patch**2, True),))
        found = {"inp.weight": pixels, "out.weight": (0, pixels[1]), "out.bias": (0, pixels[1])}
        if self.detail is not None:
            found["detail.mix.weight"] = (1, ((self.detail.mix.out_channels, False), (1, True), (1, True)))
            found |= {"detail.out.weight": (0, ((1, True),)), "detail.out.bias": (0, ((1, True),))}
        return found

    def forward(self, x: Tensor, t: Tensor, cond: Cond | None) -> Tensor:
        """x (B, channels, side, side) in the net's own scale, t (B,) in [0, 1] → the prediction, shaped like x."""
        return self.predict(x, t, *self.arguments(cond, len(x)))

    def arguments(self, cond: Cond | None, size: int) -> tuple[Tensor | None, Tensor | None, Tensor]:
        """Return the arguments of predict() for `size` pictures under a condition: text tokens, their mask, the
        label.
        """
        whole = Cond() if cond is None else cond.expand(size)
        if whole.label is None or (self.reads and (whole.tokens is None or whole.mask is None)):
            wants = "text tokens, their mask and a label" if self.reads else "a label"
            raise ValueError(f"This model needs a condition: {wants}.")
        return (whole.tokens, whole.mask, whole.label) if self.reads else (None, None, whole.label)

    def predict(self, x: Tensor, t: Tensor, tokens: Tensor | None, mask: Tensor | None, label: Tensor) -> Tensor:
        """Do forward() on plain tensors: tokens (B, L, text_width), mask (B, L) and label (B,) as in Cond."""
        patches = F.pixel_unshuffle(x, self.patch).flatten(2).transpose(1, 2)
        z, attend = self.inp(patches) + self.pos, None
        angle = t[:, None] * self.f
        c = self.t(torch.cat([angle.sin(), angle.cos()], 1)) + embed_label(self.sty, label)
        if self.reads:
            assert tokens is not None
            assert mask is not None
            z = torch.cat([z, self.txt(tokens) + self.tpos[:, : tokens.shape[1]]], 1)
            counts = mask.to(x.dtype)[..., None]
            c = c + self.pool((tokens * counts).sum(1) / counts.sum(1))
            attend = F.pad(mask, (self.pos.shape[1], 0), value=True)[:, None, None]
            if attend.is_floating_point():
                attend = attend.log()  # the log of a token's weight: softmax multiplies by the weight
        c = self.ada(c).view(len(x), 6, -1)
        for block in self.blocks:
            z = block(z, c, attend)
        z = _rms(z[:, : self.pos.shape[1]])
        picture = _unpatch(self.out(z), self.grid, self.patch)
        return picture if self.detail is None else picture + self.detail(z, x, picture)


class Detail(nn.Module):
    """A small residual at full resolution: its 5×5 reach crosses the borders of the patches and hides their seams."""

    def __init__(self, width: int, patch: int, channels: int, features: int) -> None:
        super().__init__()
        self.patch = patch
        self.expand = nn.Linear(width, features * patch**2)
        self.mix = nn.Conv2d(features + 2 * channels, features, 3, padding=1)
        self.out = nn.Conv2d(features, channels, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        self.out.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, z: Tensor, x: Tensor, picture: Tensor) -> Tensor:
        features = _unpatch(self.expand(z), x.shape[-1] // self.patch, self.patch)
        return self.out(F.silu(self.mix(torch.cat([features, x, picture], 1))))


def _unpatch(z: Tensor, grid: int, patch: int) -> Tensor:
    return F.pixel_shuffle(z.transpose(1, 2).unflatten(2, (grid, grid)), patch)


NETS: dict[str, type[nn.Module]] = {"patch-transformer": PatchTransformer, "upscaler": Upscaler}


def build(config: dict[str, Any]) -> nn.Module:
    """Build the net that a model's config describes: {"type": …, and the arguments of that type}."""
    arguments = dict(config)
    return NETS[arguments.pop("type")](**arguments)
