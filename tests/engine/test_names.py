"""Public names of samplers, grids and paths: each one exists and works."""

from __future__ import annotations

import importlib
from itertools import pairwise

import numpy as np
import pytest
import torch

import engine.paths
import engine.rules
import engine.schedules
from engine.noise import Noise
from engine.oracle import Gaussian
from engine.run import run

F64 = torch.float64
PINNED = [
    *("oracle.Gaussian", "oracle.Mixture", "oracle.Empirical", "denoisers.adapt", "noise.Noise", "run.run"),
    *("schedules.VE", "schedules.VP", "schedules.SubVP", "schedules.Discrete", "schedules.Flow"),
    *("schedules.grid", "schedules.DEFAULT", "rules.RULES", "rules.DEFAULT"),
    *("paths.descending", "paths.repaint", "paths.ascending"),
    *("transforms.cfg", "transforms.static_threshold", "transforms.dynamic_threshold"),
    *("transforms.classifier", "transforms.clip", "ode.solve", "ode.logp", "metrics.frechet"),
]
KEYS = [
    *("ddim", "ddpm", "ddpm-beta", "euler-a", "mu", "ge", "heun", "dpmpp-2m", "dpmpp-3m", "dpmpp-2m-sde"),
    *("unipc-2", "unipc-3", "ipndm-4", "reverse-sde", "reverse-diffusion", "pc", "langevin"),
]
D = Gaussian(torch.zeros(2, dtype=F64), torch.eye(2, dtype=F64))


@pytest.mark.parametrize("name", PINNED)
def test_what_is_called_from_outside_is_where_it_was(name: str) -> None:
    module, attribute = name.split(".")
    assert hasattr(importlib.import_module(f"engine.{module}"), attribute)


@pytest.mark.parametrize("key", [*KEYS, "DEFAULT"])
def test_every_rule_walks_a_path_to_finite_states(key: str) -> None:
    rule = engine.rules.RULES[engine.rules.DEFAULT if key == "DEFAULT" else key]
    sigmas = engine.schedules.grid("karras", 6, 10.0, 0.1)
    x = 10 * Noise([3, 4]).normal(torch.empty(2, 2, dtype=F64))
    steps = list(run(D, engine.paths.descending(sigmas), rule, x, Noise([3, 4])))
    assert [step.i for step in steps] == list(range(6))
    assert steps[-1].move.x.isfinite().all()
    assert all(torch.equal(a.move.x, b.x) for a, b in pairwise(steps))
    k = steps[3]
    again = list(run(D, engine.paths.descending(sigmas), rule, k.x, Noise([3, 4]), past=k.past, start=k.i))
    assert torch.equal(again[-1].move.x, steps[-1].move.x)


@pytest.mark.parametrize("spacing", ["karras", "log", "uniform-t", "trailing", "leading", "linspace", "DEFAULT"])
def test_every_spacing_gives_a_grid(spacing: str) -> None:
    spacing = engine.schedules.DEFAULT if spacing == "DEFAULT" else spacing
    for schedule in (engine.schedules.VE(), engine.schedules.VP(), engine.schedules.SubVP(), engine.schedules.Flow()):
        levels = engine.schedules.grid(spacing, 10, schedule.sigma_max, schedule.sigma_min, schedule=schedule)
        assert levels.shape == (11,)
        assert levels.dtype == np.float64
        assert levels[-1] == 0
        assert np.all(np.diff(levels) < 0)
    for table in (engine.schedules.Discrete.linear(), engine.schedules.Discrete.cosine()):
        levels = engine.schedules.grid(spacing, 10, table.sigma_max, table.sigma_min, False, table)
        assert levels.shape == (11,)
        assert levels[-1] == table.sigma_min


def test_the_paths_are_lists_of_hops() -> None:
    down, up = engine.paths.descending([2.0, 1.0, 0.0]), engine.paths.ascending([0.5, 1.0])
    assert [tuple(hop) for hop in down] == [(2, 1, "solve"), (1, 0, "solve")]
    assert [tuple(hop) for hop in up] == [(0.5, 1.0, "solve")]
    back = engine.paths.repaint([2.0, 1.0, 0.5, 0.0], jump=1, resample=2)
    assert [hop.kind for hop in back].count("renoise") == 2
