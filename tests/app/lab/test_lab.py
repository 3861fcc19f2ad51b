"""The lab without a window: what it asks for, what it keeps, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.bridge.worker import open_lab
from app.core.lab.lab_model import TRACED, Lab
from app.core.lab.layers import LAYERS
from app.core.notices import Notice
from engine.jobs.lab import FieldView
from engine.lab.picture import read_settings
from engine.spec.lab_data import DRAWN, HALF, MOST_POINTS
from engine.spec.request import Request
from tests.app.conftest import count
from tests.app.windows import until
from tests.fakes.lab import FakeLab

Make = Callable[..., Lab]


@pytest.fixture
def make_lab(qtbot: QtBot) -> Iterator[Make]:
    made: list[Lab] = []

    def make(fake: FakeLab | None = None, watched: bool = True) -> Lab:
        client = EngineClient(fake or FakeLab(), on_demand=True, name="lab")
        lab = Lab(client)
        client.setParent(lab)
        lab.closed.connect(client.close)
        made.append(lab)
        lab.set_watched(watched)
        return lab

    yield make
    for lab in made:
        lab.close()


@pytest.fixture
def fake() -> FakeLab:
    return FakeLab()


@pytest.fixture
def lab(make_lab: Make, fake: FakeLab) -> Lab:
    return make_lab(fake)


def told(lab: Lab) -> list[Notice]:
    heard: list[Notice] = []
    lab.notice_raised.connect(heard.append)
    return heard


def finish(lab: Lab, qtbot: QtBot) -> None:
    lab.start()
    until(qtbot, lambda: not lab.activity)


# levels and fields


def test_before_any_run_every_noise_level_can_be_looked_at(lab: Lab, qtbot: QtBot) -> None:
    assert len(lab.levels) == 21
    assert (lab.levels[0], lab.levels[-1]) == (10.0, 0.0)
    assert lab.sigma == 0.0  # it opens on the data
    lab.home()
    assert lab.sigma == 10.0
    lab.step_by(+1)
    assert lab.sigma == lab.levels[1]
    lab.scrub(99)
    assert lab.cursor == 20
    assert lab.track.states(3) is None


def test_the_field_follows_the_cursor_and_is_computed_once(lab: Lab, fake: FakeLab, qtbot: QtBot) -> None:
    until(qtbot, lambda: all(lab.field_at(k) for k in range(21)))
    for k in (0, 7, 20):
        lab.scrub(k)
        assert lab.field is not None
        assert lab.field.view == FieldView(lab.data, lab.levels[k], lab.half(), False)
    assert len(fake.views) == len(set(fake.views)) == 21


def test_the_cursors_field_is_computed_first(make_lab: Make, qtbot: QtBot) -> None:
    fake = FakeLab()
    lab = make_lab(fake, watched=False)
    lab.scrub(12)
    lab.set_watched(True)
    until(qtbot, lambda: len(fake.views) == 21)
    assert [lab.levels.index(ask.sigma) for ask in fake.views[:3]] == [12, 11, 13]


def test_the_fields_of_a_long_run_are_not_all_computed(lab: Lab, fake: FakeLab, qtbot: QtBot) -> None:
    lab.update_draft(steps=500)
    lab.scrub(333)
    until(qtbot, lambda: lab.field is not None and lab.field.view.sigma == lab.levels[333])
    until(qtbot, lambda: lab.field_at(0) is not None and lab.field_at(496) is not None)
    assert len({ask.sigma for ask in fake.views}) < 120


def test_the_frame_grows_with_the_noise_or_stands_still(lab: Lab) -> None:
    assert lab.half(20) == HALF
    assert lab.half(0) == pytest.approx(HALF * np.hypot(1, 10))
    lab.turn("scaled", False)
    assert lab.half(0) == HALF


def test_nothing_is_computed_while_nobody_looks(make_lab: Make, qtbot: QtBot) -> None:
    fake = FakeLab()
    lab = make_lab(fake, watched=False)
    lab.choose("spiral")
    lab.home()
    assert fake.views == []
    lab.set_watched(True)
    lab.walk()
    until(qtbot, lambda: len(lab.chains) > 2)
    lab.set_watched(False)
    until(qtbot, lambda: not lab.activity)


# runs


def test_a_run_fills_the_levels_one_after_another(make_lab: Make, qtbot: QtBot) -> None:
    fake = FakeLab(by_hand=True)
    lab = make_lab(fake)
    lab.update_draft(steps=4)
    lab.start()
    assert lab.activity == "run"
    for done in range(1, 5):
        fake.allow()
        until(qtbot, lambda: lab.cursor == done)  # noqa: B023 -- called before the next round
        x = lab.track.states(done)
        assert x is not None
        assert x.shape == (lab.particles, 2)
        paths = lab.track.paths(done)
        assert paths is not None
        assert paths.shape == (done + 1, TRACED, 2)
    assert lab.track.finished
    assert lab.track.flow(4) is None
    fake.allow()
    until(qtbot, lambda: not lab.activity)
    assert lab.track.flow(4) is not None
    off = lab.track.off_flow(4)
    assert off is not None
    assert off > 0
    assert lab.track.off_flow(0) == 0.0
    assert lab.run is not None
    assert [step.nfe for step in lab.run.steps] == [1, 1, 1, 1, 0]


def test_who_scrubs_while_it_runs_is_not_pulled_away(make_lab: Make, qtbot: QtBot) -> None:
    fake = FakeLab(by_hand=True)
    lab = make_lab(fake)
    lab.start()
    fake.allow(5)
    until(qtbot, lambda: lab.cursor == 5)
    lab.scrub(2)
    fake.allow(3)
    until(qtbot, lambda: lab.track.states(8) is not None)
    assert lab.cursor == 2
    lab.scrub(8)
    fake.allow(1)
    until(qtbot, lambda: lab.cursor == 9)


def test_cancel_acts_before_the_next_call_and_keeps_the_finished_levels(make_lab: Make, qtbot: QtBot) -> None:
    fake = FakeLab(by_hand=True)
    lab = make_lab(fake)
    heard = told(lab)
    lab.start()
    fake.allow(3)
    until(qtbot, lambda: lab.cursor == 3)
    lab.cancel()
    until(qtbot, lambda: not lab.activity)
    assert lab.track.states(3) is not None
    assert lab.track.states(4) is None
    assert not lab.track.finished
    assert heard == []


def test_another_run_takes_the_place_of_the_one_that_goes_on(make_lab: Make, qtbot: QtBot) -> None:
    fake = FakeLab(by_hand=True)
    lab = make_lab(fake)
    lab.start()
    fake.allow(2)
    until(qtbot, lambda: lab.cursor == 2)
    lab.update_draft(seed=9)
    lab.start()
    assert lab.track.states(0) is None
    fake.allow(40)
    until(qtbot, lambda: not lab.activity)
    first = lab.track.states(0)
    assert first is not None
    assert np.array_equal(first, fake_start(lab, 9))


def fake_start(lab: Lab, seed: int) -> np.ndarray:
    """Where the fake's run of `seed` starts."""
    noise = np.random.default_rng(seed).standard_normal((lab.particles, 2)).astype(np.float32)
    return noise * np.float32(lab.levels[0])


