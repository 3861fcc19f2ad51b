"""SettingsFollower: what the window does at once when a setting changes."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from app.core.canvas.toolset import Toolset
from app.settings import Settings
from app.settings.pen import pen_of
from app.ui.look.motion import reduce_motion
from app.ui.look.theme import Appearance


class SettingsFollower(QObject):
    """Keeps the looks, the canvas and the pen as the settings say. `set_smooth` changes the canvas's enlargement."""

    def __init__(
        self,
        settings: Settings,
        look: Appearance,
        tools: Toolset,
        set_smooth: Callable[[bool], object],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._settings, self._look, self._tools, self._set_smooth = settings, look, tools, set_smooth
        settings.changed.connect(self._follow)
        reduce_motion(settings.values.reduced_motion)
        tools.pen = pen_of(settings.values)

    def _follow(self, names: set[str]) -> None:
        values = self._settings.values
        if "theme" in names:
            self._look.set_mode(values.theme)
        if "reduced_motion" in names:
            reduce_motion(values.reduced_motion)
        if "scaling" in names:
            self._set_smooth(values.scaling == "smooth")
        if names & {"pen_curve", "pen_pressure"}:
            self._tools.pen = pen_of(values)
