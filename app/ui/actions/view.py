"""How the window looks."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import unless
from app.ui.actions.studio import StudioParts
from app.ui.window.docks import PANELS
from app.ui.window.page_table import PAGES, PageEntry


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
        why=unless(lambda s: s.docks.has(name), f"This page has no panel “{PANELS[name][0]}”: open the page Pictures."),
    )  # fmt: skip


def _page(number: int, entry: PageEntry) -> Action:
    return Action(
        id=f"page-{entry.name}", text=entry.title, menu="View", submenu="Page", group="page",
        keys=(f"Ctrl+{number}", entry.key) if entry.key else (f"Ctrl+{number}",), tip=entry.tip,
        do=lambda s: s.show_page(entry.name), checked=lambda s: s.pages.name == entry.name,
    )  # fmt: skip


ACTIONS: tuple[Action, ...] = (
    Action(id="zoom-in", text="Zoom in", menu="View", keys=("Ctrl++", "Ctrl+="), icon="zoom-in",
        do=lambda s: s.canvas.zoom(+1)),
    Action(id="zoom-out", text="Zoom out", menu="View", keys=("Ctrl+-",), icon="zoom-out",
        do=lambda s: s.canvas.zoom(-1)),
    Action(id="fit", text="Fit the picture", menu="View", keys=("Ctrl+0",), icon="fit", do=lambda s: s.canvas.fit()),
    Action(id="actual", text="Actual size", menu="View", keys=("Z",), where="picture", icon="actual",
        tip="100 %: one pixel of the picture is one pixel of the screen", do=lambda s: s.canvas.actual_size()),
    Action(id="smooth", text="Smooth enlargement", menu="View", keys=("Shift+Z",), where="picture", icon="smooth",
        begins=True,
        tip="Smooth enlarged pixels instead of showing them as squares",
        do=lambda s: s.set_smooth(not s.canvas.smooth), checked=lambda s: s.canvas.smooth),
    Action(id="checker", text="Checkerboard around the picture", menu="View",
        do=_turn_surround,
        checked=lambda s: s.canvas.surround == "checker"),
    *(_page(number, entry) for number, entry in enumerate(PAGES, start=1)),
    Action(id="page-back", text="Back to the page before", menu="View", submenu="Page", keys=("Alt+Left",), begins=True,
        tip="Show the page that you came from; Esc does the same where nothing is running",
        why=unless(lambda s: s.pages.before, "No page leads back from here."), do=lambda s: s.go_back()),
    _panel("settings", "Settings", "Alt+1", begins=True),
    _panel("timeline", "Timeline", "Alt+2"),
    _panel("recent", "Pictures of this session", "Alt+3"),
    _panel("likelihood", "Likelihood", "Alt+4"),
    _panel("queue", "Queue", "Ctrl+J"),
    Action(id="reset-layout", text="Reset layout", menu="View",
        tip="Show the panels as at the first start, each in its first size", do=lambda s: s.docks.reset()),
    _theme("system", "As the system"),
    _theme("light", "Light"),
    _theme("dark", "Dark"),
    _theme("contrast", "High contrast"),
    Action(id="palette", text="Command palette…", menu="View", keys=("Ctrl+K",), begins=True,
        tip="Find any command, model, page or preference by its name", do=lambda s: s.sheets.palette()),
)  # fmt: skip
