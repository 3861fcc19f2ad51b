"""Another process, which has nothing of this one but the files: started once, so that torch is imported once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch

from engine.session import Session
from engine.spec.catalog import read_model
from engine.store import RunReader

T = TypeVar("T")


class Elsewhere:
    """Calls functions of test modules in the other process, with as many threads as torch has here."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def __call__(self, function: Callable[..., T], *args: Any) -> T:
        return self._pool.submit(_call, torch.get_num_threads(), function, args).result()


def _call(threads: int, function: Callable[..., T], args: tuple[Any, ...]) -> T:
    torch.set_num_threads(threads)
    return function(*args)


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Elsewhere]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield Elsewhere(pool)


def finals_of_forks(model: Path, runs: list[Path]) -> list[str]:
    """Fork each run at each of its steps; lines of the run, the step and the SHA-256 of the final state."""
    session = Session("cpu", [read_model(model)])
    lines = []
    for path in runs:
        for k in range(len(RunReader(path).steps)):
            *_, final = session.fork(path, k)
            lines.append(f"{path.stem} {k} {hashlib.sha256(final.move.x.numpy().tobytes()).hexdigest()}")
    return lines
