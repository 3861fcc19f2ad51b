"""The lab's thread: nothing is told twice or lost, chains never queue up, and closing never hangs."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QThread
from pytestqt.qtbot import QtBot

from app.bridge.lab import LabClient, LabMailbox
from app.core.lab.lab_engine import Cover, Save, Task
from engine.jobs.lab import Ask, Walk
from engine.spec.lab_data import HALF, Data
from tests.app.conftest import count
from tests.app.windows import until
from tests.fakes.lab import FakeLab

DATA = Data("gaussian")
ASK = Ask(DATA, 1.0, HALF)


def test_of_walking_chains_only_the_latest_is_kept_and_of_the_rest_everything(qtbot: QtBot) -> None:
    box, fake = LabMailbox(), FakeLab()
    woken = count(box.arrived)
    for k in range(100):
        box.put_chains(1, np.full((1, 2), k, np.float32))
        box.put(1, k)
    box.put_field(fake.field(ASK))
    assert len(woken) == 1  # one wake-up, however much there is
    fields, news = box.take()
    assert [field.ask for field in fields] == [ASK]
    assert [what for _, what in news[:-1]] == list(range(100))
    assert np.array_equal(news[-1][1], [[99, 99]])  # type: ignore[arg-type]
    assert box.take() == ([], [])
    box.put(1, "more")
    assert len(woken) == 2


def test_what_is_asked_for_replaces_what_was_and_saving_goes_before() -> None:
    box = LabMailbox()
    box.ask([ASK, Ask(DATA, 2.0, HALF)])
    box.ask([Ask(DATA, 3.0, HALF)])
    save = Task(1, Save(None, [], ""))  # type: ignore[arg-type]
    box.save(save)
    assert [box.next_wish() for _ in range(3)] == [save, Ask(DATA, 3.0, HALF), None]


def test_the_thread_begins_with_the_first_wish_and_ends_with_close(qtbot: QtBot) -> None:
    client = LabClient(FakeLab())
    assert client.findChildren(QThread) == []
    with qtbot.waitSignal(client.field_arrived):
        client.ask([ASK])
    assert [thread.objectName() for thread in client.findChildren(QThread)] == ["lab"]
    client.close()
    client.close()
    client.ask([ASK])  # nothing begins any more
    client.do(Task(9, Cover(DATA, 3)))


@pytest.mark.parametrize("job", [Walk(DATA, 5, 1, HALF), Cover(DATA, 5)])
def test_closing_in_the_middle_of_something_ends_it_and_tells(qtbot: QtBot, job: Walk | Cover) -> None:
    fake = FakeLab(by_hand=True)
    client = LabClient(fake)
    ended = count(client.ended)
    client.do(Task(1, job))
    client.do(Task(2, job))
    client.ask([ASK])
    with qtbot.waitSignal(client.field_arrived):
        pass  # it is in its first model call
    client.close()
    assert ended == [(1, ""), (2, "")]


def test_what_waits_to_be_saved_is_saved_before_the_thread_ends(qtbot: QtBot, tmp_path: Path) -> None:
    fake = FakeLab(by_hand=True)
    client = LabClient(fake)
    ended = count(client.ended)
    client.do(Task(1, Cover(DATA, 5)))
    frame = np.zeros((2, 2, 3), np.uint8)
    for k in (2, 3):
        client.do(Task(k, Save(tmp_path / f"{k}.png", [frame], "{}")))
    client.close()
    assert sorted(ended) == [(1, ""), (2, ""), (3, "")]  # type: ignore[type-var]
    assert [path.name for path, _, _ in fake.saved] == ["2.png", "3.png"]


def test_a_lab_that_cannot_be_opened_says_so_and_the_window_lives(qtbot: QtBot) -> None:
    def broken() -> FakeLab:
        raise ImportError("no torch")

    client = LabClient(broken)
    ended = count(client.ended)
    client.ask([ASK])
    client.do(Task(1, Cover(DATA, 3)))
    until(qtbot, lambda: bool(ended))
    assert "no torch" in str(ended[0])
    client.close()


def test_it_is_all_done_in_one_other_thread(qtbot: QtBot) -> None:
    seen: set[int] = set()

    class Watched(FakeLab):
        def field(self, ask):  # type: ignore[no-untyped-def]
            seen.add(threading.get_ident())
            return super().field(ask)

    client = LabClient(Watched())
    for sigma in (1.0, 2.0):
        with qtbot.waitSignal(client.field_arrived):
            client.ask([Ask(DATA, sigma, HALF)])
    client.close()
    assert len(seen) == 1
    assert threading.get_ident() not in seen
