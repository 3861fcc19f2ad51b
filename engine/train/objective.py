"""The training loss: denoising score matching (DSM) for nets that predict ε, x0, v, the score or the flow's velocity.

A net that predicts ε, x0, v, the score or the flow's velocity gives the same x̂₀ (docs/engine.md), and its
squared error is the error of x̂₀ times a factor of σ. So these objectives differ in their weights only:

    ‖ε̂ − ε‖² = ‖x̂₀ − x0‖²/σ²         Ho, Jain & Abbeel (2020), "L_simple"
    (sσ)²‖ŝ − ∇log p‖² = ‖x̂₀ − x0‖²/σ² Song & Ermon (2019), λ = the noise's variance (sσ)²: the same
    ‖v̂ − v‖² = (1 + 1/σ²)‖x̂₀ − x0‖²   Salimans & Ho (2022), "SNR + 1"
    ‖û − u‖² = ((1 + σ)/σ)²‖x̂₀ − x0‖² Lipman et al. (2023), u = ε − x0

s is the schedule's scale: nets see the native state s·x, whose score they predict (engine.denoisers). It is 1 under VE
alone.
"""

from __future__ import annotations

import torch
from torch import Tensor

TARGETS = ("eps", "x0", "v", "score", "flow")


def target(predicts: str, x0: Tensor, eps: Tensor, sigma: Tensor, scale: Tensor) -> Tensor:
    """Return the net's target for x = x0 + σ·eps; sigma broadcasts against x0."""
    if predicts == "eps":
        return eps
    if predicts == "x0":
        return x0
    if predicts == "v":
        return (eps - sigma * x0) / torch.sqrt(1 + sigma**2)
    if predicts == "score":
        return -eps / (scale * sigma)
    if predicts == "flow":
        return eps - x0
    raise ValueError(f"A net cannot be trained to predict {predicts!r}: choose one of {', '.join(TARGETS)}.")


def factor(predicts: str, sigma: Tensor, scale: Tensor) -> Tensor:
    """Return ‖output − target‖² / ‖x̂₀ − x0‖² of that parameterisation."""
    if predicts == "eps":
        return sigma**-2
    if predicts == "x0":
        return torch.ones_like(sigma)
    if predicts == "v":
        return 1 + sigma**-2
    if predicts == "score":
        return (scale * sigma**2) ** -2
    if predicts == "flow":
        return (1 + 1 / sigma) ** 2
    raise ValueError(f"A net cannot be trained to predict {predicts!r}: choose one of {', '.join(TARGETS)}.")


def loss(
    output: Tensor, predicts: str, x0: Tensor, eps: Tensor, sigma: Tensor, scale: Tensor, weight: Tensor
) -> Tensor:
    """Return the DSM loss, (B,): weight·mean‖x̂₀ − x0‖², for every parameterisation.

    output, x0, eps (B, …); sigma and weight (B,). weight = factor(predicts, σ) gives that parameterisation's own loss.
    """
    column = -1, *[1] * (x0.ndim - 1)
    aim = target(predicts, x0, eps, sigma.view(column), scale.view(column))
    error = (output - aim).square().flatten(1).mean(1)
    return error * (weight / factor(predicts, sigma, scale))


def flow_weight(sigma: Tensor, floor: float = 0.1) -> Tensor:
    """Return the flow's own weight 1/t², t = σ/(1 + σ), bounded where t < floor, so that low levels do not dominate."""
    return (sigma / (1 + sigma)).clamp(min=floor) ** -2


def flow_levels(size: int, generator: torch.Generator, mean: float = 0.0) -> Tensor:
    """Draw (size,) noise levels, ln σ normal around `mean` with deviation 1, so that t = σ/(1 + σ) is logit-normal.

    Esser et al., "Scaling rectified flow transformers" (2024).
    """
    return torch.exp(mean + torch.randn(size, generator=generator))
