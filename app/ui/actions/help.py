"""Help."""

from __future__ import annotations

from app.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    Action(id="guide", text="Guide", menu="Help", keys=("Shift+F1",), tip="Read the guide and the other pages",
        do=lambda s: s.sheets.guide()),
    Action(id="shortcuts", text="Keyboard shortcuts", menu="Help", keys=("F1",), do=lambda s: s.sheets.shortcuts()),
    Action(id="about", text="About Tweedie Studio", menu="Help", do=lambda s: s.sheets.about()),
)  # fmt: skip
