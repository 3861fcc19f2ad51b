"""Reduced motion: nothing in the window moves by itself.

A text cursor that does not blink is the one sign of it that Qt keeps, so widgets of our own ask for that.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

EFFECTS = (
    Qt.UIEffect.UI_AnimateMenu, Qt.UIEffect.UI_FadeMenu, Qt.UIEffect.UI_AnimateCombo, Qt.UIEffect.UI_AnimateTooltip,
    Qt.UIEffect.UI_FadeTooltip, Qt.UIEffect.UI_AnimateToolBox,
)  # fmt: skip
SYSTEM = -1  # the flash time that the desktop says


def reduce_motion(reduced: bool) -> None:
    """Let cursors blink and menus fade as the desktop does, or not at all."""
    QGuiApplication.styleHints().setCursorFlashTime(0 if reduced else SYSTEM)
    for effect in EFFECTS:
        if reduced:
            QApplication.setEffectEnabled(effect, False)


def motion_reduced() -> bool:
    return QGuiApplication.styleHints().cursorFlashTime() == 0