def test_other_levels_or_other_data_drop_the_run_another_sampler_does_not(lab: Lab, qtbot: QtBot) -> None:
    finish(lab, qtbot)
    lab.update_draft(sampler="heun")
    assert lab.track.states(0) is not None
    lab.update_draft(steps=7)
    assert lab.track.states(0) is None
    assert len(lab.levels) == 8
    assert lab.cursor == 7
    finish(lab, qtbot)
    lab.choose("spiral")
    assert lab.track.states(0) is None
    assert lab.draft.sampler == "heun"


def test_an_error_gives_one_notice_and_the_lab_stays_usable(lab: Lab, fake: FakeLab, qtbot: QtBot) -> None:
    heard = told(lab)
    fake.fault = MemoryError()
    finish(lab, qtbot)
    assert [notice.level for notice in heard] == ["error"]
    fake.fault = None
    finish(lab, qtbot)
    assert lab.track.finished


def test_settings_that_cannot_be_run_say_why(lab: Lab, qtbot: QtBot) -> None:
    heard = told(lab)
    lab.update_draft(steps=0)
    assert "0 steps are not possible" in lab.problem
    lab.start()
    assert [notice.text for notice in heard] == [lab.problem]
    assert not lab.activity
    lab.update_draft(steps=3)
    assert lab.problem == ""


