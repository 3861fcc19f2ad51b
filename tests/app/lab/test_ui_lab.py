"""The lab in the window: opened, scrubbed, run and walked with real keys and a real pointer."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage, QPainter, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.core.lab.layers import LAYERS
from app.ui.shown import timeline_bands
from app.ui.window.main_window import MainWindow
from tests.app.conftest import Parts
from tests.app.lab.lab_window import CONTROL, LEFT, Open, at, run
from tests.app.windows import colours, drag, finish, open_window, painted, until, wheel
from tests.fakes.lab import FakeLab

# the way in and out


def test_a_key_opens_the_lab_in_the_pictures_place_and_closes_it(window: MainWindow) -> None:
    assert window.area.stack.currentWidget() is window.lab_view
    assert window.lab_panel.isVisible()
    assert window.lab_timeline.isVisible()
    assert not window.panel.isVisible()
    assert not window.timeline.isVisible()
    assert not window.recent.isVisible()
    assert window.lab_view.plane.hasFocus()
    assert window.windowTitle() == "Lab — Tweedie Studio"
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_Escape)
    assert window.area.stack.currentWidget() is window.area.welcome
    assert window.panel.isVisible()
    assert window.timeline.isVisible()
    assert window.recent.isVisible()
    assert not window.lab_view.isVisible()


def test_the_welcome_leads_to_the_lab(window: MainWindow) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_Escape)
    QTest.mouseClick(window.area.welcome.other, LEFT)
    assert window.pages.name == "lab"


def test_going_to_the_prompt_leaves_the_lab(window: MainWindow) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_L, CONTROL)
    assert window.pages.name == "pictures"
    assert window.panel.prompt.text.hasFocus()


def test_a_picture_is_finished_meanwhile_and_is_there_on_return(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document)
    assert window.area.stack.currentWidget() is window.lab_view
    assert not window.area.footer.isVisible()
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_1, CONTROL)
    assert window.area.stack.currentWidget() is window.canvas
    assert window.area.footer.isVisible()


def test_closing_in_the_lab_remembers_the_window_of_pictures(parts: Parts, qtbot: QtBot, open_lab: Open) -> None:
    window = open_lab()
    window.close()
    again = open_window(qtbot, parts.document, window.settings)
    assert again.recent.isVisible()
    assert again.panel.isVisible()


# the timeline


def test_the_same_gestures_scrub_sigma(window: MainWindow, qtbot: QtBot) -> None:
    lab, strip, plane = window.lab, window.lab_timeline.strip, window.lab_view.plane
    seen: list[int] = []
    lab.cursor_changed.connect(lambda: seen.append(lab.cursor))
    drag(strip, LEFT, *(at(window, k) for k in (2, 3, 4, 3)))
    assert seen == [2, 3, 4, 3]
    for target in (strip, plane):
        target.setFocus()
        for key, level in ((Qt.Key.Key_Home, 0), (Qt.Key.Key_Right, 1), (Qt.Key.Key_End, 20), (Qt.Key.Key_Left, 19)):
            QTest.keyClick(target, key)
            assert lab.cursor == level
        wheel(target, target.rect().center().toPointF(), -1)
        assert lab.cursor == 20
    assert window.document.shown.cursor == -1  # the pictures' timeline stands still


def test_space_plays_sigma_down_and_stops(window: MainWindow, qtbot: QtBot) -> None:
    lab, plane = window.lab, window.lab_view.plane
    lab.scrub(15)
    QTest.keyClick(plane, Qt.Key.Key_Space)
    assert lab.playing
    assert window.actions_["play"].isChecked()
    until(qtbot, lambda: not lab.playing)
    assert lab.cursor == 20
    assert not window.actions_["play"].isChecked()


def test_density_and_score_follow_the_cursor(window: MainWindow) -> None:
    plane, shots = window.lab_view.plane, []
    for k in (0, 12, 20):
        drag(window.lab_timeline.strip, LEFT, at(window, k))
        shots.append(painted(plane))
        said = window.lab_timeline.strip.accessibleDescription()
        assert said == f"Level {k + 1} of 21: σ {window.lab.sigma:.4g}"
    assert shots[0] != shots[1] != shots[2]


def test_the_density_is_brightest_where_the_law_is(window: MainWindow) -> None:
    """The fake's law is N(0, I)."""
    for layer in ("score", "particles"):
        window.lab.turn(layer, False)
    plane = window.lab_view.plane
    shot = painted(plane)
    accent = QApplication.palette().color(QPalette.ColorRole.Highlight)

    def distance(x: float, y: float) -> int:
        c = shot.pixelColor(plane.place(x, y).toPoint())
        return abs(c.red() - accent.red()) + abs(c.green() - accent.green()) + abs(c.blue() - accent.blue())

    assert distance(0, 0) < distance(1, 1) < distance(2.5, 2.5)


# running


def test_a_run_is_started_by_key_and_shown_beside_the_exact_flow(window: MainWindow, qtbot: QtBot) -> None:
    lab, plane = window.lab, window.lab_view.plane
    before = painted(plane)
    run(window, qtbot)
    assert lab.cursor == 20
    assert painted(plane) != before
    assert lab.run is not None
    _, _, calls = timeline_bands.bands(lab.run, 20)
    assert calls.value == "20/20"
    off = lab.track.off_flow(20)
    assert off
    assert window.lab_timeline.off_flow.text() == f"RMS from the exact flow {off:.3g}"
    assert window.document.jobs.all == []  # no picture was made


