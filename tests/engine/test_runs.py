"""Runs as jobs: the events of each step, the saved pictures, and the files left on disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import engine.finishing
import engine.session
from engine.jobs.encode import Encode
from engine.jobs.enlarge import Enlarge, Enlarged
from engine.jobs.generate import Enlarging, Fork, Generate, PictureSaved, Resume, RunEnded
from engine.jobs.job import Estimate, Event, Progress
from engine.jobs.load import LoadModel
from engine.pictures.png import read_settings
from engine.pictures.unsaved import unsaved_runs
from engine.run import Cancelled
from engine.runs import previewer
from engine.session import OutOfMemory, Session
from engine.spec.catalog import CatalogError, ModelInfo
from engine.spec.cost import enlargement_passes
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request, RequestError
from engine.store import RunReader, RunWriter, StoreError


def request_for(info: ModelInfo, **choices: Any) -> Request:
    return resolve(Draft.for_model(info, **{"prompt": "red apple", "seed": 7, "batch": 2} | choices), info)


@pytest.fixture
def session(tiny_model: ModelInfo) -> Session:
    return Session("cpu", [tiny_model])


def estimates(events: list[Event]) -> list[Estimate]:
    return [event for event in events if isinstance(event, Estimate)]


def collect(told: Iterable[Event], into: list[Event]) -> None:
    """Keep events as they arrive, so that the events before an error are kept."""
    for event in told:
        into.append(event)  # noqa: PERF402 -- extend() would add none where it fails


def saved(events: list[Event]) -> list[Path]:
    return [event.path for event in events if isinstance(event, PictureSaved)]


def test_a_run_tells_each_step_then_its_pictures_then_its_seconds(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    request, ticks = request_for(tiny_model, steps=4), iter(range(100))
    job = Generate(request=request, run_path=tmp_path / "a.twrun", pictures=tmp_path / "pictures")
    events = list(session.perform(job, clock=lambda: float(next(ticks))))
    told, end = estimates(events), events[-1]
    assert [(one.step, one.progress.done, one.progress.total, one.images) for one in told] == [
        (k, k + 1, 4, 2) for k in range(4)
    ]
    assert [one.progress.share for one in told] == [0.25, 0.5, 0.75, 1.0]
    reader = RunReader(tmp_path / "a.twrun")
    assert reader.ended == "finished"
    np.testing.assert_array_equal(told[2].preview(1), reader.preview(reader.x0(2))[1])
    assert isinstance(end, RunEnded)
    assert 0 < told[-1].progress.seconds < end.seconds + 1
    assert end.finishing > 0
    for k, path in enumerate(saved(events)):
        assert read_settings(path) == replace(request, seeds=request.seeds[k : k + 1])


def test_the_job_and_generate_give_the_same_run(session: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    request = request_for(tiny_model, steps=3, sampler="ddpm")
    list(session.perform(Generate(request=request, run_path=tmp_path / "a.twrun")))
    *_, last = session.generate(request)
    np.testing.assert_array_equal(RunReader(tmp_path / "a.twrun").next(2), last.move.x.numpy())


def test_a_two_call_sampler_sends_the_first_x0_within_the_first_step(session: Session, tiny_model: ModelInfo) -> None:
    early: list[Event] = []
    for sampler, told in (("heun", 1), ("ddim", 0)):
        early.clear()
        steps = session.perform(Generate(request=request_for(tiny_model, steps=3, sampler=sampler)), early=early.append)
        next(steps)
        assert len(early) == told
    early.clear()
    steps = session.perform(Generate(request=request_for(tiny_model, sampler="heun")), early=early.append)
    first: Any = next(steps)
    (one,) = early
    assert isinstance(one, Estimate)
    assert (one.step, one.progress.done, one.progress.share) == (0, 0, 0.0)
    assert one.preview(0).shape == first.preview(0).shape


def test_a_fork_counts_its_own_steps_and_its_pictures_name_its_parent(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    parent = tmp_path / "parent.twrun"
    list(session.perform(Generate(request=request_for(tiny_model, steps=5), run_path=parent)))
    job = Fork(source=parent, at=2, share=1, run_path=tmp_path / "f.twrun", pictures=tmp_path)
    events = list(session.perform(job))
    assert [(one.progress.done, one.progress.total) for one in estimates(events)] == [(1, 3), (2, 3), (3, 3)]
    with Image.open(saved(events)[0]) as image:
        assert image.info["tweedie-parent"] == '{"image": 1, "run": "parent", "step": 2}'
    with pytest.raises(RequestError, match="no step 5: choose 0 to 4"):
        next(session.perform(Fork(source=parent, at=5)))


def test_a_resumed_run_ends_in_its_own_file_with_the_bits_of_the_whole_one(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    request, path = request_for(tiny_model, steps=5), tmp_path / "a.twrun"
    *_, last = session.generate(request)
    steps = session.perform(Generate(request=request, run_path=path))
    for _ in range(2):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    events = list(session.perform(Resume(run_path=path, pictures=tmp_path / "pictures")))
    assert [(one.step, one.progress.total) for one in estimates(events)] == [(0, 3), (1, 3), (2, 3)]
    np.testing.assert_array_equal(RunReader(path).next(4), last.move.x.numpy())
    assert len(saved(events)) == 2
    with pytest.raises(StoreError, match="is finished"):
        next(session.perform(Resume(run_path=path)))


def test_the_pictures_of_a_killed_run_are_saved_by_resuming_it_each_once(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    request, path, folder = request_for(tiny_model, steps=3), tmp_path / "a.twrun", tmp_path / "pictures"
    steps = session.perform(Generate(request=request, run_path=path, pictures=folder))
    for event in steps:
        if isinstance(event, PictureSaved):
            break
    steps.close()  # type: ignore[attr-defined]  # killed after the first of two pictures
    (note,) = unsaved_runs(tmp_path)
    assert (note.saved, note.pictures) == (frozenset({0}), folder)
    events = list(session.perform(Resume(run_path=path, pictures=folder)))
    assert len(saved(events)) == 1
    assert {read_settings(one).seeds for one in folder.iterdir()} == {(seed,) for seed in request.seeds}  # type: ignore[union-attr]
    assert list(unsaved_runs(tmp_path)) == []


@pytest.mark.skipif(os.name == "nt", reason="removes an open file")
def test_finished_pictures_are_saved_although_the_run_file_is_gone(cascade: ModelInfo, tmp_path: Path) -> None:
    session = Session("cpu", [cascade])
    request, path, folder = request_for(cascade, steps=3), tmp_path / "a.twrun", tmp_path / "pictures"
    events = list[Event]()
    for event in session.perform(Generate(request=request, run_path=path, pictures=folder)):
        events.append(event)
        path.unlink(missing_ok=True)
    assert len(saved(events)) == len(request.seeds)
    assert "the pictures are saved" in events[-1].remark  # type: ignore[attr-defined]


def test_finished_pictures_are_saved_although_the_disk_of_the_runs_is_full(
    session: Session, tiny_model: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request, path, folder = request_for(tiny_model, steps=3), tmp_path / "a.twrun", tmp_path / "pictures"
    append = RunWriter._append

    def full(self: RunWriter, head: dict[str, object], arrays: dict[str, object]) -> None:
        if head.get("i") == 2 or head["kind"] == "end":
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, head, arrays)

    monkeypatch.setattr(RunWriter, "_append", full)
    events = list(session.perform(Generate(request=request, run_path=path, pictures=folder)))
    assert len(saved(events)) == len(request.seeds)
    assert "No space left" in events[-1].remark  # type: ignore[attr-defined]


def test_where_the_second_stage_has_no_memory_the_small_pictures_are_saved(
    cascade: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session("cpu", [cascade])
    request, folder = request_for(cascade, steps=2), tmp_path / "pictures"

    def no_memory(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")

    monkeypatch.setattr(engine.finishing, "enlarge", no_memory)
    with pytest.raises(OutOfMemory, match="the small pictures are saved"):
        list(session.perform(Generate(request=request, run_path=tmp_path / "a.twrun", pictures=folder)))
    found = [read_settings(one) for one in folder.iterdir()]
    assert len(found) == len(request.seeds)
    assert all(one is not None and one.enlargement is None for one in found)


def test_a_run_without_a_step_leaves_no_new_file_and_keeps_an_old_one(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    path = tmp_path / "a.twrun"
    job = Generate(request=request_for(tiny_model), run_path=path)
    with pytest.raises(Cancelled):
        next(session.perform(job, lambda: True))
    assert not path.exists()
    path.write_text("another's")
    with pytest.raises(FileExistsError):
        next(session.perform(job))
    assert path.read_text() == "another's"


def test_the_second_stage_tells_each_of_its_calls(cascade: ModelInfo) -> None:
    early: list[Event] = []
    request = request_for(cascade, steps=2, batch=9)  # two micro-batches
    list(Session("cpu", [cascade]).perform(Generate(request=request), early=early.append))
    told = [event for event in early if isinstance(event, Enlarging)]
    total = 2 * enlargement_passes(request)
    assert [(event.done, event.total) for event in told] == [(k, total) for k in range(total)]
    assert [event.seconds for event in told] == sorted(event.seconds for event in told)


def test_a_run_stops_before_its_next_call_also_while_it_finishes(cascade: ModelInfo, tmp_path: Path) -> None:
    session = Session("cpu", [cascade])
    path, events = tmp_path / "a.twrun", list[Event]()
    job = Generate(request=request_for(cascade, steps=2, batch=1), run_path=path, pictures=tmp_path)

    def walked() -> bool:
        return len(estimates(events)) == 2

    with pytest.raises(Cancelled):
        collect(session.perform(job, walked), events)
    assert len(estimates(events)) == 2
    assert list(tmp_path.glob("*.png")) == []
    assert RunReader(path).ended == "finished", "the steps are whole; the second stage is not"


def test_pictures_that_cannot_be_saved_leave_the_steps(session: Session, tiny_model: ModelInfo, tmp_path: Path) -> None:
    (tmp_path / "pictures").write_text("a file where the folder should be")
    job = Generate(request=request_for(tiny_model), run_path=tmp_path / "a.twrun", pictures=tmp_path / "pictures")
    with pytest.raises(OSError, match="pictures"):
        list(session.perform(job))
    assert RunReader(tmp_path / "a.twrun").ended == "finished"


def test_an_encoding_tells_its_steps_and_how_far_the_whole_way_is(
    session: Session, tiny_model: ModelInfo, tmp_path: Path
) -> None:
    rgb = np.full((16, 16, 3), 90, np.uint8)
    job = Encode(request=request_for(tiny_model, batch=1), rgb=rgb, tol=1e-1, run_path=tmp_path / "up.twrun")
    events = list(session.perform(job))
    told, reader = estimates(events), RunReader(tmp_path / "up.twrun")
    assert [one.step for one in told] == list(range(len(reader.steps)))
    last = reader.preview(reader.x0(len(reader.steps) - 1))
    np.testing.assert_array_equal(told[-1].preview(0), last[0])
    shares = [event.progress.share for event in told] + [e.share for e in events if isinstance(e, Progress)]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0)
    assert told[-1].progress.share == pytest.approx(0.5), "the way back is the other half"


def test_a_picture_is_enlarged_as_the_session_does(cascade: ModelInfo) -> None:
    session, rgb = Session("cpu", [cascade]), np.full((16, 16, 3), 90, np.uint8)
    request = request_for(cascade, batch=1)
    (event,) = session.perform(Enlarge(request=request, rgb=rgb))
    assert isinstance(event, Enlarged)
    np.testing.assert_array_equal(event.rgb, session.enlarge(request, rgb))


def test_a_model_is_loaded_once_and_one_that_is_not_here_is_refused(session: Session, tiny_model: ModelInfo) -> None:
    assert list(session.perform(LoadModel(tiny_model.id))) == []
    assert session.models.held(tiny_model) is not None
    with pytest.raises(CatalogError, match="“gone” is not here"):
        list(session.perform(LoadModel("gone")))


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("out"), RuntimeError("can't allocate memory: 9 bytes")])
def test_a_full_device_is_one_sentence_wherever_it_happens(
    session: Session, tiny_model: ModelInfo, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(engine.session, "finish", full)
    with pytest.raises(OutOfMemory, match="make fewer images"):
        list(session.perform(Generate(request=request_for(tiny_model))))


def test_a_preview_shows_the_chosen_picture_in_float32(session: Session, tiny_model: ModelInfo) -> None:
    x0 = torch.stack([torch.full((3, 2, 2), value, dtype=torch.float64) for value in (-0.5, 0.5)])
    preview = previewer(session.load(tiny_model), x0)
    for image, value in enumerate((-0.5, 0.5)):
        assert preview(image).dtype == np.float32
        np.testing.assert_array_equal(preview(image), np.full((3, 2, 2), value, np.float32))
