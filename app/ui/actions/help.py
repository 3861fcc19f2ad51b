"""Help."""

from __future__ import annotations

from app.ui.actions.row import Row

ROWS: tuple[Row, ...] = (
    Row(id="shortcuts", text="Keyboard shortcuts", menu="Help", keys=("F1",), do=lambda s: s.show_shortcuts()),
    Row(id="about", text="About Tweedie Studio", menu="Help", do=lambda s: s.show_about()),
)  # fmt: skip
