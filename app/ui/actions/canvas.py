"""The tools, the mask, and undo of what was done to the artwork."""

from __future__ import annotations

from collections.abc import Callable

from app.core.canvas import selection
from app.core.canvas.artwork import Artwork
from app.ui.actions.row import Row, Studio, in_pictures
from app.ui.canvas.tools import TOOLS
from app.ui.canvas.tools.tool import Tool


def _open(studio: Studio) -> bool:
    return in_pictures(studio) and studio.document.editing.shows_artwork


def _masked(studio: Studio) -> bool:
    return _open(studio) and studio.document.editing.painted.anywhere


def _tool(tool: type[Tool], begins: bool) -> Row:
    def take(studio: Studio) -> None:
        studio.tools.tool = tool.name
        studio.canvas.setFocus()

    return Row(
        id=f"tool-{tool.name}", text=tool.title, menu="Canvas", keys=(tool.key,), where="picture", icon=tool.icon,
        tip=tool.tip, group="tool", begins=begins, usable=_open, do=take,
        checked=lambda s: s.tools.tool == tool.name,
    )  # fmt: skip


def _set(name: str, text: str, key: str, option: str, do: Callable[[Studio], object]) -> Row:
    return Row(
        id=name, text=text, menu="Canvas", submenu="Tool", keys=(key,) if key else (), where="picture", do=do,
        usable=lambda s: _open(s) and option in OPTIONS[s.tools.tool],
    )  # fmt: skip


def _mask(
    name: str, text: str, keys: tuple[str, ...], tip: str, do: Callable[[Artwork, int], object], begins: bool = False
) -> Row:
    """`do` is given the artwork and the mask's step in pixels. Only inversion has something to do without a mask."""
    return Row(
        id=name, text=text, menu="Canvas", keys=keys, where="picture", icon=name, tip=tip, begins=begins,
        usable=_open if name == "mask-invert" else _masked,
        do=lambda s: do(s.document.artwork, s.tools.edge),
    )  # fmt: skip


def _swap(studio: Studio) -> None:
    """The eraser from anything but the eraser, else the brush."""
    studio.tools.tool = "brush" if studio.tools.tool == "eraser" else "eraser"


def _turn_mask(studio: Studio) -> None:
    studio.tools.mask_shown = not studio.tools.mask_shown


OPTIONS = {tool.name: tool.options for tool in TOOLS}

UNDO: tuple[Row, ...] = (
    Row(id="undo", text="Undo", menu="Edit", keys=("Ctrl+Z",), where="picture", icon="undo",
        tip="Take back the last change of the picture or of its mask",
        usable=lambda s: _open(s) and s.document.artwork.can_undo, do=lambda s: s.document.artwork.undo()),
    Row(id="redo", text="Redo", menu="Edit", keys=("Ctrl+Shift+Z", "Ctrl+Y"), where="picture", icon="redo",
        tip="Do again what was taken back",
        usable=lambda s: _open(s) and s.document.artwork.can_redo, do=lambda s: s.document.artwork.redo()),
)  # fmt: skip

ROWS: tuple[Row, ...] = (
    *(_tool(tool, tool.name in ("lasso", "colour", "box")) for tool in TOOLS),
    Row(id="swap", text="Swap brush and eraser", menu="Canvas", submenu="Tool", keys=("X",), where="picture",
        usable=_open, do=_swap),
    _set("smaller", "Smaller", "[", "size", lambda s: s.tools.resize(-1)),
    _set("larger", "Larger", "]", "size", lambda s: s.tools.resize(+1)),
    _set("softer", "Softer", "Shift+[", "hardness", lambda s: s.tools.harden(-1)),
    _set("harder", "Harder", "Shift+]", "hardness", lambda s: s.tools.harden(+1)),
    Row(id="mask-shown", text="Show the mask", menu="Canvas", keys=("H",), where="picture", icon="mask-shown",
        tip="Show the mask and its outlines over the picture", begins=True, usable=_open, do=_turn_mask,
        checked=lambda s: s.tools.mask_shown),
    _mask("mask-invert", "Invert the mask", ("Shift+I",), "What is kept is made anew, and the other way round",
          lambda art, _: selection.invert(art)),
    _mask("mask-clear", "Clear the mask", ("Ctrl+D",), "Nothing is made anew", lambda art, _: selection.clear(art)),
    _mask("mask-shrink", "Shrink the mask", ("Shift+-",), "Take a rim of the mask away", selection.shrink),
    _mask("mask-grow", "Grow the mask", ("Shift++", "Shift+="), "Add a rim to the mask", selection.grow),
    _mask("mask-feather", "Feather the mask", ("Shift+F",), "Soften the edge of the mask", selection.feather),
)  # fmt: skip
