"""The jobs of the 2-D lab and their events, in NumPy and without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.jobs.job import Event, Job
from engine.spec.edit import Pixels
from engine.spec.lab_data import Data
from engine.spec.request import Request

Points: TypeAlias = NDArray[np.float32]  # (n, 2), in data units

MOST_PARTICLES = 2000


@dataclass(frozen=True, slots=True)
class FieldView:
    """One view of the field: the law of `data` at noise level `sigma` over −half … half; `seen`: also where training
    data are.
    """

    data: Data
    sigma: float
    half: float
    seen: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Field(Event):
    """The picture of one view. Rows of pictures run from the top, rows of arrows from the bottom, as y does.

    shade   -- √(p/max p) as 0 … 255, (n, n) uint8
    arrows  -- √(σ² + 0.1²)·score at the centres of m × m cells, (m, m, 2): −ε̂ except at the smallest σ
    seen    -- whether a noised training sample is near, (k, k) bool; None if the view does not ask for it
    samples -- those samples, (N, 2); None as `seen`
    """

    view: FieldView
    shade: NDArray[np.uint8]
    arrows: NDArray[np.float32]
    seen: NDArray[np.bool_] | None = None
    samples: Points | None = None


@dataclass(frozen=True, slots=True)
class LabFields(Job):
    """Compute the fields of `views`, the most urgent first; sends a Field for each. Raises LabError, Cancelled."""

    kind: ClassVar[str] = "lab-fields"

    views: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class LabRun(Job):
    """Run `particles` states with the sampler and the noise levels of `request`.

    Sends a LabStep for every step, then the LabFlow of the first `traced` particles. Raises LabError, Cancelled.
    """

    kind: ClassVar[str] = "lab-run"

    data: Data
    request: Request
    particles: int
    traced: int


@dataclass(frozen=True, slots=True, eq=False)
class LabStep(Event):
    """Step i of a run: the states x before it, their estimates x0, the states `after` it, and its model calls `nfe`."""

    i: int
    x: Points
    x0: Points
    after: Points
    nfe: int
    change: float  # RMS of x0 minus the previous step's x0; NaN for the first


@dataclass(frozen=True, slots=True, eq=False)
class LabFlow(Event):
    """The exact flow of a run's traced states at each of its levels, (levels, traced, 2)."""

    states: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LabWalk(Job):
    """Run Langevin chains until the job is cancelled; sends Chains.

    particles, seed, half -- the number of chains and their seed; they start evenly spread over −half … half
    sigma        -- their noise level; the caller may change it while they run (live "sigma")
    steps, delta -- options of the rule "langevin": so many steps of size delta·σ² between two events
    rate         -- events a second at most
    """

    kind: ClassVar[str] = "lab-walk"

    data: Data
    particles: int
    seed: int
    half: float
    sigma: float = 1.0
    steps: int = 2
    delta: float = 0.1
    rate: float = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Chains(Event):
    """The present positions of running chains."""

    points: Points

    latest: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class LabCoverage(Job):
    """Measure with `chains` chains how well noise at many scales covers the plane; sends Coverage.

    Raises LabError, Cancelled.
    """

    kind: ClassVar[str] = "lab-coverage"

    data: Data
    particles: int


@dataclass(frozen=True, slots=True, eq=False)
class ChainEnds:
    """Where chains ended: points (n, 2), the share of them that reached the data, and the share in each part of the
    data.
    """

    name: str
    ends: Points
    landed: float
    parts: tuple[float, ...]

    def total_variation(self, truth: tuple[float, ...]) -> float:
        """Return the total variation between the shares of the parts and the true ones, 0 … 1."""
        return 0.5 * sum(abs(a - b) for a, b in zip(self.parts, truth, strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class Coverage(Event):
    """How much of the plane lies near training data at each noise level, and where chains end.

    levels, shares -- noise levels, and the share of the frame within reach of a noised sample at each
    truth    -- the weight of each part of the data
    outcomes -- the ends of the chains, by the noise levels that they used
    """

    data: Data
    levels: tuple[float, ...]
    shares: tuple[float, ...]
    truth: tuple[float, ...]
    outcomes: tuple[ChainEnds, ...]


@dataclass(frozen=True, slots=True, eq=False)
class LabSave(Job):
    """Write frames (H, W, 3) of the lab to `path`, several frames as an animation. It sends no event.

    settings -- the settings of the frames, in ASCII. Raises LabError for another kind of file, and OSError.
    """

    kind: ClassVar[str] = "lab-save"
    finishes: ClassVar[bool] = True

    path: Path
    frames: tuple[Pixels, ...]
    settings: str
