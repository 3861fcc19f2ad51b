"""Fit an adapter to a family's nets, or to those of one model: which tensors change which module. Needs no torch."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

from engine.checkpoints.adapters.algebras import (
    MAGNITUDE,
    ShapeError,
    change_shape,
    fits_weight,
    magnitude_axis,
)
from engine.checkpoints.adapters.modules import Module, Shape
from engine.checkpoints.adapters.names import Names
from engine.checkpoints.header import Entry
from engine.errors import one_line

SHOWN = 3  # names in the sentence of an error
BUNDLED = "bundle_emb."  # before the names of learned words that trainers put beside an adapter


class Change(NamedTuple):
    """What an adapter does to one module.

    part, module -- of the net
    algebra      -- the key of its formula in engine.checkpoints.adapters.algebras
    rank         -- that α is divided by; 0 where α has no meaning
    tensors      -- the names of its tensors in the file, by role
    dialect      -- in which the file names the module
    """

    part: str
    module: Module
    algebra: str
    rank: int
    tensors: Mapping[str, str]
    dialect: str

    def changes(self, kind: str) -> bool:
        """Whether it changes the module's "weight", or its "bias"."""
        if kind == "bias":
            return "diff_b" in self.tensors or "up_bias" in self.tensors
        return self.algebra != "difference" or "diff" in self.tensors


class Misfit(NamedTuple):
    """A module of the file whose tensors cannot be applied: its name there, why, and how many tensors it has."""

    name: str
    why: str
    tensors: int


class Fit(NamedTuple):
    """How an adapter fits the nets.

    changes -- the modules that it changes
    unknown -- tensors whose names fit no module
    misfits -- modules whose names fit, with tensors of another shape or kind
    total   -- the tensors of the file
    bundled -- its tensors that are no adapter's: learned words beside the adapter, which are not used
    """

    changes: tuple[Change, ...]
    unknown: tuple[str, ...]
    misfits: tuple[Misfit, ...]
    total: int
    bundled: int = 0

    @property
    def mapped(self) -> int:
        """The number of tensors that are applied."""
        return sum(len(change.tensors) for change in self.changes)

    @property
    def whole(self) -> bool:
        """Whether every tensor of the adapter is applied."""
        return self.mapped + self.bundled == self.total

    def why_not(self) -> str:
        """Say what does not fit, for the end of a sentence; "" where everything does."""
        said = []
        if self.unknown:
            said.append(f"{len(self.unknown)} of its {self.total} tensors fit no module ({first(self.unknown)})")
        if self.misfits:
            count = sum(misfit.tensors for misfit in self.misfits)
            shown = "; ".join(f"{one_line(m.name, 80)}: {one_line(m.why, 120)}" for m in self.misfits[:SHOWN])
            more = ", …" if len(self.misfits) > SHOWN else ""
            said.append(f"{count} of its {self.total} tensors have other shapes ({shown}{more})")
        return " and ".join(said)


def first(names: tuple[str, ...]) -> str:
    """The first names, for a sentence."""
    return ", ".join(one_line(name, 80) for name in names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def fit(
    modules: Mapping[str, Mapping[str, str]], others: tuple[str, ...], tensors: Mapping[str, Entry], names: Names
) -> Fit:
    """Map the grouped tensors of a file (engine.checkpoints.adapters.endings.group) onto the modules of `names`."""
    changes: list[Change] = []
    unknown = [name for name in others if not name.startswith(BUNDLED)]
    bundled = len(others) - len(unknown)
    misfits: list[Misfit] = []
    taken: set[tuple[str, str]] = set()
    for name, roles in modules.items():
        place = names.find(name)
        if place is None:
            unknown += roles.values()
            continue
        shapes = {role: tensors[tensor].shape for role, tensor in roles.items()}
        try:
            if (place.part, place.module.name) in taken:
                raise ShapeError("the file changes this module twice")
            algebra, change = change_shape(shapes)
            _check(shapes, change, place.module)
        except ShapeError as error:
            misfits.append(Misfit(name, str(error), len(roles)))
            continue
        taken.add((place.part, place.module.name))
        rank = algebra.rank(shapes)
        changes.append(Change(place.part, place.module, algebra.name, rank, roles, place.dialect))
    return Fit(tuple(changes), tuple(unknown), tuple(misfits), len(tensors), bundled)


def _check(shapes: Mapping[str, Shape], change: Shape, module: Module) -> None:
    """Raise ShapeError where a change is not one of this module."""
    if change and not fits_weight(change, module.shape):
        raise ShapeError(f"it changes a weight of {times(change)}, and the model's is {times(module.shape)}")
    for role in ("diff_b", "up_bias"):
        if role in shapes and not module.bias:
            raise ShapeError("it changes a bias, and the model has none here")
        if role in shapes and prod(shapes[role]) != module.shape[0]:
            raise ShapeError(
                f"it changes a bias of {times(shapes[role])}, and the model's has {module.shape[0]} numbers"
            )
    if MAGNITUDE in shapes and (not change or magnitude_axis(shapes[MAGNITUDE], module.shape) is None):
        raise ShapeError(f"its magnitudes are {times(shapes[MAGNITUDE])} for a weight of {times(module.shape)}")


def times(shape: Shape) -> str:
    """Write a shape, such as 320×4×3×3."""
    return "×".join(map(str, shape)) or "one number"
