"""How likely a model finds the picture on the canvas."""

from __future__ import annotations

from app.ui.actions.row import Row, Studio, in_pictures

NOT_HERE = "This is for pictures: leave the room first."


def _with_panel(studio: Studio) -> None:
    """What is asked is seen, and what comes of it."""
    if not studio.panel_visible("likelihood"):
        studio.toggle_panel("likelihood")


def _measure(studio: Studio) -> None:
    _with_panel(studio)
    studio.appraisal.measure()


def _encode(studio: Studio) -> None:
    _with_panel(studio)
    studio.encoder.encode()


def _why_no_decode(studio: Studio) -> str:
    return studio.encoder.why_no_decode() if in_pictures(studio) else NOT_HERE


def _turn_map(studio: Studio) -> None:
    studio.appraisal.map_shown = not studio.appraisal.map_shown


ROWS: tuple[Row, ...] = (
    Row(id="likelihood", text="Measure the likelihood", menu="Run", keys=("Ctrl+Alt+L",), usable=in_pictures,
        begins=True, tip="How likely the model finds the picture on the canvas: bits per dimension, and where they lie",
        do=_measure),
    Row(id="surprise-map", text="Show what surprises the model", menu="Run", keys=("Ctrl+Alt+M",), usable=in_pictures,
        tip="By colour, over a picture whose likelihood was measured: what the model did not expect of it",
        do=_turn_map, checked=lambda s: s.appraisal.map_shown),
    Row(id="encode", text="Encode the picture", menu="Run", keys=("Ctrl+Alt+E",), usable=in_pictures, icon="encode",
        tip="Take the picture on the canvas up the deterministic flow to its noise x_T, to go on from there",
        do=_encode),
    Row(id="decode", text="Decode it again", menu="Run", keys=("Ctrl+Alt+D",), icon="decode",
        tip="Bring an encoded picture back down the flow, and say how near it comes to what was encoded",
        why=_why_no_decode, do=lambda s: s.encoder.decode()),
    Row(id="decode-anew", text="Decode it as the panel says", menu="Run", keys=("Ctrl+Alt+Shift+D",),
        tip="Bring an encoded picture down the flow with the panel's words and guidance: what is in x_T stays",
        why=_why_no_decode, do=lambda s: s.encoder.decode(anew=True)),
)  # fmt: skip
