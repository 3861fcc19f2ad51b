"""The studio's looks: own QPalettes on Fusion, because a colour scheme hint does nothing on many platforms.

Neutral greys, so that the pictures are the only colour in the window, and one accent. A theme can prove itself:
`failures` lists every pair of text and ground whose contrast (WCAG 2.1, relative luminance) is too low.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget

from app.ui.look.colours import contrast, luminance, mix
from app.ui.look.fonts import with_marks
from app.ui.look.stylesheet import stylesheet

Role = QPalette.ColorRole
Group = QPalette.ColorGroup

READABLE = 4.5  # contrast of text with its ground, to 1: WCAG 2.1, level AA
ENHANCED = 7.0  # the same, level AAA: the theme of high contrast
DISABLED = 3.0  # of disabled text, for which WCAG has no minimum

MODES = {"system": "As the system", "light": "Light", "dark": "Dark", "contrast": "High contrast"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours by purpose; `palette` says which QPalette role carries each.

    readable, disabled -- the least contrast of text with its ground, to 1, and of disabled text
    """

    name: str
    window: str  # panels
    base: str  # fields
    canvas: str  # around the picture: neutral, so that its colours are judged rightly
    raised: str  # buttons
    line: str  # hairlines and the edges of fields
    text: str
    muted: str  # second-rank text: still readable
    faint: str  # disabled text
    accent: str
    on_accent: str
    alarm: str  # errors, on panels
    readable: float = READABLE
    disabled: float = DISABLED

    def palette(self) -> QPalette:
        palette = QPalette()
        for role, colour in {
            Role.Window: self.window,
            Role.WindowText: self.text,
            Role.Base: self.base,
            Role.AlternateBase: self.window,
            Role.Text: self.text,
            Role.PlaceholderText: self.muted,
            Role.Button: self.raised,
            Role.ButtonText: self.text,
            Role.BrightText: self.alarm,
            Role.ToolTipBase: self.raised,
            Role.ToolTipText: self.text,
            Role.Highlight: self.accent,
            Role.HighlightedText: self.on_accent,
            Role.Accent: self.accent,
            Role.Link: self.accent,
            Role.LinkVisited: self.accent,
            Role.Light: mix(self.raised, "#ffffff", 0.10),
            Role.Midlight: mix(self.raised, self.text, 0.08),
            Role.Mid: self.line,
            Role.Dark: self.canvas,
            Role.Shadow: mix(self.window, "#000000", 0.5),
        }.items():
            palette.setColor(role, QColor(colour))
        for role in (Role.WindowText, Role.Text, Role.ButtonText, Role.HighlightedText):
            palette.setColor(Group.Disabled, role, QColor(self.faint))
        palette.setColor(Group.Disabled, Role.Highlight, QColor(self.raised))
        return palette

    def failures(self) -> list[str]:
        """Pairs of text and ground with too little contrast, one line each; none for a theme that may ship."""
        grounds = {"window": self.window, "base": self.base, "raised": self.raised, "canvas": self.canvas}
        least = dict.fromkeys(("text", "muted", "alarm", "accent"), self.readable) | {"faint": self.disabled}
        pairs = [(f"{ink} on {name}", getattr(self, ink), ground, ratio) for ink, ratio in least.items()
                 for name, ground in grounds.items()]  # fmt: skip
        pairs.append(("on_accent on accent", self.on_accent, self.accent, self.readable))
        return [
            f"{name}: {found:.2f}" for name, ink, ground, ratio in pairs if (found := contrast(ink, ground)) < ratio
        ]


DARK = Theme(
    name="dark", window="#242628", base="#1a1c1d", canvas="#141516", raised="#323537", line="#45494c",
    text="#e9ebec", muted="#a8aeb2", faint="#7d8387", accent="#4cc2b4", on_accent="#06211e", alarm="#ff9d8f",
)  # fmt: skip
LIGHT = Theme(
    name="light", window="#f4f4f3", base="#ffffff", canvas="#e4e4e2", raised="#e9e9e7", line="#c6c7c5",
    text="#1d1f20", muted="#565b5e", faint="#7b8082", accent="#0a6b62", on_accent="#ffffff", alarm="#a62a1a",
)  # fmt: skip
CONTRAST = Theme(
    name="contrast", window="#000000", base="#000000", canvas="#000000", raised="#1c1c1c", line="#535353",
    text="#ffffff", muted="#d4d4d4", faint="#a0a0a0", accent="#5ce1ff", on_accent="#000000", alarm="#ffb4a8",
    readable=ENHANCED, disabled=READABLE,
)  # fmt: skip
THEMES = {theme.name: theme for theme in (LIGHT, DARK, CONTRAST)}


def is_dark(palette: QPalette) -> bool:
    return luminance(palette.color(Role.Window)) < 0.2


def em(widget: QWidget, share: float = 1.0) -> int:
    """A length in the widget's own line heights, in device-independent pixels: every size in the studio is one."""
    return max(1, round(widget.fontMetrics().height() * share))


class Appearance(QObject):
    """Keeps the application in the chosen mode, a key of MODES, and follows the system while asked to.

    At first it sets the palette and the font only. Call `finish` when the widgets are built: under a style sheet, Qt
    matches every rule against every widget again whenever one of their parents changes, which took half of the
    building of the window.
    """

    changed = Signal()

    def __init__(self, app: QApplication, mode: str = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._app = app
        self._mode = mode if mode in MODES else "system"
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)
        if not app.styleSheet():  # ours is laid over Fusion
            app.setStyle("Fusion")
            app.setFont(with_marks(app.font()))
        app.setStyleSheet("")
        app.setPalette(self.theme.palette())

    def finish(self) -> None:
        """Lay the style sheet on all widgets."""
        self._apply()

    @property
    def mode(self) -> str:
        return self._mode

    def set_mode(self, mode: str) -> None:
        if mode not in MODES or mode == self._mode:
            return
        self._mode = mode
        self._apply()

    @property
    def theme(self) -> Theme:
        if self._mode == "system":
            return LIGHT if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK
        return THEMES[self._mode]

    def _follow(self) -> None:
        if self._mode == "system":
            self._apply()

    def _apply(self) -> None:
        palette = self.theme.palette()
        text = stylesheet(palette, QFontMetrics(self._app.font()).height())
        if (
            palette != self._app.palette() or text != self._app.styleSheet()
        ):  # else every widget is polished for nothing
            self._app.setStyleSheet("")  # from one sheet to another takes Qt three times as long as by none
            self._app.setPalette(palette)
            self._app.setStyleSheet(text)
        self.changed.emit()
