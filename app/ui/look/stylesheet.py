"""The style sheet over Fusion: flat, one radius, one focus ring. Colours from the palette, lengths from the font."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QPushButton

from app.ui.look.colours import luminance, mix

MARKS = Path(__file__).with_name("marks")

_SHEET = """
QMainWindow::separator { background: palette(mid); width: 1px; height: 1px; }
QDockWidget { border: none; }
QScrollArea, QScrollArea > QWidget > QWidget#panel { border: none; background: transparent; }

QLabel[rank="muted"], QLabel[rank="caption"] { color: palette(placeholder-text); }
QLabel[rank="heading"] { font-weight: 600; }
QLabel[rank="title"] { font-size: 17pt; font-weight: 600; }
QLabel[rank="alarm"] { color: palette(bright-text); }

QPlainTextEdit, QLineEdit, QAbstractSpinBox {
  background: palette(base); color: palette(text); border: 1px solid palette(mid); border-radius: @r;
  padding: @p3 @p5; selection-background-color: palette(highlight); selection-color: palette(highlighted-text); }
QPlainTextEdit { padding: @p2 @p2; }
QPlainTextEdit, QLineEdit { placeholder-text-color: palette(placeholder-text); }
QPlainTextEdit:focus, QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QComboBox:on {
  border-color: palette(highlight); }
QPlainTextEdit:disabled, QLineEdit:disabled, QAbstractSpinBox:disabled { color: @faint; background: palette(window); }
QAbstractSpinBox QLineEdit, QAbstractSpinBox QLineEdit:focus {
  border: none; border-radius: 0; padding: 0; background: transparent; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; subcontrol-origin: margin; }

QComboBox { background: palette(base); color: palette(text); border: 1px solid palette(mid); border-radius: @r;
  padding: @p3 @p5; combobox-popup: 0; }
QComboBox:disabled { color: @faint; background: palette(window); }
QComboBox::drop-down { border: none; width: @l14; }
QComboBox::down-arrow { image: none; }
QComboBox QAbstractItemView { background: palette(base); color: palette(text); border: 1px solid palette(mid);
  padding: @p2; outline: none; selection-background-color: palette(highlight);
  selection-color: palette(highlighted-text); }
QHeaderView::section {
  background: palette(window); color: palette(window-text); border: none; border-bottom: 1px solid palette(mid);
  padding: @p2; }

QPushButton {
  background: palette(button); color: palette(button-text); border: 1px solid palette(mid); border-radius: @r;
  padding: @p3 @p8; }
QPushButton:hover { background: palette(midlight); }
QPushButton:pressed { background: palette(mid); }
QPushButton:focus { border-color: palette(highlight); }
QPushButton:disabled { color: @faint; background: palette(window); }
QPushButton[kind="primary"] {
  background: palette(highlight); color: palette(highlighted-text); border-color: palette(highlight);
  font-weight: 600; padding: @p6 @p8; }
QPushButton[kind="primary"]:hover { background: @accent_hover; border-color: @accent_hover; }
QPushButton[kind="primary"]:pressed { background: @accent_down; border-color: @accent_down; }
QPushButton[kind="primary"]:focus { border-color: palette(text); }
QPushButton[kind="primary"]:disabled {
  background: palette(button); color: palette(placeholder-text); border-color: palette(mid); }
QPushButton[kind="stop"] {
  font-weight: 600; padding: @p6 @p8; border-color: palette(highlight); color: palette(highlight); }
QPushButton[kind="stop"]:pressed { background: palette(midlight); }
QPushButton[kind="chip"] { border-radius: @chip; padding: @p2 @p7; }
QPushButton[large="true"] { border-radius: @chip2; padding: @p5 @p12; }
QPushButton[kind="chip"]:checked {
  background: palette(highlight); color: palette(highlighted-text); border-color: palette(highlight); }
QPushButton[kind="chip"]:checked:focus { border-color: palette(text); }
QPushButton[kind="row"] { text-align: left; padding: @p3 @p5; }
QPushButton[kind="row"]:checked { border-color: palette(highlight); background: palette(base); }
QPushButton[kind="link"] {
  background: transparent; border: 1px solid transparent; color: palette(highlight); padding: 1px @p2;
  text-align: left; }
QPushButton[kind="link"]:hover { text-decoration: underline; }
QPushButton[kind="link"]:focus { border-color: palette(highlight); }
QPushButton[kind="disclosure"] {
  background: transparent; border: 1px solid transparent; padding: @p2 @p2; text-align: left;
  font-weight: 600; }
QPushButton[kind="disclosure"]:focus { border-color: palette(highlight); }

QToolButton {
  background: transparent; color: palette(button-text); border: 1px solid transparent; border-radius: @r;
  padding: @p2; }
QToolButton:hover { background: palette(midlight); }
QToolButton:pressed, QToolButton:checked { background: palette(mid); }
QToolButton:focus { border-color: palette(highlight); }
QToolButton:disabled { color: @faint; }
QToolButton:checked:disabled { color: palette(placeholder-text); }
QToolButton::menu-indicator { image: none; }
QToolButton[kind="segment"] {
  background: palette(button); border: 1px solid palette(mid); border-radius: 0; padding: @p1 @p7; margin: 0; }
QToolButton[kind="segment"]:hover { background: palette(midlight); }
QToolButton[kind="segment"]:checked {
  background: palette(highlight); color: palette(highlighted-text); border-color: palette(highlight); }
QToolButton[kind="segment"]:checked:disabled {
  background: palette(mid); color: palette(placeholder-text); border-color: palette(mid); }
QToolButton[kind="segment"]:focus { border-color: palette(text); }
QToolButton[edge="first"] { border-top-left-radius: @r; border-bottom-left-radius: @r; }
QToolButton[edge="last"] { border-top-right-radius: @r; border-bottom-right-radius: @r; }
QToolButton[edge="middle"], QToolButton[edge="last"] { margin-left: -1px; }

