"""The data sets of the lab: mixtures of Gaussians in the plane, one line each in DATA. Needs no torch.

All but a drawing are centred and scaled to unit variance, so that one range of σ and one frame fit them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.spec.catalog import ModelInfo

Array: TypeAlias = NDArray[np.float64]
Point: TypeAlias = tuple[float, float]

SIGMA_MIN, SIGMA_MAX = 0.01, 10.0
HALF = 3.0  # half the side of the frame, in data units: all of the data lies well within
DRAWN = "drawn"
LEAST_POINTS, MOST_POINTS = 3, 400  # of a drawing
DRAWN_WIDTH = 0.1  # the std of the ink around a drawn point


class LabError(EngineError, ValueError):
    """A data set of the lab that cannot be used; the message says what to do."""

    kind = "lab"


@dataclass(frozen=True, slots=True)
class Components:
    """Σᵢ wᵢ N(mᵢ, Cᵢ) in the plane: weights (k,), means (k, 2), covs (k, 2, 2).

    Where every Cᵢ is one and the same width²·I, `width` says so: such laws are computed much faster.
    """

    weights: Array
    means: Array
    covs: Array
    width: float | None = None

    @property
    def mean(self) -> Array:
        return np.asarray(self.weights @ self.means)

    @property
    def cov(self) -> Array:
        away = self.means - self.mean
        return np.asarray(np.einsum("k,kde->de", self.weights, self.covs + away[:, :, None] * away[:, None, :]))

    def standard(self) -> Components:
        """The same law, centred and scaled to tr C = 2."""
        scale = (np.trace(self.cov) / 2) ** -0.5
        width = None if self.width is None else float(self.width * scale)
        return Components(self.weights, (self.means - self.mean) * scale, self.covs * scale**2, width)


@dataclass(frozen=True, slots=True)
class DataSet:
    title: str
    about: str
    make: Callable[[tuple[Point, ...]], Components]


@dataclass(frozen=True, slots=True)
class Data:
    """Which data set; `points` are those of a drawing, in the order they were drawn."""

    name: str
    points: tuple[Point, ...] = ()

    @property
    def components(self) -> Components:
        """Raises LabError for a name that is not in DATA and for a drawing of too few or too many points."""
        if self.name not in DATA:
            raise LabError(f"There is no data set “{self.name}”: choose one of {', '.join(DATA)}.")
        return DATA[self.name].make(self.points)


def _gaussian(_: tuple[Point, ...]) -> Components:
    """Tilted by 30°, three times as long as wide."""
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    axes = np.array([[c, -s], [s, c]])
    return Components(np.ones(1), np.zeros((1, 2)), (axes * [9.0, 1.0]) @ axes.T[None]).standard()


def _mixture(_: tuple[Point, ...]) -> Components:
    """Three islands of unequal weight, far enough apart that no chain crosses between them at small σ."""
    means = np.array([[-1.5, -0.9], [1.6, -0.7], [0.1, 1.7]])
    covs = np.array([[[0.10, 0.05], [0.05, 0.08]], [[0.05, 0.0], [0.0, 0.12]], [[0.06, -0.02], [-0.02, 0.04]]])
    return Components(np.array([0.6, 0.3, 0.1]), means, covs).standard()


def _spiral(_: tuple[Point, ...]) -> Components:
    """Two arms, a full turn each."""
    t = np.linspace(0.12, 1.0, 100)
    arm = t[:, None] * np.stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)], 1)
    return _ink(np.concatenate([arm, -arm]), 0.03).standard()


def _swiss_roll(_: tuple[Point, ...]) -> Components:
    """The roll of manifold learning seen from the side: t·(cos t, sin t), t from 1.5π to 4.5π, evenly along t."""
    t = np.linspace(1.5 * np.pi, 4.5 * np.pi, 200)
    return _ink(t[:, None] * np.stack([np.cos(t), np.sin(t)], 1), 0.35).standard()


def _drawn(points: tuple[Point, ...]) -> Components:
    """As drawn: neither centred nor scaled."""
    if len(points) < LEAST_POINTS:
        raise LabError(f"The drawing has too few points: draw at least {LEAST_POINTS} of them on the plane.")
    if len(points) > MOST_POINTS:
        raise LabError(f"The drawing has {len(points)} points: {MOST_POINTS} is the most.")
    return _ink(np.array(points, np.float64), DRAWN_WIDTH)


def _ink(points: Array, width: float) -> Components:
    k = len(points)
    return Components(np.full(k, 1 / k), points, np.tile(np.eye(2) * width**2, (k, 1, 1)), width)


DATA: dict[str, DataSet] = {
    "gaussian": DataSet("Gaussian", "One tilted Gaussian: the flow is known exactly", _gaussian),
    "mixture": DataSet("Mixture", "Three islands of weight 0.6, 0.3 and 0.1", _mixture),
    "spiral": DataSet("Spiral", "Two thin arms: the data fill almost none of the plane", _spiral),
    "swiss-roll": DataSet("Swiss roll", "One rolled-up line, denser inside", _swiss_roll),
    DRAWN: DataSet("Your drawing", "Press and drag on the plane to draw the data", _drawn),
}


def info(name: str) -> ModelInfo:
    """The data set as a model that can be chosen: what `engine.spec.draft.resolve` needs. Its schedule is VE."""
    return ModelInfo(
        id=f"lab/{name}",
        title=DATA[name].title,
        folder=Path(),
        sha256="",
        text=False,
        labels=(),
        label_kind="class",
        width=1,
        height=1,
        defaults={
            "sampler": "ddim",
            "spacing": "karras",
            "steps": 20,
            "guidance": 1.0,
            "sigma_min": SIGMA_MIN,
            "sigma_max": SIGMA_MAX,
        },
        config={"schedule": {"type": "ve", "sigma_min": SIGMA_MIN, "sigma_max": SIGMA_MAX}},
    )
