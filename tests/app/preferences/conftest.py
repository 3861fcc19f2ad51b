"""The preferences without a studio around them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.core.files.folders import Folders
from app.core.models.library import ModelLibrary
from app.core.storage.storage import RUNS, Storage
from app.core.storage.usage import Place
from app.settings import Settings
from app.ui.actions.bindings import Bindings
from app.ui.preferences.parts import PreferenceParts
from app.ui.preferences.sheet import Preferences
from tests.app.conftest import PATIENCE
from tests.app.windows import opened


@pytest.fixture
def preference_parts(qtbot: QtBot, tmp_path: Path) -> Iterator[PreferenceParts]:
    settings, folders = Settings(), Folders.under(tmp_path)
    library = ModelLibrary(tmp_path / "config")
    storage = Storage((Place(RUNS, "Runs", folders.runs),), set)
    yield PreferenceParts(
        settings=settings,
        bindings=Bindings(settings),
        library=library,
        set_precision=library.set_precision,
        storage=storage,
        usual=folders,
        folders=folders,
        add_folder=lambda: None,
        open_folder=lambda path: None,
    )
    storage.close()
    library.close()
    settings.flush()


@pytest.fixture
def sheet(preference_parts: PreferenceParts, qtbot: QtBot) -> Preferences:
    made = Preferences(preference_parts)
    opened(qtbot, made)
    qtbot.waitUntil(lambda: not preference_parts.storage.busy, timeout=PATIENCE)
    return made
