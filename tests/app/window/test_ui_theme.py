"""Both themes can be read, both are the palette's, and changing between them reaches every drawing."""

from __future__ import annotations

import sys
from collections import deque
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QImage, QPainter, QPalette, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.notices import Notice
from app.settings import Settings, Values
from app.ui.guidance.aim_list import AimRow
from app.ui.look import icons
from app.ui.look.colours import contrast, luminance, mix
from app.ui.look.fonts import MARKED, places_marks, with_marks
from app.ui.look.stylesheet import stylesheet
from app.ui.look.theme import CONTRAST, DARK, LIGHT, THEMES, Appearance, Theme
from app.ui.widgets.disclosure import Disclosure
from app.ui.window.notice_bar import NoticeBar
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, opened, painted, until

Role = QPalette.ColorRole


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_all_text_has_the_contrast_of_its_theme(theme: Theme) -> None:
    assert theme.failures() == []
    palette = theme.palette()
    for ink, ground in (
        (Role.WindowText, Role.Window),
        (Role.Text, Role.Base),
        (Role.ButtonText, Role.Button),
        (Role.PlaceholderText, Role.Base),
        (Role.PlaceholderText, Role.Window),
        (Role.PlaceholderText, Role.Dark),
        (Role.BrightText, Role.Window),
        (Role.HighlightedText, Role.Highlight),
        (Role.Link, Role.Window),
        (Role.ToolTipText, Role.ToolTipBase),
    ):
        assert contrast(palette.color(ink), palette.color(ground)) >= theme.readable, (ink, ground)
    assert theme.readable == (7 if theme is CONTRAST else 4.5)


def test_an_unreadable_theme_names_the_place() -> None:
    assert any(line.startswith("muted on window") for line in replace(DARK, muted="#555555").failures())


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the well-known grey that just fails
    assert luminance("#ff0000") == pytest.approx(0.2126)
    assert mix("#000000", "#ffffff", 0.5).red() in (127, 128)


def test_light_is_light_and_dark_is_dark() -> None:
    assert luminance(LIGHT.window) > 0.8
    assert luminance(DARK.window) < 0.05


def test_the_sheet_has_no_colour_that_is_not_the_palettes() -> None:
    """Two palettes of one colour each give sheets that name no other colour."""
    for name in ("#123456", "#654321"):
        palette = QPalette()
        for group in (QPalette.ColorGroup.Active, QPalette.ColorGroup.Inactive, QPalette.ColorGroup.Disabled):
            for role in (Role.Highlight, Role.HighlightedText, Role.Text):
                palette.setColor(group, role, QColor(name))
        text = stylesheet(palette, 16)
        assert "@" not in text
        assert {word.rstrip(";") for word in text.split() if word.startswith("#") and len(word.rstrip(";")) == 7} == {
            name
        }


def test_the_sheet_grows_with_the_font() -> None:
    small, large = (stylesheet(DARK.palette(), line) for line in (12, 48))
    assert small != large


@pytest.mark.parametrize("name", icons.names())
def test_every_icon_is_drawn_in_the_given_colour_and_nothing_else(qapp: QApplication, name: str) -> None:
    drawing = icons.pixmap(name, QColor("#20c0a0"), 24, 2.0)
    assert (drawing.width(), drawing.devicePixelRatio()) == (48, 2.0)
    assert inks(drawing) == {"#20c0a0"}


def test_the_window_starts_in_the_remembered_theme_and_can_change_it(parts: Parts, qtbot: QtBot) -> None:
    settings = Settings(values=Values(theme="light"))
    window = open_window(qtbot, parts.document, settings)
    assert QApplication.palette().color(Role.Window) == QColor(LIGHT.window)
    window.actions_["theme-dark"].trigger()
    assert QApplication.palette().color(Role.Window) == QColor(DARK.window)
    assert settings.values.theme == "dark"
    assert window.actions_["theme-dark"].isChecked()
    assert not window.actions_["theme-light"].isChecked()


