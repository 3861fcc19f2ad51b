"""The 2-D lab."""

from __future__ import annotations

from app.ui.actions.row import Row, in_lab

ROWS: tuple[Row, ...] = (
    Row(id="lab-walk", text="Walk chains", menu="Lab", keys=("W",), where="lab",
        tip="Let Langevin chains walk at the selected noise level; move it while they do",
        usable=in_lab, do=lambda s: s.lab.walk(), checked=lambda s: s.lab.doing == "walk"),
    Row(id="lab-cover", text="Measure coverage", menu="Lab", keys=("C",), where="lab",
        tip="How much of the plane training data are near to, clean and noised, and what chains make of it",
        usable=lambda s: in_lab(s) and s.lab.doing != "cover", do=lambda s: s.lab.cover()),
    Row(id="lab-undo", text="Undo stroke", menu="Lab", keys=("Ctrl+Z",), where="lab", begins=True,
        tip="Take back the last stroke of your drawing",
        usable=lambda s: in_lab(s) and bool(s.lab.drawn) and s.lab.drawing, do=lambda s: s.lab.rub_out()),
    Row(id="lab-clear", text="Clear the drawing", menu="Lab", keys=("Del",), where="lab",
        usable=lambda s: in_lab(s) and bool(s.lab.drawn) and s.lab.drawing,
        do=lambda s: s.lab.rub_out(everything=True)),
)  # fmt: skip
