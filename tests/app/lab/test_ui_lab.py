"""The lab in the window: opened, scrubbed, drawn on, run, walked and saved with real keys and a real pointer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.core.lab.lab_model import Lab
from app.core.lab.layers import LAYERS
from app.settings import Settings, Values
from app.ui.shown import timeline_bands
from app.ui.window.main_window import MainWindow
from engine.spec.lab_data import DRAWN, HALF
from tests.app.conftest import Parts
from tests.app.windows import colours, drag, finish, open_window, painted, until, wheel
from tests.fakes.lab import FakeLab

LEFT = Qt.MouseButton.LeftButton
CONTROL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier

Open = Callable[..., MainWindow]


@pytest.fixture
def open_lab(parts: Parts, qtbot: QtBot) -> Open:
    """A window with the lab open around `fake`, its fields there."""

    def make(fake: FakeLab | None = None, theme: str = "dark") -> MainWindow:
        client = EngineClient(fake or FakeLab(), parts.document, on_demand=True, name="lab")
        lab = Lab(client, parts.document)
        lab.closed.connect(client.close)
        window = open_window(qtbot, parts.document, Settings(values=Values(theme=theme)), lab)  # type: ignore[arg-type]
        QTest.keyClick(window.panel.prompt.text, Qt.Key.Key_F2)
        until(qtbot, lambda: all(lab.field_at(k) for k in range(len(lab.levels))))
        return window

    return make


@pytest.fixture
def window(open_lab: Open) -> MainWindow:
    return open_lab()


def at(window: MainWindow, k: int) -> QPoint:
    """A point on level k of the strip."""
    slots = window.lab_timeline.strip.slots
    return QPoint(round(slots.centre(k)), round(slots.top + slots.side / 2))


def run(window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_Return, CONTROL)
    until(qtbot, lambda: window.lab.track.finished and not window.lab.activity)


# the way in and out


def test_a_key_opens_the_lab_in_the_pictures_place_and_closes_it(window: MainWindow) -> None:
    assert window.area.stack.currentWidget() is window.lab_view
    assert window.lab_panel.isVisible()
    assert window.lab_timeline.isVisible()
    assert not window.panel.isVisible()
    assert not window.timeline.isVisible()
    assert not window.recent.isVisible()
    assert window.lab_view.plane.hasFocus()
    assert window.windowTitle() == "2-D lab — Tweedie Studio"
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_F2)
    assert window.area.stack.currentWidget() is window.area.welcome
    assert window.panel.isVisible()
    assert window.timeline.isVisible()
    assert window.recent.isVisible()
    assert not window.lab_view.isVisible()


def test_the_welcome_leads_to_the_lab(window: MainWindow) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_F2)
    QTest.mouseClick(window.area.welcome.other, LEFT)
    assert window.room.name == "lab"


def test_going_to_the_prompt_leaves_the_lab(window: MainWindow) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_L, CONTROL)
    assert window.room.name == "pictures"
    assert window.panel.prompt.text.hasFocus()


def test_a_picture_is_finished_meanwhile_and_is_there_on_return(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    finish(qtbot, parts.document)
    assert window.area.stack.currentWidget() is window.lab_view
    assert not window.area.footer.isVisible()
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_F2)
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
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_F2)
    until(qtbot, lambda: not window.lab.activity)


def test_a_picture_is_made_while_chains_walk(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_W)
    until(qtbot, lambda: bool(window.lab.chains))
    job = finish(qtbot, parts.document)
    assert job.images
    assert window.lab.activity == "walk"


# drawing


def test_a_drag_on_the_plane_draws_the_data(window: MainWindow, qtbot: QtBot) -> None:
    lab, plane = window.lab, window.lab_view.plane
    drag(plane, LEFT, plane.place(-1, 0).toPoint(), plane.place(1, 0).toPoint())
    assert lab.drawn == ()  # a data set is not drawn on
    lab.choose(DRAWN)
    lab.home()
    wanted = [(-1.0, -1.0), (0.0, 1.0), (1.0, -1.0)]
    lab.end()
    drag(plane, LEFT, *(plane.place(*point).toPoint() for point in wanted))
    assert np.allclose(lab.drawn, wanted, atol=2 * HALF / plane.frame.width())
    assert lab.problem == ""
    QTest.keyClick(plane, Qt.Key.Key_Z, CONTROL)
    assert lab.drawn == ()
    QTest.keyClick(plane, Qt.Key.Key_Z, CONTROL)  # and once more does no harm


def test_drawing_goes_to_the_clean_data(window: MainWindow) -> None:
    lab, plane = window.lab, window.lab_view.plane
    lab.choose(DRAWN)
    lab.home()
    drag(plane, LEFT, plane.frame.center().toPoint())
    assert lab.sigma == 0
    assert np.allclose(lab.drawn, [(0, 0)], atol=0.05)


def test_a_press_beside_the_frame_draws_nothing(window: MainWindow) -> None:
    lab, plane = window.lab, window.lab_view.plane
    lab.choose(DRAWN)
    drag(plane, LEFT, QPoint(2, 2), plane.frame.center().toPoint())
    assert lab.drawn == ()
    drag(plane, Qt.MouseButton.RightButton, plane.frame.center().toPoint())
    assert lab.drawn == ()


def test_points_are_drawn_by_keyboard_alone(window: MainWindow, qtbot: QtBot) -> None:
    lab, plane = window.lab, window.lab_view.plane
    lab.choose(DRAWN)
    plane.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Left):
        for _ in range(4):
            QTest.keyClick(plane, key, SHIFT)
        QTest.keyClick(plane, Qt.Key.Key_Return)
    assert np.allclose(lab.drawn, [(0.6, 0.0), (0.6, 0.6), (0.0, 0.6)])
    assert plane.accessibleDescription() == "Your drawing at σ 0, 3 points, pen at 0.00, 0.60"
    QTest.keyClick(plane, Qt.Key.Key_Delete)
    assert lab.drawn == ()


def test_an_empty_drawing_gives_a_reason_and_cannot_run(window: MainWindow, qtbot: QtBot) -> None:
    window.lab.choose(DRAWN)
    plane = window.lab_view.plane
    muted = QApplication.palette().color(QPalette.ColorRole.PlaceholderText).name()
    centre = plane.frame.center().toPoint()
    assert muted in colours(painted(plane).copy(QRect(centre - QPoint(120, 12), centre + QPoint(120, 12))))
    assert "too few points" in window.lab_panel.note.text()
    QTest.mouseClick(window.lab_panel.run, LEFT)
    assert window.area.notices.isVisible()
    assert window.area.notices.text.text() == window.lab.problem
    assert not window.lab.activity


# coverage


def test_coverage_is_described_and_each_outcome_can_be_shown(window: MainWindow, qtbot: QtBot) -> None:
    panel, lab = window.lab_panel, window.lab
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_C)
    until(qtbot, lambda: lab.coverage is not None)
    until(qtbot, lambda: lab.field is not None and lab.field.seen is not None)
    first, second = panel.card.outcomes
    assert second.isChecked()
    assert first.text() == "One small σ\n20 % arrive, weights off 0.20"
    assert "100 % of the plane is near training data at σ 3" in panel.card.curve.accessibleName()
    window.lab.end()
    before = painted(window.lab_view.plane)
    QTest.mouseClick(first, LEFT)
    assert lab.outcome == 0
    assert first.isChecked()
    assert not second.isChecked()
    assert painted(window.lab_view.plane) != before


# saving


def test_a_picture_and_an_animation_are_saved(open_lab: Open, qtbot: QtBot, tmp_path: Path) -> None:
    fake = FakeLab()
    window = open_lab(fake)
    assert not window.actions_["save-animation"].isEnabled()
    run(window, qtbot)
    for action, name, frames in (("save-as", "lab-mixture.png", 1), ("save-animation", "lab-mixture.webp", 21)):
        window.actions_[action].trigger()
        dialog = window.findChild(QFileDialog)
        assert dialog is not None
        assert dialog.selectedFiles()[0].endswith(name)
        dialog.fileSelected.emit(str(tmp_path / name))
        dialog.reject()
        until(qtbot, lambda: fake.saved[-1:] and fake.saved[-1][:2] == (tmp_path / name, frames))  # noqa: B023
        assert '"data": "mixture"' in fake.saved[-1][2]
        until(qtbot, lambda: window.area.notices.text.text() == f"Saved as {tmp_path / name}")  # noqa: B023
        until(qtbot, lambda: window.findChild(QFileDialog) is None)


def test_an_animation_is_given_up_where_the_lab_is_changed_meanwhile(
    open_lab: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    fake = FakeLab()
    window = open_lab(fake)
    run(window, qtbot)
    window.lab_view.save_to(True, str(tmp_path / "a.webp"))
    window.lab.choose("spiral")
    assert window.area.notices.text.text().startswith("The animation was not saved")
    until(qtbot, lambda: window.lab.field is not None)
    assert fake.saved == []


def test_a_saved_picture_equals_the_plane(window: MainWindow, qtbot: QtBot) -> None:
    run(window, qtbot)
    plane = window.lab_view.plane
    side = 256
    saved = plane.picture(side, window.lab.cursor)
    assert saved.shape == (side, side, 3)
    seen = (
        painted(plane)
        .copy(plane.frame.toAlignedRect())
        .scaled(side, side, mode=Qt.TransformationMode.SmoothTransformation)
    )
    differences = [
        abs(int(saved[y, x, 0]) - QColor(seen.pixel(x, y)).red())
        for x in range(8, side, 16)
        for y in range(8, side, 16)
    ]
    assert sum(difference < 60 for difference in differences) > 0.85 * len(differences)


# without a mouse, without eyes, in both looks


def test_every_widget_that_takes_the_focus_has_a_name_and_is_reached(window: MainWindow, qtbot: QtBot) -> None:
    window.lab.choose(DRAWN)
    for k in range(3):
        window.lab.draw(k, k)
    window.lab_panel.advanced.open()
    window.lab.cover()
    until(qtbot, lambda: window.lab.coverage is not None)
    inner = ("qt_spinbox_lineedit", "qt_scrollarea_viewport")
    focusable = [
        widget
        for widget in window.findChildren(QWidget)
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisible() and widget.objectName() not in inner
        and widget.isEnabled() and widget.focusProxy() is None
    ]  # fmt: skip
    assert [widget for widget in focusable if not widget.accessibleName()] == []
    window.lab_view.plane.setFocus()
    reached: list[QWidget] = []
    while (focused := QApplication.focusWidget()) is not None and focused not in reached and len(reached) < 200:
        reached.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    wanted = [window.lab_view.plane, window.lab_timeline.strip, window.lab_panel.run, window.lab_panel.walk,
              window.lab_panel.data, window.lab_view.layers["score"], window.lab_panel.undo]  # fmt: skip
    assert [widget.accessibleName() for widget in wanted if widget not in reached] == []


def test_the_focus_can_be_seen(window: MainWindow) -> None:
    places = [window.lab_view.plane, window.lab_timeline.strip, window.lab_view.layers["score"], window.lab_panel.run,
              window.lab_panel.walk]  # fmt: skip
    for place, other in zip(places, places[1:] + places[:1], strict=True):
        other.setFocus()
        without = painted(place)
        place.setFocus()
        assert painted(place) != without, place.accessibleName()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (960, 620)])
def test_nothing_is_cut_off(open_lab: Open, qtbot: QtBot, theme: str, size: tuple[int, int]) -> None:
    window = open_lab(theme=theme)
    window.resize(*size)
    until(qtbot, lambda: window.size().toTuple() == size)
    window.lab.cover()
    until(qtbot, lambda: window.lab.coverage is not None)
    panel = window.lab_panel
    for field in (panel.data, panel.steps, panel.seed, panel.run, panel.cover, *panel.card.outcomes):
        left = field.mapTo(panel, QPoint()).x()
        assert left >= 0
        assert left + field.width() <= panel.width()
    plane = window.lab_view.plane
    assert plane.frame.width() > 200
    assert plane.rect().contains(plane.frame.toAlignedRect())
    for chip in window.lab_view.layers.values():
        assert window.lab_view.rect().contains(QRect(chip.mapTo(window.lab_view, QPoint()), chip.size()))


def test_the_plane_takes_the_colours_of_the_theme(window: MainWindow) -> None:
    plane = window.lab_view.plane
    shots: dict[str, QImage] = {}
    for theme in ("light", "dark", "light"):
        window.set_theme(theme)
        shot = painted(plane)
        assert shot.pixelColor(3, 3) == QApplication.palette().color(QPalette.ColorRole.Dark)
        assert shots.get(theme, shot) == shot
        shots[theme] = shot
    assert shots["light"] != shots["dark"]


def test_places_and_points_are_inverse(window: MainWindow) -> None:
    plane = window.lab_view.plane
    for level in (0, 12, 20):
        window.lab.scrub(level)
        for point in ((0.0, 0.0), (1.5, -2.0)):
            assert plane.point(plane.place(*point)) == pytest.approx(point)
    assert plane.place(0, 1).y() < plane.place(0, 0).y()  # y goes up
    assert isinstance(plane.place(0, 0), QPointF)
