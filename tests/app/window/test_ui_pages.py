"""The pages as tabs: reached by pointer and key, left by Esc, each with the panels that it has."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.window.page import Page
from app.ui.window.page_table import PAGES
from app.ui.window.pages import Pages
from tests.app.windows import finish, open_window

LEFT, CONTROL = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier
ESC = Qt.Key.Key_Escape


def test_tabs_show_every_page_and_esc_leads_back(qtbot: QtBot, document: Document) -> None:
    window = open_window(qtbot, document)
    pages, tabs = window.pages, window.top.tabs
    assert [tabs.tabText(k) for k in range(tabs.count())] == [entry.title for entry in PAGES]
    for k, entry in enumerate(PAGES):
        QTest.mouseClick(tabs, LEFT, pos=tabs.tabRect(k).center())
        assert (pages.name, tabs.currentIndex()) == (entry.name, k)
        assert tabs.isVisible()
        assert f"Ctrl+{k + 1}" in tabs.tabToolTip(k)
        focused = QApplication.focusWidget()
        assert focused is not None
        assert focused.isVisible()
    QTest.keyClick(window, Qt.Key.Key_1, CONTROL)
    assert pages.name == "pictures"
    QTest.keyClick(window.canvas, ESC)
    assert pages.name == "pictures", "nothing leads back from the first page"
    for key in (Qt.Key.Key_2, Qt.Key.Key_3):
        QTest.keyClick(window, key, CONTROL)
    seen = [pages.name]
    for _ in range(2):
        QTest.keyClick(window.page.focus, ESC)
        seen.append(pages.name)
    assert seen == ["lab", "morph", "pictures"]
    tabs.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(tabs, Qt.Key.Key_Right)
    QTest.keyClick(tabs, Qt.Key.Key_Right)
    assert pages.name == "lab"
    assert tabs.hasFocus(), "the arrows go on to the next tab"
    assert not window.actions_["panel-likelihood"].isEnabled(), "the lab has no such panel"


def test_esc_cancels_before_it_leads_back(qtbot: QtBot, document: Document) -> None:
    window = open_window(qtbot, document)
    window.show_page("lab")
    window.lab.walk()
    QTest.keyClick(window.lab_view.plane, ESC)
    assert window.pages.name == "lab"
    qtbot.waitUntil(lambda: not window.lab.activity)
    QTest.keyClick(window.lab_view.plane, ESC)
    assert window.pages.name == "pictures"


class Bare(Page):
    """A page with a view alone."""

    def __init__(self) -> None:
        super().__init__()
        self.view = self.focus = QWidget()


def test_a_page_may_have_a_view_alone(qtbot: QtBot, document: Document) -> None:
    window = open_window(qtbot, document)
    bare = Bare()
    window.area.add_view(bare.view)
    window.docks.change_page(bare)
    assert not any(window.docks.is_shown(name) for name in ("settings", "timeline", "recent", "likelihood"))
    assert bare.steps.step_count == 0
    assert bare.why_no_start()
    assert bare.why_no_save()
    window.docks.change_page(window.page)
    assert all(window.docks.is_shown(name) for name in ("settings", "timeline", "recent"))


def test_the_trail_back_names_each_page_once() -> None:
    pages = Pages({name: Page() for name in ("home", "a", "b")})
    for name in ("a", "b", "a"):
        pages.show(name)
    assert pages.before == "b"
    pages.go_back()
    assert (pages.name, pages.before) == ("b", "home")


def test_the_lab_does_not_say_that_a_picture_is_finished(qtbot: QtBot, document: Document) -> None:
    window = open_window(qtbot, document)
    finish(qtbot, document)
    assert window.status.message.text().startswith("Finished")
    window.show_page("lab")
    assert not window.status.message.text().startswith("Finished")
    window.show_page("pictures")
    assert window.status.message.text().startswith("Finished")


def test_an_opened_picture_has_no_other_runs_timeline(qtbot: QtBot, document: Document, tmp_path: Path) -> None:
    window = open_window(qtbot, document)
    finish(qtbot, document)
    window.files.edit_shown()
    assert document.artwork.is_open
    assert document.shown.run is not None, "the steps of this picture"
    Image.new("RGB", (24, 16)).save(tmp_path / "photo.png")
    with qtbot.waitSignal(window.files.opened):
        window.files.open_path(str(tmp_path / "photo.png"))
    assert document.shown.run is None
    assert window.timeline.strip.isVisible()
