"""How the window looks."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import in_lab, in_morph
from app.ui.actions.studio import StudioParts
from app.ui.window.rooms import LAB, MORPH, PICTURES


def _theme(mode: str, text: str) -> Action:
    return Action(
        id=f"theme-{mode}", text=text, menu="View", submenu="Theme", group="theme",
        do=lambda s: s.set_theme(mode), checked=lambda s: s.look.mode == mode,
    )  # fmt: skip


def _turn_surround(studio: StudioParts) -> None:
    studio.canvas.surround = "plain" if studio.canvas.surround == "checker" else "checker"


def _panel(name: str, text: str, key: str, begins: bool = False) -> Action:
    return Action(
        id=f"panel-{name}", text=text, menu="View", keys=(key,), begins=begins,
        do=lambda s: s.docks.toggle(name), checked=lambda s: s.docks.is_shown(name),
    )  # fmt: skip


ACTIONS: tuple[Action, ...] = (
    Action(id="zoom-in", text="Zoom in", menu="View", keys=("Ctrl++", "Ctrl+="), icon="zoom-in",
        do=lambda s: s.canvas.zoom(+1)),
    Action(id="zoom-out", text="Zoom out", menu="View", keys=("Ctrl+-",), icon="zoom-out",
        do=lambda s: s.canvas.zoom(-1)),
    Action(id="fit", text="Fit the picture", menu="View", keys=("Ctrl+0",), icon="fit", do=lambda s: s.canvas.fit()),
    Action(id="actual", text="Actual size", menu="View", keys=("Ctrl+1",), icon="actual",
        tip="100 %: one pixel of the picture is one pixel of the screen", do=lambda s: s.canvas.actual_size()),
    Action(id="smooth", text="Smooth enlargement", menu="View", keys=("Ctrl+2",), icon="smooth", begins=True,
        tip="Smooth enlarged pixels instead of showing them as squares",
        do=lambda s: s.set_smooth(not s.canvas.smooth), checked=lambda s: s.canvas.smooth),
    Action(id="checker", text="Checkerboard around the picture", menu="View",
        do=_turn_surround,
        checked=lambda s: s.canvas.surround == "checker"),
    Action(id="lab", text="2-D lab", menu="View", keys=("F2",), begins=True,
        tip="Models in the plane, known exactly: watch the score, the samplers and their chains",
        do=lambda s: s.show_room(PICTURES if in_lab(s) else LAB), checked=in_lab),
    Action(id="morph", text="Morph", menu="View", keys=("F4",),
        tip="From picture to picture along the flow: key frames, the frames between them, a film",
        do=lambda s: s.show_room(PICTURES if in_morph(s) else MORPH), checked=in_morph),
    _panel("settings", "Settings", "Alt+1", begins=True),
    _panel("timeline", "Timeline", "Alt+2"),
    _panel("recent", "Pictures of this session", "Alt+3"),
    _panel("likelihood", "Likelihood", "Alt+4"),
    _theme("system", "As the system"),
    _theme("light", "Light"),
    _theme("dark", "Dark"),
)  # fmt: skip