# walking chains


def test_chains_walk_at_the_level_under_the_cursor_wherever_it_moves(make_lab: Make, qtbot: QtBot) -> None:
    fake = FakeLab()
    lab = make_lab(fake)
    lab.home()
    lab.walk()
    assert lab.activity == "walk"
    until(qtbot, lambda: fake.levels[-1:] == [lab.levels[0]])
    lab.scrub(15)
    until(qtbot, lambda: fake.levels[-1:] == [lab.levels[15]])
    until(qtbot, lambda: lab.field_at(15) is not None)  # fields are answered while chains walk
    until(qtbot, lambda: len(lab.chains) == lab._chains.maxlen)
    lab.walk()
    until(qtbot, lambda: not lab.activity)
    assert lab.chains  # where they stopped stays to be seen


def test_playing_while_chains_walk_anneals_them(lab: Lab, fake: FakeLab, qtbot: QtBot) -> None:
    lab.home()
    lab.walk()
    until(qtbot, lambda: bool(lab.chains))
    lab.play()
    until(qtbot, lambda: not lab.playing)
    until(qtbot, lambda: fake.levels[-1:] == [0.0])
    assert fake.levels == sorted(fake.levels, reverse=True)
    assert len(set(fake.levels)) > 3


# a drawing


def test_points_are_drawn_in_strokes_and_taken_back_by_strokes(lab: Lab) -> None:
    lab.draw(0, 0)
    assert not lab.drawn  # only a drawing is drawn on
    lab.choose(DRAWN)
    lab.draw(0, 0)
    lab.draw(0.01, 0, begins=False)  # on top of the last
    lab.draw(0.5, 0.5, begins=False)
    lab.draw(-9, 1)
    assert lab.drawn == ((0, 0), (0.5, 0.5), (-HALF, 1))
    lab.rub_out()
    assert lab.drawn == ((0, 0), (0.5, 0.5))
    lab.rub_out()
    assert not lab.drawn
    for k in range(4):
        lab.draw(k / 2, 0)
    lab.rub_out(everything=True)
    assert not lab.drawn


def test_too_few_points_are_refused_with_one_sentence(lab: Lab, fake: FakeLab, qtbot: QtBot) -> None:
    heard = told(lab)
    lab.choose(DRAWN)
    asked = len(fake.views)
    for do in (lab.start, lab.walk, lab.cover):
        do()
        assert not lab.activity
    assert {notice.text for notice in heard} == {
        "The drawing has too few points: draw at least 3 of them on the plane."
    }
    assert lab.field is None
    for k in range(3):
        lab.draw(k, 0.5)
    assert lab.problem == ""
    until(qtbot, lambda: lab.field is not None)
    assert all(ask.data.points for ask in fake.views[asked:] if ask.data.name == DRAWN)
    finish(lab, qtbot)
    assert lab.track.finished


def test_a_full_drawing_says_so(lab: Lab) -> None:
    heard = told(lab)
    lab.choose(DRAWN)
    for k in range(MOST_POINTS + 2):
        lab.draw(-3 + 6 * k / MOST_POINTS, k % 7 / 7)
    assert len(lab.drawn) == MOST_POINTS
    assert len(heard) == 2
    assert str(MOST_POINTS) in heard[0].text


def test_a_drawing_is_kept_while_something_else_is_looked_at(lab: Lab) -> None:
    lab.choose(DRAWN)
    lab.draw(1, 1)
    lab.choose("gaussian")
    assert lab.data.points == ()
    lab.choose(DRAWN)
    assert lab.drawn == ((1, 1),)


# layers, coverage, saving


def test_switching_a_layer_emits_only_on_change(lab: Lab) -> None:
    heard = count(lab.layers_changed)
    for layer in LAYERS:
        before = lab.shows(layer)
        lab.turn(layer)
        assert lab.shows(layer) != before
        lab.turn(layer, not before)
    assert len(heard) == len(LAYERS)
    lab.turn("no such layer")
    assert len(heard) == len(LAYERS)


