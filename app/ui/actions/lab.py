"""The 2-D lab."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import first_of, outside_lab, unless

_NO_DRAWING = first_of(
    outside_lab, unless(lambda s: s.lab.drawing and s.lab.drawn, "Draw something on the plane first.")
)

ACTIONS: tuple[Action, ...] = (
    Action(id="lab-walk", text="Walk chains", menu="Lab", keys=("W",), where="lab",
        tip="Let Langevin chains walk at the selected noise level; move it while they do",
        why=outside_lab, do=lambda s: s.lab.walk(), checked=lambda s: s.lab.activity == "walk"),
    Action(id="lab-cover", text="Measure coverage", menu="Lab", keys=("C",), where="lab",
        tip="Measure how much of the plane lies near training data, clean and noised, and near the chains",
        why=first_of(outside_lab, unless(lambda s: s.lab.activity != "cover", "Coverage is being measured.")),
        do=lambda s: s.lab.cover()),
    Action(id="lab-undo", text="Undo stroke", menu="Lab", keys=("Ctrl+Z",), where="lab", begins=True,
        tip="Undo the last stroke of your drawing",
        why=_NO_DRAWING, do=lambda s: s.lab.rub_out()),
    Action(id="lab-clear", text="Clear the drawing", menu="Lab", keys=("Del",), where="lab",
        why=_NO_DRAWING,
        do=lambda s: s.lab.rub_out(everything=True)),
)  # fmt: skip
