"""The doers of the 2-D lab, and its saved pictures."""

from __future__ import annotations

import math
import threading
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine.jobs.lab import Field, FieldView, LabCoverage, LabFields, LabFlow, LabRun, LabSave, LabWalk
from engine.lab.doers import ARROWS, GRID, LEAST
from engine.lab.model import model
from engine.lab.picture import read_settings, save
from engine.lab.trial import exact_flow, start
from engine.run import Cancelled
from engine.session import Session
from engine.spec.draft import Draft, resolve
from engine.spec.lab_data import HALF, Data, LabError, info


@pytest.fixture
def session() -> Session:
    return Session("cpu", [])


def a_run(name: str = "mixture", **choices: object) -> LabRun:
    request = resolve(Draft.for_model(info(name), **{"steps": 6, "seed": 1} | choices), info(name))
    return LabRun(Data(name), request, particles=40, traced=8)


def field_of(session: Session, view: FieldView) -> Field:
    (field,) = session.perform(LabFields((view,)))
    assert isinstance(field, Field)
    return field


def test_a_field_is_bright_where_the_data_are_and_its_arrows_point_there(session: Session) -> None:
    data = Data("mixture")
    field = field_of(session, FieldView(data, 0.3, HALF))
    assert field.shade.shape == (GRID, GRID)
    assert field.shade.max() == 255
    row, column = divmod(int(field.shade.argmax()), GRID)
    x, y = (column + 0.5) / GRID * 2 * HALF - HALF, HALF - (row + 0.5) / GRID * 2 * HALF
    assert math.dist((x, y), data.components.means[0]) < 0.15  # the heaviest island
    assert field.arrows.shape == (ARROWS, ARROWS, 2)
    assert field.arrows[0, 0] @ np.array([1.0, 1.0]) > 0  # bottom left: up and right
    assert field.arrows[-1, -1] @ np.array([1.0, 1.0]) < 0
    assert field.seen is None


def test_arrows_are_the_score_in_units_of_the_noise(session: Session) -> None:
    data, sigma = Data("gaussian"), 0.7
    field = field_of(session, FieldView(data, sigma, HALF))
    middle = torch.zeros(1, 2, dtype=torch.float64)
    assert field.arrows[ARROWS // 2, ARROWS // 2] == pytest.approx(
        (math.hypot(sigma, LEAST) * model(data).score(middle, sigma)[0]).numpy(), abs=1e-6
    )


def test_training_data_are_sent_on_request(session: Session) -> None:
    views = tuple(FieldView(Data("spiral"), sigma, HALF, seen=True) for sigma in (0.0, 0.5, 3.0))
    shares = []
    for field in session.perform(LabFields(views)):
        assert isinstance(field, Field)
        assert field.seen is not None
        assert field.samples is not None
        shares.append(field.seen.mean())
    assert shares[0] < shares[1] < shares[2]


def test_a_run_tells_every_step_and_the_flow_starts_where_it_does(session: Session) -> None:
    job = a_run()
    shots: list[Any] = list(session.perform(job))
    flow = shots.pop()
    assert [shot.i for shot in shots] == list(range(6))
    for before, after in pairwise(shots):
        assert np.array_equal(before.after, after.x)
        assert after.change == pytest.approx(np.sqrt(np.mean((after.x0 - before.x0) ** 2)), rel=1e-3)
    assert math.isnan(shots[0].change)
    assert np.array_equal(shots[-1].after, shots[-1].x0)  # the step to σ = 0
    assert isinstance(flow, LabFlow)
    assert flow.states.shape == (7, 8, 2)
    assert np.array_equal(flow.states[0], shots[0].x[:8])
    x, _ = start(job.request, 8)
    assert np.allclose(flow.states[-1], list(exact_flow(model(job.data), x, job.request.sigmas))[-1], atol=1e-6)


def test_chains_walk_at_the_level_that_the_caller_sets_until_they_are_cancelled(session: Session) -> None:
    live, stop = {"sigma": 3.0}, threading.Event()
    job = LabWalk(Data("mixture"), 200, 1, HALF, sigma=0.1, steps=20, rate=1e6)
    walking = session.perform(job, stop.is_set, live=live)
    wide: list[Any] = list(islice(walking, 30))
    assert {shot.points.shape for shot in wide} == {(200, 2)}
    live["sigma"] = 0.05
    narrow: list[Any] = list(islice(walking, 30))
    assert narrow[-1].points.std() < wide[-1].points.std(), "the noise of the level shows in the spread"
    stop.set()
    with pytest.raises(Cancelled):
        next(walking)


def test_everything_stops_when_cancelled(session: Session) -> None:
    jobs = a_run(), LabCoverage(Data("mixture"), 5), LabFields((FieldView(Data("mixture"), 1.0, HALF),))
    for job in jobs:
        with pytest.raises(Cancelled):
            list(session.perform(job, lambda: True))


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_picture_keeps_its_pixels_and_its_settings(tmp_path: Path, suffix: str) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    path = tmp_path / "new" / f"lab{suffix}"
    save(path, [rgb], '{"sigma": 0.5}')
    with Image.open(path) as image:
        assert np.array_equal(np.asarray(image.convert("RGB")), rgb)
    assert read_settings(path) == '{"sigma": 0.5}'
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_animation_holds_every_frame_and_pauses_at_the_end(tmp_path: Path) -> None:
    frames = [np.full((16, 16, 3), 50 * k, np.uint8) for k in range(5)]
    path = tmp_path / "run.webp"
    assert list(Session("cpu", []).perform(LabSave(path, tuple(frames), "how"))) == []
    with Image.open(path) as image:
        assert getattr(image, "n_frames", 1) == 5
        image.seek(4)
        image.load()
        assert image.info["duration"] > 1000
        assert abs(int(np.asarray(image.convert("RGB"))[8, 8, 0]) - 200) < 8
    assert read_settings(path) == "how"


def test_a_failed_save_leaves_no_file(tmp_path: Path) -> None:
    rgb = np.zeros((4, 4, 3), np.uint8)
    with pytest.raises(LabError, match=r"end its name in \.png or \.webp"):
        save(tmp_path / "lab.gif", [rgb], "")
    with pytest.raises(LabError, match="only one picture"):
        save(tmp_path / "lab.png", [rgb, rgb], "")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OSError, match="file"):
        save(tmp_path / "file" / "lab.png", [rgb], "")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
