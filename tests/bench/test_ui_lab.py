"""Time of a lab frame in the window's thread: `python3 run.py test -m bench -s tests/bench/test_ui_lab.py`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.bridge.worker import open_lab
from app.core.lab.lab_model import Lab
from app.core.lab.layers import LAYERS
from tests.app.conftest import Parts
from tests.app.windows import open_window, until
from tests.bench.test_ui import FRAME_MS, median
from tests.fakes.engine import FakeEngine

pytestmark = pytest.mark.bench


def test_a_level_is_shown_within_a_frame(make_parts: Callable[..., Parts], qtbot: QtBot) -> None:
    """In the whole window at 1280×800, after a run of 500 particles, every layer but the training data on."""
    document = make_parts(FakeEngine()).document
    client = EngineClient(open_lab, on_demand=True, name="lab")
    lab = Lab(client)
    lab.closed.connect(client.close)
    window = open_window(qtbot, document, lab=lab)
    window.resize(1280, 800)
    window.show_page("lab")
    lab.particles = 500
    for layer in LAYERS:
        lab.turn(layer, layer != "seen")
    lab.start()
    until(qtbot, lambda: lab.track.finished and not lab.activity)
    until(qtbot, lambda: all(lab.field_at(k) for k in range(len(lab.levels))))
    plane, strip = window.lab_view.plane, window.lab_timeline.strip

    def back() -> None:
        lab.step_by(-1 if lab.cursor > 0 else len(lab.levels) - 1)
        plane.repaint()
        strip.repaint()

    cost = median("one level back, plane and timeline painted", back, 80)
    lab.turn("seen", True)
    until(qtbot, lambda: lab.field is not None and lab.field.seen is not None)
    median("the plane with the training data", plane.repaint)
    print(f"\n{FRAME_MS / cost:.1f} × faster than a frame of {FRAME_MS:.0f} ms")
