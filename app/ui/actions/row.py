"""One command of the studio, and what commands act on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtGui import QKeySequence

from app.core.canvas.toolset import Toolset
from app.core.document import Document
from app.core.flow.encode import Encoder
from app.core.flow.likelihood import Appraisal
from app.core.lab.lab_model import Lab
from app.core.morph.morph_room import MorphRoom
from app.core.shown.timeline import StepTimeline
from app.ui.canvas.view import CanvasView
from app.ui.files.dialogs import Files
from app.ui.look.theme import Look
from app.ui.morph.films import Films
from app.ui.window.rooms import LAB, MORPH, PICTURES, Room


class Studio(Protocol):
    """What the commands act on: the main window."""

    document: Document
    appraisal: Appraisal
    encoder: Encoder
    canvas: CanvasView
    look: Look
    lab: Lab
    morph: MorphRoom
    films: Films
    files: Files
    tools: Toolset

    @property
    def room(self) -> Room: ...
    @property
    def steps(self) -> StepTimeline: ...
    def show_room(self, name: str) -> None: ...
    def save_animation(self) -> None: ...
    def copy_picture(self) -> None: ...
    def open_pictures(self) -> None: ...
    def focus_prompt(self) -> None: ...
    def steer(self) -> None: ...
    def show_sweep(self) -> None: ...
    def toggle_panel(self, name: str) -> None: ...
    def panel_visible(self, name: str) -> bool: ...
    def set_smooth(self, smooth: bool) -> None: ...
    def set_surround(self, surround: str) -> None: ...
    def set_theme(self, mode: str) -> None: ...
    def show_shortcuts(self) -> None: ...
    def show_about(self) -> None: ...
    def close(self) -> bool: ...


def in_pictures(studio: Studio) -> bool:
    return studio.room.name == PICTURES


def in_lab(studio: Studio) -> bool:
    return studio.room.name == LAB


def in_morph(studio: Studio) -> bool:
    return studio.room.name == MORPH


def _always(_: Document) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One command.

    keys    -- its shortcuts, the one to show first
    where   -- where the keys work: "window" anywhere, "picture" with the focus on the canvas or the timeline,
               "timeline" on the timeline alone, "steps" there and on the canvas while a run is on it, "candidates" on
               their strip and on the canvas while the artwork is on it, "lab" on the lab's plane or its timeline,
               "morph-keys" on the row of key frames
    enabled -- whether it can be used now; usable, where that depends on more than the document; checked, for a switch,
               whether it is on
    why     -- for one whose reason deserves a sentence: why it cannot be used now, "" when it can; its tip then
    group   -- switches of which exactly one is on; submenu -- the menu inside `menu` that it stands in
    """

    id: str
    text: str
    menu: str
    do: Callable[[Studio], object]
    keys: tuple[str, ...] = ()
    tip: str = ""
    icon: str = ""
    where: str = "window"
    enabled: Callable[[Document], bool] = _always
    usable: Callable[[Studio], bool] | None = None
    why: Callable[[Studio], str] | None = None
    checked: Callable[[Studio], bool] | None = None
    group: str = ""
    submenu: str = ""
    short: str = ""  # on a button, where `text` is long
    begins: bool = False  # a separator before it


def keys_text(row: Row) -> str:
    """Its first shortcut as this system writes it."""
    return QKeySequence(row.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if row.keys else ""
