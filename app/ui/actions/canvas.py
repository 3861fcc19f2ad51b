"""The tools, the mask, and undo of changes to the artwork."""

from __future__ import annotations

from collections.abc import Callable

from app.core.canvas import mask_edits
from app.core.canvas.artwork import Artwork
from app.ui.actions.action import Action
from app.ui.actions.reasons import Reason, first_of, no_artwork, unless
from app.ui.actions.studio import StudioParts
from app.ui.canvas.tools import TOOLS
from app.ui.canvas.tools.tool import Tool

_NO_MASK = first_of(no_artwork, unless(lambda s: s.document.editing.painted.anywhere, "Paint a mask first."))
_NO_UNDO = first_of(no_artwork, unless(lambda s: s.document.artwork.can_undo, "There is nothing to undo."))
_NO_REDO = first_of(no_artwork, unless(lambda s: s.document.artwork.can_redo, "There is nothing to redo."))


def _with_step(text: str, step: str) -> str:
    return f"{text}: {step}" if step else text


def _without(option: str) -> Reason:
    """The tool in hand has no such option."""
    return unless(lambda s: option in OPTIONS[s.tools.tool], f"The tool in hand has no {option}: choose a brush.")


def _tool(tool: type[Tool], begins: bool) -> Action:
    def take(studio: StudioParts) -> None:
        studio.tools.tool = tool.name
        studio.canvas.setFocus()

    return Action(
        id=f"tool-{tool.name}", text=tool.title, menu="Canvas", keys=(tool.key,), where="picture", icon=tool.icon,
        tip=tool.tip, group="tool", begins=begins, why=no_artwork, do=take,
        checked=lambda s: s.tools.tool == tool.name,
    )  # fmt: skip


def _set(name: str, text: str, key: str, option: str, do: Callable[[StudioParts], object]) -> Action:
    return Action(
        id=name, text=text, menu="Canvas", submenu="Tool", keys=(key,) if key else (), where="picture", do=do,
        why=first_of(no_artwork, _without(option)),
    )  # fmt: skip


def _mask(
    name: str, text: str, keys: tuple[str, ...], tip: str, do: Callable[[Artwork, int], object], begins: bool = False
) -> Action:
    """`do` gets the artwork and the mask's step in pixels. Only inversion works without a mask."""
    return Action(
        id=name, text=text, menu="Canvas", keys=keys, where="picture", icon=name, tip=tip, begins=begins,
        why=no_artwork if name == "mask-invert" else _NO_MASK,
        do=lambda s: do(s.document.artwork, s.tools.edge),
    )  # fmt: skip


def _swap(studio: StudioParts) -> None:
    """The eraser from anything but the eraser, else the brush."""
    studio.tools.tool = "brush" if studio.tools.tool == "eraser" else "eraser"


def _turn_follow(studio: StudioParts) -> None:
    auto = studio.document.auto_box
    (auto.pin if auto.following else auto.follow)()


def _turn_mask(studio: StudioParts) -> None:
    studio.tools.mask_shown = not studio.tools.mask_shown


OPTIONS = {tool.name: tool.options for tool in TOOLS}

UNDO: tuple[Action, ...] = (
    Action(id="undo", text="Undo", menu="Edit", keys=("Ctrl+Z",), where="picture", icon="undo",
        text_now=lambda s: _with_step("Undo", s.document.artwork.undo_text),
        tip="Undo the last change of the picture or of its mask",
        why=_NO_UNDO, do=lambda s: s.document.artwork.undo()),
    Action(id="redo", text="Redo", menu="Edit", keys=("Ctrl+Shift+Z", "Ctrl+Y"), where="picture", icon="redo",
        text_now=lambda s: _with_step("Redo", s.document.artwork.redo_text),
        tip="Do again the change that you undid",
        why=_NO_REDO, do=lambda s: s.document.artwork.redo()),
)  # fmt: skip

ACTIONS: tuple[Action, ...] = (
    *(_tool(tool, tool.name in ("lasso", "colour", "box")) for tool in TOOLS),
    Action(id="swap", text="Swap brush and eraser", menu="Canvas", submenu="Tool", keys=("X",), where="picture",
        why=no_artwork, do=_swap),
    _set("smaller", "Smaller", "[", "size", lambda s: s.tools.resize(-1)),
    _set("larger", "Larger", "]", "size", lambda s: s.tools.resize(+1)),
    _set("softer", "Softer", "Shift+[", "hardness", lambda s: s.tools.harden(-1)),
    _set("harder", "Harder", "Shift+]", "hardness", lambda s: s.tools.harden(+1)),
    Action(id="box-follow", text="Let the box follow the mask", menu="Canvas", keys=("Shift+M",), where="picture",
        icon="box-follow", short="Follow", begins=True,
        tip="Fit the box, the part that the model sees, to the mask; moving it by hand switches this off",
        why=no_artwork, do=_turn_follow, checked=lambda s: s.document.auto_box.following),
    Action(id="mask-shown", text="Show the mask", menu="Canvas", keys=("H",), where="picture", icon="mask-shown",
        tip="Show the mask and its outlines over the picture", why=no_artwork, do=_turn_mask,
        checked=lambda s: s.tools.mask_shown),
    _mask("mask-invert", "Invert the mask", ("Shift+I",), "Swap what is kept and what is remade",
          lambda art, _: mask_edits.invert(art)),
    _mask("mask-clear", "Clear the mask", ("Ctrl+D",), "Keep every pixel", lambda art, _: mask_edits.clear(art)),
    _mask("mask-shrink", "Shrink the mask", ("Shift+-",), "Remove a rim of the mask", mask_edits.shrink),
    _mask("mask-grow", "Grow the mask", ("Shift++", "Shift+="), "Add a rim to the mask", mask_edits.grow),
    _mask("mask-feather", "Feather the mask", ("Shift+F",), "Soften the edge of the mask", mask_edits.feather),
)  # fmt: skip
