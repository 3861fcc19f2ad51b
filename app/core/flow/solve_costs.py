"""Estimated model calls of an ODE solve, from the calls of earlier ones, kept over restarts."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from engine.files import replace_file

Way: TypeAlias = Literal["density", "up", "down"]  # one probe of a log density; a picture to its noise; and back

ORDER = 3  # of the solver's pair: a step's error falls with the third power of its length (engine.adaptive)
TYPICAL: dict[Way, tuple[float, int]] = {  # of the embedded models: a tolerance, and its calls (docs/flow.md)
    "density": (1e-3, 55),
    "up": (1e-4, 91),
    "down": (1e-4, 107),
}
VERSION = 1
MOST = 300  # lines of the file, the newest
MAX_BYTES = 1 << 20


class Calls(NamedTuple):
    """An estimated number of calls. measured -- from solves of the same model; else it is typical"""

    number: int
    measured: bool

    @property
    def sign(self) -> str:
        """The word before the number."""
        return "≈" if self.measured else "about"


class SolveCosts:
    """Model calls by way, model and tolerance; estimated from the nearest measured tolerance."""

    def __init__(self) -> None:
        self._path: Path | None = None
        self._measured: dict[tuple[Way, str], dict[float, int]] = {}

    def keep_in(self, path: Path) -> None:
        """Read what earlier sessions measured, and keep in that file what is measured from now on."""
        self._path = path
        lines: list[Any] = []
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            with open(path, "rb") as file:
                data = json.loads(file.read(MAX_BYTES))
            lines = list(data["solves"]) if data["version"] == VERSION else []
        for line in lines[-MOST:]:
            with suppress(ValueError, TypeError, KeyError, OverflowError):
                tolerance, calls = float(line["tolerance"]), int(line["calls"])
                if line["way"] in get_args(Way) and 0 < tolerance < math.inf and calls > 0:
                    self._measured.setdefault((line["way"], str(line["model"])), {})[tolerance] = calls

    def learn(self, way: Way, model_sha256: str, tolerance: float, calls: int) -> None:
        known = self._measured.setdefault((way, model_sha256), {})
        if known.get(tolerance) != calls:
            known[tolerance] = calls
            self._save()

    def calls(self, way: Way, model_sha256: str, tolerance: float) -> Calls:
        """About how many calls it takes; the typical number before anything of the kind was measured."""
        known = self._measured.get((way, model_sha256)) or dict([TYPICAL[way]])
        nearest = min(known, key=lambda other: abs(math.log(other / tolerance)))
        number = round(known[nearest] * (nearest / tolerance) ** (1 / ORDER))
        return Calls(number, (way, model_sha256) in self._measured)

    def _save(self) -> None:
        if self._path is None:
            return
        lines = [
            {"way": way, "model": model, "tolerance": tolerance, "calls": calls}
            for (way, model), known in self._measured.items()
            for tolerance, calls in known.items()
        ]
        with suppress(OSError), replace_file(self._path) as file:
            file.write(json.dumps({"version": VERSION, "solves": lines[-MOST:]}).encode())
