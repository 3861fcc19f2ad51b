"""Colour arithmetic: contrast as WCAG 2.1 measures it, and mixtures."""

from __future__ import annotations

from PySide6.QtGui import QColor


def luminance(colour: QColor | str) -> float:
    """Relative luminance of WCAG 2.1, 0 for black to 1 for white."""
    c = QColor(colour)
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in (c.redF(), c.greenF(), c.blueF())]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: QColor | str, b: QColor | str) -> float:
    """Contrast ratio of WCAG 2.1, 1 to 21."""
    dark, light = sorted((luminance(a), luminance(b)))
    return (light + 0.05) / (dark + 0.05)


def mix(a: QColor | str, b: QColor | str, share: float) -> QColor:
    """`a` with `share` (0 … 1) of `b` in it."""
    p, q = QColor(a), QColor(b)
    return QColor.fromRgbF(
        p.redF() + (q.redF() - p.redF()) * share,
        p.greenF() + (q.greenF() - p.greenF()) * share,
        p.blueF() + (q.blueF() - p.blueF()) * share,
    )
