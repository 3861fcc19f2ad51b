"""The page History, by keyboard and mouse."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QGuiApplication, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.history.history import History
from app.core.history.scanner import Place
from app.ui.history.gallery import Gallery, day_text
from app.ui.history.page import HistoryPage
from app.ui.history.pair import Pair
from app.ui.history.view import HistoryView
from app.ui.window.main_window import MainWindow
from app.ui.window.page_table import HISTORY, PICTURES
from engine.spec.request import Request
from tests.app.conftest import Parts, finish
from tests.app.history_pictures import names
from tests.app.windows import drag, open_window, opened, painted, until, wheel

Key, Mod = Qt.Key, Qt.KeyboardModifier
Make = Callable[[int], History]


@pytest.fixture
def gallery(qtbot: QtBot, make_history: Make) -> Gallery:
    """Nine pictures in a gallery, active, without a window of the studio."""
    history = make_history(9)
    gallery = Gallery(history)
    gallery._on_arranged()
    opened(qtbot, gallery, 620, 420)
    gallery.setFocus()
    return gallery


def chosen(gallery: Gallery) -> list[str]:
    history = gallery._history
    found = (history.picture(id) for id in history.selected)
    return [picture.path.stem for picture in found if picture is not None]


def click(gallery: Gallery, row: int, modifier: Qt.KeyboardModifier = Mod.NoModifier) -> None:
    at = gallery.visualRect(gallery.table.index(row)).center()
    QTest.mouseClick(gallery.viewport(), Qt.MouseButton.LeftButton, modifier, at)


def test_arrows_clicks_and_shift_choose_pictures(gallery: Gallery, qtbot: QtBot) -> None:
    columns = gallery.grid.columns
    assert 2 <= columns <= 6
    click(gallery, 0)
    assert chosen(gallery) == ["p0"]
    QTest.keyClick(gallery, Key.Key_Right)
    QTest.keyClick(gallery, Key.Key_Down)
    assert chosen(gallery) == [f"p{1 + columns}"]
    QTest.keyClick(gallery, Key.Key_End)
    assert chosen(gallery) == ["p8"]
    assert gallery.viewport().rect().contains(gallery.visualRect(gallery.currentIndex()))
    QTest.keyClick(gallery, Key.Key_Home)
    assert gallery.verticalOffset() == 0
    click(gallery, 3, Mod.ShiftModifier)
    assert set(chosen(gallery)) == {"p0", "p1", "p2", "p3"}
    assert chosen(gallery)[0] == "p3"
    click(gallery, 1, Mod.ControlModifier)
    assert set(chosen(gallery)) == {"p0", "p2", "p3"}
    with qtbot.waitSignal(gallery.opened) as caught:
        QTest.keyClick(gallery, Key.Key_Return)
    assert caught.args == [gallery.table.rows[1].id], "the current one, chosen or not"


def test_thumbnails_are_painted_where_they_are_and_marks_too(gallery: Gallery, qtbot: QtBot) -> None:
    thumbnails = gallery._history.thumbnails
    until(qtbot, lambda: all(thumbnails.kept(row.head) is not None for row in gallery.table.rows[:4]))
    for row in range(4):
        at = gallery.visualRect(gallery.table.index(row)).center()
        shade = painted(gallery.viewport()).pixelColor(at).red()
        assert shade == 10 * row
    rect = gallery.visualRect(gallery.table.index(2))
    before = painted(gallery.viewport()).copy(rect)
    gallery._history.star([gallery.table.rows[2].id], True)
    assert painted(gallery.viewport()).copy(rect) != before
    wheel(gallery.viewport(), gallery.viewport().rect().center().toPointF())
    side = gallery.tile_em
    QTest.keyClick(gallery, Key.Key_Home)
    gallery.tile_em = side + 2
    assert gallery.visualRect(gallery.table.index(0)).width() > rect.width()
    assert not painted(gallery.viewport()).isNull()


def test_the_choice_stays_with_its_picture_when_the_list_changes(
    gallery: Gallery, qtbot: QtBot, place: Place, request_of: Callable[..., Request]
) -> None:
    click(gallery, 2)
    history = gallery._history
    history.narrow(text="red")
    assert names(history) == ["p0", "p2", "p4", "p6", "p8"]
    assert chosen(gallery) == ["p2"]
    history.narrow(text="rocket")
    assert chosen(gallery) == []
    mime = gallery.table.mimeData([gallery.table.index(0)])
    assert [url.toLocalFile() for url in mime.urls()] == [str(place.pictures / "p1.png")]


def test_days_are_named() -> None:
    from datetime import date

    today = date(2026, 3, 1)
    assert day_text("2026-03-01", today) == "Today"
    assert day_text("2026-02-28", today) == "Yesterday"
    assert "2026" in day_text("2026-02-20", today)


def test_two_pictures_are_compared_under_one_zoom(qtbot: QtBot) -> None:
    pair = Pair()
    red, blue = QImage(40, 40, QImage.Format.Format_RGB32), QImage(80, 80, QImage.Format.Format_RGB32)
    red.fill(QColor("red"))
    blue.fill(QColor("blue"))
    opened(qtbot, pair, 600, 300)
    pair.show_images((red, blue), ("a", "b"))

    def at(x: float) -> str:
        return painted(pair).pixelColor(round(x * 600), 140).name()

    assert (at(0.25), at(0.75)) == ("#ff0000", "#0000ff")
    wheel(pair, QPoint(450, 140).toPointF(), 3)
    assert pair.viewport.scale > 1
    before = pair.viewport.rect()
    drag(pair, Qt.MouseButton.LeftButton, QPoint(450, 140), QPoint(460, 150))
    moved = pair.viewport.rect().topLeft() - before.topLeft()
    assert (moved.x(), moved.y()) == pytest.approx((10, 10), abs=1), "to whole pixels of the screen"
    pair.fit()
    pair.mode = "slider"
    assert (at(0.45), at(0.55)) == ("#ff0000", "#0000ff")
    drag(pair, Qt.MouseButton.LeftButton, QPoint(300, 140), QPoint(240, 140))
    assert (at(0.39), at(0.45)) == ("#ff0000", "#0000ff")
    QTest.keyClick(pair, Key.Key_Right)
    assert pair.split == pytest.approx(0.42)
    pair.mode = "blink"
    assert at(0.5) == "#ff0000"
    QTest.keyClick(pair, Key.Key_Space)
    assert at(0.5) == "#0000ff"
    pair.show_images((None,), ("a",))
    assert at(0.5) not in ("#ff0000", "#0000ff")


@pytest.fixture
def window(qtbot: QtBot, make_history: Make, parts: Parts) -> MainWindow:
    """The studio's window with a history of four pictures."""
    return open_window(qtbot, parts.document, history=make_history(4))


