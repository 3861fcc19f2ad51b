"""Every command of the studio, once: menus, buttons, shortcuts and the shortcut sheet come from TABLE."""

from __future__ import annotations

from app.ui.actions import candidates, canvas, edit, file, help, lab, likelihood, morph, run, steering, view
from app.ui.actions.row import Row

TABLE: tuple[Row, ...] = (
    *file.ROWS,
    *canvas.UNDO,
    *edit.ROWS,
    *view.ROWS,
    *canvas.ROWS,
    *run.ROWS,
    *steering.ROWS,
    *likelihood.ROWS,
    *candidates.ROWS,
    *lab.ROWS,
    *morph.ROWS,
    *help.ROWS,
)
