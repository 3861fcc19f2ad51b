"""States become pictures: right channels, right range, right view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage
from pytestqt.qtbot import QtBot

from app.core.shown.render import View, render, state, to_image, to_uint8
from engine.store import RunReader
from tests.app.conftest import Parts


def pixels(image: QImage) -> np.ndarray:
    rgb = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(rgb.constBits(), np.uint8).reshape(rgb.height(), rgb.bytesPerLine())
    return rows[:, : 3 * rgb.width()].reshape(rgb.height(), rgb.width(), 3).copy()


def test_channels_and_rows_keep_their_places() -> None:
    picture = -np.ones((3, 2, 5), np.float32)  # five wide: rows are padded in the QImage
    picture[0, 0, 4] = picture[1, 1, 0] = picture[2, 1, 4] = 1
    image = to_image(picture)
    assert image.format() == QImage.Format.Format_RGB32
    assert (image.width(), image.height()) == (5, 2)
    assert QColor(image.pixel(4, 0)) == QColor("red")
    assert QColor(image.pixel(0, 1)) == QColor(0, 255, 0)
    assert QColor(image.pixel(4, 1)) == QColor("blue")
    assert QColor(image.pixel(0, 0)) == QColor("black")


def test_the_picture_outlives_its_array() -> None:
    picture = np.full((3, 8, 8), 1, np.float32)
    image = to_image(picture)
    picture[:] = -1
    del picture
    assert QColor(image.pixel(7, 7)) == QColor("white")


@pytest.mark.parametrize(
    ("value", "level"), [(-1, 0), (0, 128), (1, 255), (-3, 0), (7, 255), (np.nan, 0), (np.inf, 255)]
)
def test_values_are_rounded_and_clipped(value: float, level: int) -> None:
    assert to_uint8(np.full((3, 1, 1), value, np.float32)).tolist() == [[[level] * 3]]


def test_grey_becomes_three_equal_channels() -> None:
    assert to_uint8(np.array([[[1, -1]]], np.float32)).tolist() == [[[255] * 3, [0] * 3]]


def test_levels_survive_the_round_trip() -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(1, 256, 1).repeat(3, 2)
    assert np.array_equal(to_uint8((levels.astype(np.float32) / 127.5 - 1).transpose(2, 0, 1)), levels)


@pytest.fixture
def run(parts: Parts, qtbot: QtBot) -> RunReader:
    parts.document.draft.update(batch=2)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = parts.document.generate()
    assert job is not None
    return RunReader(job.run_path)


def test_each_view_shows_its_quantity(run: RunReader) -> None:
    k, sigma = 2, run.steps[2].s
    x, x0, eps = run.x(k)[1], run.x0(k)[1], run.eps(k)[1]
    assert np.allclose(x, x0 + sigma * eps, atol=1e-3 * sigma)
    assert np.array_equal(state(run, k, "x0", 1), x0)
    assert np.allclose(state(run, k, "x", 1), np.clip(x / np.sqrt(1 + sigma**2), -1, 1), atol=1e-6)
    assert np.allclose(state(run, k, "eps", 1), np.clip(eps / 3, -1, 1), atol=1e-6)


@pytest.mark.parametrize("view", ["x0", "x", "eps"])
def test_steps_and_pictures_differ(run: RunReader, view: View) -> None:
    shown = [pixels(render(run, k, view, image)) for k in (0, 3) for image in (0, 1)]
    assert all(s.shape == (16, 24, 3) for s in shown)
    assert all(not np.array_equal(a, b) for n, a in enumerate(shown) for b in shown[:n])


def test_a_file_that_is_no_run_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "a.twrun").write_bytes(b"x" * 100)
    with pytest.raises(ValueError, match="not a run file"):
        RunReader(tmp_path / "a.twrun")
