"""What is asked of the lab and what it answers, in NumPy: frozen and complete, and without torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.spec.lab_data import Data
from engine.spec.request import Request

Points: TypeAlias = NDArray[np.float32]  # (n, 2), in data units

MOST_PARTICLES = 2000


@dataclass(frozen=True, slots=True)
class Ask:
    """The law of `data` at noise level `sigma` over the frame −half … half; `seen`: also where training data are."""

    data: Data
    sigma: float
    half: float
    seen: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The answer to an Ask. Rows of pictures run from the top, those of arrows from the bottom, as y does.

    shade -- √(p/max p) as 0 … 255, (n, n) uint8
    arrows -- √(σ² + 0.1²)·score at the centres of m × m cells, (m, m, 2): −ε̂ but for the smallest σ
    seen -- whether a noised training sample is near, (k, k) bool; samples -- those samples, (N, 2); None if not asked
    """

    ask: Ask
    shade: NDArray[np.uint8]
    arrows: NDArray[np.float32]
    seen: NDArray[np.bool_] | None = None
    samples: Points | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """A run: `particles` states under the sampler and the noise levels of `request`, the first `traced` of them beside
    the exact flow."""

    data: Data
    request: Request
    particles: int
    traced: int


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Step i of a run: the states x before it and the estimates x0 there, the states `after` it; model calls `nfe`."""

    i: int
    x: Points
    x0: Points
    after: Points
    nfe: int
    change: float  # RMS of x0 against the step before; NaN for the first


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """The exact flow of a run's traced states at every one of its levels, (levels, traced, 2)."""

    states: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Walk:
    """Langevin chains that walk: how many, from which seed; they start evenly spread over −half … half and take
    `steps` of size delta·σ² (the options of the rule "langevin") between two looks at them."""

    data: Data
    particles: int
    seed: int
    half: float
    steps: int = 2
    delta: float = 0.1


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """Where chains ended: points (n, 2); the share of them that reached the data; the share of each part of it."""

    name: str
    ends: Points
    landed: float
    parts: tuple[float, ...]

    def off(self, truth: tuple[float, ...]) -> float:
        """Total variation between its parts and the true ones, 0 … 1."""
        return 0.5 * sum(abs(a - b) for a, b in zip(self.parts, truth, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Coverage:
    """How much of the plane training data are near to at each noise level, and what chains make of it.

    levels, shares -- noise levels and the share of the frame within reach of a noised sample there
    truth -- the weight of each part of the data; outcomes -- chains by how they were led
    """

    data: Data
    levels: tuple[float, ...]
    shares: tuple[float, ...]
    truth: tuple[float, ...]
    outcomes: tuple[Outcome, ...]