QCheckBox::indicator:unchecked, QAbstractItemView::indicator:unchecked {
  background: palette(base); border: 1px solid palette(placeholder-text); border-radius: @p3; }
QCheckBox::indicator:unchecked:disabled { border-color: palette(mid); }
QCheckBox::indicator:checked, QAbstractItemView::indicator:checked {
  background: palette(highlight); border: 1px solid palette(highlight); border-radius: @p3; image: url("@check"); }
QCheckBox::indicator:checked:disabled { background: palette(mid); border-color: palette(mid); }
QCheckBox::indicator, QAbstractItemView::indicator { width: @side; height: @side; }
QCheckBox::indicator:unchecked:focus, QRadioButton::indicator:unchecked:focus { border-color: palette(highlight); }
QCheckBox::indicator:checked:focus { border-color: palette(text); }
QRadioButton::indicator { border-radius: @round; background: palette(base); }
QRadioButton::indicator:unchecked { width: @side; height: @side; border: 1px solid palette(placeholder-text); }
QRadioButton::indicator:checked { width: @inner; height: @inner; border: @dot solid palette(highlight); }
QRadioButton::indicator:disabled { border-color: palette(mid); }

QScrollBar:vertical { background: transparent; width: @l10; margin: 0; }
QScrollBar:horizontal { background: transparent; height: @l10; margin: 0; }
QScrollBar::handle { background: palette(mid); border-radius: @l3; margin: @p2; }
QScrollBar::handle:vertical { min-height: @l24; }
QScrollBar::handle:horizontal { min-width: @l24; }
QScrollBar::handle:hover { background: palette(placeholder-text); }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QProgressBar { background: palette(mid); border: none; border-radius: @p1; max-height: @p3; min-height: @p3; }
QProgressBar::chunk { background: palette(highlight); border-radius: @p1; }

QWidget#top { background: palette(window); border-bottom: 1px solid palette(mid); }
QMenuBar { background: palette(window); padding: @p1; }
QTabBar { border: none; }
QTabBar::tab {
  background: transparent; color: palette(placeholder-text); border: none;
  border-bottom: @p2 solid transparent; padding: @p3 @p10 @p1 @p10; }
QTabBar::tab:hover { background: palette(midlight); color: palette(text); }
QTabBar::tab:selected { color: palette(text); border-bottom-color: palette(highlight); }
QTabBar::tab:focus { background: palette(midlight); }
QTabBar QToolButton { background: palette(window); border-radius: 0; }
QMenuBar::item { padding: @p3 @p7; border-radius: @r; background: transparent; }
QMenuBar::item:selected { background: palette(midlight); }
QMenu { background: palette(window); border: 1px solid palette(mid); }
QMenu::item:selected { background: palette(midlight); color: palette(text); }
QStatusBar { background: palette(window); border-top: 1px solid palette(mid); }
QStatusBar::item { border: none; }
QToolTip { background: palette(button); color: palette(text); border: 1px solid palette(mid); padding: @p3; }

QListWidget { background: transparent; border: 1px solid transparent; outline: none; }
QListWidget:focus { border-color: palette(highlight); border-radius: @r; }
QListWidget::item { border: @p2 solid transparent; border-radius: @p3; padding: @p1; }
QListWidget::item:hover { border-color: palette(mid); }
QListWidget::item:selected { border-color: palette(highlight); background: transparent; color: palette(text); }
QComboBox QAbstractItemView::item:selected { background: palette(highlight); color: palette(highlighted-text); }
QLabel[kind="toast"] { background: palette(button); border: 1px solid palette(mid); border-radius: @r; }
QFrame#notice { background: palette(button); border: 1px solid palette(mid); border-radius: @r; }
QDialog#palette { border: 1px solid palette(mid); }
QFrame#rule { background: palette(mid); border: none; }
QFrame#footer, QFrame#pane { background: palette(window); }
"""


def stylesheet(palette: QPalette, line: int) -> str:
    """The style sheet for `palette` where a text line is `line` device-independent pixels high.

    @rN, @pN and @lN are lengths: N sixteenths of a line, so that everything grows with the user's font.
    """
    accent = palette.color(QPalette.ColorRole.Highlight)
    ink = palette.color(QPalette.ColorRole.HighlightedText)
    words = {
        "accent_hover": mix(accent, ink, 0.10).name(),
        "accent_down": mix(accent, ink, 0.16).name(),
        "faint": palette.color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text).name(),
        "chip2": f"{round(line * 0.8)}px",
        "chip": f"{round(line * 0.68)}px",
    }
    mark = "white" if luminance(ink) > 0.5 else "black"
    words["check"] = (MARKS / f"check-{mark}.svg").as_posix()
    dot, side = max(2, round(line / 4)), 2 * round(line * 0.42)  # of a radio button: its ring and its whole width
    words |= {"dot": f"{dot}px", "side": f"{side - 2}px", "inner": f"{side - 2 * dot}px", "round": f"{side // 2}px"}
    words |= {f"{kind}{n}": f"{max(1, round(line * n / 16))}px" for kind in "pl" for n in range(1, 25)}
    words["r"] = f"{max(2, round(line * 5 / 16))}px"
    text = _SHEET
    for word in sorted(words, key=len, reverse=True):  # @p12 before @p1
        text = text.replace("@" + word, words[word])
    return text


def set_kind(button: QPushButton, kind: str) -> None:
    """Give the button another kind of the style sheet, and apply the sheet to it again."""
    if (button.property("kind") or "") != kind:
        button.setProperty("kind", kind)
        button.style().unpolish(button)
        button.style().polish(button)
