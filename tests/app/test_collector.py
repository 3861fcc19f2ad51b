"""Garbage goes in the window's thread, between its events, or not at all; and none of it is Qt's."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.core.collector import Collector
from tests.app.canvas.test_ui_candidates import Bench
from tests.app.conftest import Parts
from tests.app.window.test_ui_any_order import Person
from tests.app.windows import until

MANY = 10_000  # objects, of which Python's collector would not leave alone the cycles among them


class Knot(QObject):
    """A QObject in a cycle that says in which thread it goes."""

    def __init__(self, gone: list[threading.Thread]) -> None:
        super().__init__()
        self.me, self._gone = self, gone

    def __del__(self) -> None:
        self._gone.append(threading.current_thread())


@pytest.fixture
def collector(qtbot: QtBot) -> Iterator[Collector]:
    made = Collector()
    made.start()
    yield made
    made.stop()
    assert gc.isenabled()


def allocate() -> list[list[int]]:
    return [[k] for k in range(MANY)]


def in_a_thread(do: Callable[[], object]) -> None:
    thread = threading.Thread(target=do)
    thread.start()
    thread.join()


def test_a_qobject_in_a_cycle_goes_in_the_windows_thread(collector: Collector, qtbot: QtBot) -> None:
    """Python's own collector deletes it in the thread that allocates."""
    gone: list[threading.Thread] = []
    Knot(gone)
    in_a_thread(lambda: [allocate() for _ in range(3)])
    assert not gone, "a thread that allocates collects nothing"
    kept = allocate()
    assert not gone, "nor does the window's, in the midst of something"
    until(qtbot, lambda: gone)
    assert gone == [threading.current_thread()]
    assert len(kept) == MANY


def test_what_was_there_is_not_looked_through_again(collector: Collector) -> None:
    gone: list[threading.Thread] = []
    kept = Knot(gone)
    collector.settle()
    del kept
    gc.collect()
    assert not gone
    gc.unfreeze()
    gc.collect()
    assert len(gone) == 1


@pytest.mark.parametrize("seed", range(2))
def test_nothing_of_qt_ends_in_a_cycle_whatever_one_does(parts: Parts, qtbot: QtBot, seed: int) -> None:
    bench = Bench(qtbot, parts)
    person = Person(bench, seed + 10)
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        for _ in range(200):
            person.do()
        bench.document.jobs.cancel_all()
        until(qtbot, lambda: all(job.state.ended for job in bench.document.jobs.all))
        Knot([])
        gc.collect()
        found = [type(one).__name__ for one in gc.garbage if isinstance(one, QObject)]
        assert found == ["Knot"], "the one put there to be found"
        assert not [one for one in gc.garbage if isinstance(one, np.ndarray)], "nor large memory"
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
