"""The flow both ways: likelihood of the picture on the canvas, encoding, decoding."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import first_of, outside_pictures
from app.ui.actions.studio import StudioParts


def _show_panel(studio: StudioParts) -> None:
    """Open the panel that shows the result."""
    studio.docks.show("likelihood")


def _measure(studio: StudioParts) -> None:
    _show_panel(studio)
    studio.picture_likelihood.measure()


def _encode(studio: StudioParts) -> None:
    _show_panel(studio)
    studio.encoder.encode()


_NO_DECODE = first_of(outside_pictures, lambda s: s.encoder.why_no_decode())


def _turn_map(studio: StudioParts) -> None:
    studio.picture_likelihood.map_shown = not studio.picture_likelihood.map_shown


ACTIONS: tuple[Action, ...] = (
    Action(id="likelihood", text="Measure the likelihood", menu="Run", keys=("Ctrl+Alt+L",), why=outside_pictures,
        begins=True, tip="How likely the model finds the picture on the canvas: bits per dimension, and where they lie",
        do=_measure),
    Action(id="surprise-map", text="Show what surprises the model", menu="Run", keys=("Ctrl+Alt+M",),
        tip="Colour over a measured picture the regions that the model did not expect",
        why=outside_pictures, do=_turn_map, checked=lambda s: s.picture_likelihood.map_shown),
    Action(id="encode", text="Encode the picture", menu="Run", keys=("Ctrl+Alt+E",), icon="encode", looks=True,
        tip="Encode the picture on the canvas along the deterministic flow to its noise x_T",
        why=outside_pictures, do=_encode),
    Action(id="decode", text="Decode it again", menu="Run", keys=("Ctrl+Alt+D",), icon="decode", looks=True,
        tip="Decode the encoded picture along the flow, and measure its distance from the original",
        why=_NO_DECODE, do=lambda s: s.encoder.decode()),
    Action(id="decode-anew", text="Decode it as the panel says", menu="Run", keys=("Ctrl+Alt+Shift+D",), looks=True,
        tip="Decode the encoded picture with the prompt and guidance on the panel: x_T stays the same",
        why=_NO_DECODE, do=lambda s: s.encoder.decode(anew=True)),
)  # fmt: skip
