"""Interpolate between two keys: starts (slerp, lerp), conditions and noise. The ends are the keys' own, to the bit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.types import Cond, NoiseSource, same_length

_PARALLEL = 1e-9  # the least sine of the angle between two directions that defines a plane


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Interpolate along the great circle from each image of `a` (B, …) to that of `b`, by the share t (B,), in float64.

    The direction turns at an even rate and the norm is linear, so equal norms are kept (Shoemake 1985; White 2016 for
    latents). Where two directions are equal or exactly opposite, so that no circle is the shortest, it is lerp.
    """
    flat_a, flat_b = a.flatten(1).double(), b.flatten(1).double()
    size_a, size_b = (v.norm(dim=1, keepdim=True) for v in (flat_a, flat_b))
    u, w = flat_a / size_a.clamp_min(1e-300), flat_b / size_b.clamp_min(1e-300)
    along = (u * w).sum(1, keepdim=True)
    across = w - along * u
    sine = across.norm(dim=1, keepdim=True)
    share = t.double().reshape(-1, 1)
    angle = share * torch.atan2(sine, along)
    turned = angle.cos() * u + angle.sin() * across / sine.clamp_min(1e-300)
    between = torch.where(sine > _PARALLEL, turned * size_a.lerp(size_b, share), flat_a.lerp(flat_b, share))
    return _ends(between.reshape(a.shape).to(a.dtype), a, b, t)


def lerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """Interpolate linearly from each image of `a` (B, …) to that of `b`; orthogonal ones of norm 1 give √(t² +
    (1−t)²).
    """
    share = t.double().reshape(-1, *[1] * (a.ndim - 1))
    return _ends(a.double().lerp(b.double(), share).to(a.dtype), a, b, t)


def _ends(between: Tensor, a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    share = t.reshape(-1, *[1] * (a.ndim - 1)).to(a.device)
    return torch.where(share == 0, a, torch.where(share == 1, b, between))


def blend(a: Cond, b: Cond, t: float, classes: int) -> Cond:
    """Return the condition a share t of the way from `a` to `b`, each of one picture, in the space of their embeddings.

    The weight of a token is (1 − t) times its weight in `a` plus t times its weight in `b`; where both have it, its
    states are mixed. So the last words of a longer text come in with weight 0 and not with a jump. Labels become
    weights over `classes` embeddings ("none" among them), which mixes the two. At the ends the result is `a` or `b`
    itself.

    Raises ValueError where one of the two has a text, a label, a pooled vector or numbers and the other has none.
    """
    for name in ("tokens", "label", "pooled", "numbers"):
        if (getattr(a, name) is None) != (getattr(b, name) is None):
            raise ValueError(f"Two conditions cannot be mixed of which one has {name} and the other has none.")
    if t in (0, 1):
        return (a, b)[int(t)]
    a, b = same_length((a, b))
    tokens, mask, label, pooled, numbers = a.tokens, a.mask, a.label, a.pooled, a.numbers
    if tokens is not None and b.tokens is not None:
        assert mask is not None
        assert b.mask is not None
        wa, wb = (1 - t) * mask.to(tokens.dtype), t * b.mask.to(tokens.dtype)
        if not (torch.equal(tokens, b.tokens) and torch.equal(mask, b.mask)):
            mask = wa + wb
            parts = wa[..., None] * tokens + wb[..., None] * b.tokens
            tokens = parts / torch.where(mask > 0, mask, 1.0)[..., None]
    if pooled is not None and b.pooled is not None:
        pooled = pooled.lerp(b.pooled, t)
    if numbers is not None and b.numbers is not None:
        numbers = numbers.lerp(b.numbers, t)
    if label is not None and b.label is not None and not torch.equal(label, b.label):
        label = (1 - t) * F.one_hot(label, classes) + t * F.one_hot(b.label, classes)
    return replace(a, tokens=tokens, mask=mask, label=label, pooled=pooled, numbers=numbers)


@dataclass(frozen=True)
class Between:
    """The noise between two batches: the slerp of their draws.

    A slerp of two independent standard normal draws has nearly the same law. So every frame is as good as its keys,
    also with a sampler that draws noise, and at the keys the noise is theirs.
    """

    a: NoiseSource
    b: NoiseSource
    t: Tensor

    def at(self, hop: int) -> Between:
        return replace(self, a=self.a.at(hop), b=self.b.at(hop))

    def of(self, stream: int) -> Between:
        return replace(self, a=self.a.of(stream), b=self.b.of(stream))

    def normal(self, like: Tensor, draw: int = 0, shared: bool = False) -> Tensor:
        return slerp(self.a.normal(like, draw, shared), self.b.normal(like, draw, shared), self.t)
