"""Plots: round ticks that enclose every value, and lines through their points."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from engine.evaluate.plots import COLOURS, SHARP, Axis, Plot
from engine.train import curves


@pytest.mark.parametrize(
    ("low", "high", "log", "marks"),
    [
        (0.0, 1.0, False, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.62, 0.91, False, [0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]),
        (3.0, 3.0, False, [3.0]),
        (0.03, 4.0, True, [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]),
        (10.0, 100.0, True, [10, 20, 50, 100]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low: float, high: float, log: bool, marks: list[float]) -> None:
    got = Axis("σ", low, high, log).ticks()
    assert got[: len(marks)] == pytest.approx(marks)
    assert got[0] <= low <= high <= got[-1]


def test_a_logarithmic_axis_gives_equal_ratios_equal_lengths() -> None:
    plot = Plot("", Axis("x", 1, 100, log=True), Axis("y", 0, 1))
    a, b, c = (plot.at(x, 0.5)[0] for x in (1, 10, 100))
    assert b - a == pytest.approx(c - b)


def test_a_line_runs_through_its_points(tmp_path: Path) -> None:
    plot = Plot("title", Axis("x", 0, 1), Axis("y", 0, 1))
    plot.line([(0.0, 0.3), (1.0, 0.3)])
    plot.save(tmp_path / "deep" / "plot.png")
    across, up = (round(v / SHARP) for v in plot.at(0.45, 0.3))
    with Image.open(tmp_path / "deep" / "plot.png") as picture:
        blue = Image.new("RGB", (1, 1), COLOURS[0]).getpixel((0, 0))
        got = picture.getpixel((across, up))
    assert isinstance(got, tuple)
    assert isinstance(blue, tuple)
    assert max(abs(a - b) for a, b in zip(got, blue, strict=True)) < 60


def test_an_empty_plot_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing to draw along “σ”"):
        Axis.of("σ", [float("nan")])
    with pytest.raises(ValueError, match="nothing to draw"):
        Axis.of("σ", [0.0, 1.0], log=True)


def test_a_loss_curve_is_drawn_from_a_log(tmp_path: Path) -> None:
    lines = [{"samples": 100 * k, "loss": 1 / k} for k in range(1, 9)]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    curves.draw(tmp_path / "log.jsonl", tmp_path / "loss.png", "a run")
    with Image.open(tmp_path / "loss.png") as picture:
        assert picture.size == (760, 520)
    (tmp_path / "log.jsonl").write_text(json.dumps(lines[0]) + "\n")
    with pytest.raises(ValueError, match="too few entries"):
        curves.draw(tmp_path / "log.jsonl", tmp_path / "loss.png", "a run")
