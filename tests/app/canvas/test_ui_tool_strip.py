"""The tools in the window: the strip, the settings over the canvas, the hint under it, and their keys."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSpinBox, QColorDialog, QSlider, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.core.canvas.artwork import Artwork
from app.ui.canvas.tool_options import ToolOptions
from app.ui.canvas.tools import TOOLS
from app.ui.look.theme import em
from app.ui.window.main_window import MainWindow
from tests.app.artworks import paint, picture
from tests.app.conftest import Parts, reach
from tests.app.hands import CTRL, SHIFT, Hands
from tests.app.windows import finish, open_window, opened, painted, until

KEYS = {
    "brush": Qt.Key.Key_B, "eraser": Qt.Key.Key_E, "noise": Qt.Key.Key_N, "lasso": Qt.Key.Key_L,
    "rectangle": Qt.Key.Key_R, "ellipse": Qt.Key.Key_O, "fill": Qt.Key.Key_G, "colour": Qt.Key.Key_P,
    "picker": Qt.Key.Key_I, "box": Qt.Key.Key_M,
}  # fmt: skip


def with_artwork(qtbot: QtBot, parts: Parts) -> MainWindow:
    window = open_window(qtbot, parts.document)
    parts.document.artwork.open(picture(96, 64), "meadow", box_size=(24, 16))
    window.canvas.setFocus()
    return window


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    return with_artwork(qtbot, parts)


@pytest.fixture
def artwork(window: MainWindow) -> Artwork:
    return window.document.artwork


def test_the_tools_are_there_while_the_artwork_is_on_the_canvas(window: MainWindow, qtbot: QtBot) -> None:
    area = window.area
    assert area.stack.currentWidget() is window.canvas
    assert area.strip.isVisible()
    assert area.options.isVisible()
    window.show_page("lab")
    assert not area.strip.isVisible()
    window.show_page("pictures")
    assert area.strip.isVisible()
    finish(qtbot, window.document, method="new")
    assert not window.document.editing.shows_artwork
    assert not area.strip.isVisible()
    assert not area.easel.shown
    window.document.editing.choose(0)
    assert area.strip.isVisible()
    window.document.artwork.close()
    assert not area.strip.isVisible()
    assert not window.actions_["tool-brush"].isEnabled()


def test_without_an_artwork_there_are_no_tools(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    assert not window.area.strip.isVisible()
    assert not window.area.options.isVisible()
    assert not any(window.actions_[name].isEnabled() for name in ("tool-brush", "undo", "redo", "mask-invert", "swap"))


def test_a_tool_is_taken_by_its_key_and_by_its_button(window: MainWindow) -> None:
    assert list(KEYS) == [tool.name for tool in TOOLS]
    buttons = window.area.strip.buttons
    for name, key in KEYS.items():
        window.tools.tool = "picker" if name == "brush" else "brush"
        QTest.keyClick(window.canvas, key)
        assert window.tools.tool == name
        window.tools.tool = "picker" if name == "brush" else "brush"
        QTest.mouseClick(buttons[f"tool-{name}"], Qt.MouseButton.LeftButton)
        assert window.tools.tool == name
        assert [each for each, button in buttons.items() if button.isChecked()] == [f"tool-{name}"]


def test_letters_typed_into_the_prompt_are_words(window: MainWindow) -> None:
    window.focus_prompt()
    QTest.keyClicks(window.panel.prompt.text, "egg box")
    assert window.tools.tool == "brush"
    assert window.document.draft.current.prompt.startswith("egg box")


def test_x_swaps_brush_and_eraser(window: MainWindow) -> None:
    for wanted in ("eraser", "brush", "eraser"):
        QTest.keyClick(window.canvas, Qt.Key.Key_X)
        assert window.tools.tool == wanted


def test_the_brackets_set_size_and_hardness(window: MainWindow) -> None:
    size = window.tools.choices.size
    QTest.keyClick(window.canvas, Qt.Key.Key_BracketRight)
    assert window.tools.choices.size > size
    QTest.keyClick(window.canvas, Qt.Key.Key_BracketLeft)
    assert window.tools.choices.size == size
    QTest.keyClick(window.canvas, Qt.Key.Key_BracketLeft, SHIFT)
    assert window.tools.choices.hardness == pytest.approx(0.7)
    window.tools.tool = "lasso"
    assert not window.actions_["larger"].isEnabled()


def test_the_masks_commands_by_key_and_undo_of_each(window: MainWindow, artwork: Artwork) -> None:
    paint(artwork, QRect(30, 20, 20, 20))
    painted_first = artwork.mask.copy()
    window.tools.edge = 4
    for name, key, held, count in (
        ("mask-invert", Qt.Key.Key_I, SHIFT, 96 * 64 - 400),
        ("mask-grow", Qt.Key.Key_Plus, SHIFT, None),
        ("mask-shrink", Qt.Key.Key_Minus, SHIFT, 144),
        ("mask-feather", Qt.Key.Key_F, SHIFT, None),
        ("mask-clear", Qt.Key.Key_D, CTRL, 0),
    ):
        QTest.keyClick(window.canvas, key, held)
        assert (artwork.mask != painted_first).any(), name
        if count is not None:
            assert np.count_nonzero(artwork.mask == 255) == count, name
        QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL)
        assert (artwork.mask == painted_first).all(), name


def test_undo_and_redo_are_enabled_when_there_is_something_to_take_back(window: MainWindow, artwork: Artwork) -> None:
    undo, redo = window.actions_["undo"], window.actions_["redo"]
    assert not undo.isEnabled()
    assert not window.actions_["mask-clear"].isEnabled()
    Hands(window.canvas).drag((20, 20), (60, 20))
    assert undo.isEnabled()
    assert not redo.isEnabled()
    assert window.actions_["mask-clear"].isEnabled()
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL)
    assert not artwork.mask.any()
    assert redo.isEnabled()
    assert not undo.isEnabled()
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL | SHIFT)
    assert artwork.mask.any()


def test_the_text_of_undo_names_the_step(window: MainWindow, artwork: Artwork) -> None:
    undo, redo = window.actions_["undo"], window.actions_["redo"]
    assert undo.text() == "Undo"
    Hands(window.canvas).drag((20, 20), (60, 20))
    assert undo.text() == "Undo: Brush"
    undo.trigger()
    assert (undo.text(), redo.text()) == ("Undo", "Redo: Brush")


def test_a_screen_reader_gets_the_place_of_the_keyboards_pointer(window: MainWindow) -> None:
    assert "meadow, 96 × 64" in window.canvas.accessibleDescription()
    QTest.keyClick(window.canvas, Qt.Key.Key_Right, SHIFT | CTRL)
    assert window.canvas.accessibleDescription().endswith("Brush at 49, 32")
    QTest.keyClick(window.canvas, Qt.Key.Key_Return, SHIFT)
    assert window.canvas.accessibleDescription().endswith("Brush down at 49, 32")
    QTest.keyClick(window.canvas, Qt.Key.Key_Return, SHIFT)
    assert window.canvas.accessibleDescription().endswith("Brush at 49, 32")


def test_the_pen_brings_the_keyboard_to_the_canvas_as_the_mouse_does(window: MainWindow, artwork: Artwork) -> None:
    window.focus_prompt()
    Hands(window.canvas).draw((20, 20, 1.0), (60, 20, 1.0))
    assert window.canvas.hasFocus()
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL)
    assert not artwork.mask.any()


def test_h_hides_the_mask_and_shows_it(window: MainWindow, artwork: Artwork) -> None:
    paint(artwork, QRect(30, 20, 20, 20))
    with_mask = painted(window.canvas)
    QTest.keyClick(window.canvas, Qt.Key.Key_H)
    assert painted(window.canvas) != with_mask
    QTest.keyClick(window.canvas, Qt.Key.Key_H)
    assert painted(window.canvas) == with_mask


def test_the_settings_are_those_of_the_tool_in_hand(window: MainWindow) -> None:
    options = window.area.options
    for tool in TOOLS:
        window.tools.tool = tool.name
        shown = {name for name, number in options.numbers.items() if number.isVisible()}
        shown |= {"colour"} if options.colour.isVisible() else set()
        shown |= {"everywhere"} if options.everywhere.isVisible() else set()
        assert shown == set(tool.options), tool.name


def test_a_typed_number_sets_the_tool_and_the_tools_number_is_shown(window: MainWindow) -> None:
    size, hardness = (window.area.options.numbers[name] for name in ("size", "hardness"))
    size.field.setFocus()
    size.field.selectAll()
    QTest.keyClicks(size.field, "33")
    QTest.keyClick(size.field, Qt.Key.Key_Return)
    assert window.tools.choices.size == 33
    hardness.slider.setValue(25)
    assert window.tools.choices.hardness == 0.25
    window.tools.resize(+1)
    assert size.field.value() == window.tools.choices.size
    window.tools.tool = "colour"
    assert size.field.value() == window.tools.choices.size != 33
    window.tools.tool = "eraser"
    assert hardness.field.value() == 25


def test_the_colour_is_chosen_without_stopping_anything_and_can_be_left_as_it_was(
    window: MainWindow, qtbot: QtBot
) -> None:
    window.tools.tool = "colour"
    window.tools.colour = (10, 20, 30)
    QTest.mouseClick(window.area.options.colour, Qt.MouseButton.LeftButton)
    dialog = window.findChild(QColorDialog)
    assert dialog is not None
    assert not dialog.isModal()
    dialog.setCurrentColor(Qt.GlobalColor.red)
    assert window.tools.colour == (255, 0, 0)
    dialog.reject()
    assert window.tools.colour == (10, 20, 30)


def test_the_hint_under_the_canvas_says_the_gestures_of_the_tool_with_the_keys_of_now(window: MainWindow) -> None:
    for tool in TOOLS:
        window.tools.tool = tool.name
        for _, meaning in tool.gestures:
            assert meaning in window.area.facts.text()
        assert "{" not in window.area.facts.text()
    window.tools.tool = "brush"
    assert "[ ]: size" in window.area.facts.text()
    window.actions_["larger"].setShortcut("K")
    window.tools.tool = "eraser"
    assert "[ K: size" in window.area.facts.text()


def test_everything_of_the_tools_has_a_name_and_a_tip_and_can_be_reached(window: MainWindow) -> None:
    window.tools.tool = "colour"
    for place in (window.area.strip, window.area.options):
        for widget in place.findChildren(QWidget):
            if isinstance(widget, (QAbstractButton, QAbstractSpinBox, QSlider)) and widget.isVisibleTo(place):
                assert widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text())
                assert widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    assert all(button.toolTip() for button in window.area.strip.buttons.values())


def test_the_settings_fit_whatever_room_there_is(window: MainWindow, qtbot: QtBot) -> None:
    host, options = QWidget(), ToolOptions(window.tools, window.actions_)
    column = QVBoxLayout(host)
    column.setContentsMargins(0, 0, 0, 0)
    column.addWidget(options)
    opened(qtbot, host, em(options, 90), em(options, 4))
    for lines in (90, 63, 61, 53, 51, 43, 41, 30, 26):
        host.resize(em(options, lines), em(options, 4))
        for tool in TOOLS:
            window.tools.tool = tool.name
            until(qtbot, lambda: all_fit(options))
        assert host.width() == em(options, lines)


def all_fit(options: ToolOptions) -> bool:
    """Whether what is shown stands side by side within the bar, each as wide as it must be."""
    beside = [widget for widget in options.children() if isinstance(widget, QWidget) and widget.isVisible()]
    edges = sorted((widget.x(), widget.x() + widget.width()) for widget in beside)
    wide = all(w.width() >= min(w.minimumSizeHint().width(), w.maximumWidth()) for w in beside)
    apart = all(right <= left for (_, right), (left, _) in pairwise(edges))
    return wide and apart and all(right <= options.width() for _, right in edges)


def test_the_wheel_zooms_under_the_tools_and_the_pictures_pixel_stays(window: MainWindow) -> None:
    at = window.canvas.viewport.transform.map(QPointF(40, 30))
    window.canvas.viewport.zoom_by(2, at)
    assert (window.canvas.viewport.to_picture(at) - QPointF(40, 30)).manhattanLength() < 1e-6


def test_painting_during_a_run_does_not_change_its_mask(hand_parts: Parts, qtbot: QtBot) -> None:
    window = with_artwork(qtbot, hand_parts)
    document, artwork = hand_parts.document, hand_parts.document.artwork
    hands = Hands(window.canvas)
    window.tools.tool = "rectangle"
    hands.drag((30, 20), (60, 50))
    job = document.generate()
    assert job is not None
    reach(hand_parts, qtbot, 2)
    until(qtbot, lambda: window.area.easel.candidate is not None)
    window.tools.tool = "brush"
    window.tools.choose(size=6, hardness=1.0)
    hands.press((5, 5))
    hands.move((12, 5))
    reach(hand_parts, qtbot, 1)
    hands.move((20, 5))
    hands.release((20, 5))
    assert artwork.mask[5, 5:21].min() == 255
    assert document.jobs.running is job
    window.canvas.zoom(+1)
    QTest.keyClick(window.canvas, Qt.Key.Key_Z, CTRL)
    assert not artwork.mask[5].any()
    hand_parts.fake.allow(2)
    until(qtbot, lambda: job.state.ended)
    given = document.editing.placement(job.run_path)
    assert given is not None
    assert given.rect == QRect(30, 20, 30, 30)


def test_escape_takes_back_the_stroke_first_and_cancels_the_run_only_then(hand_parts: Parts, qtbot: QtBot) -> None:
    window = with_artwork(qtbot, hand_parts)
    hands = Hands(window.canvas)
    hands.drag((30, 20), (60, 50))
    job = hand_parts.document.generate()
    assert job is not None
    before = hand_parts.document.artwork.mask.copy()
    hands.press((5, 5))
    hands.move((20, 5))
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    assert (hand_parts.document.artwork.mask == before).all()
    assert not job.cancelling
    hands.release((20, 5))
    QTest.keyClick(window.canvas, Qt.Key.Key_Escape)
    until(qtbot, lambda: job.state.ended)
    assert (hand_parts.document.artwork.mask == before).all()


def test_a_result_is_shown_in_the_mask_and_the_original_outside(
    window: MainWindow, artwork: Artwork, qtbot: QtBot
) -> None:
    paint(artwork, QRect(30, 20, 30, 30))
    window.canvas.viewport.zoom_to(4.0)
    finish(qtbot, window.document)
    until(qtbot, lambda: window.area.easel.candidate is not None)
    window.tools.mask_shown = False
    inside, outside = place(window, 45, 35), place(window, 80, 55)
    overlay = window.document.editing.overlay
    assert overlay is not None
    seen = painted(window.canvas)
    assert rgb(seen, outside) == tuple(artwork.rgb()[55, 80])
    assert seen.pixel(inside) == overlay.image.pixel(QPoint(45, 35) - overlay.rect.topLeft())
    window.document.editing.comparing = True
    assert rgb(painted(window.canvas), inside) == tuple(artwork.rgb()[35, 45])


def rgb(seen: QImage, at: QPoint) -> tuple[int, int, int]:
    colour = seen.pixelColor(at)
    return colour.red(), colour.green(), colour.blue()


def place(window: MainWindow, x: int, y: int) -> QPoint:
    """The middle of a document pixel on the canvas."""
    return window.canvas.viewport.transform.map(QPointF(x + 0.5, y + 0.5)).toPoint()
