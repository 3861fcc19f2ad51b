"""The kinds of adapters: which tensors each needs, its rank, and the shape of the change ΔW. Needs no torch.

The formulas themselves are in engine/models/deltas.py, under the same names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import NamedTuple

from engine.checkpoints.adapters.modules import Shape

Shapes = Mapping[str, Shape]
MAGNITUDE = "magnitude"  # DoRA's, beside the tensors of any kind
KNOWN_ONLY = ("OFT", "IA3", "GLoRA")  # recognised, and not applied


class ShapeError(ValueError):
    """Tensors of an adapter that do not fit one another; the message says which."""


class Algebra(NamedTuple):
    """One kind of adapter.

    needs -- sets of tensors of which it needs one whole set
    takes -- other tensors that it can have
    shape -- the shape of ΔW
    rank  -- the rank that α is divided by; 0 where α has no meaning
    """

    name: str
    needs: tuple[frozenset[str], ...]
    takes: frozenset[str]
    shape: Callable[[Shapes], Shape]
    rank: Callable[[Shapes], int]


def _matmul(a: Shape, b: Shape) -> Shape:
    if len(a) < 2 or len(b) < 2 or prod(a[1:]) != b[0]:
        raise ShapeError(f"{a} and {b} are no factors of one matrix")
    return (a[0], *b[1:])


def _tucker(core: Shape, out: Shape, inside: Shape) -> Shape:
    """The shape of Σ core[i, j, …] · out[i, p] · inside[j, r] over i and j: (p, r, …)."""
    if len(core) < 3 or len(out) != 2 or len(inside) != 2 or core[0] != out[0] or core[1] != inside[0]:
        raise ShapeError(f"{core}, {out} and {inside} are no core and its factors")
    return (out[1], inside[1], *core[2:])


def _lora(t: Shapes) -> Shape:
    up, down = t["up"], t["down"]
    if "mid" in t:
        mid, flat_up, flat_down = t["mid"], (up[0], prod(up[1:])), (down[0], prod(down[1:]))
        if len(mid) < 3 or mid[:2] != (flat_up[1], flat_down[0]):
            raise ShapeError(f"{up}, {mid} and {down} are no factors of one kernel")
        return (flat_up[0], flat_down[1], *mid[2:])
    return _matmul(up, down)


def _loha(t: Shapes) -> Shape:
    if ("t1" in t) != ("t2" in t):
        raise ShapeError("one of the two cores is missing")
    if "t1" in t:
        first, second = (_tucker(t[f"t{n}"], t[f"w{n}_a"], t[f"w{n}_b"]) for n in (1, 2))
    else:
        first, second = (_matmul(t[f"w{n}_a"], t[f"w{n}_b"]) for n in (1, 2))
    if first != second:
        raise ShapeError(f"the factors are {first} and {second}")
    return first


def _lokr(t: Shapes) -> Shape:
    first = t["k1"] if "k1" in t else _matmul(t["k1_a"], t["k1_b"])
    if "k2" in t:
        second = t["k2"]
    elif "kt2" in t:
        second = _tucker(t["kt2"], t["k2_a"], t["k2_b"])
    else:
        second = _matmul(t["k2_a"], t["k2_b"])
    if len(first) != 2 or len(second) < 2:
        raise ShapeError(f"{first} and {second} are no Kronecker factors")
    return (first[0] * second[0], first[1] * second[1], *second[2:])


def _lokr_rank(t: Shapes) -> int:
    """The rank of the factored part; 0 where both factors are whole, where α counts for nothing (LyCORIS)."""
    for name in ("k2_b", "k1_b"):
        if name in t:
            return t[name][0]
    return 0


def _sets(*sets: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(names.split()) for names in sets)


ALGEBRAS: tuple[Algebra, ...] = (
    Algebra("LoRA", _sets("up down"), frozenset({"mid", "alpha", "up_bias"}), _lora, lambda t: t["down"][0]),
    Algebra("LoHa", _sets("w1_a w1_b w2_a w2_b"), frozenset({"t1", "t2", "alpha"}), _loha, lambda t: t["w1_b"][0]),
    Algebra(
        "LoKr",
        _sets("k1 k2", "k1 k2_a k2_b", "k1_a k1_b k2", "k1_a k1_b k2_a k2_b"),
        frozenset({"kt2", "alpha"}),
        _lokr,
        _lokr_rank,
    ),
    Algebra("difference", _sets("diff", "diff_b"), frozenset({"alpha"}), lambda t: t.get("diff", ()), lambda _: 0),
)
BY_NAME: Mapping[str, Algebra] = {algebra.name: algebra for algebra in ALGEBRAS}
_SHARED = frozenset({MAGNITUDE, "diff_b"})  # a change of the bias goes with every kind


def algebra_of(roles: frozenset[str]) -> Algebra:
    """Return the kind that has these tensors. Raises ShapeError where they are those of none, or one is missing."""
    if other := sorted(roles & set(KNOWN_ONLY)):
        raise ShapeError(f"{other[0]} is not applied here")
    for algebra in ALGEBRAS:
        for needs in algebra.needs:
            if needs <= roles and roles <= needs | algebra.takes | _SHARED:
                return algebra
    raise ShapeError(f"{', '.join(sorted(roles))} are not the tensors of one adapter")


def change_shape(shapes: Shapes) -> tuple[Algebra, Shape]:
    """Return the kind of a module's tensors and the shape of ΔW, () where only the bias changes.

    shapes -- the shape of each tensor by its role

    Raises ShapeError for tensors that do not fit one another.
    """
    algebra = algebra_of(frozenset(shapes))
    if prod(shapes.get("alpha", ())) != 1:
        raise ShapeError(f"α has the shape {shapes['alpha']} instead of one number")
    if any(0 in shape for shape in shapes.values()):
        raise ShapeError("a tensor is empty")
    return algebra, algebra.shape(shapes)


def fits_weight(change: Shape, weight: Shape) -> bool:
    """Whether ΔW of this shape is a change of a weight: the same shape, but for axes of length 1 (1×1 kernels)."""
    return prod(change) == prod(weight) and [n for n in change if n != 1] == [n for n in weight if n != 1]


def magnitude_axis(magnitude: Shape, weight: Shape) -> int | None:
    """Return the axis of the weight that DoRA's magnitudes belong to: 0 for its outputs, 1 for its inputs.

    The paper's magnitudes and those of LyCORIS may be of either; a vector is PEFT's, one for each output. None where
    they fit neither.
    """
    if not magnitude or len(weight) < 2 or prod(magnitude) not in weight[:2]:
        return None
    if len(magnitude) > 1 and magnitude[0] == 1 and magnitude[1] == weight[1] and prod(magnitude) == weight[1]:
        return 1
    return 0 if magnitude[0] == weight[0] == prod(magnitude) else None
