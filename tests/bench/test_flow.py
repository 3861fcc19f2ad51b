"""What following the flow to a tolerance costs: `python3 run.py test -m bench -s tests/bench/test_flow.py`.

Four garments of Fashion, drawn by the model itself so that no data set is needed, are carried up to x_T and down again.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from engine import ode
from engine.adaptive import Integration
from engine.ode import _error, _Flow, _t
from engine.schedules import grid
from engine.session import Session
from engine.spec.catalog import embedded_models
from engine.spec.draft import Draft, resolve
from engine.types import Denoiser

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
LOW, HIGH = 0.02, 80.0
TOLS = (1e-2, 1e-3, 1e-4)
Made = tuple[Denoiser, Tensor, Tensor]


@pytest.fixture(scope="module")
def made() -> Made:
    """D, x_T, and where the flow leads from it: to the last digits that float32 holds, at most."""
    info = next(info for info in embedded_models() if info.id == "fashion")
    session = Session("cpu", [info])
    request = resolve(Draft.for_model(info, guidance=1.0, batch=4, seed=0), info)
    planned = session.plan(request)
    *_, last = ode.solve(planned.denoiser, planned.x, HIGH, LOW, 1e-5)
    return planned.denoiser, planned.x, last.move.x


def away(a: Tensor, b: Tensor) -> list[float]:
    """RMS of each picture's difference."""
    return (a.double() - b.double()).flatten(1).square().mean(1).sqrt().tolist()


def told(name: str, calls: float, errors: list[float]) -> None:
    print(f"  {name:44} {calls:6.0f} calls, RMS error {np.median(errors):.1e} (worst {max(errors):.1e})")


def test_calls_and_error_by_tolerance_beside_fixed_steps(made: Made) -> None:
    """Adaptive, and the fixed-step sampler that comes as near: the ratio of their calls."""
    d, x, exact = made
    fixed: list[tuple[int, float]] = []
    print("\ndown from x_T, four pictures:")
    for rule, sizes in (("heun", (8, 16, 32, 64)), ("unipc-2", (12, 24, 48, 96))):
        for n in sizes:
            levels = grid("log", n, HIGH, LOW, final_zero=False).tolist()
            steps = list(ode.solve_on_levels(d, x, levels, rule))
            calls, errors = sum(step.nfe for step in steps), away(steps[-1].move.x, exact)
            fixed.append((calls, float(np.median(errors))))
            told(f"{rule}, {n} steps even in log σ", calls, errors)
    for tol in TOLS:
        steps = list(ode.solve(d, x, HIGH, LOW, tol))
        calls, errors = sum(step.nfe for step in steps), away(steps[-1].move.x, exact)
        told(f"adaptive, tolerance {tol:g}", calls, errors)
        enough = [n for n, error in fixed if error <= float(np.median(errors))]
        ratio = f"{calls / min(enough):.2f}" if enough else "no fixed grid here comes as near"
        print(f"    calls over those of the cheapest fixed grid that comes as near: {ratio}")


def test_each_images_own_steps_beside_one_step_for_all(made: Made) -> None:
    """One step size for the whole batch, as torchdiffeq has it, is what the same pair does with all pictures as one."""
    d, x, exact = made

    def as_one(tol: float) -> tuple[Tensor, int]:
        flow, shape = _Flow(d, x, lambda: False), (len(x), x[0].numel())

        def field(t: np.ndarray, y: Tensor, at: np.ndarray) -> Tensor:
            return flow.velocity(np.repeat(t, shape[0]), y.reshape(shape), np.arange(shape[0])).reshape(1, -1)

        way = Integration(field, flow.unit(x, HIGH).reshape(1, -1), _t(HIGH), _t(LOW), _error(tol), 5000)
        with torch.no_grad():
            *_, last = way
        return flow.state(LOW, last[0][1].y2.reshape(shape)), way.calls

    print("\nfour pictures as one state, and each with its own steps:")
    for tol in TOLS:
        end, calls = as_one(tol)
        told(f"one step for all, tolerance {tol:g}", calls, away(end, exact))
        steps = list(ode.solve(d, x, HIGH, LOW, tol, whole=False))
        told(f"each its own, tolerance {tol:g}", sum(step.nfe for step in steps), away(steps[-1].move.x, exact))


def test_orders_of_the_pair(made: Made) -> None:
    """SciPy's pairs of orders 3 (2) and 5 (4) on the same field, one picture: which order a net's flow repays."""
    d, x, exact = made
    print("\none picture, SciPy's pairs on the same field:")
    for method in ("RK23", "RK45"):
        for tol in TOLS:
            end, calls = by_scipy(d, x[:1], method, tol)
            told(f"{method}, tolerance {tol:g}", calls, away(end, exact[:1]))
    for variable, (to, back, slope) in VARIABLES.items():
        end, calls = by_scipy(d, x[:1], "RK23", 1e-3, to, back, slope)
        told(f"RK23, tolerance 0.001, in {variable}", calls, away(end, exact[:1]))


Function = Callable[[float], float]
VARIABLES: dict[str, tuple[Function, Function, Function]] = {  # t(σ), σ(t), dφ/dt
    "√φ": (lambda s: math.sqrt(math.atan(s)), lambda t: math.tan(t * t), lambda t: 2 * t),
    "φ = arctan σ": (math.atan, math.tan, lambda t: 1.0),
    "log σ": (math.log, math.exp, lambda t: math.exp(t) / (1 + math.exp(2 * t))),
}


def by_scipy(
    d: Denoiser,
    x: Tensor,
    method: str,
    tol: float,
    to: Function = VARIABLES["√φ"][0],
    back: Function = VARIABLES["√φ"][1],
    slope: Function = VARIABLES["√φ"][2],
) -> tuple[Tensor, int]:
    flow = _Flow(d, x, lambda: False)

    def field(t: float, y: np.ndarray) -> np.ndarray:
        angle = math.sqrt(math.atan(back(t)))
        v = flow.velocity(np.array([angle]), torch.from_numpy(y)[None], np.zeros(1, int))[0] / (2 * angle)
        return (v * slope(t)).numpy()

    start = flow.unit(x, HIGH)[0].numpy()
    found = solve_ivp(field, (to(HIGH), to(LOW)), start, method, rtol=tol, atol=tol)
    return flow.state(LOW, torch.from_numpy(found.y[:, -1])[None]), found.nfev


def test_a_batch_costs_less_than_its_pictures_one_by_one(made: Made) -> None:
    d, x, _ = made
    one = [sum(step.nfe for step in ode.solve(d, x[k : k + 1], HIGH, LOW, 1e-3)) for k in range(len(x))]
    together = sum(step.nfe for step in ode.solve(d, x, HIGH, LOW, 1e-3, whole=False))
    print(f"\nmodel calls: {one} alone, {together} together, each of up to {len(x)} pictures")
