"""The artwork's candidates over a restart: which pictures of which runs they are, and their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from app.core.canvas.candidates import Candidate
from app.core.canvas.editing import Editing
from app.core.canvas.placement import Placement
from app.core.shown.render import render
from engine.store import RunReader

MOST = 64  # pictures that come back, the newest


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """run -- the name of the run file; images -- its pictures that are candidates; placement -- their place"""

    run: str
    images: tuple[int, ...]
    placement: Placement


@dataclass(frozen=True, slots=True, eq=False)
class FoundResult:
    """A Result whose run's file is still there, with its pictures."""

    placement: Placement
    candidates: tuple[Candidate, ...]


class AutosaveCandidates(QObject):
    """Turns the candidates of `editing` into Results and back; the run files are in `folder`."""

    changed = Signal()

    def __init__(self, editing: Editing, folder: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._editing, self._folder = editing, folder
        self._later: list[Result] = []  # those that could not be read this time; they are kept for the next start
        editing.candidates.listed.connect(self.changed)

    @property
    def keys(self) -> tuple[tuple[Path, int], ...]:
        """The run and the image of each: they differ when the candidates do."""
        return tuple(one.key for one in self._editing.candidates)

    def now(self) -> tuple[Result, ...]:
        """The candidates of now, in their order."""
        images: dict[Path, list[int]] = {}
        for run, image in self.keys[-MOST:]:
            images.setdefault(run, []).append(image)
        places = {run: self._editing.placement(run) for run in images}
        held = (Result(run.name, tuple(images[run]), place) for run, place in places.items() if place is not None)
        return (*self._later, *held)

    def find(self, kept: Sequence[Result]) -> list[FoundResult]:
        """Read the pictures of the results whose run file exists. May run in any thread."""
        found, later = list[FoundResult](), list[Result]()
        for result in kept:
            path = self._folder / Path(result.run).name
            try:
                run = RunReader(path)
                if run.ended == "finished" and run.steps:
                    pictures = [(k, render(run, len(run.steps) - 1, "x0", k)) for k in result.images]
                    found.append(FoundResult(result.placement, tuple(_make_candidates(path, run, pictures))))
            except (ValueError, IndexError) as error:
                if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError):
                    later.append(result)
                continue  # else the person removed it, or it is damaged
            except (OSError, MemoryError):
                later.append(result)
        self._later = later
        return found

    def put(self, found: Iterable[FoundResult]) -> None:
        """Make them candidates again, in their places."""
        for one in found:
            self._editing.place(one.candidates[0].run, one.placement)
            self._editing.candidates.add(one.candidates)


def _make_candidates(path: Path, run: RunReader, pictures: Iterable[tuple[int, QImage]]) -> Iterable[Candidate]:
    return (Candidate(path, k, run.request, picture) for k, picture in pictures)
