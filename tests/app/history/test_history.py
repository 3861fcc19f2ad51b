"""The history without its widgets: what is listed, marked, deleted, undone, and kept after damage."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from pytestqt.qtbot import QtBot

from app.core.history.history import History
from app.core.history.restore import SettingsRestorer
from app.core.history.scanner import Place
from app.core.history.table import PictureTable
from tests.app.conftest import Parts, count, finish
from tests.app.history_pictures import look_through, names
from tests.app.windows import until

Make = Callable[[int], History]


def test_nothing_is_opened_before_somebody_looks(parts: Parts, place: Place, qtbot: QtBot) -> None:
    history = History(place, parts.document.jobs)
    assert not place.folder.exists()
    assert history.activity == "Opening the history …"
    with qtbot.waitSignal(history.scanner.ended):
        history.set_seen(True)
    assert (history.rows, history.activity) == ([], "")
    history.close()


def test_a_finished_run_comes_by_itself_with_its_run_file(parts: Parts, qtbot: QtBot, place: Place) -> None:
    history = History(place, parts.document.jobs)
    with qtbot.waitSignal(history.scanner.ended):
        job = finish(parts, qtbot, prompt="red apple", batch=3)
    assert len(history.rows) == 3
    found = {history.run_of(picture) for row in history.rows if (picture := history.picture(row.id)) is not None}
    assert found == {(job.run_path, k) for k in range(3)}
    history.narrow(stacked=True)
    assert [row.stack for row in history.rows] == [3]
    history.show_alike(history.rows[0].id)
    assert len(history.rows) == 3
    history.close()


def test_marks_are_listed_filtered_and_undone(make_history: Make, qtbot: QtBot) -> None:
    history = make_history(4)
    table = PictureTable(history)
    assert names(history) == ["p0", "p1", "p2", "p3"]
    first, second, *_ = (row.id for row in history.rows)
    history.star([first, second], True)
    history.rate([second], 5)
    history.tag([first], "fruit, red")
    history.add_to_board([first], "Posters")
    assert [(row.starred, row.rating) for row in table.rows[:2]] == [(1, 0), (1, 5)]
    history.narrow(board="Posters")
    assert names(history) == ["p0"]
    history.remove_board("Posters")
    assert (names(history), history.boards()) == (["p0", "p1", "p2", "p3"], {})
    for expected in ({"Posters": 1}, {"Posters": 0}):
        history.undo()
        assert history.boards() == expected
    assert history.undo_text == "Tag"
    history.undo()
    assert history.tags() == {}
    history.narrow(text="rock", rating=5)
    assert names(history) == ["p1"]
    history.clear_filter()
    assert len(table.rows) == 4


def test_deleted_files_go_to_the_trash_and_come_back(
    make_history: Make, qtbot: QtBot, place: Place, parts: Parts, tmp_path: Path
) -> None:
    history = make_history(3)
    ids = [row.id for row in history.rows]
    history.star(ids[:1], True)
    (place.pictures / "p1.png").unlink()
    look_through(qtbot, history)
    assert history.counts() == {"here": 2, "missing": 1}
    assert "1 picture is no longer where" in parts.notices[-1].text
    before = (place.pictures / "p0.png").read_bytes()
    with qtbot.waitSignal(history.rows_changed):
        history.delete(ids[:2])
    assert names(history) == ["p2"]
    assert parts.notices[-1].text == "2 pictures are in the trash."
    assert not (place.pictures / "p0.png").exists()
    assert len(list(tmp_path.glob("desktop/Trash/files/*"))) == 1
    undo = parts.notices[-1].actions[0].do
    look_through(qtbot, history)
    assert names(history) == ["p2"], "a scan does not bring them back"
    with qtbot.waitSignal(history.rows_changed):
        undo()
    assert names(history) == ["p0", "p1", "p2"]
    assert (place.pictures / "p0.png").read_bytes() == before
    assert not list(tmp_path.glob("desktop/Trash/*/*"))
    assert (history.rows[0].starred, history.rows[1].state) == (1, "missing")


def test_a_place_that_is_taken_meanwhile_is_not_overwritten(
    make_history: Make, qtbot: QtBot, place: Place, parts: Parts
) -> None:
    history = make_history(1)
    with qtbot.waitSignal(history.rows_changed):
        history.delete([history.rows[0].id])
    (place.pictures / "p0.png").write_bytes(b"another file")
    with qtbot.waitSignal(history.rows_changed):
        history.undo()
    assert (place.pictures / "p0.png").read_bytes() == b"another file"
    assert "p0.png could not be brought back" in parts.notices[-1].text


def test_a_damaged_history_is_made_again_with_its_marks(
    make_history: Make, qtbot: QtBot, place: Place, parts: Parts
) -> None:
    history = make_history(2)
    history.star([history.rows[1].id], True)
    history.close()
    place.database.write_bytes(b"no database " * 1000)
    again = make_history(0)
    until(qtbot, lambda: [row.starred for row in again.rows] == [0, 1])
    assert "The history was damaged" in " ".join(notice.text for notice in parts.notices)
    assert len(list(place.folder.glob("history-damaged-*.db"))) == 1


def test_damage_while_it_is_open_is_mended_too(make_history: Make, qtbot: QtBot, place: Place, parts: Parts) -> None:
    history = make_history(2)
    db = sqlite3.connect(place.database)
    db.execute("PRAGMA wal_checkpoint (TRUNCATE)")
    db.close()
    data = place.database.read_bytes()
    place.database.write_bytes(data[:4096] + b"\xff" * (len(data) - 4096))
    ready = count(history.scanner.damaged)
    history.refresh()
    until(qtbot, lambda: ready and len(history.rows) == 2 and not history.scanner.scanning)


def test_a_folder_of_the_user_is_watched_while_it_is_seen(
    make_history: Make, qtbot: QtBot, tmp_path: Path, place: Place, parts: Parts
) -> None:
    history = make_history(1)
    history.scanner._settle.setInterval(0)
    told = count(history.folders_changed)
    other = tmp_path / "other"
    other.mkdir()
    with qtbot.waitSignal(history.scanner.ended):
        history.set_seen(True)
    with qtbot.waitSignal(history.scanner.ended):
        history.watch(other)
    with qtbot.waitSignal(history.scanner.ended):
        os.replace(place.pictures / "p0.png", other / "moved.png")
    until(qtbot, lambda: names(history) == ["moved"])
    other.rename(tmp_path / "unplugged")
    look_through(qtbot, history)
    assert [notice.text.partition(" (")[0] for notice in parts.notices if notice.level == "error"] == [
        f"The history cannot read {other}"
    ]
    (tmp_path / "unplugged").rename(other)
    look_through(qtbot, history)
    history.unwatch(other)
    assert (len(told), history.folders) == (2, ())
    assert names(history) == ["moved"], "its pictures stay"


def test_the_settings_of_a_picture_come_back(make_history: Make, qtbot: QtBot, parts: Parts) -> None:
    history = make_history(2)
    picture = history.picture(history.rows[1].id)
    assert picture is not None
    restorer = SettingsRestorer(parts.document.draft)
    restorer.notice_raised.connect(parts.notices.append)
    parts.document.draft.update(prompt="pizza", seed=99)
    with qtbot.waitSignal(restorer.used):
        restorer.use(picture, with_seed=False)
    assert (parts.document.draft.current.prompt, parts.document.draft.current.seed) == ("rocket", 99)
    with qtbot.waitSignal(restorer.used):
        restorer.use(picture, with_seed=True)
    assert parts.document.draft.current.seed == 1
    picture.path.unlink()
    with qtbot.waitSignal(restorer.notice_raised):
        restorer.use(picture, with_seed=True)
    assert parts.notices[-1].text == "p1.png is gone: choose another picture."
    restorer.close()
