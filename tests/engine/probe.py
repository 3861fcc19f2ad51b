"""The affine probe: with a linear D a sampler is affine in x_T and its noises, so basis vectors give its exact law."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from engine.noise import RULE, START
from engine.run import run
from engine.types import Constraint, Denoiser, Path, Rule

Address = tuple[int, int, int]  # hop, stream, draw


@dataclass
class ProbeNoise:
    """A stand-in for engine.noise.Noise: each row of the batch gets a basis vector at one address, else 0."""

    rows: dict[Address, slice]
    seen: list[Address] = field(default_factory=list)
    hop: int = START
    stream: int = RULE

    def at(self, hop: int) -> ProbeNoise:
        return replace(self, hop=hop)

    def of(self, stream: int) -> ProbeNoise:
        return replace(self, stream=stream)

    def normal(self, like: Tensor, draw: int = 0) -> Tensor:
        address = (self.hop, self.stream, draw)
        if address not in self.seen:
            self.seen.append(address)
        out = torch.zeros_like(like)
        if address in self.rows:
            out[self.rows[address]] = torch.eye(like.shape[1], dtype=like.dtype)
        return out


def exact_law(
    d: Denoiser,
    path: Path,
    rule: Rule,
    start_mean: Tensor,
    start_std: float,
    constraint: Constraint | None = None,
    hops: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Compute the exact mean (n,) and covariance (n, n) of the state after `hops`, x_T ~ N(start_mean, start_std²)."""
    n = len(start_mean)

    def last(noise: ProbeNoise, x: Tensor) -> Tensor:
        for step in run(d, path[:hops], rule, x, noise, constraint):  # type: ignore[arg-type]
            x = step.move.x
        return x

    dry = ProbeNoise({})
    last(dry, start_mean[None])
    rows = {address: slice(1 + n + k * n, 1 + n + (k + 1) * n) for k, address in enumerate(dry.seen)}
    x = start_mean.expand(1 + n + n * len(rows), n).clone()
    x[1 : 1 + n] += start_std * torch.eye(n, dtype=x.dtype)
    out = last(ProbeNoise(rows), x)
    columns = out[1:] - out[:1]
    return out[0], columns.T @ columns
