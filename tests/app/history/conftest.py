"""Histories that are closed after the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.core.history.history import History
from app.core.history.scanner import Place
from engine.spec.request import Request
from tests.app.conftest import Parts
from tests.app.history_pictures import open_history, place_in, save_pictures


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    desktop = tmp_path / "desktop"  # where the trash is
    desktop.mkdir()
    monkeypatch.setenv("XDG_DATA_HOME", str(desktop))
    return place_in(tmp_path)


@pytest.fixture
def make_history(
    qtbot: QtBot, parts: Parts, place: Place, request_of: Callable[..., Request]
) -> Iterator[Callable[[int], History]]:
    """A history of some pictures, which has been scanned; make_history(0) adds none."""
    made: list[History] = []

    def make(count: int) -> History:
        save_pictures(place, request_of, count)
        made.append(open_history(qtbot, parts, place))
        return made[-1]

    yield make
    for history in made:
        history.close()
