"""Widgets that hold colours of the palette in pixels, such as icons: they draw them again when the theme changes."""

from __future__ import annotations

from PySide6.QtCore import QEvent


class Retinted:
    """Mixed into a widget: calls its `tint` after each change of the palette. The widget calls it once by itself."""

    def tint(self) -> None:
        """Redraw everything with colours of the palette."""
        raise NotImplementedError

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)  # type: ignore[misc]
        if event.type() == QEvent.Type.PaletteChange:
            self.tint()
