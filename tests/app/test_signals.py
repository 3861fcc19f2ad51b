"""A signal of the system closes the window as a person would, between two events and never within a slot."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from app.signals import CLOSING, Signals

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture
def signals() -> Iterator[Signals]:
    signals = Signals()
    signals.install()
    yield signals
    signals.uninstall()


@pytest.mark.parametrize("number", CLOSING)
def test_a_signal_arrives_as_an_event(qtbot: QtBot, signals: Signals, number: int) -> None:
    with qtbot.waitSignal(signals.received) as blocker:
        os.kill(os.getpid(), number)  # SIGINT raises no KeyboardInterrupt here
    assert blocker.args == [number]


def test_the_signals_are_given_back() -> None:
    before = [signal.getsignal(number) for number in CLOSING]
    signals = Signals()
    signals.install()
    assert [signal.getsignal(number) for number in CLOSING] != before
    signals.uninstall()
    assert [signal.getsignal(number) for number in CLOSING] == before
    assert signal.set_wakeup_fd(-1) == -1
