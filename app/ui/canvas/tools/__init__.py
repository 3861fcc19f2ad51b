"""The tools, in the order of the strip. A new one is a small class in a file of its own and a line here."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.core.canvas.toolset import Toolset
from app.ui.canvas.tools.box import Box
from app.ui.canvas.tools.brush import Brush
from app.ui.canvas.tools.colour_brush import ColourBrush
from app.ui.canvas.tools.ellipse import Ellipse
from app.ui.canvas.tools.eraser import Eraser
from app.ui.canvas.tools.fill import Fill
from app.ui.canvas.tools.lasso import Lasso
from app.ui.canvas.tools.noise_brush import NoiseBrush
from app.ui.canvas.tools.picker import Picker
from app.ui.canvas.tools.rectangle import Rectangle
from app.ui.canvas.tools.tool import Tool

TOOLS: tuple[type[Tool], ...] = (
    Brush,
    Eraser,
    NoiseBrush,
    Lasso,
    Rectangle,
    Ellipse,
    Fill,
    ColourBrush,
    Picker,
    Box,
)


def toolset(parent: QObject | None = None) -> Toolset:
    """All of them, set as they are at first."""
    return Toolset({tool.name: tool.defaults for tool in TOOLS}, {t.name: t.shares for t in TOOLS if t.shares}, parent)
