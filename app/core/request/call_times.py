"""Measured times of model calls on this machine, kept over restarts in one small file."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

from engine.files import replace_file

Kind: TypeAlias = Literal["net", "second", "finish"]
"""A call of the net, a call of the second stage's net, or all that makes finished pictures of a run's last state."""

VERSION = 1
KEPT = 5  # measurements for each number of rows: their median counts, so that one on a busy machine does not
MOST = 500  # lines of the file, the newest
MAX_BYTES = 1 << 20


class Machine(NamedTuple):
    """Who calls: the model by the SHA-256 of its weights, its precision ("" for its own), and the device in words."""

    model: str
    precision: str
    device: str


class Called(NamedTuple):
    """What is called, for pictures of width × height pixels."""

    kind: Kind
    machine: Machine
    width: int
    height: int


class CallTimes:
    """Seconds of a call by what is called and the rows in it: a batch, twice with guidance.

    A call takes a fixed time and a time for each row: once two numbers of rows are measured, others follow by a line.
    """

    def __init__(self, path: Path | None = None) -> None:
        """`path`: the file; None keeps nothing."""
        self._path = path
        self._times: dict[tuple[Called, int], list[float]] = {}
        self._read()

    def add(self, called: Called, rows: int, seconds: float) -> None:
        """Add a measurement; one that is no positive number is left out."""
        if not (math.isfinite(seconds) and seconds > 0 and rows > 0):
            return
        times = self._times.pop((called, rows), [])
        self._times[called, rows] = [*times, seconds][-KEPT:]

    def knows(self, called: Called) -> bool:
        """Whether this call was measured at this size."""
        return any(known == called for known, _ in self._times)

    def seconds(self, called: Called, rows: int) -> float | None:
        """Return the seconds of a call with that many rows; None before one of its kind was measured.

        A size that was not measured takes the time of the nearest one, by its pixels.
        """
        found = {
            (known.width, known.height): known
            for known, _ in self._times
            if (known.kind, known.machine) == (called.kind, called.machine)
        }
        if not found:
            return None
        pixels = called.width * called.height
        nearest = min(found.values(), key=lambda known: abs(math.log(known.width * known.height / pixels)))
        points = {count: statistics.median(times) for (known, count), times in self._times.items() if known == nearest}
        return _on_line(points, rows) * pixels / (nearest.width * nearest.height)

    def save(self) -> None:
        """Write the file; without a file, and where it cannot be written, the times are kept for this session."""
        if self._path is None:
            return
        lines = [
            {"kind": known.kind, **known.machine._asdict(), "width": known.width, "height": known.height, "rows": rows,
             "seconds": times}
            for (known, rows), times in list(self._times.items())[-MOST:]
        ]  # fmt: skip
        with suppress(OSError), replace_file(self._path) as file:
            file.write(json.dumps({"version": VERSION, "calls": lines}).encode())

    def _read(self) -> None:
        """Read the file; a damaged line costs itself alone."""
        if self._path is None:
            return
        lines: list[Any] = []
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            with open(self._path, "rb") as file:
                data = json.loads(file.read(MAX_BYTES))
            lines = list(data["calls"]) if data["version"] == VERSION else []
        for line in lines[-MOST:]:
            with suppress(ValueError, TypeError, KeyError, OverflowError):
                called, rows, times = _of_line(line)
                for seconds in times:
                    self.add(called, rows, seconds)


def _of_line(line: Mapping[str, Any]) -> tuple[Called, int, list[float]]:
    kinds: dict[str, Kind] = {"net": "net", "second": "second", "finish": "finish"}
    machine = Machine(str(line["model"]), str(line["precision"]), str(line["device"]))
    width, height = int(line["width"]), int(line["height"])
    if width < 1 or height < 1:
        raise ValueError("a size without pixels")
    called = Called(kinds[line["kind"]], machine, width, height)
    return called, int(line["rows"]), [float(seconds) for seconds in line["seconds"]]


def _on_line(points: Mapping[int, float], rows: int) -> float:
    """Return the seconds of a call with `rows` rows, from measured seconds by rows.

    The line a + b · rows has the least relative squared error. Where it cannot hold (a or b negative, or one point),
    the nearest point counts, by its rows.
    """
    if rows in points:
        return points[rows]
    if len(points) > 1:
        weights = {count: 1 / seconds**2 for count, seconds in points.items()}
        total = sum(weights.values())
        mean_rows = sum(weight * count for count, weight in weights.items()) / total
        mean_seconds = sum(weight * points[count] for count, weight in weights.items()) / total
        spread = sum(weight * (count - mean_rows) ** 2 for count, weight in weights.items())
        slope = sum(w * (count - mean_rows) * (points[count] - mean_seconds) for count, w in weights.items()) / spread
        fixed = mean_seconds - slope * mean_rows
        if slope > 0 and fixed >= 0:
            return fixed + slope * rows
    nearest = min(points, key=lambda count: abs(math.log(count / rows)))
    return points[nearest] * rows / nearest
