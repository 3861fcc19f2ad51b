"""The viewer: the steps of a live run can be scrubbed, and new steps do not move the cursor."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.core.jobs.queue import JobState
from app.core.shown.render import render
from engine.pictures.png import read_settings
from engine.spec.draft import Draft
from engine.store import RunReader
from tests.app.conftest import Parts, count, finish, reach, reach_told


def test_the_first_step_comes_up_after_one_call_and_the_last_stays(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    frames = count(document.shown.frame_changed)
    job = document.generate()
    assert job is not None
    assert document.shown.run is None
    reach_told(hand_parts, qtbot, 1)
    assert document.shown.run is not None
    assert document.shown.live
    assert document.shown.frame is not None
    assert len(frames) == 1
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    assert (document.shown.step_count, document.shown.cursor, document.shown.live) == (5, 4, False)
    assert document.shown.frame == render(document.shown.run, 4, "x0", 0)
    assert document.shown.run.ended == "finished"
    assert QImage(str(job.images[0])).convertToFormat(QImage.Format.Format_RGB32) == document.shown.frame


def test_the_steps_of_a_live_run_can_be_scrubbed_while_the_engine_is_inside_a_call(
    hand_parts: Parts, qtbot: QtBot
) -> None:
    document = hand_parts.document
    document.generate()
    reach_told(hand_parts, qtbot, 1)
    reach(hand_parts, qtbot, 3)
    run = document.shown.run
    assert run is not None
    assert hand_parts.fake.calls == 4, "the fifth call is waiting for its permit from here on"
    frames = count(document.shown.frame_changed)
    for k in (0, 2, 1, 3):
        for view in ("x0", "x", "eps"):
            document.shown.scrub(k)
            document.shown.view = view
            assert document.shown.cursor == k
            assert document.shown.frame == render(run, k, view, 0)
    assert len(frames) >= 11
    assert hand_parts.fake.calls == 4
    assert hand_parts.notices == []


def test_scrubbing_is_read_from_the_file_alone(hand_parts: Parts, qtbot: QtBot) -> None:
    """While the net is inside a call, every earlier step is shown at once, in order."""
    document = hand_parts.document
    document.draft.update(steps=4)
    document.generate()
    reach(hand_parts, qtbot, 2)
    seen = []
    for k in (0, 1) * 8:
        document.shown.scrub(k)
        seen.append((document.shown.cursor, document.shown.frame))
    assert hand_parts.fake.calls == 2, "all of it happened within one call of the net"
    assert [k for k, _ in seen] == [0, 1] * 8
    assert seen[0][1] != seen[1][1]
    document.jobs.cancel()
    qtbot.waitUntil(lambda: document.jobs.running is None)


def test_the_cursor_follows_until_it_is_scrubbed_away_and_again_from_the_end(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    document.draft.update(steps=8)
    document.generate()
    reach_told(hand_parts, qtbot, 1)
    reach(hand_parts, qtbot, 2)
    assert (document.shown.following, document.shown.cursor) == (True, 2)
    document.shown.scrub(1)
    moves = count(document.shown.cursor_changed)
    kept = document.shown.frame
    reach(hand_parts, qtbot, 2)
    assert (document.shown.following, document.shown.cursor, moves) == (False, 1, [])
    assert document.shown.frame is kept, "no live picture replaces what is looked at"
    document.shown.end()
    assert (document.shown.following, document.shown.cursor) == (True, 4)
    assert document.shown.frame != kept
    reach(hand_parts, qtbot, 1)
    assert document.shown.cursor == 5


def test_scrubbing_stops_at_both_ends(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    document.shown.step_by(1)
    document.shown.home()
    assert document.shown.cursor == -1
    finish(parts, qtbot)
    document.shown.step_by(1)
    assert document.shown.cursor == 4
    document.shown.home()
    document.shown.step_by(-1)
    assert document.shown.cursor == 0
    document.shown.scrub(99)
    assert document.shown.cursor == 4


def test_cancel_keeps_the_finished_steps(hand_parts: Parts, qtbot: QtBot, tmp_path: Path) -> None:
    document = hand_parts.document
    job = document.generate()
    assert job is not None
    reach_told(hand_parts, qtbot, 1)
    reach(hand_parts, qtbot, 2)
    with qtbot.waitSignal(hand_parts.jobs.job_ended):
        document.jobs.cancel()
    assert job.state is JobState.CANCELLED
    assert document.shown.run is not None
    assert (document.shown.run.ended, document.shown.step_count, document.shown.cursor) == ("cancelled", 3, 2)
    assert document.shown.frame == render(document.shown.run, 2, "x0", 0)
    document.shown.scrub(0)
    assert document.shown.frame == render(document.shown.run, 0, "x0", 0)
    assert not list(tmp_path.rglob("*.png"))
    path = document.save_picture()
    assert path is not None
    assert QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32) == document.shown.frame
    assert read_settings(path) == job.request


def test_saving_never_overwrites_and_says_where(parts: Parts, qtbot: QtBot) -> None:
    job = finish(parts, qtbot)
    paths = [parts.document.save_picture() for _ in range(2)]
    assert len({*paths, *job.images}) == 3
    assert [n.level for n in parts.notices] == ["info", "info"]


def test_each_queued_run_comes_up_as_it_begins(parts: Parts, qtbot: QtBot) -> None:
    made = [parts.document.generate() for _ in range(3)]
    shown: list[Path | None] = []
    parts.document.shown.run_changed.connect(lambda: shown.append(parts.document.shown.run_path))
    qtbot.waitUntil(lambda: all(j is not None and j.state.ended for j in made))
    assert shown == [j.run_path for j in made if j]


def test_the_next_job_does_not_replace_the_scrubbed_run(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    first, second = document.generate(), document.generate()
    assert first is not None
    assert second is not None
    reach_told(hand_parts, qtbot, 1)
    reach(hand_parts, qtbot, 2)
    document.shown.scrub(0)
    hand_parts.fake.allow(20)
    qtbot.waitUntil(lambda: second.state.ended)
    assert document.shown.run_path == first.run_path
    assert document.shown.cursor == 0


def test_an_older_run_can_be_looked_at_while_another_is_made(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    hand_parts.fake.allow(5)
    old = document.generate()
    assert old is not None
    qtbot.waitUntil(lambda: old.state.ended)
    new = document.generate()
    assert new is not None
    reach_told(hand_parts, qtbot, 1)
    assert document.shown.run_path == new.run_path
    assert document.shown.show_run(old.run_path)
    assert not document.shown.live
    kept = document.shown.frame
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: hand_parts.fake.calls == 8)
    qtbot.wait(0)
    assert (document.shown.run_path, document.shown.frame) == (old.run_path, kept)
    assert document.shown.show_run(new.run_path)
    assert document.shown.live
    assert document.shown.following
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: new.state.ended)
    assert (document.shown.step_count, document.shown.cursor, document.shown.live) == (5, 4, False)


def test_a_file_that_cannot_be_read_is_a_notice_and_changes_nothing(parts: Parts, qtbot: QtBot, tmp_path: Path) -> None:
    job = finish(parts, qtbot)
    (tmp_path / "torn.twrun").write_bytes(b"")
    assert not parts.document.shown.show_run(tmp_path / "torn.twrun")
    assert not parts.document.shown.show_run(tmp_path / "gone.twrun")
    assert [n.level for n in parts.notices] == ["error", "error"]
    assert parts.document.shown.run_path == job.run_path


def test_a_vanished_run_file_gives_one_notice(parts: Parts, qtbot: QtBot) -> None:
    job = finish(parts, qtbot)
    job.run_path.unlink()
    assert all(parts.document.shown.thumbnail(k, 20).isNull() for k in range(5))
    parts.document.shown.scrub(0)
    assert parts.document.shown.frame is None
    assert [n.level for n in parts.notices] == ["error"]


def test_pictures_of_a_batch_are_looked_at_one_by_one(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    finish(parts, qtbot, batch=3)
    assert document.shown.batch_size == 3
    changes = count(document.shown.image_changed)
    document.shown.image_index = 2
    document.shown.image_index = 9
    assert (document.shown.image_index, len(changes)) == (2, 1)
    assert document.shown.run is not None
    assert document.shown.frame == render(document.shown.run, 4, "x0", 2)
    finish(parts, qtbot, batch=1)
    assert document.shown.image_index == 0


def test_thumbnails_are_of_their_step_view_and_picture(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    finish(parts, qtbot, batch=2)
    first = document.shown.thumbnail(0, 12)
    assert (first.width(), first.height()) == (12, 8)
    assert document.shown.thumbnail(0, 12) == first
    assert document.shown.thumbnail(4, 12) != first
    document.shown.image_index = 1
    assert document.shown.thumbnail(0, 12) != first
    document.shown.view = "eps"
    other = document.shown.thumbnail(0, 12)
    document.shown.view = "x0"
    document.shown.image_index = 0
    assert other != first
    assert document.shown.thumbnail(0, 12) == first
    assert document.shown.thumbnail(99, 12).isNull()


def test_thumbnails_of_a_new_run_are_new(parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot)
    first = parts.document.shown.thumbnail(4, 12)
    finish(parts, qtbot)
    assert parts.document.shown.thumbnail(4, 12) != first


def test_play_shows_each_step_once_and_stops_at_the_last(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    finish(parts, qtbot)
    seen: list[int] = []
    document.shown.cursor_changed.connect(lambda: seen.append(document.shown.cursor))
    document.shown.play()
    assert document.shown.playing
    qtbot.waitUntil(lambda: not document.shown.playing)
    assert seen == [0, 1, 2, 3, 4]
    document.shown.scrub(2)
    document.shown.play()
    document.shown.scrub(1)
    assert not document.shown.playing, "who scrubs takes over"


def test_settings_of_the_shown_run_go_back_on_the_panel(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    job = finish(parts, qtbot, prompt="rocket", steps=3, batch=2, seed=11)
    document.draft.update(prompt="", steps=9, batch=1)
    document.restore_settings()
    assert document.draft.current == Draft.of(job.request, 0)


def test_closing_lets_go_of_the_run(parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot)
    parts.document.shown.close()
    assert (parts.document.shown.run, parts.document.shown.cursor, parts.document.shown.frame) == (None, -1, None)
    parts.document.shown.close()


def test_the_run_file_is_whole_when_read_again(parts: Parts, qtbot: QtBot) -> None:
    job = finish(parts, qtbot)
    run = RunReader(job.run_path)
    assert run.request == job.request
    assert [s.i for s in run.steps] == list(range(5))


def test_heuns_first_estimate_is_on_the_canvas_before_its_first_step_is_done(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    document.draft.update(sampler="heun", steps=3)
    document.generate()
    hand_parts.fake.allow()
    qtbot.waitUntil(lambda: document.shown.frame is not None)
    assert document.shown.step_count == 0
    shown = document.shown.frame
    reach(hand_parts, qtbot, 1)
    assert document.shown.cursor == 0
    assert document.shown.frame is not None
    assert document.shown.frame == shown, "the first step's x̂₀ is that same estimate"
