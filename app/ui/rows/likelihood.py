"""How likely a model finds the picture on the canvas."""

from __future__ import annotations

from app.ui.rows.row import Row, Studio, in_pictures


def _measure(studio: Studio) -> None:
    if not studio.panel_visible("likelihood"):
        studio.toggle_panel("likelihood")
    studio.appraisal.measure()


def _turn_map(studio: Studio) -> None:
    studio.appraisal.map_shown = not studio.appraisal.map_shown


ROWS: tuple[Row, ...] = (
    Row(id="likelihood", text="Measure the likelihood", menu="Run", keys=("Ctrl+Alt+L",), usable=in_pictures,
        begins=True, tip="How likely the model finds the picture on the canvas: bits per dimension, and where they lie",
        do=_measure),
    Row(id="surprise-map", text="Show what surprises the model", menu="Run", keys=("Ctrl+Alt+M",), usable=in_pictures,
        tip="By colour, over a picture whose likelihood was measured: what the model did not expect of it",
        do=_turn_map, checked=lambda s: s.appraisal.map_shown),
)  # fmt: skip
