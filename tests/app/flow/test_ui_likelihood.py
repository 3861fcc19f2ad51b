"""The Likelihood panel and its map on the canvas, under real keys and a real pointer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.settings import Settings, Values
from app.ui.flow import likelihood_text
from app.ui.flow.heat_colours import ANCHORS
from app.ui.flow.plot import CurvePlot
from app.ui.look.colours import luminance
from app.ui.widgets.combo_box import ABOUT
from app.ui.window.main_window import MainWindow
from tests.app.conftest import Parts, finish
from tests.app.encoded import Flow
from tests.app.judged import Judge, density
from tests.app.windows import colours, move, open_window, opened, painted, until
from tests.fakes.engine import FakeEngine

LEFT = Qt.MouseButton.LeftButton
CONTROL, ALT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    """With a finished picture on the canvas and the panel open."""
    Judge(parts.fake)
    finish(parts, qtbot, steps=5)
    window = open_window(qtbot, parts.document)
    window.resize(1280, 860)
    QTest.keyClick(window.canvas, Qt.Key.Key_4, ALT)
    return window


def measure(window: MainWindow, qtbot: QtBot) -> None:
    QTest.mouseClick(window.likelihood.measure, LEFT)
    until(qtbot, lambda: window.picture_likelihood.activity is None)
    plots = window.likelihood.steps.terms, window.likelihood.steps.trade
    until(qtbot, lambda: all(not plot.isVisible() or plot.height() == plot.sizeHint().height() for plot in plots))


def region(window: MainWindow, row: int, column: int) -> QPoint:
    glass = window.canvas.glass
    assert glass is not None
    return glass.region(row, column).center().toPoint()  # type: ignore[attr-defined]


# the panel


def test_the_panel_is_hidden_at_first(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    assert not window.likelihood.isVisible()
    QTest.keyClick(window.canvas, Qt.Key.Key_4, ALT)
    assert window.likelihood.isVisible()
    assert not window.recent.isVisible(), "it gives way on a screen of 800 pixels"
    assert not window.likelihood.measure.isEnabled()
    assert window.likelihood.note.text() == "There is no picture on the canvas: generate one, or open one."


def test_a_click_measures_and_the_number_is_there_with_its_error(window: MainWindow, qtbot: QtBot) -> None:
    panel = window.likelihood
    assert panel.picture.text() == "“red apple”"
    assert not panel.density.isVisible()
    measure(window, qtbot)
    assert panel.density.headline.text() == "3.54 ± 0.05"
    assert "4 probes" in panel.density.detail.text()
    assert "−1\u202f234 ± 3 nats over 1\u202f152 numbers" in panel.density.detail.text()
    assert "L_T 0.125 + Σ L_t 2.750 + L_0 1.000 = 3.875 ± 0.020 bits/dim" in panel.steps.sum.text()
    QTest.mouseClick(panel.density.about.button, LEFT)
    assert "log₂ 127.5 = 6.99 bits" in likelihood_text.SMEARED
    assert "dequantisation" in likelihood_text.SMEARED


def test_the_button_stops_what_it_began(make_parts: Callable[..., Parts], by_hand: FakeEngine, qtbot: QtBot) -> None:
    parts = make_parts(by_hand)
    Judge(by_hand)
    by_hand.allow(5)
    finish(parts, qtbot, steps=5)
    window = open_window(qtbot, parts.document)
    QTest.keyClick(window.canvas, Qt.Key.Key_L, CONTROL | ALT)  # opens the panel too
    panel = window.likelihood
    assert panel.isVisible()
    assert panel.stop.isVisible()
    assert not panel.measure.isVisible()
    assert panel.note.text() == "Step by step"
    by_hand.allow(1)
    until(qtbot, lambda: panel.progress.share == 0.5)
    QTest.mouseClick(panel.stop, LEFT)
    until(qtbot, panel.measure.isVisible)
    assert not panel.progress.isVisible()
    assert not panel.density.isVisible()


def test_what_goes_wrong_is_one_sentence_on_the_panel(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    Judge(parts.fake, failing="The flow was not followed in 2000 model calls: allow a larger error.")
    measure(window, qtbot)
    assert window.likelihood.problem.isVisible()
    assert window.likelihood.problem.text() == "The flow was not followed in 2000 model calls: allow a larger error."
    assert window.likelihood.steps.isVisible()
    Judge(parts.fake)
    measure(window, qtbot)
    assert not window.likelihood.problem.isVisible()


def test_a_picture_of_another_size_offers_the_ways_to_fit_it(window: MainWindow, parts: Parts) -> None:
    panel = window.likelihood
    assert not panel.way.isVisible()
    parts.document.artwork.open(np.zeros((32, 48, 3), np.uint8), "cat.png", (24, 16))
    parts.document.editing.shows_artwork = True
    assert panel.way.isVisible()
    assert panel.size_note.text() == "It is 48 × 32, and Fake judges 24 × 16:"
    panel.way.setFocus()
    QTest.keyClick(panel.way, Qt.Key.Key_Down)
    assert window.picture_likelihood.way == "middle"


def test_the_judge_and_its_condition_are_chosen_by_key(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    panel = window.likelihood
    panel.condition_source.setFocus()
    QTest.keyClick(panel.condition_source, Qt.Key.Key_Down)
    assert window.picture_likelihood.condition_source == "panel"
    assert panel.condition_source.currentText() == "The panel's words: “red apple”"
    panel.judge.setFocus()
    QTest.keyClick(panel.judge, Qt.Key.Key_Down)
    assert window.picture_likelihood.judge is parts.document.draft.models[1]
    measure(window, qtbot)
    assert parts.fake.others[-1].model == "other"  # type: ignore[attr-defined]


def test_the_panel_hides_and_returns_with_the_room_of_pictures(window: MainWindow) -> None:
    QTest.keyClick(window.canvas, Qt.Key.Key_F2)
    assert not window.likelihood.isVisible()
    QTest.keyClick(window.lab_view.plane, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert window.likelihood.isVisible()


def test_everything_on_the_panel_has_a_name_and_is_reached_by_tab(window: MainWindow, qtbot: QtBot) -> None:
    measure(window, qtbot)
    panel = window.likelihood
    panel.judge.setFocus()
    reached: list[QWidget] = []
    for _ in range(30):
        widget = window.focusWidget()
        if widget is None or not panel.isAncestorOf(widget):
            break
        reached.append(widget)
        QTest.keyClick(widget, Qt.Key.Key_Tab)
    for part in (panel.judge, panel.condition_source, panel.surprise.switch, panel.surprise.side, panel.steps.terms,
                 panel.steps.trade, panel.measure, panel.encode):  # fmt: skip
        assert part in reached
    assert all(widget.accessibleName() for widget in reached)


# the map


def test_the_map_lies_over_the_picture_and_a_key_puts_it_away(window: MainWindow, qtbot: QtBot) -> None:
    before = painted(window.canvas)
    measure(window, qtbot)
    shown = painted(window.canvas)
    bright = QColor(shown.pixel(region(window, 1, 2)))
    dark = QColor(shown.pixel(region(window, 3, 4)))
    assert bright.lightness() > dark.lightness() + 60
    QTest.keyClick(window.canvas, Qt.Key.Key_M, CONTROL | ALT)
    assert painted(window.canvas) == before
    assert not window.likelihood.surprise.switch.isChecked()
    window.likelihood.surprise.switch.setFocus()
    QTest.keyClick(window.likelihood.surprise.switch, Qt.Key.Key_Space)
    assert painted(window.canvas) == shown


def test_the_region_under_the_pointer_says_its_bits(window: MainWindow, qtbot: QtBot) -> None:
    measure(window, qtbot)
    reading = window.likelihood.surprise.reading
    assert reading.text() == "Most: middle, 144.0 bits, 9.00 a pixel: 6.8 times the mean"
    QTest.mouseMove(window.canvas, region(window, 3, 4))
    until(qtbot, lambda: window.picture_likelihood.pointed_region == (3, 4))
    assert reading.text() == "bottom right, 16.0 bits, 1.00 a pixel: 0.8 times the mean"
    QTest.mouseMove(window.canvas, QPoint(2, 2))
    until(qtbot, lambda: window.picture_likelihood.pointed_region is None)


def test_the_map_follows_the_zoom(window: MainWindow, qtbot: QtBot) -> None:
    measure(window, qtbot)
    before = region(window, 1, 2)
    window.canvas.zoom(-1)
    after = region(window, 1, 2)
    assert before != after
    assert QColor(painted(window.canvas).pixel(after)).lightness() > 150


def test_scrubbing_hides_the_map_of_another_step(window: MainWindow, qtbot: QtBot) -> None:
    measure(window, qtbot)
    assert window.canvas.glass is not None
    window.canvas.setFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_Left)
    assert window.canvas.glass is None
    assert not window.likelihood.surprise.isVisible()
    QTest.keyClick(window.canvas, Qt.Key.Key_Right)
    assert window.canvas.glass is not None


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_words_on_the_map_are_the_looks_own(parts: Parts, qtbot: QtBot, theme: Literal["light", "dark"]) -> None:
    Judge(parts.fake)
    finish(parts, qtbot, steps=5)
    window = open_window(qtbot, parts.document, Settings(values=Values(theme=theme)))
    QTest.keyClick(window.canvas, Qt.Key.Key_4, ALT)
    measure(window, qtbot)
    window.picture_likelihood.pointed_region = (1, 2)
    seen = colours(painted(window.canvas))
    palette = window.canvas.palette()
    assert palette.color(QPalette.ColorRole.Window).name() in seen
    assert palette.color(QPalette.ColorRole.WindowText).name() in seen


def test_the_colours_of_the_scale_grow_lighter_all_the_way() -> None:
    assert [luminance(name) for name in ANCHORS] == sorted(luminance(name) for name in ANCHORS)


# the plots


def test_a_plot_reads_its_points_under_the_pointer_and_by_key(window: MainWindow, qtbot: QtBot) -> None:
    measure(window, qtbot)
    plot, reading = window.likelihood.steps.terms, window.likelihood.steps.readings[window.likelihood.steps.terms]
    assert plot.curve is not None
    assert plot.place(0).x() < plot.place(2).x(), "much noise is on the left"
    move(plot, plot.place(1).toPoint(), Qt.MouseButton.NoButton)
    assert reading.text() == "σ 1 to 0.1: L_t 2.0000 bits/dim"
    QApplication.sendEvent(plot, QEvent(QEvent.Type.Leave))
    assert reading.text() == likelihood_text.RESTING_TERMS
    plot.setFocus()
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert reading.text() == "σ 0.1 to 0.01: L_t 0.2500 bits/dim"
    QTest.keyClick(plot, Qt.Key.Key_Left)
    assert reading.text() == "σ 1 to 0.1: L_t 2.0000 bits/dim"


def test_rate_and_distortion_are_read_as_in_the_lecture(window: MainWindow, qtbot: QtBot) -> None:
    measure(window, qtbot)
    curve = window.likelihood.steps.trade.curve
    assert curve is not None
    assert curve.words[:2] == [
        "After 0.00 bits/dim: RMSE 90.0 of 255",
        "After 0.50 bits/dim: RMSE 60.0 of 255",
    ]
    assert window.likelihood.steps.trade.place(0).y() < window.likelihood.steps.trade.place(3).y()


def test_an_empty_plot_paints_and_answers_no_key(qtbot: QtBot) -> None:
    plot = opened(qtbot, CurvePlot("Nothing"), 300, 120)
    assert isinstance(plot, CurvePlot)
    QTest.keyClick(plot, Qt.Key.Key_Left)
    QTest.mouseMove(plot, QPoint(30, 30))
    assert plot.reading == ""
    assert not painted(plot).isNull()


# what is said


def test_one_probe_has_no_error_and_says_how_to_get_one() -> None:
    assert likelihood_text.headline(density(1, 4)) == "3.51"
    assert "1 of 4 probes" in likelihood_text.detail(density(1, 4))
    assert "a second one gives an error" in likelihood_text.detail(density(1, 4))


# encoding


def test_a_click_encodes_and_the_way_up_is_on_the_timeline(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    Flow(parts.fake)
    panel = window.likelihood
    assert not panel.encoded.isVisible()
    QTest.mouseClick(panel.encode, LEFT)
    until(qtbot, lambda: window.encoder.activity is None)
    assert panel.encoded.isVisible()
    assert "43.2 dB from the picture (PSNR). x_T has 0.98" in panel.encoded.facts.text()
    assert parts.document.shown.step_count == 4
    assert window.timeline.strip.isVisible()
    assert "rough" not in panel.encoded.facts.text()
    QTest.mouseClick(panel.encoded.decode, LEFT)
    until(qtbot, lambda: window.encoder.activity is None)
    assert not panel.encoded.isVisible()
    assert window.area.notices.text.plain.startswith("Decoded in 120 model calls")


def test_an_inexact_round_trip_gives_advice(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    Flow(parts.fake, psnr=24.6)
    QTest.mouseClick(window.likelihood.encode, LEFT)
    until(qtbot, lambda: window.encoder.activity is None)
    assert "describe the picture in the prompt, or allow a smaller error" in window.likelihood.encoded.facts.text()


def test_keys_encode_decode_and_go_on_with_other_words(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    Flow(parts.fake)
    decode = window.actions_["decode"]
    assert not decode.isEnabled()
    assert decode.toolTip().startswith("This run did not encode a picture")
    QTest.keyClick(window.canvas, Qt.Key.Key_E, CONTROL | ALT)
    until(qtbot, lambda: window.encoder.activity is None)
    up = parts.document.shown.run_path
    assert decode.isEnabled()
    parts.document.draft.update(prompt="rocket")
    QTest.keyClick(window.canvas, Qt.Key.Key_Return, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    until(qtbot, lambda: parts.document.jobs.running is None and parts.document.shown.run_path != up)
    assert parts.fake.requests[-1].prompt == "rocket"
    window.timeline.strip.setFocus()
    QTest.keyClick(window.timeline.strip, Qt.Key.Key_Backspace)
    assert parts.document.shown.run_path == up


def test_escape_stops_the_running_encoding(make_parts: Callable[..., Parts], by_hand: FakeEngine, qtbot: QtBot) -> None:
    parts = make_parts(by_hand)
    Judge(by_hand)
    Flow(by_hand)
    by_hand.allow(5)
    finish(parts, qtbot, steps=5)
    window = open_window(qtbot, parts.document)
    window.actions_["encode"].trigger()
    assert window.encoder.activity is not None
    by_hand.allow(1)
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    until(qtbot, lambda: window.encoder.activity is None)
    window.actions_["likelihood"].trigger()
    assert window.picture_likelihood.activity is not None
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    until(qtbot, lambda: window.picture_likelihood.activity is None)


def test_methods_of_encoding_have_explanations(window: MainWindow) -> None:
    panel = window.likelihood
    window.picture_likelihood.condition_source = "nothing"
    assert not panel.method.isEnabled(), "there is no condition"
    window.picture_likelihood.condition_source = "panel"
    assert [panel.method.itemData(row) for row in range(panel.method.count())] == ["plain", "guided", "null-text"]
    assert all(panel.method.itemData(row, ABOUT) for row in range(3))
    QTest.mouseClick(panel.careful.button, LEFT)
    panel.method.setFocus()
    QTest.keyClick(panel.method, Qt.Key.Key_Down)
    assert window.encoder.method == "guided"
    panel.closeness.setFocus()
    QTest.keyClick(panel.closeness, Qt.Key.Key_Up)
    assert window.encoder.tolerance == 1e-3


def test_a_tolerance_shows_its_price_once_one_was_paid(window: MainWindow, parts: Parts, qtbot: QtBot) -> None:
    Flow(parts.fake)
    panel = window.likelihood
    assert panel.note.text().startswith("Measure: about 420 model calls"), "typically"
    measure(window, qtbot)
    prices = [panel.tolerance.itemData(row, ABOUT) for row in range(3)]
    assert prices == ["≈ 46 model calls a probe", "≈ 100 model calls a probe", "≈ 215 model calls a probe"]
    assert panel.note.text().startswith("Measure: ≈ 600 model calls, ≈ ")
    QTest.mouseClick(panel.encode, LEFT)
    until(qtbot, lambda: window.encoder.activity is None)
    assert panel.closeness.itemData(panel.closeness.findData(1e-4), ABOUT).startswith("≈ 240 model calls, ≈ ")