def test_changing_the_theme_repaints_everything(parts: Parts, qtbot: QtBot) -> None:
    """In each theme the window's grounds are that theme's, and so are the icons on its buttons."""
    window = open_window(qtbot, parts.document, Settings(values=Values(theme="light")))
    finish(qtbot, parts.document)
    window.canvas.setFocus()  # a blinking cursor would make two shots differ
    seen: deque[QImage] = deque(maxlen=2)

    def settled() -> bool:
        """On a busy machine pictures come with later paints: two in a row are alike."""
        seen.append(painted(window))
        return len(seen) == 2 and seen[0] == seen[1]

    until(qtbot, settled)
    shots: dict[str, QImage] = {}
    for theme in (LIGHT, DARK, LIGHT):
        window.set_theme(theme.name)
        shot = painted(window)
        assert shot.pixelColor(window.canvas.mapTo(window, window.canvas.rect().topLeft()) + QPoint(4, 4)) == QColor(
            theme.canvas
        )
        assert shot.pixelColor(window.panel.mapTo(window, window.panel.rect().bottomLeft()) + QPoint(3, -3)) == QColor(
            theme.window
        )
        button = window.area.footer.findChildren(type(window.timeline.follow))[0]
        assert inks(button.icon().pixmap(20, 20)) == {theme.text}
        if theme.name in shots:
            assert shot == shots[theme.name]
        shots[theme.name] = shot
    assert shots["light"] != shots["dark"]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_muted_text_is_painted_as_readable_as_the_palette_promises(document: Document, qtbot: QtBot, mode: str) -> None:
    """Read from the screen, because a style stylesheet may fade what the palette gives."""
    window = open_window(qtbot, document, Settings(values=Values(theme=mode)))  # type: ignore[arg-type]
    document.draft.update(prompt="")
    window.panel.steps.field.setFocus()  # no cursor blinks in the prompt
    text = window.panel.prompt.text
    assert strongest(painted(text).copy(text.rect().adjusted(4, 4, -4, -4))) >= 4.5
    hint = window.area.welcome.hint
    assert strongest(painted(window).copy(QRect(hint.mapTo(window, hint.rect().topLeft()), hint.size()))) >= 4.5


def test_a_system_without_an_opinion_gets_a_theme(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document, Settings(values=Values(theme="system")))
    assert window.look.theme in (LIGHT, DARK)
    window.look.set_mode("no such mode")
    assert window.look.mode == "system"


def test_setting_texts_leaks_no_reference(qtbot: QtBot) -> None:
    """PySide6 6.12.0 lost a reference to None in each void call and aborted CPython 3.10 and 3.11 after some 5,000."""
    label, button = QLabel(), QPushButton()
    opened(qtbot, label)
    before = sys.getrefcount(None)
    for k in range(1000):
        label.setText(str(k))
        button.setText(str(k))
    if before < 2**31:  # from 3.12 on None is immortal and has no count to lose
        assert sys.getrefcount(None) > before - 100


def inks(drawing: QPixmap) -> set[str]:
    """The colours of its pixels that cover fully."""
    image = drawing.toImage()
    pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
    return {pixel.name() for pixel in pixels if pixel.alpha() == 255}


def strongest(shot: QImage) -> float:
    """The contrast of its strongest ink against its ground, which is its commonest colour."""
    found: dict[str, int] = {}
    for x in range(shot.width()):
        for y in range(shot.height()):
            name = shot.pixelColor(x, y).name()
            found[name] = found.get(name, 0) + 1
    ground = max(found, key=lambda name: found[name])
    return max(contrast(name, ground) for name in found)


def test_the_circumflex_is_on_its_x_in_every_font(qapp: QApplication) -> None:
    """Held against the ink itself: some, and no more, above where the x alone has any, and none above the line."""

    def top(font: QFont, text: str) -> int:
        line = QFontMetrics(font).height()
        image = QImage(4 * line, 4 * line, QImage.Format.Format_Grayscale8)
        image.fill(0)
        painter = QPainter(image)
        painter.setFont(font)
        painter.setPen(QColor("white"))
        painter.drawText(line, 3 * line, text)
        painter.end()
        rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
        return int(np.flatnonzero(rows.any(axis=1))[0]) - 2 * line

    for family in (qapp.font().family(), *QFontDatabase.families()):
        if QFontDatabase.isSmoothlyScalable(family) and QFontMetrics(QFont(family)).inFontUcs4(0x302):
            font = with_marks(QFont(family, 20))
            assert places_marks(font), family
            assert -0.1 * QFontMetrics(font).height() <= top(font, MARKED) < top(font, "x"), family


def test_every_part_with_icons_draws_them_again_by_itself(qtbot: QtBot, qapp: QApplication) -> None:
    """A part listens to the palette; nobody has to know which parts there are."""
    heading, row = Disclosure("Advanced", QWidget()), AimRow(1)
    notices = NoticeBar()
    notices.raise_notice(Notice("error", "This is wrong."))
    look = Appearance(qapp, "light")
    look.finish()
    for part in (heading, row, notices):
        qtbot.addWidget(part)
    for theme in (LIGHT, DARK, LIGHT):
        look.set_mode(theme.name)
        until(qtbot, lambda: inks(heading.button.icon().pixmap(20, 20)) == {theme.text})  # noqa: B023
        until(qtbot, lambda: inks(row.remove.icon().pixmap(20, 20)) == {theme.text})  # noqa: B023
        until(qtbot, lambda: inks(notices.dismiss.icon().pixmap(20, 20)) == {theme.text})  # noqa: B023
        until(qtbot, lambda: inks(notices.sign.pixmap()) == {theme.alarm})  # noqa: B023
