"""Time of a key in the prompt, in the whole window: `python3 run.py test -m bench -s tests/bench/test_typing.py`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.spec.catalog import embedded_models
from tests.app.conftest import Parts
from tests.app.windows import open_window
from tests.fakes.engine import FakeEngine

pytestmark = pytest.mark.bench
KEY_MS = 8.0
KEYS = 200
PROMPT = "a portrait of a red apple with a tiny hat, a skyscraper and a sofa on a green hill at night, "


@pytest.mark.parametrize("field", ["prompt", "negative"])
def test_a_key_takes_eight_milliseconds(make_parts: Callable[..., Parts], qtbot: QtBot, field: str) -> None:
    """With painting, in CPU time of the window's thread; the model in the box, so that words are looked up."""
    document = make_parts(FakeEngine()).document
    window = open_window(qtbot, document)
    document.draft.model = next(info for info in embedded_models() if info.id == "emoji")
    window.resize(1440, 900)
    text: QWidget = window.panel.prompt.text if field == "prompt" else window.panel.negative
    if field == "negative":
        window.panel.without.open()
    text.setFocus()
    QTest.keyClick(text, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    taken = []
    for k in range(KEYS + 20):
        began = time.thread_time()
        QTest.keyClicks(text, PROMPT[k % len(PROMPT)])
        QApplication.sendPostedEvents()
        QApplication.processEvents()
        taken.append(1000 * (time.thread_time() - began))
    counted = taken[20:]
    print(f"\n{field}: a key median {statistics.median(counted):.2f}, worst {max(counted):.2f} ms", end="")
    assert statistics.median(counted) <= KEY_MS
