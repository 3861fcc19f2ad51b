"""The mailbox keeps the latest and wakes its reader once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.bridge.mailbox import Mailbox
from app.core.jobs.work import Frame, Progress


class Reader(QObject):
    def __init__(self, mailbox: Mailbox) -> None:
        super().__init__()
        self.mailbox, self.wakes = mailbox, 0
        self.news: list[tuple[Progress | None, Frame | None]] = []
        mailbox.arrived.connect(self.wake, Qt.ConnectionType.QueuedConnection)

    def wake(self) -> None:
        self.wakes += 1
        self.news.append(self.mailbox.take())


def woken(reader: Reader, times: int) -> Callable[[], bool]:
    return lambda: reader.wakes == times


def progress(k: int) -> Progress:
    return Progress(1, k, 300, 0.1 * k)


def frame(k: int) -> Frame:
    return Frame(1, k, 0, QImage(2, 2, QImage.Format.Format_RGB32))


def test_300_fast_frames_and_a_slow_window_queue_one_wake_up(qtbot: QtBot) -> None:
    mailbox = Mailbox()
    reader = Reader(mailbox)

    def engine() -> None:
        for k in range(300):
            mailbox.put(progress(k), frame(k))

    thread = threading.Thread(target=engine)
    thread.start()
    thread.join()  # the window's event loop does not turn meanwhile
    qtbot.waitUntil(lambda: reader.wakes > 0)
    qtbot.wait(0)
    assert reader.wakes == 1
    ((told, shown),) = reader.news
    assert told == progress(299)
    assert shown is not None
    assert shown.step == 299


def test_each_taking_allows_one_more_wake_up(qtbot: QtBot) -> None:
    mailbox = Mailbox()
    reader = Reader(mailbox)
    for k in range(3):
        mailbox.put(progress(k), frame(k))
        mailbox.put(progress(k))
        qtbot.waitUntil(woken(reader, k + 1))
    assert [p.done for p, _ in reader.news if p] == [0, 1, 2]


def test_progress_does_not_replace_a_frame_that_waits() -> None:
    mailbox = Mailbox()
    mailbox.put(progress(1), frame(1))
    assert mailbox.frame_waiting
    mailbox.put(progress(2))
    told, shown = mailbox.take()
    assert told == progress(2)
    assert shown is not None
    assert shown.step == 1
    assert not mailbox.frame_waiting
    assert mailbox.take() == (None, None)


def test_painting_is_accounted_for_once() -> None:
    mailbox = Mailbox()
    mailbox.add_painting(0.25)
    mailbox.add_painting(0.5)
    assert mailbox.take_painting() == 0.75
    assert mailbox.take_painting() == 0
