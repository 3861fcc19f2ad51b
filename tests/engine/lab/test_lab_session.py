"""LabSession, the lab's interface for the window, and its saved pictures."""

from __future__ import annotations

import math
import threading
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.jobs.lab import Ask, Trial, Walk
from engine.lab.model import model
from engine.lab.picture import read_settings, save
from engine.lab.session import ARROWS, GRID, LEAST, LabSession
from engine.lab.trial import exact_flow, start
from engine.run import Cancelled
from engine.spec.draft import Draft, resolve
from engine.spec.lab_data import HALF, Data, LabError, info


def a_trial(name: str = "mixture", **choices: object) -> Trial:
    request = resolve(Draft.for_model(info(name), **{"steps": 6, "seed": 1} | choices), info(name))
    return Trial(Data(name), request, particles=40, traced=8)


def test_a_field_is_bright_where_the_data_are_and_its_arrows_point_there() -> None:
    data = Data("mixture")
    field = LabSession().field(Ask(data, 0.3, HALF))
    assert field.shade.shape == (GRID, GRID)
    assert field.shade.max() == 255
    row, column = divmod(int(field.shade.argmax()), GRID)
    x, y = (column + 0.5) / GRID * 2 * HALF - HALF, HALF - (row + 0.5) / GRID * 2 * HALF
    assert math.dist((x, y), data.components.means[0]) < 0.15  # the heaviest island
    assert field.arrows.shape == (ARROWS, ARROWS, 2)
    assert field.arrows[0, 0] @ np.array([1.0, 1.0]) > 0  # bottom left: up and right
    assert field.arrows[-1, -1] @ np.array([1.0, 1.0]) < 0
    assert field.seen is None


def test_arrows_are_the_score_in_units_of_the_noise() -> None:
    data, sigma = Data("gaussian"), 0.7
    field = LabSession().field(Ask(data, sigma, HALF))
    middle = torch.zeros(1, 2, dtype=torch.float64)
    assert field.arrows[ARROWS // 2, ARROWS // 2] == pytest.approx(
        (math.hypot(sigma, LEAST) * model(data).score(middle, sigma)[0]).numpy(), abs=1e-6
    )


def test_a_field_holds_the_covered_cells_on_request() -> None:
    session, shares = LabSession(), []
    for sigma in (0.0, 0.5, 3.0):
        field = session.field(Ask(Data("spiral"), sigma, HALF, seen=True))
        assert field.seen is not None
        assert field.samples is not None
        shares.append(field.seen.mean())
    assert shares[0] < shares[1] < shares[2]


def test_a_run_yields_every_step_and_the_flow_has_the_same_start() -> None:
    session, work, go = LabSession(), a_trial(), threading.Event()
    shots = list(session.run(work, go.is_set))
    assert [shot.i for shot in shots] == list(range(6))
    for before, after in pairwise(shots):
        assert np.array_equal(before.after, after.x)
        assert after.change == pytest.approx(np.sqrt(np.mean((after.x0 - before.x0) ** 2)), rel=1e-3)
    assert math.isnan(shots[0].change)
    assert np.array_equal(shots[-1].after, shots[-1].x0)  # the step to σ = 0
    flow = session.flow(work, go.is_set)
    assert flow.states.shape == (7, 8, 2)
    assert np.array_equal(flow.states[0], shots[0].x[:8])
    x, _ = start(work.request, 8)
    assert np.allclose(flow.states[-1], list(exact_flow(model(work.data), x, work.request.sigmas))[-1], atol=1e-6)


def test_every_lab_task_can_be_cancelled() -> None:
    session, stop = LabSession(), threading.Event()
    walking = session.walk(Walk(Data("mixture"), 10, 1, HALF), lambda: 0.5, stop.is_set)
    assert [shot.shape for shot in islice(walking, 3)] == [(10, 2)] * 3
    stop.set()
    with pytest.raises(Cancelled):
        next(walking)
    for work in (lambda: list(session.run(a_trial(), stop.is_set)), lambda: session.flow(a_trial(), stop.is_set),
                 lambda: session.coverage(Data("mixture"), 5, stop.is_set)):  # fmt: skip
        with pytest.raises(Cancelled):
            work()


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
    LabSession().save(path, frames, "how")
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
