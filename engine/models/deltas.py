"""The change ΔW of a weight by an adapter, by the formulas of their papers. The names are those of ALGEBRAS.

    LoRA        (α/r)·B·A (Hu et al. 2021); of kernels, also with a core `mid` (LyCORIS, Yeh et al. 2023)
    LoHa        (α/r)·(A₁B₁) ∘ (A₂B₂) (FedPara, Hyeon-Woo et al. 2022)
    LoKr        (α/r)·K₁ ⊗ K₂, each whole or a product; without α/r where both are whole (LyCORIS)
    difference  the change itself
    DoRA        m·V/‖V‖ − W with V = W + ΔW, of each output or each input (Liu et al. 2024)

All tensors are in the dtype of the computation, float32 or float64.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from engine.checkpoints.adapters.algebras import MAGNITUDE, magnitude_axis
from engine.checkpoints.adapters.fit import Change

Tensors = Mapping[str, Tensor]
_FIRST = ("up", "w1_a", "k1", "k1_a")  # the first factor of each kind


def weight_change(change: Change, tensors: Tensors, weight: Tensor, alpha: float | None = None) -> Tensor:
    """Return ΔW, shaped like `weight`, the weight without adapters.

    tensors -- by role, in the dtype of `weight`
    alpha   -- α where the adapter has no tensor of it; None: α = r
    """
    factor = scale(change, tensors, alpha)
    if factor != 1:  # a factor of the product is smaller than the product
        name = next(name for name in _FIRST if name in tensors)
        tensors = {**tensors, name: tensors[name] * factor}
    delta = _FORMULAS[change.algebra](tensors).reshape(weight.shape)
    if MAGNITUDE not in tensors:
        return delta
    axis = magnitude_axis(tuple(tensors[MAGNITUDE].shape), tuple(weight.shape))
    assert axis is not None  # checked by engine.checkpoints.adapters.fit
    return _with_magnitude(weight + delta, tensors[MAGNITUDE], axis) - weight


def bias_change(change: Change, tensors: Tensors, bias: Tensor, alpha: float | None = None) -> Tensor:
    """Return the change of a bias (out,), by the same arguments as weight_change."""
    delta = torch.zeros_like(bias)
    if "diff_b" in tensors:
        delta += tensors["diff_b"].reshape(bias.shape)
    if "up_bias" in tensors:
        delta += tensors["up_bias"].reshape(bias.shape) * scale(change, tensors, alpha)
    return delta


def scale(change: Change, tensors: Tensors, alpha: float | None = None) -> float:
    """Return α/r; 1 where α has no meaning."""
    if not change.rank:
        return 1.0
    if "alpha" in tensors:
        return float(tensors["alpha"].flatten()[0]) / change.rank
    return 1.0 if alpha is None else alpha / change.rank


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Matrix product of a (p, …1) and b (q, …): (p, …)."""
    return (a.flatten(1) @ b.flatten(1)).reshape(len(a), *b.shape[1:])


def _tucker(core: Tensor, out: Tensor, inside: Tensor) -> Tensor:
    """Σ core[i, j, …] · out[i, p] · inside[j, r]: (p, r, …)."""
    return torch.einsum("ij...,ip,jr->pr...", core, out, inside)


def _lora(t: Tensors) -> Tensor:
    if "mid" in t:
        return _tucker(t["mid"], t["up"].flatten(1).T, t["down"].flatten(1))
    return _product(t["up"], t["down"])


def _loha(t: Tensors) -> Tensor:
    if "t1" in t:
        return _tucker(t["t1"], t["w1_a"], t["w1_b"]) * _tucker(t["t2"], t["w2_a"], t["w2_b"])
    return _product(t["w1_a"], t["w1_b"]) * _product(t["w2_a"], t["w2_b"])


def _lokr(t: Tensors) -> Tensor:
    first = t["k1"] if "k1" in t else _product(t["k1_a"], t["k1_b"])
    if "k2" in t:
        second = t["k2"]
    elif "kt2" in t:
        second = _tucker(t["kt2"], t["k2_a"], t["k2_b"])
    else:
        second = _product(t["k2_a"], t["k2_b"])
    return torch.kron(first.reshape(*first.shape, *[1] * (second.ndim - 2)), second.contiguous())


_FORMULAS: dict[str, Callable[[Tensors], Tensor]] = {
    "LoRA": _lora,
    "LoHa": _loha,
    "LoKr": _lokr,
    "difference": lambda t: t["diff"],
}


def _with_magnitude(direction: Tensor, magnitude: Tensor, axis: int) -> Tensor:
    """Give each row (axis 0) or column (axis 1) of V, a matrix or a kernel, its length m."""
    others = [k for k in range(direction.ndim) if k != axis]
    length = torch.linalg.vector_norm(direction, dim=others, keepdim=True)
    wanted = magnitude.reshape([-1 if k == axis else 1 for k in range(direction.ndim)])
    return direction * torch.where(length > 0, wanted / length, 0.0)
