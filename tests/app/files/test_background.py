"""Work off the window's thread."""

from __future__ import annotations

import threading

from pytestqt.qtbot import QtBot

from app.core.files.background import Background


def test_work_runs_in_order_in_another_thread_and_returns_here(qtbot: QtBot) -> None:
    background, here = Background(), threading.get_ident()
    told: list[object] = []

    def work(k: int) -> tuple[int, bool]:
        return k, threading.get_ident() != here

    def tell(made: tuple[int, bool]) -> None:
        told.append((*made, threading.get_ident() == here))

    for k in range(5):
        background.start(lambda k=k: work(k), tell, told.append)  # type: ignore[misc]
    assert not background.idle
    qtbot.waitUntil(lambda: background.idle)
    assert told == [(k, True, True) for k in range(5)]
    background.close()


def test_errors_are_returned_and_the_next_work_runs(qtbot: QtBot) -> None:
    background = Background()
    told: list[object] = []

    def fail() -> None:
        raise ValueError("broken")

    background.start(fail, told.append, lambda error: told.append(str(error)))
    background.start(lambda: 7, told.append, told.append)
    qtbot.waitUntil(lambda: background.idle)
    assert told == ["broken", 7]
    background.close()


def test_closing_waits_for_running_work_and_returns_nothing(qtbot: QtBot) -> None:
    background, begun, go = Background(), threading.Event(), threading.Event()
    done: list[str] = []
    told: list[object] = []

    def slow() -> None:
        begun.set()
        go.wait()
        done.append("slow")

    background.start(slow, told.append, told.append)
    background.start(lambda: done.append("never begun"), told.append, told.append)
    begun.wait()
    threading.Timer(0.05, go.set).start()
    background.close()
    background.start(lambda: done.append("too late"), told.append, told.append)
    qtbot.wait(20)
    assert done == ["slow"]
    assert told == []
