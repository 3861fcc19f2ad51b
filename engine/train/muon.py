"""Muon: momentum, orthogonalised, for matrices, among them a convolution's (outputs × all it sees).

Jordan et al., "Muon: an optimizer for hidden layers" (2024). torch.optim.Muon always iterates in bfloat16, which a CPU
without bfloat16 units computes fifty times slower than float32: here that is a choice, and float32 iterates on the
small Gram matrices.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(x: Tensor, steps: int = 5) -> Tensor:
    """Each matrix of x (K, m, n) with its singular values brought near 1 (0.7 … 1.2), m ≤ n or not.

    The Newton–Schulz quintic X ← (aI + bG + cG²)X, G = XXᵀ, keeps X's singular vectors; so G and the product of the
    brackets can be iterated alone, at m×m, and applied to X once.
    """
    if x.shape[1] > x.shape[2]:
        return orthogonalise(x.mT, steps).mT
    a, b, c = QUINTIC
    x = x / (x.flatten(1).norm(dim=1) + 1e-7)[:, None, None]
    gram = x @ x.mT
    product = None
    for k in range(steps):
        bracket = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        bracket.diagonal(dim1=1, dim2=2).add_(a)
        product = bracket if product is None else bracket @ product
        if k < steps - 1:
            gram = bracket @ gram @ bracket
    assert product is not None
    return product @ x


def orthogonal_half(x: Tensor, steps: int = 5) -> Tensor:
    """Do orthogonalise() in bfloat16, on the matrices themselves: squares of small singular values would vanish."""
    if x.shape[1] > x.shape[2]:
        return orthogonal_half(x.mT, steps).mT
    a, b, c = QUINTIC
    half = (x / (x.flatten(1).norm(dim=1) + 1e-7)[:, None, None]).bfloat16()
    for _ in range(steps):
        gram = half @ half.mT
        half = torch.baddbmm(half, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), half, beta=a)
    return half.to(x.dtype)


class Muon(torch.optim.Optimizer):
    """Muon, its step scaled to AdamW's size: the same learning rate and decay fit both.

    A parameter of more than two dimensions is the matrix (first, all the rest). `half`: orthogonalise in bfloat16.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 2e-3,
        momentum: float = 0.95,
        weight_decay: float = 0.05,
        half: bool = False,
    ) -> None:
        self.orthogonal = orthogonal_half if half else orthogonalise
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            same: dict[torch.Size, list[Tensor]] = defaultdict(list)
            for p in group["params"]:
                if p.grad is not None:
                    same[p.shape].append(p)
            for shape, params in same.items():
                ahead = torch.stack([self._momentum(p, group["momentum"]).flatten(1) for p in params])
                size = group["lr"] * 0.2 * max(ahead.shape[1:]) ** 0.5
                torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
                torch._foreach_add_(params, [m.reshape(shape) for m in self.orthogonal(ahead)], alpha=-size)

    def _momentum(self, p: Tensor, momentum: float) -> Tensor:
        """Nesterov's look-ahead of the gradient's running mean."""
        state = self.state[p]
        if not state:
            state["mean"] = torch.zeros_like(p)
        mean, grad = state["mean"], p.grad
        assert grad is not None
        mean.lerp_(grad, 1 - momentum)
        return grad.lerp(mean, momentum)
