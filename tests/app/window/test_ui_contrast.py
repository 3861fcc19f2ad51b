"""Text can be read in every state of every widget: 4.5 : 1, and 3 : 1 where it is disabled; 7 : 1 and 4.5 : 1 in the
theme of high contrast.

Measured on the screen: a widget is painted with its text and with blanks in its place, and the pixels that differ are
the ink. A style sheet may draw other colours than the palette promises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QAction, QColor, QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QCheckBox,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QStatusBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.ui.look import icons
from app.ui.look.colours import contrast
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import THEMES, Appearance, Theme
from app.ui.widgets.chip import chip
from app.ui.widgets.combo_box import ABOUT, ComboBox
from app.ui.widgets.disclosure import Disclosure
from app.ui.widgets.label import label
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.widgets.radio_rows import RadioRow
from tests.app.windows import opened

TEXT, BLANK = "Hill", "    "

State = Callable[[QWidget], object]


@pytest.fixture(params=THEMES.values(), ids=lambda theme: theme.name)
def theme(request: pytest.FixtureRequest, qapp: QApplication) -> Iterator[Theme]:
    look = Appearance(qapp, request.param.name)
    look.finish()
    yield request.param
    look.deleteLater()


def pixels(image: QImage) -> NDArray[np.uint8]:
    """(height, width, 3)."""
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def ink_contrast(with_text: QImage, without: QImage) -> float:
    """The strongest contrast of a pixel that the text changed with what is there without the text.

    The strongest, because an edge of a letter is a mixture of both.
    """
    inked, bare = pixels(with_text), pixels(without)
    assert inked.shape == bare.shape
    places = np.argwhere((inked != bare).any(axis=2))
    assert len(places) > 0, "no text was painted"
    pairs = {(tuple(inked[y, x]), tuple(bare[y, x])) for y, x in places}
    return max(contrast(QColor(*map(int, ink)), QColor(*map(int, ground))) for ink, ground in pairs)


def shot(widget: QWidget, part: QRect) -> QImage:
    """A part of the widget as its window shows it, the ground behind it included."""
    window = widget.window()
    return window.grab(QRect(widget.mapTo(window, part.topLeft()), part.size())).toImage()


def hovered(widget: QWidget) -> None:
    widget.setAttribute(Qt.WidgetAttribute.WA_UnderMouse)


def focused(widget: QWidget) -> None:
    widget.setFocus(Qt.FocusReason.TabFocusReason)


def pressed(widget: QWidget) -> None:
    assert isinstance(widget, QAbstractButton)
    widget.setDown(True)


def checked(widget: QWidget) -> None:
    assert isinstance(widget, QAbstractButton)
    widget.setCheckable(True)
    widget.setChecked(True)


def disabled(widget: QWidget) -> None:
    widget.setEnabled(False)


def plain(widget: QWidget) -> None:
    """As it is when nobody touches it."""


def together(*states: State) -> State:
    def all_of(widget: QWidget) -> None:
        for state in states:
            state(widget)

    all_of.__name__ = "_".join(state.__name__ for state in states)
    return all_of


BUTTON = (plain, hovered, pressed, focused, disabled, together(hovered, pressed), together(hovered, focused))
SWITCH = (*BUTTON, checked, together(checked, hovered), together(checked, focused), together(checked, disabled))
FIELD = (plain, hovered, focused, disabled)


def button(kind: str) -> Callable[[str], QWidget]:
    def make(text: str) -> QWidget:
        made = QPushButton(text)
        set_kind(made, kind)
        return made

    return make


def segment(text: str) -> QWidget:
    made = QToolButton()
    made.setText(text)
    made.setProperty("kind", "segment")
    return made


def tool_button(text: str) -> QWidget:
    made = QToolButton()
    made.setText(text)
    return made


def spin_box(text: str) -> QWidget:
    made = QSpinBox()
    made.setSpecialValueText(text)
    made.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
    return made


def selected_line(text: str) -> QWidget:
    made = QLineEdit(text)
    made.selectAll()
    return made


def placeholder(text: str) -> QWidget:
    made = QLineEdit()
    made.setPlaceholderText(text)
    return made


def combo_box(text: str) -> QWidget:
    made = ComboBox("What it is")
    made.addItem(text)
    return made


def disclosure(text: str) -> QWidget:
    return Disclosure(text, QWidget())


def line(muted: bool) -> Callable[[str], QWidget]:
    def make(text: str) -> QWidget:
        made = QuietLabel(TEXT, muted=muted)
        made.setText(text)
        return made

    return make


def ranked(rank: str) -> Callable[[str], QWidget]:
    return lambda text: label(text, rank)


WIDGETS: dict[str, tuple[Callable[[str], QWidget], tuple[State, ...]]] = {
    **{f"label {rank}": (ranked(rank), (plain, disabled)) for rank in ("", "muted", "caption", "heading", "title")},
    "label alarm": (ranked("alarm"), (plain,)),
    "button": (button(""), BUTTON),
    "primary button": (button("primary"), BUTTON),
    "stop button": (button("stop"), BUTTON),
    "link": (button("link"), BUTTON),
    "row button": (button("row"), SWITCH),
    "chip": (lambda text: chip(text, lambda: None), SWITCH),
    "large chip": (lambda text: chip(text, lambda: None, large=True), BUTTON),
    "disclosure": (disclosure, BUTTON),
    "tool button": (tool_button, SWITCH),
    "segment": (segment, SWITCH),
    "check box": (QCheckBox, SWITCH),
    "pick row": (lambda text: RadioRow("one", text, ""), SWITCH),
    "line edit": (QLineEdit, FIELD),
    "selected text": (selected_line, FIELD),
    "placeholder": (placeholder, (plain, hovered, disabled)),
    "text field": (QPlainTextEdit, FIELD),
    "number field": (spin_box, FIELD),
    "combo box": (combo_box, FIELD),
    "quiet label": (line(muted=False), (plain,)),
    "muted quiet label": (line(muted=True), (plain,)),
}
CASES = [(name, state) for name, (_, states) in WIDGETS.items() for state in states]


@pytest.mark.parametrize(("name", "state"), CASES, ids=[f"{name}, {state.__name__}" for name, state in CASES])
def test_text_is_readable_in_every_state(name: str, state: State, theme: Theme, qtbot: QtBot) -> None:
    make, _ = WIDGETS[name]
    window = QWidget()
    column = QVBoxLayout(window)
    shown, blank = make(TEXT), make(BLANK)
    for widget in (shown, blank):
        widget.setFixedSize(200, 60)
        column.addWidget(widget)
    opened(qtbot, window)
    images = []
    for widget in (shown, blank):
        state(widget.button if isinstance(widget, Disclosure) else widget)
        if isinstance(widget, QLineEdit | QPlainTextEdit):
            widget.setReadOnly(True)  # no cursor blinks
        images.append(shot(widget, widget.rect()))
        widget.clearFocus()
    least = theme.disabled if "disabled" in state.__name__ else theme.readable
    assert ink_contrast(*images) >= least


def menu_images(qtbot: QtBot, prepare: Callable[[QMenu, QAction], object]) -> list[QImage]:
    images = []
    for text in (TEXT, BLANK):
        menu = QMenu()
        qtbot.addWidget(menu)
        menu.setFixedWidth(200)
        menu.addAction("First")
        action = menu.addAction(text)
        prepare(menu, action)
        menu.popup(QPoint(0, 0))
        if action.property("active"):
            menu.setActiveAction(action)
        images.append(menu.grab(menu.actionGeometry(action)).toImage())
        menu.close()
    return images


def test_menu_items_are_readable(theme: Theme, qtbot: QtBot) -> None:
    def hover(_: QMenu, action: QAction) -> None:
        action.setProperty("active", True)

    def check(_: QMenu, action: QAction) -> None:
        action.setCheckable(True)
        action.setChecked(True)

    def hover_checked(menu: QMenu, action: QAction) -> None:
        check(menu, action)
        hover(menu, action)

    def disable(_: QMenu, action: QAction) -> None:
        action.setEnabled(False)

    def hover_disabled(menu: QMenu, action: QAction) -> None:
        disable(menu, action)
        hover(menu, action)

    for prepare, least in (
        (lambda *_: None, theme.readable),
        (hover, theme.readable),
        (check, theme.readable),
        (hover_checked, theme.readable),
        (disable, theme.disabled),
        (hover_disabled, theme.disabled),
    ):
        assert ink_contrast(*menu_images(qtbot, prepare)) >= least, prepare.__name__


@pytest.mark.parametrize("active", [False, True])
def test_icons_of_menu_items_are_seen(active: bool, theme: Theme, qtbot: QtBot, qapp: QApplication) -> None:
    empty = QPixmap(20, 20)
    empty.fill(Qt.GlobalColor.transparent)
    images = []
    for icon in (icons.icon("open", qapp.palette()), QIcon(empty)):

        def prepare(_: QMenu, action: QAction, icon: QIcon = icon) -> None:
            action.setIcon(icon)
            action.setProperty("active", active)

        images.append(menu_images(qtbot, prepare)[0])
    assert ink_contrast(*images) >= theme.readable


def test_the_hovered_menu_item_stands_out(theme: Theme, qtbot: QtBot) -> None:
    _, resting = menu_images(qtbot, lambda *_: None)
    _, active = menu_images(qtbot, lambda _, action: action.setProperty("active", True))
    assert resting.pixelColor(2, 2) != active.pixelColor(2, 2)


def test_titles_of_menus_are_readable(theme: Theme, qtbot: QtBot) -> None:
    for active in (False, True):
        images = []
        for text in (TEXT, BLANK):
            window = QMainWindow()
            menu = window.menuBar().addMenu(text)
            opened(qtbot, window, 300, 100)
            if active:
                window.menuBar().setActiveAction(menu.menuAction())
            menu.close()
            images.append(window.menuBar().grab().toImage())
        assert ink_contrast(*images) >= theme.readable, active


@pytest.mark.parametrize("about", ["", "What it is"])
def test_entries_of_a_list_that_drops_down_are_readable(about: str, theme: Theme, qtbot: QtBot) -> None:
    for current in (0, 1):
        images = []
        for text in (TEXT, BLANK):
            box = ComboBox("What it is")
            for entry in ("First", text):
                box.addItem(entry)
                box.setItemData(box.count() - 1, about, ABOUT)
            opened(qtbot, box, 200, 30)
            box.setCurrentIndex(current)
            box.showPopup()
            view = box.view()
            where = view.visualRect(box.model().index(1, 0))
            images.append(shot(view.viewport(), where))
            box.hidePopup()
            box.close()
        assert ink_contrast(*images) >= theme.readable, current


def test_lists_and_the_status_bar_are_readable(theme: Theme, qtbot: QtBot) -> None:
    for selected in (False, True):
        images = []
        for text in (TEXT, BLANK):
            window = QMainWindow()
            pictures = QListWidget()
            pictures.addItems(["First", text])
            window.setCentralWidget(pictures)
            opened(qtbot, window, 200, 100)
            if selected:
                pictures.setCurrentRow(1)
            images.append(shot(pictures.viewport(), pictures.visualItemRect(pictures.item(1))))
            window.close()
        assert ink_contrast(*images) >= theme.readable, selected
    images = []
    for text in (TEXT, BLANK):
        bar = QStatusBar()
        bar.showMessage(text)
        opened(qtbot, bar, 200, 30)
        images.append(bar.grab().toImage())
        bar.close()
    assert ink_contrast(*images) >= theme.readable
