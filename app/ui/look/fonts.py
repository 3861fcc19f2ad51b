"""Fonts that put a mark where it belongs, on its letter."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QFont, QTextLayout

MARKED = "x\u0302"  # the x̂ of x̂₀, for which Unicode has no letter of its own
MARK = QFont.Tag("mark")  # OpenType's placing of marks by the font's own anchors


def with_marks(font: QFont) -> QFont:
    """`font`, without its own anchors for marks where they are wrong: the shaper then centres marks over letters.

    DejaVu Sans, the first font of most Linux desktops, puts the circumflex of x̂ on the line above. Give it to the
    application before there is a widget: in widgets that exist, Qt does not replace a font by one that differs in
    features alone.
    """
    if places_marks(font):
        return font
    mended = QFont(font)
    mended.setFeature(MARK, 0)
    return mended


def places_marks(font: QFont) -> bool:
    """Whether x̂ stays in its line, give or take half of it."""
    layout = QTextLayout(MARKED, font)
    layout.beginLayout()
    line = layout.createLine()
    layout.endLayout()
    ink = QRectF()
    for run in layout.glyphRuns():
        for glyph, at in zip(run.glyphIndexes(), run.positions(), strict=True):
            ink |= run.rawFont().boundingRect(glyph).translated(at)
    return ink.top() > -line.height() / 2
