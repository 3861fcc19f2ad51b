"""Going on from a step: forks and variations, the whole way on one timeline, and the way back to the parent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.core.jobs.queue import JobState
from app.core.shown.lineage import Lineage
from app.core.shown.render import render
from engine.pictures.png import read_parent, read_settings
from engine.spec.draft import Draft, branch, resolve
from engine.spec.request import Request
from engine.store import RunReader, RunWriter
from tests.app.conftest import Parts, finish, reach, reach_told


def forked(parts: Parts, qtbot: QtBot, k: int, **choices: object) -> RunReader:
    """Fork the shown run at step k with these choices, to its end."""
    parts.document.shown.scrub(k)
    parts.document.draft.update(**choices)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = parts.document.fork()
    assert job is not None
    assert job.state is JobState.FINISHED, job.message
    return RunReader(job.run_path)


# forks


def test_a_fork_continues_the_shown_step_with_the_panels_settings(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    parent = finish(parts, qtbot, steps=6, batch=2)
    run = forked(parts, qtbot, 2, prompt="rocket", label="noto", guidance=5.0, sampler="heun", seed=50, batch=9)
    assert run.header["parent"] == {"run": parent.run_path.stem, "step": 2}
    assert [step.i for step in run.steps] == [2, 3, 4, 5]
    assert run.request.seeds == (50, 51), "as many pictures as the run has, whatever the panel says"
    shown = (run.request.prompt, run.request.label, run.request.guidance, run.request.sampler)
    assert shown == ("rocket", "noto", 5.0, "heun")
    np.testing.assert_array_equal(run.x(0), RunReader(parent.run_path).x(2))
    assert document.shown.run_path == run.path
    assert parts.notices == []


def test_a_fork_with_the_same_settings_asks_for_the_same_run(parts: Parts, qtbot: QtBot) -> None:
    parts.document.draft.seed_locked = True
    parent = finish(parts, qtbot, steps=6)
    assert forked(parts, qtbot, 3).request == parent.request


def test_a_fork_may_take_other_steps_from_there_on(parts: Parts, qtbot: QtBot) -> None:
    parent = finish(parts, qtbot, steps=6)
    draft, model = parts.document.draft.current, parts.document.draft.model
    run = forked(parts, qtbot, 3, steps=30)
    assert run.request.sigmas[:4] == parent.request.sigmas[:4]
    expected = branch(replace(draft, steps=30, seed=run.request.seeds[0]), model, parent.request, 3)
    assert run.request == expected
    assert parts.document.shown.step_count == run.request.steps
    assert parts.document.shown.run is not None
    assert parts.document.shown.run.total == run.request.steps


def test_the_time_of_a_fork_counts_its_own_steps(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    hand_parts.fake.allow(6)
    finish(hand_parts, qtbot, steps=6)
    document.shown.scrub(2)
    job = document.fork()
    assert job is not None
    assert (job.steps_before, job.steps_total) == (2, 4)
    reach_told(hand_parts, qtbot, 1)
    assert document.jobs.running is job
    assert (document.shown.cursor, document.shown.live) == (2, True), "the first of its own steps"
    hand_parts.fake.allow(3)
    qtbot.waitUntil(lambda: job.state is JobState.FINISHED)
    assert job.steps_done == 4
    assert hand_parts.fake.calls == 10


def test_the_seed_is_rolled_after_a_fork_unless_it_is_kept(parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot)
    before = parts.document.draft.current.seed
    forked(parts, qtbot, 1)
    assert parts.document.draft.current.seed != before
    parts.document.draft.seed_locked = True
    kept = parts.document.draft.current.seed
    forked(parts, qtbot, 1)
    assert parts.document.draft.current.seed == kept


def test_a_run_under_way_is_forked_when_it_has_ended(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    first = document.generate()
    assert first is not None
    reach_told(hand_parts, qtbot, 1)
    reach(hand_parts, qtbot, 2)
    document.shown.scrub(1)
    second = document.fork()
    assert second is not None
    assert second.state is JobState.QUEUED
    hand_parts.fake.allow(20)
    qtbot.waitUntil(lambda: second.state.ended)
    assert (first.state, second.state) == (JobState.FINISHED, JobState.FINISHED)
    assert document.shown.run_path == second.run_path


def test_an_impossible_fork_gives_a_reason(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    assert document.fork() is None
    finish(parts, qtbot)
    document.draft.model = document.draft.models[1]
    assert document.fork() is None
    document.draft.model = document.draft.models[0]
    document.draft.update(label="gone")
    assert document.fork() is None
    said = [notice.text for notice in parts.notices]
    assert ["no step to go on from" in said[0], "choose “fake”" in said[1], "gone" in said[2]] == [True] * 3
    assert len(document.jobs.all) == 1


def test_the_picture_of_a_fork_names_its_parent(parts: Parts, qtbot: QtBot) -> None:
    parent = finish(parts, qtbot, steps=4)
    assert read_parent(parent.images[0]) is None
    forked(parts, qtbot, 1, prompt="rocket")
    (picture,) = parts.document.jobs.all[-1].images
    assert read_parent(picture) == {"run": parent.run_path.stem, "step": 1}
    saved = parts.document.save_picture()
    assert saved is not None
    assert read_parent(saved) == {"run": parent.run_path.stem, "step": 1}
    parts.document.shown.scrub(0)
    saved = parts.document.save_picture()
    assert saved is not None
    assert read_parent(saved) is None, "a step of the parent's is the parent's"
    assert read_settings(saved) == parent.request


# the whole way


def test_the_timeline_of_a_fork_covers_the_whole_way(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    parent = finish(parts, qtbot, steps=6, guidance=1.0)
    run = forked(parts, qtbot, 2, prompt="rocket", guidance=4.0)
    older = RunReader(parent.run_path)
    way = document.shown.run
    assert way is not None
    assert (way.inherited, document.shown.step_count, document.shown.cursor) == (2, 6, 5)
    assert [step.i for step in way.steps] == list(range(6))
    for view in ("x0", "x", "eps"):
        document.shown.view = view
        for k in range(6):
            document.shown.scrub(k)
            made_by = render(older, k, view, 0) if k < 2 else render(run, k - 2, view, 0)
            assert document.shown.frame == made_by
    assert way.calls == [1, 2, 4, 6, 8, 10], "the parent's steps were not guided"
    change = np.sqrt(np.mean((run.x0(0) - older.x0(1)) ** 2))
    assert way.steps[2].change == pytest.approx(change)


def test_a_fork_of_a_fork_reaches_back_to_pure_noise(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    first = finish(parts, qtbot, steps=6, prompt="apple")
    second = forked(parts, qtbot, 4, prompt="heart")
    third = forked(parts, qtbot, 5, prompt="pizza")
    way = document.shown.run
    assert way is not None
    assert [way.request_at(k).prompt for k in range(6)] == ["apple"] * 4 + ["heart", "pizza"]
    assert [way.place(k) for k in (0, 3, 4, 5)] == [
        (first.run_path, 0), (first.run_path, 3), (second.path, 0), (third.path, 0),
    ]  # fmt: skip
    again = forked(parts, qtbot, 2, prompt="rocket")
    assert again.header["parent"] == {"run": first.run_path.stem, "step": 2}, "that step is the first run's"


def test_a_fork_whose_parent_is_gone_shows_its_own_steps(parts: Parts, qtbot: QtBot) -> None:
    parent = finish(parts, qtbot, steps=6)
    run = forked(parts, qtbot, 2)
    parent.run_path.unlink()
    assert parts.document.shown.show_run(run.path)
    way = parts.document.shown.run
    assert way is not None
    assert (way.parent, way.inherited, way.total) == (None, 0, 4)
    assert [step.i for step in way.steps] == [2, 3, 4, 5]
    again = forked(parts, qtbot, 1, prompt="rocket")
    assert again.header["parent"] == {"run": run.path.stem, "step": 3}
    assert parts.notices == []


def test_runs_that_name_each_other_as_parents_end_somewhere(request_of: Callable[..., Request], tmp_path: Path) -> None:
    request, state = request_of(steps=3), np.zeros((1, 3, 16, 24), np.float32)
    for name, parent in (("one", "other"), ("other", "one")):
        header = {"id": name, "parent": {"run": parent, "step": 1}, "environment": {}, "preview": None}
        with RunWriter(tmp_path / f"{name}.twrun", request, header) as file:
            file.start(state)
    way = Lineage(tmp_path / "one.twrun")
    assert (way.steps, way.inherited, way.total) == ([], 0, 2)
    assert way.parent is not None


def test_the_link_to_the_parent_selects_the_forked_step(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    parent = finish(parts, qtbot, steps=6, prompt="apple")
    forked(parts, qtbot, 2, prompt="heart")
    assert document.shown.run is not None
    assert document.shown.run.parent is not None
    assert (document.shown.run.parent.request.prompt, document.shown.run.parent.step) == ("apple", 2)
    document.shown.show_parent()
    assert (document.shown.run_path, document.shown.cursor) == (parent.run_path, 2)
    document.shown.show_parent()
    assert document.shown.run_path == parent.run_path, "the first run has no parent"


def test_restoring_at_a_step_of_the_parents_brings_the_parents_settings(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    parent = finish(parts, qtbot, steps=6, prompt="apple")
    run = forked(parts, qtbot, 3, prompt="heart")
    document.restore_settings()
    assert document.draft.current == Draft.of(run.request)
    document.shown.scrub(1)
    document.restore_settings()
    assert document.draft.current == Draft.of(parent.request)
    assert resolve(document.draft.current, document.draft.model) == parent.request


# variations


def varied(parts: Parts, qtbot: QtBot, k: int, **choices: object) -> RunReader:
    parts.document.shown.scrub(k)
    parts.document.draft.update(**choices)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = parts.document.vary()
    assert job is not None
    assert job.state is JobState.FINISHED, job.message
    return RunReader(job.run_path)


def test_variations_share_the_shown_pictures_state_and_end_apart(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    parent = finish(parts, qtbot, steps=6, batch=2, sampler="ddpm", prompt="apple", guidance=2.0)
    document.shown.image_index = 1
    run = varied(parts, qtbot, 3, batch=5, prompt="rocket", guidance=9.0)
    assert run.header["parent"] == {"run": parent.run_path.stem, "step": 3, "image": 1}
    shared = RunReader(parent.run_path).x(3)[1]
    assert len(run.request.seeds) == len(set(run.request.seeds)) == 5
    assert not set(run.request.seeds) & set(parent.request.seeds)
    for image in range(5):
        np.testing.assert_array_equal(run.x(0)[image], shared)
    finals = run.next(2)
    assert all(not np.array_equal(finals[0], other) for other in finals[1:])
    assert (run.request.prompt, run.request.guidance) == ("apple", 2.0), "made as that picture was"
    assert document.draft.current.prompt == "rocket", "and the panel is left alone"
    assert parts.notices == []


def test_before_the_step_every_variation_shows_the_parents_picture(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    parent = finish(parts, qtbot, steps=6, batch=3, sampler="ddpm")
    document.shown.image_index = 2
    varied(parts, qtbot, 3, batch=4)
    older = RunReader(parent.run_path)
    for image in range(4):
        document.shown.image_index = image
        document.shown.scrub(1)
        assert document.shown.frame == render(older, 1, "x0", 2)
    saved = document.save_picture()
    assert saved is not None
    settings = read_settings(saved)
    assert settings is not None
    assert settings.seeds == (parent.request.seeds[2],)
    document.shown.show_parent()
    assert (document.shown.cursor, document.shown.image_index) == (3, 2)


def test_where_the_sampler_draws_no_noise_ddpm_makes_the_variations_and_says_so(parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=6, sampler="dpmpp-2m")
    run = varied(parts, qtbot, 2, batch=3)
    assert run.request.sampler == "ddpm"
    (notice,) = parts.notices
    assert notice.level == "info"
    assert notice.text.startswith("DPM-Solver++ 2M draws no noise")
    assert "Ancestral (DDPM)" in notice.text


def test_a_stochastic_sampler_keeps_its_options(parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=6, sampler="ddim", options=(("eta", 0.6),))
    run = varied(parts, qtbot, 2, batch=3)
    assert (run.request.sampler, run.request.options) == ("ddim", (("eta", 0.6),))
    assert parts.notices == []


def test_nothing_is_left_open_at_the_last_step(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    assert document.vary() is None
    finish(parts, qtbot, steps=6)
    assert document.vary() is None
    document.shown.scrub(4)
    assert document.why_no_variations == ""
    assert ["no step to vary" in parts.notices[0].text, "earlier one" in parts.notices[1].text] == [True, True]


def test_variations_of_a_variation(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    finish(parts, qtbot, steps=8, batch=2, sampler="ddpm")
    document.shown.image_index = 1
    first = varied(parts, qtbot, 2, batch=3)
    document.shown.image_index = 2
    second = varied(parts, qtbot, 5, batch=4)
    assert second.header["parent"] == {"run": first.path.stem, "step": 5, "image": 2}
    document.shown.image_index = 0
    way = document.shown.run
    assert way is not None
    assert [way.image_in(k, 0) for k in (0, 3, 6)] == [1, 2, 0]
    np.testing.assert_array_equal(way.x(3)[0], first.x(1)[2])
