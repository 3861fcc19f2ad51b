"""The mailbox keeps order, of live news only the latest, and wakes its reader once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.bridge.mailbox import MOST_EVENTS, Item, Mailbox
from app.core.jobs.engine import End, Frame, Order
from engine.jobs.job import Event, Progress
from engine.jobs.load import LoadClip


@dataclass(frozen=True)
class News(Event):
    """Something of which every piece arrives."""

    k: int


class Reader(QObject):
    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__()
        self.mailbox, self.wakes = mailbox, 0
        self.taken: list[list[Item]] = []
        mailbox.arrived.connect(self.wake, Qt.ConnectionType.QueuedConnection)

    def wake(self) -> None:
        self.wakes += 1
        self.taken.append(self.mailbox.take())


def woken(reader: Reader, times: int) -> Callable[[], bool]:
    return lambda: reader.wakes == times


def order(id: int = 1) -> Order:
    return Order(id, LoadClip("c"))


def progress(k: int) -> Progress:
    return Progress(k, 300, k / 300, 0.1 * k)


def frame(k: int) -> Frame:
    return Frame(k, 0, QImage(2, 2, QImage.Format.Format_RGB32))


def test_300_fast_frames_and_a_slow_window_queue_one_wake_up(qtbot: QtBot) -> None:
    mailbox, run = Mailbox(), order()
    reader = Reader(mailbox)

    def engine() -> None:
        for k in range(300):
            mailbox.put(run, progress(k))
            mailbox.put(run, frame(k))

    thread = threading.Thread(target=engine)
    thread.start()
    thread.join()  # the window's event loop does not turn meanwhile
    qtbot.waitUntil(lambda: reader.wakes > 0)
    qtbot.wait(0)
    assert reader.wakes == 1
    (((_, event), (_, shown)),) = reader.taken
    assert event == progress(299)
    assert isinstance(shown, Frame)
    assert shown.step == 299


def test_each_taking_allows_one_more_wake_up(qtbot: QtBot) -> None:
    mailbox, run = Mailbox(), order()
    reader = Reader(mailbox)
    for k in range(3):
        mailbox.put(run, progress(k))
        mailbox.put(run, frame(k))
        qtbot.waitUntil(woken(reader, k + 1))
    assert [taken[0][1] for taken in reader.taken] == [progress(0), progress(1), progress(2)]


def test_newer_progress_stays_before_a_waiting_frame() -> None:
    mailbox, run = Mailbox(), order()
    mailbox.put(run, progress(1))
    mailbox.put(run, frame(1))
    assert mailbox.holds(run, Frame)
    mailbox.put(run, progress(2))
    (_, event), (_, shown) = mailbox.take()
    assert event == progress(2), "the run is opened before its picture is shown"
    assert isinstance(shown, Frame)
    assert not mailbox.holds(run, Frame)
    assert mailbox.take() == []


def test_newer_events_replace_only_replaceable_events_of_the_same_job() -> None:
    mailbox, one, other = Mailbox(), order(1), order(2)
    for k in range(3):
        mailbox.put(one, progress(k))
        mailbox.put(one, News(k))
        mailbox.put(other, progress(10 + k))
    mailbox.end(one, End("finished"))
    assert mailbox.take() == [
        (1, progress(2)), (1, News(0)), (2, progress(12)), (1, News(1)), (1, News(2)), (1, End("finished")),
    ]  # fmt: skip


def test_a_full_mailbox_stops_the_job_until_events_are_taken() -> None:
    mailbox, talker = Mailbox(), order()

    def talk() -> None:
        for k in range(MOST_EVENTS + 5):
            mailbox.put(talker, News(k))

    thread = threading.Thread(target=talk)
    thread.start()
    taken: list[object] = []
    while len(taken) < MOST_EVENTS + 5:
        items = mailbox.take()
        assert len(items) <= MOST_EVENTS
        taken += [item for _, item in items]
    thread.join()
    assert taken == [News(k) for k in range(MOST_EVENTS + 5)]


def test_a_full_mailbox_does_not_stop_a_closing_window_or_a_cancelled_job() -> None:
    mailbox, talker = Mailbox(), order()
    talker.cancelled.set()
    for k in range(MOST_EVENTS + 5):
        mailbox.put(talker, News(k))
    other = order(2)
    mailbox.close()
    mailbox.put(other, News(0))
    assert len(mailbox.take()) == MOST_EVENTS + 6


def test_painting_is_accounted_for_once() -> None:
    mailbox = Mailbox()
    mailbox.add_painting(0.25)
    mailbox.add_painting(0.5)
    assert mailbox.take_painting() == 0.75
    assert mailbox.take_painting() == 0