def test_training_data_are_loaded_when_their_layer_is_on(lab: Lab, fake: FakeLab, qtbot: QtBot) -> None:
    until(qtbot, lambda: lab.field is not None)
    assert lab.field is not None
    assert lab.field.seen is None
    lab.turn("seen", True)
    assert lab.field_at(20) is not None  # what is known stands until they come
    until(qtbot, lambda: lab.field is not None and lab.field.seen is not None)


def test_coverage_is_measured_and_shown(lab: Lab, qtbot: QtBot) -> None:
    lab.cover()
    assert lab.activity == "cover"
    until(qtbot, lambda: lab.coverage is not None)
    assert lab.shows("seen")
    assert lab.outcome == 1
    lab.outcome = 0
    lab.choose("gaussian")
    assert lab.coverage is None


def test_saving_runs_in_the_labs_thread_and_gives_a_notice(
    lab: Lab, fake: FakeLab, qtbot: QtBot, tmp_path: Path
) -> None:
    heard = told(lab)
    frame = np.zeros((8, 8, 3), np.uint8)
    lab.save(tmp_path / "a.png", [frame])
    until(qtbot, lambda: bool(heard))
    assert heard[0].text == f"Saved as {tmp_path / 'a.png'}"
    fake.fault = PermissionError(13, "no", "a.png")
    lab.save(tmp_path / "a.png", [frame])
    until(qtbot, lambda: len(heard) == 2)
    assert heard[1].level == "error"
    assert "a.png" in heard[1].text


def test_saving_does_not_stop_the_chains(lab: Lab, fake: FakeLab, qtbot: QtBot, tmp_path: Path) -> None:
    lab.walk()
    until(qtbot, lambda: bool(lab.chains))
    lab.save(tmp_path / "a.png", [np.zeros((8, 8, 3), np.uint8)])
    until(qtbot, lambda: bool(fake.saved))
    assert lab.activity == "walk"


def test_scrubbing_is_answered_while_something_is_measured(make_lab: Make, qtbot: QtBot) -> None:
    fake = FakeLab(by_hand=True)
    lab = make_lab(fake)
    lab.cover()  # waits in its first model call
    lab.scrub(4)
    until(qtbot, lambda: lab.field is not None and lab.field.view.sigma == lab.levels[4])
    assert lab.activity == "cover"
    assert lab.coverage is None


def test_a_saved_picture_has_the_settings_of_the_shown_run(lab: Lab, qtbot: QtBot) -> None:
    finish(lab, qtbot)
    lab.update_draft(sampler="heun", seed=77)
    lab.particles = 5
    made = json.loads(lab.settings())
    assert made["data"] == "mixture"
    assert made["particles"] == 300
    request = Request.from_dict(made["request"])
    assert (request.sampler, request.seeds) == ("ddim", (1,))
    assert lab.settings().isascii()


def test_closing_while_chains_walk_ends_them(make_lab: Make, qtbot: QtBot) -> None:
    lab = make_lab()
    lab.walk()
    until(qtbot, lambda: bool(lab.chains))
    lab.close()
    lab.close()
    assert not lab.activity
    lab.start()  # nothing begins any more


# with the real engine


def test_the_real_lab_runs_walks_measures_and_saves(qtbot: QtBot, tmp_path: Path) -> None:
    client = EngineClient(open_lab, on_demand=True, name="lab")
    lab = Lab(client)
    heard = told(lab)
    lab.set_watched(True)
    lab.particles = 60
    lab.update_draft(steps=6, sampler="dpmpp-2m")
    until(qtbot, lambda: lab.field is not None)
    finish(lab, qtbot)
    off = lab.track.off_flow(6)
    assert off is not None
    assert 0 < off < 0.3
    lab.scrub(3)
    lab.walk()
    until(qtbot, lambda: len(lab.chains) > 3)
    lab.cover()
    until(qtbot, lambda: lab.coverage is not None)
    until(qtbot, lambda: lab.field is not None and lab.field.seen is not None)
    path = tmp_path / "lab.webp"
    lab.save(path, [np.zeros((16, 16, 3), np.uint8)] * 2)
    until(qtbot, lambda: bool(heard))
    assert json.loads(read_settings(path) or "")["request"]["sampler"] == "dpmpp-2m"
    assert [notice.text for notice in heard] == [f"Saved as {path}"]
    lab.close()
    client.close()
