"""The panels around the canvas: which of them are shown, and how the window is laid out at the next start."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from app.settings import Settings, from_text, to_text
from app.ui.look.theme import em
from app.ui.window.rooms import MORPH, PICTURES

LAYOUT = 1  # the version of the saved layout: another one is not restored
SIZE = QSize(1280, 800)  # of the window at the first start
LEFT, RIGHT = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea
PANELS = {  # title and place of each panel, from left to right
    "settings": ("Settings", LEFT),
    "likelihood": ("Likelihood", RIGHT),
    "recent": ("Pictures of this session", RIGHT),
    "timeline": ("Timeline", BOTTOM),
}
WIDTHS = {"settings": 19, "likelihood": 17, "recent": 6.6}  # at the first start, in line heights
TIMELINE_HEIGHT = 12.5  # the same
BESIDE = {  # the panels on the right, and the rooms that have them
    "likelihood": (PICTURES,),
    "recent": (PICTURES, MORPH),
}


class Docks:
    """The panels of one window, by name. The likelihood is hidden at first."""

    def __init__(self, window: QMainWindow, panels: Mapping[str, QWidget]) -> None:
        self._window = window
        self._docks = {name: self._dock(name, panels[name]) for name in PANELS}
        self._wanted: set[str] = set()  # of BESIDE: shown where the room has them
        window.splitDockWidget(self._docks["likelihood"], self._docks["recent"], Qt.Orientation.Horizontal)
        self._docks["likelihood"].hide()
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

    def is_shown(self, name: str) -> bool:
        return not self._docks[name].isHidden()

    def show(self, name: str) -> None:
        self._docks[name].show()

    def toggle(self, name: str) -> None:
        self._docks[name].setVisible(not self.is_shown(name))

    def change_room(self, before: str, after: str) -> None:
        """Hide the panels on the right that the room `after` does not have, and show again those that it has."""
        for name, rooms in BESIDE.items():
            if before in rooms:
                self._wanted = self._wanted | {name} if self.is_shown(name) else self._wanted - {name}
        for name in self._wanted:
            self._docks[name].setVisible(after in BESIDE[name])

    def restore(self, settings: Settings) -> None:
        """Lay the window out as it was left; as at the first start where nothing whole is remembered."""
        window, values = self._window, settings.values
        if not (values.geometry and window.restoreGeometry(from_text(values.geometry))):
            window.resize(SIZE.boundedTo(window.screen().availableSize()))
        if not (values.window_state and window.restoreState(from_text(values.window_state), LAYOUT)):
            docks, widths = [self._docks[name] for name in WIDTHS], [em(window, width) for width in WIDTHS.values()]
            window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)
            window.resizeDocks([self._docks["timeline"]], [em(window, TIMELINE_HEIGHT)], Qt.Orientation.Vertical)

    def remember(self, settings: Settings) -> None:
        """Keep the layout in the settings."""
        window = self._window
        settings.update(geometry=to_text(window.saveGeometry()), window_state=to_text(window.saveState(LAYOUT)))
