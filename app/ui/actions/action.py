"""One action of the studio: text, keys, effect, and the reason while it is disabled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.ui.actions.reasons import Reason, always_usable
from app.ui.actions.studio import StudioParts


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One command.

    keys     -- its default shortcuts; menus and tips show the first one
    where    -- where the keys work: "window" anywhere, "picture" with the focus on the canvas or the timeline,
                "timeline" on the timeline alone, "steps" there and on the canvas while a run is on it, "candidates" on
                their strip and on the canvas while the artwork is on it, "lab" on the lab's plane or its timeline,
                "morph-keys" on the row of key frames, "queue" on the list of the queue, "history" on its pictures
    why      -- why it cannot be used now, in one sentence; "" when it can. A disabled action shows it as its tip
    price    -- how long it takes, for its tip; "" where that is not known
    text_now -- the text at the moment, for an action whose text changes
    checked  -- for a switch: whether it is on
    icon_on  -- the icon while it is on, where that is another one
    group    -- switches of which exactly one is on
    submenu  -- the menu inside `menu` that it stands in
    short    -- the text on a button, where `text` is long
    looks    -- whether the eyes are on the picture or its steps afterwards, though its keys work anywhere
    begins   -- whether a separator stands before it
    """

    id: str
    text: str
    menu: str
    do: Callable[[StudioParts], object]
    keys: tuple[str, ...] = ()
    tip: str = ""
    icon: str = ""
    icon_on: str = ""
    where: str = "window"
    why: Reason = always_usable
    price: Callable[[StudioParts], str] | None = None
    text_now: Callable[[StudioParts], str] | None = None
    checked: Callable[[StudioParts], bool] | None = None
    group: str = ""
    submenu: str = ""
    short: str = ""
    looks: bool = False
    begins: bool = False

    @property
    def shows_picture(self) -> bool:
        """Whether a person goes on with the picture or its steps after it."""
        return self.looks or self.where in ("picture", "timeline", "steps", "candidates")