def view_of(window: MainWindow) -> HistoryView:
    return window.pages.find(HistoryPage).view.content


def test_everything_by_keyboard(window: MainWindow, qtbot: QtBot, parts: Parts) -> None:
    history, view = window.history, view_of(window)
    gallery = view.gallery
    QTest.keyClick(window, Key.Key_F, Mod.ControlModifier)
    assert window.pages.name == HISTORY
    assert view.bar.search.hasFocus()
    QTest.keyClicks(view.bar.search, "rocket")
    assert names(history) == ["p1", "p3"]
    QTest.keyClick(view.bar.search, Key.Key_Escape)
    QTest.keyClick(view.bar.search, Key.Key_Down)
    assert gallery.hasFocus()
    assert len(history.selected) == 1
    QTest.keyClick(gallery, Key.Key_Home)
    QTest.keyClick(gallery, Key.Key_Right)
    for key in (Key.Key_S, Key.Key_4):
        QTest.keyClick(gallery, key)
    assert (history.rows[1].starred, history.rows[1].rating) == (1, 4)
    QTest.keyClick(gallery, Key.Key_T)
    tags = window.pages.find(HistoryPage).panel.content.tags.line
    assert tags.hasFocus()
    QTest.keyClicks(tags, "fruit, best")
    QTest.keyClick(tags, Key.Key_Return)
    QTest.keyClick(tags, Key.Key_Escape)
    assert gallery.hasFocus()
    assert history.tags() == {"best": 1, "fruit": 1}
    QTest.keyClick(gallery, Key.Key_P)
    assert QGuiApplication.clipboard().text() == "rocket"
    QTest.keyClick(gallery, Key.Key_Right, Mod.ShiftModifier)
    QTest.keyClick(gallery, Key.Key_C)
    assert (len(history.looking), view.middle.currentWidget()) == (2, view.look)
    QTest.keyClick(view.look.pair, Key.Key_Escape)
    assert gallery.hasFocus()
    QTest.keyClick(gallery, Key.Key_Home)
    QTest.keyClick(gallery, Key.Key_Space)
    QTest.keyClick(view.look.pair, Key.Key_Right)
    assert history.looking == (history.rows[1].id,)
    QTest.keyClick(view.look.pair, Key.Key_Escape)
    QTest.keyClick(gallery, Key.Key_Delete)
    until(qtbot, lambda: history.undo_text == "Delete")
    assert names(history) == ["p0", "p2", "p3"]
    QTest.keyClick(gallery, Key.Key_Z, Mod.ControlModifier)
    until(qtbot, lambda: len(history.rows) == 4)
    QTest.keyClick(gallery, Key.Key_Escape)
    assert window.pages.name == PICTURES


def test_a_picture_opens_with_its_run_and_otherwise_in_large(window: MainWindow, qtbot: QtBot, parts: Parts) -> None:
    history = window.history
    with qtbot.waitSignal(history.scanner.ended):
        job = finish(parts, qtbot, prompt="pizza", batch=2)
    parts.document.shown.close()
    window.show_page(HISTORY)
    history.narrow(text="pizza")
    second = next(row.id for row in history.rows if history.run_of(history.picture(row.id)) == (job.run_path, 1))  # type: ignore[arg-type]
    window.history_commands.open_id(second)
    assert window.pages.name == PICTURES
    assert (parts.document.shown.run_path, parts.document.shown.image_index) == (job.run_path, 1)
    window.show_page(HISTORY)
    history.clear_filter()
    window.history_commands.open_id(history.rows[-1].id)
    assert history.looking == (history.rows[-1].id,)


def test_an_empty_history_says_what_comes_here(qtbot: QtBot, make_history: Make, parts: Parts) -> None:
    window = open_window(qtbot, parts.document, history=make_history(0))
    window.show_page(HISTORY)
    view = view_of(window)
    assert view.middle.currentWidget() is view.empty
    finish(parts, qtbot)
    until(qtbot, lambda: view.middle.currentWidget() is view.gallery)
    window.history.narrow(text="zebra")
    assert view.middle.currentWidget() is view.nothing
    QTest.mouseClick(view.nothing.clear, Qt.MouseButton.LeftButton)
    assert view.middle.currentWidget() is view.gallery