def test_particles_are_painted_where_they_are(window: MainWindow, qtbot: QtBot) -> None:
    run(window, qtbot)
    lab, plane = window.lab, window.lab_view.plane
    for layer in LAYERS:
        lab.turn(layer, layer == "particles")
    lab.scrub(10)
    x = lab.track.states(10)
    assert x is not None
    shot = painted(plane)
    ink = QApplication.palette().color(QPalette.ColorRole.Text)
    inside = [
        p for p in (plane.place(*map(float, point)) for point in x) if plane.frame.adjusted(5, 5, -5, -5).contains(p)
    ]
    assert len(inside) > 100
    assert all(shot.pixelColor(p.toPoint()) == ink for p in inside)


def test_every_layer_changes_the_painted_picture(window: MainWindow, qtbot: QtBot) -> None:
    run(window, qtbot)
    window.lab.scrub(10)
    plane = window.lab_view.plane
    for layer, chip in window.lab_view.layers.items():
        before, on = painted(plane), window.lab.shows(layer)
        QTest.mouseClick(chip, LEFT)
        assert window.lab.shows(layer) != on
        assert chip.isChecked() != on
        until(qtbot, lambda: painted(plane) != before)  # noqa: B023 -- called before the next round


def test_escape_and_the_button_stop_a_run(open_lab: Open, qtbot: QtBot) -> None:
    window = open_lab(FakeLab(by_hand=True))
    panel, plane = window.lab_panel, window.lab_view.plane
    for stop in (lambda: QTest.keyClick(plane, Qt.Key.Key_Escape), lambda: QTest.mouseClick(panel.run, LEFT)):
        QTest.mouseClick(panel.run, LEFT)
        assert window.lab.activity == "run"
        assert panel.run.text() == "Cancel"
        stop()
        until(qtbot, lambda: not window.lab.activity)
        assert panel.run.text() == "Run"
    assert not window.lab.track.finished


def test_the_panels_choices_are_the_labs_and_not_the_pictures(window: MainWindow, qtbot: QtBot) -> None:
    panel, lab, before = window.lab_panel, window.lab, window.document.draft.current
    panel.sampler.choice.setFocus()
    QTest.keyClick(panel.sampler.choice, Qt.Key.Key_Home)
    assert lab.draft.sampler == panel.sampler.choice.itemData(0) == "dpmpp-2m"
    QTest.keyClick(panel.data, Qt.Key.Key_Down)
    assert lab.data.name == "spiral"
    for field, value in ((panel.steps.field, "7"), (panel.particles.field, "50"), (panel.seed.field, "12")):
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, value)
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert (lab.draft.steps, lab.particles, lab.draft.seed) == (7, 50, 12)
    assert panel.sampler.price.text() == "7 model calls"
    assert window.document.draft.current == before


def test_the_strip_labels_its_cells(window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, names = timeline_bands.paint_label, list[tuple[str, str]]()

    def named(painter: QPainter, name: str, value: str, *rest: Any) -> None:
        names.append((name, value))
        plain(painter, name, value, *rest)

    monkeypatch.setattr(timeline_bands, "paint_label", named)
    painted(window.lab_timeline.strip)
    assert ("level", "21/21") in names
    assert "step" not in dict(names)


def test_the_cells_of_the_strip_show_law_and_particles(window: MainWindow, qtbot: QtBot) -> None:
    strip = window.lab_timeline.strip

    def cell(k: int) -> QImage:
        return painted(strip).copy(strip.cell_rect(k).adjusted(3, 3, -3, -3))

    until(qtbot, lambda: len(colours(cell(12))) > 5)
    before = cell(12)
    run(window, qtbot)
    until(qtbot, lambda: cell(12) != before)


# walking


def test_chains_walk_while_sigma_is_moved(open_lab: Open, qtbot: QtBot) -> None:
    fake = FakeLab()
    window = open_lab(fake)
    lab, plane = window.lab, window.lab_view.plane
    lab.home()
    QTest.keyClick(plane, Qt.Key.Key_W)
    until(qtbot, lambda: len(lab.chains) > 3)
    assert window.lab_panel.walk.text() == "Stop the chains"
    assert window.actions_["lab-walk"].isChecked()
    drag(window.lab_timeline.strip, LEFT, at(window, 9))
    until(qtbot, lambda: fake.levels[-1:] == [lab.levels[9]])
    QTest.mouseClick(window.lab_panel.walk, LEFT)
    until(qtbot, lambda: not lab.activity)
    assert window.lab_panel.walk.text() == "Walk chains"


def test_leaving_the_lab_stops_the_chains(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_W)
    until(qtbot, lambda: bool(window.lab.chains))
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_1, CONTROL)
    until(qtbot, lambda: not window.lab.activity)


def test_a_picture_is_made_while_chains_walk(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_W)
    until(qtbot, lambda: bool(window.lab.chains))
    job = finish(qtbot, parts.document)
    assert job.images
    assert window.lab.activity == "walk"
