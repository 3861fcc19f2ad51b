"""The lab in the window: drawn on, covered, saved, and reached without a mouse."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from app.ui.window.main_window import MainWindow
from engine.spec.lab_data import DRAWN, HALF
from tests.app.lab.lab_window import CONTROL, LEFT, SHIFT, Open, run
from tests.app.windows import colours, drag, painted, until
from tests.fakes.lab import FakeLab

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
    assert window.area.notices.text.plain == window.lab.problem
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
        until(qtbot, lambda: window.area.notices.text.plain == f"Saved as {tmp_path / name}")  # noqa: B023
        until(qtbot, lambda: window.findChild(QFileDialog) is None)


def test_an_animation_is_given_up_where_the_lab_is_changed_meanwhile(
    open_lab: Open, qtbot: QtBot, tmp_path: Path
) -> None:
    fake = FakeLab()
    window = open_lab(fake)
    run(window, qtbot)
    window.lab_view.save_to(True, str(tmp_path / "a.webp"))
    window.lab.choose("spiral")
    assert window.area.notices.text.plain.startswith("The animation was not saved")
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
