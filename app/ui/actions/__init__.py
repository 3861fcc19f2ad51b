"""Every command of the studio, once: menus, buttons, shortcuts and the shortcut sheet are made from ACTIONS."""

from __future__ import annotations

from app.ui.actions import candidates, canvas, edit, file, flow, guidance, help, history, lab, morph, queue, run, view
from app.ui.actions.action import Action

ACTIONS: tuple[Action, ...] = (
    *file.ACTIONS,
    *canvas.UNDO,
    *edit.ACTIONS,
    *view.ACTIONS,
    *canvas.ACTIONS,
    *run.ACTIONS,
    *queue.ACTIONS,
    *guidance.ACTIONS,
    *flow.ACTIONS,
    *candidates.ACTIONS,
    *history.ACTIONS,
    *lab.ACTIONS,
    *morph.ACTIONS,
    *help.ACTIONS,
)
