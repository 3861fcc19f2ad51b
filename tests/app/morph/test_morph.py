"""The morph room without its window: key frames, choices, what is made, and what goes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.morph.film_export import FilmFormat, Filming
from app.core.morph.morph_room import MorphRoom
from app.core.notices import Notice
from engine.jobs.morph import Morphing
from engine.morph.film import read
from engine.spec.morph import MOST_KEYS
from engine.spec.sizes import SizeRule
from tests.app.conftest import Parts, count, finish
from tests.app.windows import until
from tests.fakes.engine import FakeEngine
from tests.fakes.morph import morphed


@pytest.fixture
def fake() -> FakeEngine:
    fake = FakeEngine()
    fake.answers[Morphing] = morphed
    return fake


@pytest.fixture
def by_hand() -> FakeEngine:
    fake = FakeEngine(by_hand=True)
    fake.answers[Morphing] = morphed
    return fake


class Heard:
    def __init__(self, room: MorphRoom) -> None:
        self.notices: list[Notice] = []
        room.notice_raised.connect(self.notices.append)

    @property
    def said(self) -> str:
        return self.notices[-1].text if self.notices else ""


def room_of(document: Document, *seeds: int) -> MorphRoom:
    room = document.morph
    for seed in seeds:
        room.keys.add_seed(seed)
    return room


@pytest.fixture
def room(document: Document) -> MorphRoom:
    return room_of(document, 3, 4)


def seeds(room: MorphRoom) -> list[int]:
    return [frame.key.seed for frame in room.keys.frames]


def made(room: MorphRoom, qtbot: QtBot) -> None:
    room.start()
    until(qtbot, lambda: not room.rendering)


# key frames


def test_a_finished_picture_is_its_seed_and_an_earlier_step_is_a_picture(parts: Parts, qtbot: QtBot) -> None:
    room = room_of(parts.document)
    finish(parts, qtbot, prompt="rocket", label="noto", seed=11, batch=2)
    until(qtbot, lambda: parts.document.shown.cursor == parts.document.shown.step_count - 1)
    parts.document.shown.image_index = 1
    room.keys.add_shown()
    first = room.keys.frames[0]
    assert (first.key.seed, first.key.prompt, first.key.label, first.encoded) == (12, "rocket", "noto", False)
    assert first.settings is not None
    assert first.settings.seeds == (12,)
    parts.document.shown.scrub(1)
    room.keys.add_shown()
    second = room.keys.frames[1]
    assert second.encoded
    assert (second.key.prompt, second.key.label) == ("rocket", "noto")
    assert second.rgb is not None
    assert second.rgb.shape == (16, 24, 3)


def test_the_artwork_is_a_picture_at_the_models_size(document: Document) -> None:
    room = room_of(document)
    document.artwork.open(np.full((40, 40, 3), 77, np.uint8), "Sheet", (24, 16))
    room.keys.add_shown()
    (frame,) = room.keys.frames
    assert frame.encoded
    assert frame.rgb is not None
    assert frame.rgb.shape == (16, 24, 3)
    assert np.unique(frame.rgb).tolist() == [77]


def test_adding_without_a_picture_gives_a_notice(document: Document) -> None:
    room = room_of(document)
    heard = Heard(room)
    room.keys.add_shown()
    assert "no picture on the canvas" in heard.said
    assert not room.keys.frames


def test_a_file_is_added_after_the_selected_one_and_a_bad_one_gives_a_notice(
    document: Document, room: MorphRoom, tmp_path: Path, qtbot: QtBot
) -> None:
    heard = Heard(room)
    Image.new("RGB", (30, 30), (9, 9, 9)).save(tmp_path / "a.png")
    room.keys.selected = 0
    room.keys.add_file(tmp_path / "a.png")
    until(qtbot, lambda: len(room.keys.frames) == 3)
    assert [frame.encoded for frame in room.keys.frames] == [False, True, False]
    assert room.keys.selected == 1
    room.keys.add_file(tmp_path / "none.png")
    until(qtbot, lambda: "none.png is not there" in heard.said)
    room.close()


def test_they_are_moved_removed_and_selected(room: MorphRoom) -> None:
    keys = room.keys
    keys.add_seed(5)
    assert seeds(room) == [3, 4, 5]
    keys.move(2, 0)
    assert (seeds(room), keys.selected) == ([5, 3, 4], 0)
    keys.move(0, 9)
    assert seeds(room) == [5, 3, 4]
    keys.remove(0)
    assert (seeds(room), keys.selected) == ([3, 4], 0)
    keys.selected = 99
    assert keys.selected == 1
    heard = count(keys.changed)
    keys.selected = 1
    assert not heard
    keys.clear()
    assert (keys.frames, keys.selected) == ((), -1)


def test_there_are_not_more_than_can_be(document: Document) -> None:
    room = room_of(document, *range(MOST_KEYS))
    heard = Heard(room)
    room.keys.add_seed(99)
    assert len(room.keys.frames) == MOST_KEYS
    assert f"{MOST_KEYS} key frames at most" in heard.said


def test_words_of_a_key_frame_are_its_own_and_a_seeds_old_picture_goes(room: MorphRoom, qtbot: QtBot) -> None:
    made(room, qtbot)
    assert all(frame.image is not None for frame in room.keys.frames)
    room.keys.selected = 0
    room.keys.describe(prompt="cat face")
    first, second = room.keys.frames
    assert (first.key.prompt, first.image) == ("cat face", None)
    assert second.image is not None
    heard = count(room.keys.changed)
    room.keys.describe(prompt="cat face")
    assert not heard


def test_another_model_meets_the_key_frames_at_its_own_terms(parts: Parts) -> None:
    document = parts.document
    room = room_of(document, 3)
    document.artwork.open(np.full((40, 40, 3), 77, np.uint8), "Sheet", (24, 16))
    room.keys.add_shown()
    document.artwork.close()
    square = SizeRule.fixed(16, 16)
    plain = replace(document.draft.models[1], labels=("shoe",), sizes=square, takes=frozenset({"label"}))
    document.draft._models[1] = plain
    room.keys.selected = 0
    room.keys.describe(label="noto")
    document.draft.model = plain
    seed, picture = room.keys.frames
    assert (seed.key.prompt, seed.key.label) == ("", None)
    assert picture.rgb is not None
    assert picture.rgb.shape == (16, 16, 3)


# making it


def test_frames_come_as_they_are_made_and_the_cursor_follows(hand_parts: Parts, qtbot: QtBot) -> None:
    room = room_of(hand_parts.document, 3, 4)
    room.choose(frames=5)
    room.start()
    assert room.rendering
    assert room.run is not None
    assert (room.run.total, room.step_count, room.cursor) == (5, 0, -1)
    hand_parts.fake.allow(2)  # progress and norms
    until(qtbot, lambda: room.result is not None and room.result.norms is not None)
    assert room.progress == (0.0, "Finding where the key frames start …")
    hand_parts.fake.allow(4)
    until(qtbot, lambda: room.step_count == 2)
    assert room.cursor == 1
    share, words = room.progress
    assert (round(share, 6), words) == (0.4, "Frame 2 of 5")
    room.scrub(0)
    hand_parts.fake.allow(2)
    until(qtbot, lambda: room.step_count == 3)
    assert room.cursor == 0, "who scrubs is not pulled away"
    room.close()


def test_cancel_keeps_the_frames_that_are_there(hand_parts: Parts, qtbot: QtBot) -> None:
    room = room_of(hand_parts.document, 3, 4)
    heard = Heard(room)
    room.choose(frames=5)
    room.start()
    hand_parts.fake.allow(6)
    until(qtbot, lambda: room.step_count == 2)
    room.cancel()
    assert room.progress[1] == "Stopping …"
    until(qtbot, lambda: not room.rendering)
    assert room.step_count == 2
    assert room.image is not None
    assert room.film is None
    assert not heard.notices


def test_a_failed_morph_gives_a_notice_and_the_window_stays_usable(parts: Parts, room: MorphRoom, qtbot: QtBot) -> None:
    from engine.spec.morph import MorphError

    def fails(job: Morphing) -> list[object]:
        raise MorphError("The pictures of a morph must have the model's size, 24×16.")

    heard = Heard(room)
    parts.fake.answers[Morphing] = fails
    made(room, qtbot)
    assert heard.said == "The pictures of a morph must have the model's size, 24×16."
    parts.fake.answers[Morphing] = morphed
    made(room, qtbot)
    assert room.film is not None


def test_the_job_has_the_key_frames_and_the_choices(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    document.draft.update(prompt="red apple", label="noto", guidance=2.5, steps=4)
    room = room_of(document, 3)
    document.artwork.open(np.full((16, 24, 3), 77, np.uint8), "Sheet", (24, 16))
    room.keys.add_shown()
    room.choose(frames=7, easing="out", loop="back", way="mix", at=0.5, rate=24)
    made(room, qtbot)
    (job,) = parts.fake.others
    assert isinstance(job, Morphing)
    morph = job.morph
    assert (morph.frames, morph.easing, morph.loop, morph.way, morph.at, morph.rate) == (
        7,
        "out",
        "back",
        "mix",
        0.5,
        24,
    )
    assert (morph.keys[0].seed, morph.keys[0].prompt, morph.keys[0].label) == (3, "red apple", "noto")
    assert morph.keys[1].picture in job.pictures
    assert (morph.request.guidance, morph.request.steps, morph.request.edit) == (2.5, 4, None)


def test_why_it_cannot_be_started_is_one_sentence(parts: Parts, room: MorphRoom) -> None:
    heard = Heard(room)
    assert room.why_not == ""
    room.choose(way="mix", at=1e6)
    assert room.why_not.startswith("The pictures can be mixed at a noise level above 0 and up to 80")
    room.start()
    assert heard.said == room.why_not
    assert not room.rendering
    room.choose(way="slerp")
    room.keys.remove(0)
    assert "two key frames or more" in room.why_not


def test_the_price_is_there_before_the_click_and_better_known_after(parts: Parts, qtbot: QtBot) -> None:
    room = room_of(parts.document, 3, 4)
    room.choose(frames=10)
    assert room.price_text == "10 frames, 100 model calls"
    finish(parts, qtbot, seed=1)
    assert room.price_text.startswith("10 frames, 100 model calls, ≈ ")
    made(room, qtbot)
    assert room.price_text == "10 frames, 100 model calls, ≈ 0.1 s"  # 10 · 0.01 s, as the fake says


def test_a_film_of_older_settings_is_marked(room: MorphRoom, qtbot: QtBot) -> None:
    made(room, qtbot)
    assert not room.changed_since
    room.choose(rate=30)
    assert not room.changed_since
    room.choose(frames=31)
    assert room.changed_since


def test_a_key_frame_with_other_settings_offers_them(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    room = room_of(document, 3)
    finish(parts, qtbot, steps=5, seed=9)
    until(qtbot, lambda: document.shown.cursor == document.shown.step_count - 1)
    room.keys.add_shown()
    assert room.remark == ""
    document.draft.update(steps=9, prompt="rocket")
    assert "Key frame 2 was made with other settings" in room.remark
    room.keys.use_settings()
    assert (document.draft.current.steps, document.draft.current.prompt) == (5, "rocket")
    assert room.remark == ""


# playing


@pytest.mark.parametrize(
    ("loop", "way"), [("none", [0, 1, 2]), ("back", [0, 1, 2, 0, 1, 2]), ("pingpong", [0, 1, 2, 1, 0, 1])]
)
def test_it_plays_at_its_rate_and_round_and_round_where_it_is_a_loop(
    room: MorphRoom, qtbot: QtBot, loop: str, way: list[int]
) -> None:
    room.choose(frames=3, loop=loop, rate=60)
    made(room, qtbot)
    room.scrub(0)
    seen = [0]
    room.cursor_changed.connect(lambda: seen.append(room.cursor))
    room.play()
    assert room._play.interval() == 17
    until(qtbot, lambda: len(seen) >= len(way) or not room.playing)
    assert seen[: len(way)] == way
    assert room.playing == (loop != "none")
    room.pause()


# out


def test_a_film_is_written_in_the_background_with_progress(room: MorphRoom, qtbot: QtBot, tmp_path: Path) -> None:
    made(room, qtbot)
    filming = Filming()
    notices: list[Notice] = []
    shares: list[float] = []
    filming.notice_raised.connect(notices.append)
    filming.changed.connect(lambda: shares.append(filming.share))
    assert room.film is not None
    morph, frames = room.film
    filming.export(tmp_path / "a.webp", frames, morph, FilmFormat(".webp", 2, "nearest"))
    assert filming.busy
    filming.export(tmp_path / "b.webp", frames, morph, FilmFormat())
    assert "wait for it" in notices[-1].text
    until(qtbot, lambda: not filming.busy)
    assert notices[-1].text == f"Saved as {tmp_path / 'a.webp'}"
    assert read(tmp_path / "a.webp") == morph
    assert shares[0] == 0
    assert max(shares) == 1
    filming.close()


def test_a_film_that_is_stopped_or_fails_leaves_nothing(room: MorphRoom, qtbot: QtBot, tmp_path: Path) -> None:
    made(room, qtbot)
    filming = Filming()
    notices: list[Notice] = []
    filming.notice_raised.connect(notices.append)
    assert room.film is not None
    morph, frames = room.film
    filming.export(tmp_path / "a.webp", frames, morph, FilmFormat(enlarge=40))
    filming.stop()
    until(qtbot, lambda: not filming.busy)
    assert "was stopped" in notices[-1].text
    (tmp_path / "film").mkdir()
    filming.export(tmp_path / "film", frames, morph, FilmFormat(""))
    until(qtbot, lambda: not filming.busy)
    assert notices[-1].level == "error"
    assert "film already exists" in notices[-1].text
    assert [path.name for path in tmp_path.iterdir() if path.suffix in (".webp", ".part")] == []
    filming.close()
