"""SettingsFollower: what the window does at once when a setting changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.ui.look.motion import reduce_motion
from app.ui.preferences.pen import pen_of

if TYPE_CHECKING:
    from app.ui.window.main_window import MainWindow


class SettingsFollower(QObject):
    """Keeps the looks, the canvas and the pen of a window as the settings say."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        window.settings.changed.connect(self._follow)
        reduce_motion(window.settings.values.reduced_motion)
        window.tools.pen = pen_of(window.settings.values)

    def _follow(self, names: set[str]) -> None:
        window, values = self._window, self._window.settings.values
        if "theme" in names:
            window.look.set_mode(values.theme)
        if "reduced_motion" in names:
            reduce_motion(values.reduced_motion)
        if "scaling" in names:
            window.set_smooth(values.scaling == "smooth")
            window.actions_.refresh()
        if names & {"pen_curve", "pen_pressure"}:
            window.tools.pen = pen_of(values)
