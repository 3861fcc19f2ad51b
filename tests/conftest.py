"""Settings that every test needs before Qt and torch are imported, and the number of workers."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

LONGEST = ("test_fuzz", "test_resuming_real")  # files of tests, by time
MOST_WORKERS = 4  # each imports torch and Qt and takes up to 2 GB

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    # The workers share the processors; where bits may depend on threads, a test asks for two (see two_threads).
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, processors() // int(workers))))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n auto` means; 0: in this process, as benchmarks and what is printed (-s) need it."""
    asked = config.option.markexpr != "not bench" or config.option.capture == "no"
    return 0 if asked or processors() == 1 else min(processors(), MOST_WORKERS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Benchmarks that nobody asked for are not even imported; None: as pytest decides."""
    unasked = config.option.markexpr == "not bench" and collection_path.name == "bench"
    return True if unasked else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first: a worker that gets one as the last leaves the others idle."""
    items.sort(key=lambda item: not item.path.name.startswith(LONGEST))


def pytest_collection_finish() -> None:
    """Keep the collected tests, several million objects, out of every later pass of the garbage collector."""
    gc.collect()
    gc.freeze()
