"""A history of some saved pictures, without a window."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pytestqt.qtbot import QtBot

from app.core.history.history import History
from app.core.history.scanner import Place
from engine.pictures.png import save_png
from engine.spec.request import Request
from tests.app.conftest import Parts
from tests.app.windows import until

NEWEST = 1_750_000_000.0  # the time of the first picture; each later one is an hour older


def place_in(folder: Path) -> Place:
    return Place(folder / "history", folder / "pictures", folder / "runs")


def save_pictures(place: Place, request_of: Callable[..., Request], count: int) -> list[Path]:
    """Save pictures p0 (the newest), p1 …, of two prompts in turn, with seeds 0, 1 …"""
    paths = []
    for k in range(count):
        request = request_of(seed=k, prompt=("red apple", "rocket")[k % 2])
        path = place.pictures / f"p{k}.png"
        save_png(path, np.full((16, 24, 3), 10 * k, np.uint8), request)
        os.utime(path, (NEWEST - 3600 * k,) * 2)
        paths.append(path)
    return paths


def open_history(qtbot: QtBot, parts: Parts, place: Place) -> History:
    """The history at `place`, scanned; close it after the test."""
    history = History(place, parts.document.jobs)
    history.notice_raised.connect(parts.notices.append)
    look_through(qtbot, history)
    return history


def look_through(qtbot: QtBot, history: History) -> None:
    """Scan and wait for the end."""
    with qtbot.waitSignal(history.scanner.ended):
        history.scanner.scan()
    until(qtbot, lambda: not history.scanner.scanning)


def names(history: History) -> list[str]:
    """The names of the listed files, newest first."""
    found = (history.picture(row.id) for row in history.rows)
    return [picture.path.stem for picture in found if picture is not None]
