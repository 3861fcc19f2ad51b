"""The loss curve of a run, drawn from its log."""

from __future__ import annotations

import json
from pathlib import Path

from engine.evaluate.plots import Axis, Plot


def draw(log: Path, path: Path, title: str) -> None:
    """Draw the running mean of the loss over the samples, both logarithmic. ValueError where the log has too few
    entries.
    """
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line]
    points = [(float(line["samples"]), float(line["loss"])) for line in lines if line["loss"] > 0]
    if len({samples for samples, _ in points}) < 2:
        raise ValueError(f"{log} has too few entries for a curve: train longer.")
    across, up = zip(*points, strict=True)
    plot = Plot(title, Axis.of("samples", across, log=True), Axis.of("loss, running mean", up, log=True))
    plot.line(points)
    plot.save(path)
