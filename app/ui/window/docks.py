"""The panels around the canvas: which of them are shown, and how the window is laid out at the next start."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from app.settings import Settings, from_text, to_text
from app.ui.look.theme import em
from app.ui.window.page import Page

LAYOUT = 1  # the version of the saved layout: another one is not restored
SIZE = QSize(1280, 800)  # of the window at the first start
LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
PANELS = {  # title and place of each panel, from left to right
    "settings": ("Settings", LEFT),
    "likelihood": ("Likelihood", RIGHT),
    "queue": ("Queue", RIGHT),
    "recent": ("Pictures of this session", RIGHT),
    "timeline": ("Timeline", BOTTOM),
}
WIDTHS = {"settings": 19, "likelihood": 19, "queue": 17, "recent": 6.6}  # at the first start, in line heights
TIMELINE_HEIGHT = 12.5  # the same
HIDDEN = {"likelihood", "queue"}  # at the first start
GIVE_WAY = "recent", "likelihood", "queue", "settings"  # where the screen is too narrow for all


class Docks:
    """The panels of one window, by name. A panel is shown where a person wants it and the page in front has it."""

    def __init__(self, window: QMainWindow, panels: Mapping[str, QWidget]) -> None:
        self._window = window
        self._docks = {name: self._dock(name, panels[name]) for name in PANELS}
        self._sizes: dict[str, int] = {}  # of each panel, as a person left it
        self._laid: dict[str, int] = {}  # of each panel, as this class left it: a small window has less room
        self._wanted = set(PANELS) - HIDDEN
        self._page: set[str] = set(PANELS)  # those that the page in front has
        window.splitDockWidget(self._docks["likelihood"], self._docks["queue"], Qt.Orientation.Horizontal)
        window.splitDockWidget(self._docks["queue"], self._docks["recent"], Qt.Orientation.Horizontal)
        for name in HIDDEN:
            self._docks[name].hide()
        window.setCorner(Qt.Corner.BottomLeftCorner, LEFT)
        window.setCorner(Qt.Corner.BottomRightCorner, BOTTOM)
        window.setDockOptions(QMainWindow.DockOption(0))

    def _dock(self, name: str, panel: QWidget) -> QDockWidget:
        title, place = PANELS[name]
        dock = QDockWidget(title, self._window)
        dock.setObjectName(name)
        dock.setFeatures(QDockWidget.DockWidgetFeature.NoDockWidgetFeatures)
        dock.setTitleBarWidget(QWidget(dock))
        dock.setWidget(panel)
        self._window.addDockWidget(place, dock)
        return dock

    def has(self, name: str) -> bool:
        """Whether the page in front has that panel."""
        return name in self._page

    def is_shown(self, name: str) -> bool:
        return not self._docks[name].isHidden()

    def show(self, name: str) -> None:
        self._wanted.add(name)
        self._lay_out(name)

    def toggle(self, name: str) -> None:
        self._wanted = self._wanted - {name} if self.is_shown(name) else self._wanted | {name}
        self._lay_out(name)

    def change_page(self, page: Page) -> None:
        """Show the wanted panels that `page` has, and hide the others."""
        self._page = {*page.beside}
        self._page |= {"settings"} if page.panel is not None else set()
        self._page |= {"timeline"} if page.timeline is not None else set()
        self._lay_out()

    def _lay_out(self, asked: str = "") -> None:
        """Show and hide the panels; each that stays or comes back has the size that it had.

        asked -- the panel that a person asks for: it is the last to give way on a small screen
        """
        self._note_sizes()
        for name, dock in self._docks.items():
            dock.setVisible(name in self._wanted & self._page)
        self._fit_screen(asked)
        self._resize({name: self._size(name) for name in PANELS})

    def _note_sizes(self) -> None:
        """Keep the size of each panel that a person dragged to another one."""
        for name, size in self._now().items():
            if size != self._laid.get(name):
                self._sizes[name] = size

    def _now(self) -> dict[str, int]:
        shown = {name: dock for name, dock in self._docks.items() if dock.isVisible()}
        return {name: dock.height() if name == "timeline" else dock.width() for name, dock in shown.items()}

    def _size(self, name: str) -> int:
        return self._sizes.get(name) or self._first_size(name)

    def _first_size(self, name: str) -> int:
        return em(self._window, TIMELINE_HEIGHT if name == "timeline" else WIDTHS[name])

    def _resize(self, sizes: Mapping[str, int]) -> None:
        shown = [name for name in PANELS if self.is_shown(name)]
        wide = [name for name in shown if name != "timeline"]
        self._window.resizeDocks(
            [self._docks[name] for name in wide], [sizes[name] for name in wide], Qt.Orientation.Horizontal
        )
        if "timeline" in shown:
            self._window.resizeDocks([self._docks["timeline"]], [sizes["timeline"]], Qt.Orientation.Vertical)
        self._laid = self._now()

    def _fit_screen(self, asked: str = "") -> None:
        """Hide panels while the window would be wider than the screen: first the one that can be missed most."""
        for name in (*(name for name in GIVE_WAY if name != asked), asked):
            if self._window.minimumSizeHint().width() <= _room(self._window).width():
                return
            if name:
                self._docks[name].hide()

    def reset(self) -> None:
        """Lay the panels out as at the first start."""
        self._wanted = set(PANELS) - HIDDEN
        self._sizes.clear()
        self._laid = self._now()
        self._lay_out()

    def restore(self, settings: Settings) -> None:
        """Lay the window out as it was left; as at the first start where nothing whole is remembered."""
        window, values = self._window, settings.values
        if not (values.geometry and window.restoreGeometry(from_text(values.geometry))):
            window.resize(SIZE)
        window.resize(window.size().boundedTo(_room(window)))
        if values.window_state and window.restoreState(from_text(values.window_state), LAYOUT):
            self._wanted = {name for name in PANELS if self.is_shown(name)}
            self._fit_screen()
        else:
            self.reset()

    def remember(self, settings: Settings) -> None:
        """Keep the layout in the settings."""
        window = self._window
        settings.update(geometry=to_text(window.saveGeometry()), window_state=to_text(window.saveState(LAYOUT)))


def _room(window: QMainWindow) -> QSize:
    """The largest size of `window` on its screen, beside its frame."""
    frame = window.frameGeometry().size() - window.size()
    frame = frame.expandedTo(QSize(0, em(window, 2)))  # before it is shown, the frame is not known
    return window.screen().availableSize() - frame
