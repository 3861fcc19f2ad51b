"""The data sets of the lab: Gaussian mixtures in the plane, one line each in DATA. Torch-free.

All except a drawing are centred and scaled to unit variance, so that one range of σ and one frame suit them all.
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
from engine.spec.sizes import SizeRule

Array: TypeAlias = NDArray[np.float64]
Point: TypeAlias = tuple[float, float]

SIGMA_MIN, SIGMA_MAX = 0.01, 10.0
HALF = 3.0  # half the side of the frame, in data units: all data lie inside
DRAWN = "drawn"
LEAST_POINTS, MOST_POINTS = 3, 400  # of a drawing
DRAWN_WIDTH = 0.1  # the std of the Gaussian around a drawn point


class LabError(EngineError, ValueError):
    """The lab cannot do this; the message says what to do."""

    kind = "lab"


@dataclass(frozen=True, slots=True)
class Components:
    """Σᵢ wᵢ N(mᵢ, Cᵢ) in the plane: weights (k,), means (k, 2), covs (k, 2, 2).

    `width` is set where every Cᵢ is width²·I: such laws are computed much faster.
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

    def standardise(self) -> Components:
        """Centre the law and scale it to tr C = 2."""
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
    """The chosen data set; `points` are the points of a drawing, in drawing order."""

    name: str
    points: tuple[Point, ...] = ()

    @property
    def components(self) -> Components:
        """Build the mixture. Raises LabError for a name that is not in DATA, and for too few or too many points."""
        if self.name not in DATA:
            raise LabError(f"There is no data set “{self.name}”: choose one of {', '.join(DATA)}.")
        return DATA[self.name].make(self.points)


def _gaussian(_: tuple[Point, ...]) -> Components:
    """Build one Gaussian, tilted by 30°, three times as long as wide."""
    c, s = np.cos(np.pi / 6), np.sin(np.pi / 6)
    axes = np.array([[c, -s], [s, c]])
    return Components(np.ones(1), np.zeros((1, 2)), (axes * [9.0, 1.0]) @ axes.T[None]).standardise()


def _mixture(_: tuple[Point, ...]) -> Components:
    """Build three islands of unequal weight, so far apart that no chain crosses between them at small σ."""
    means = np.array([[-1.5, -0.9], [1.6, -0.7], [0.1, 1.7]])
    covs = np.array([[[0.10, 0.05], [0.05, 0.08]], [[0.05, 0.0], [0.0, 0.12]], [[0.06, -0.02], [-0.02, 0.04]]])
    return Components(np.array([0.6, 0.3, 0.1]), means, covs).standardise()


def _spiral(_: tuple[Point, ...]) -> Components:
    """Build two spiral arms, a full turn each."""
    t = np.linspace(0.12, 1.0, 100)
    arm = t[:, None] * np.stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)], 1)
    return _smoothed_points(np.concatenate([arm, -arm]), 0.03).standardise()


def _swiss_roll(_: tuple[Point, ...]) -> Components:
    """Build the roll of manifold learning, from the side: t·(cos t, sin t), t from 1.5π to 4.5π, even in t."""
    t = np.linspace(1.5 * np.pi, 4.5 * np.pi, 200)
    return _smoothed_points(t[:, None] * np.stack([np.cos(t), np.sin(t)], 1), 0.35).standardise()


def _drawing(points: tuple[Point, ...]) -> Components:
    """Build the law of the user's drawing, neither centred nor scaled."""
    if len(points) < LEAST_POINTS:
        raise LabError(f"The drawing has too few points: draw at least {LEAST_POINTS} of them on the plane.")
    if len(points) > MOST_POINTS:
        raise LabError(f"The drawing has {len(points)} points: draw at most {MOST_POINTS}.")
    return _smoothed_points(np.array(points, np.float64), DRAWN_WIDTH)


def _smoothed_points(points: Array, width: float) -> Components:
    """Put a Gaussian of std `width` around each point, all of equal weight."""
    k = len(points)
    return Components(np.full(k, 1 / k), points, np.tile(np.eye(2) * width**2, (k, 1, 1)), width)


DATA: dict[str, DataSet] = {
    "gaussian": DataSet("Gaussian", "One tilted Gaussian: the flow is known exactly", _gaussian),
    "mixture": DataSet("Mixture", "Three islands of weight 0.6, 0.3 and 0.1", _mixture),
    "spiral": DataSet("Spiral", "Two thin arms that cover almost nothing of the plane", _spiral),
    "swiss-roll": DataSet("Swiss roll", "One rolled-up line, denser inside", _swiss_roll),
    DRAWN: DataSet("Your drawing", "Press and drag on the plane to draw the data", _drawing),
}


def info(name: str) -> ModelInfo:
    """Describe the data set as a model, as `engine.spec.draft.resolve` needs it. Its schedule is VE."""
    return ModelInfo(
        id=f"lab/{name}",
        title=DATA[name].title,
        folder=Path(),
        sha256="",
        labels=(),
        label_kind="class",
        sizes=SizeRule.fixed(1, 1),
        takes=frozenset(),
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
