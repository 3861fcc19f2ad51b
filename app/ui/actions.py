"""Every command of the studio, once: menus, buttons, shortcuts and the shortcut sheet come from TABLE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar, QToolButton, QWidget

from app.core.document import Document
from app.core.lab import Lab
from app.core.reel import Reel
from app.core.render import View
from app.ui import icons
from app.ui.canvas.view import CanvasView
from app.ui.theme import Look


class Studio(Protocol):
    """What the commands act on: the main window."""

    document: Document
    canvas: CanvasView
    look: Look
    lab: Lab

    @property
    def lab_open(self) -> bool: ...
    @property
    def reel(self) -> Reel: ...
    def show_lab(self, shown: bool) -> None: ...
    def generate(self) -> None: ...
    def cancel(self) -> None: ...
    def save_animation(self) -> None: ...
    def save_as(self) -> None: ...
    def copy_picture(self) -> None: ...
    def open_pictures(self) -> None: ...
    def focus_prompt(self) -> None: ...
    def toggle_panel(self, name: str) -> None: ...
    def panel_visible(self, name: str) -> bool: ...
    def set_smooth(self, smooth: bool) -> None: ...
    def set_surround(self, surround: str) -> None: ...
    def set_theme(self, mode: str) -> None: ...
    def show_shortcuts(self) -> None: ...
    def show_about(self) -> None: ...
    def close(self) -> bool: ...


IN_LAB = "This is for pictures: leave the lab first"


def _always(_: Document) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One command.

    keys    -- its shortcuts, the one to show first
    where   -- where the keys work: "window" anywhere, "picture" with the focus on the canvas or the timeline,
               "timeline" on the timeline alone, "lab" on the lab's plane or its timeline
    enabled -- whether it can be used now; usable, where that depends on more than the document; checked, for a switch,
               whether it is on
    why     -- for one whose reason deserves a sentence: why it cannot be used now, "" when it can; its tip then
    group   -- switches of which exactly one is on; submenu -- the menu inside `menu` that it stands in
    """

    id: str
    text: str
    menu: str
    do: Callable[[Studio], object]
    keys: tuple[str, ...] = ()
    tip: str = ""
    icon: str = ""
    where: str = "window"
    enabled: Callable[[Document], bool] = _always
    usable: Callable[[Studio], bool] | None = None
    why: Callable[[Studio], str] | None = None
    checked: Callable[[Studio], bool] | None = None
    group: str = ""
    submenu: str = ""
    short: str = ""  # on a button, where `text` is long
    begins: bool = False  # a separator before it


def _has_steps(document: Document) -> bool:
    return document.step_count > 0


def _theme(mode: str, text: str) -> Row:
    return Row(
        id=f"theme-{mode}", text=text, menu="View", submenu="Theme", group="theme",
        do=lambda s: s.set_theme(mode), checked=lambda s: s.look.mode == mode,
    )  # fmt: skip


def _panel(name: str, text: str, key: str, begins: bool = False) -> Row:
    return Row(
        id=f"panel-{name}", text=text, menu="View", keys=(key,), begins=begins,
        do=lambda s: s.toggle_panel(name), checked=lambda s: s.panel_visible(name),
    )  # fmt: skip


def _see(view: View, text: str, key: str, tip: str, begins: bool = False) -> Row:
    def see(studio: Studio) -> None:
        studio.document.view = view

    return Row(
        id=f"see-{view}", text=text, menu="Run", group="see", keys=(key,), where="picture", tip=tip, begins=begins,
        do=see, checked=lambda s: s.document.view == view,
    )  # fmt: skip


def _move(name: str, text: str, key: str, do: Callable[[Reel], None], tip: str = "") -> Row:
    return Row(
        id=name, text=text, menu="Run", keys=(key,), where="picture", icon=name, tip=tip,
        do=lambda s: do(s.reel), usable=lambda s: s.reel.step_count > 0,
    )  # fmt: skip


def _other_image(studio: Studio, by: int) -> None:
    studio.document.image_index += by


def _turn_lock(studio: Studio) -> None:
    studio.document.seed_locked = not studio.document.seed_locked


def _turn_play(studio: Studio) -> None:
    reel = studio.reel
    (reel.pause if reel.playing else reel.play)()


def _can_save(studio: Studio) -> bool:
    return studio.lab.field is not None if studio.lab_open else _has_steps(studio.document)


def _has_parent(studio: Studio) -> bool:
    run = studio.document.run
    return not studio.lab_open and run is not None and run.parent is not None


def _runs(studio: Studio) -> bool:
    return bool(studio.lab.doing) if studio.lab_open else studio.document.running_job is not None


TABLE: tuple[Row, ...] = (
    Row(id="save-as", text="Save picture as…", menu="File", keys=("Ctrl+S",), icon="save", usable=_can_save,
        tip="Save the picture at the selected step, with everything that made it",
        do=lambda s: s.save_as()),
    Row(id="save-animation", text="Save animation of the lab as…", menu="File", keys=("Ctrl+Shift+S",),
        tip="Save the lab's plane from the first noise level to the last, as a WebP that moves",
        usable=lambda s: s.lab_open and s.lab.track.finished, do=lambda s: s.save_animation()),
    Row(id="pictures", text="Open pictures folder", menu="File", keys=("Ctrl+Shift+O",), icon="folder",
        tip="Every finished picture is already here", do=lambda s: s.open_pictures()),
    Row(id="quit", text="Quit", menu="File", keys=("Ctrl+Q",), begins=True, do=lambda s: s.close()),
    Row(id="prompt", text="Go to the prompt", menu="Edit", keys=("Ctrl+L",), do=lambda s: s.focus_prompt()),
    Row(id="copy", text="Copy picture", menu="Edit", keys=("Ctrl+Shift+C",), tip="Copy what the canvas shows",
        enabled=lambda d: d.frame is not None, do=lambda s: s.copy_picture()),
    Row(id="restore", text="Use the settings of this picture", menu="Edit", keys=("Ctrl+U",),
        tip="Put everything that made the shown picture back on the panel",
        enabled=lambda d: d.run is not None, do=lambda s: s.document.restore_settings()),
    Row(id="roll", text="Another seed", menu="Edit", keys=("Ctrl+R",), icon="dice", begins=True,
        tip="Roll another seed", do=lambda s: s.document.roll_seed()),
    Row(id="lock", text="Keep the seed", menu="Edit", keys=("Ctrl+Shift+R",), icon="unlocked",
        tip="Keep this seed for the next pictures",
        do=_turn_lock, checked=lambda s: s.document.seed_locked),
    Row(id="zoom-in", text="Zoom in", menu="View", keys=("Ctrl++", "Ctrl+="), icon="zoom-in",
        do=lambda s: s.canvas.zoom(+1)),
    Row(id="zoom-out", text="Zoom out", menu="View", keys=("Ctrl+-",), icon="zoom-out",
        do=lambda s: s.canvas.zoom(-1)),
    Row(id="fit", text="Fit the picture", menu="View", keys=("Ctrl+0",), icon="fit", do=lambda s: s.canvas.fit()),
    Row(id="actual", text="Actual size", menu="View", keys=("Ctrl+1",), icon="actual",
        tip="100 %: one pixel of the picture is one pixel of the screen", do=lambda s: s.canvas.actual_size()),
    Row(id="smooth", text="Smooth enlargement", menu="View", keys=("Ctrl+2",), icon="smooth", begins=True,
        tip="Smooth enlarged pixels instead of showing them as squares",
        do=lambda s: s.set_smooth(not s.canvas.smooth), checked=lambda s: s.canvas.smooth),
    Row(id="checker", text="Checkerboard around the picture", menu="View",
        do=lambda s: s.set_surround("plain" if s.canvas.surround == "checker" else "checker"),
        checked=lambda s: s.canvas.surround == "checker"),
    Row(id="lab", text="2-D lab", menu="View", keys=("F2",), begins=True,
        tip="Models in the plane, known exactly: watch the score, the samplers and their chains",
        do=lambda s: s.show_lab(not s.lab_open), checked=lambda s: s.lab_open),
    _panel("settings", "Settings", "Alt+1", begins=True),
    _panel("timeline", "Timeline", "Alt+2"),
    _panel("recent", "Pictures of this session", "Alt+3"),
    _theme("system", "As the system"),
    _theme("light", "Light"),
    _theme("dark", "Dark"),
    Row(id="generate", text="Generate", menu="Run", keys=("Ctrl+Return", "Ctrl+Enter"), icon="generate",
        why=lambda s: "" if s.lab_open else s.document.why_not, do=lambda s: s.generate()),
    Row(id="cancel", text="Cancel", menu="Run", keys=("Esc",), icon="stop",
        tip="Stop before the next model call; what was reached is kept",
        usable=_runs, do=lambda s: s.cancel()),
    Row(id="fork", text="Fork here", menu="Run", keys=("Ctrl+Shift+Return", "Ctrl+Shift+Enter"), icon="fork",
        begins=True, tip="Go on from the shown step with the settings on the panel",
        why=lambda s: IN_LAB if s.lab_open else s.document.why_no_fork, do=lambda s: s.document.fork()),
    Row(id="variations", text="Variations from here", menu="Run", keys=("V",), where="picture", icon="variations",
        short="Variations",
        tip="As many pictures as the panel says that share this one's state at this step and differ in what follows",
        why=lambda s: IN_LAB if s.lab_open else s.document.why_no_variations, do=lambda s: s.document.vary()),
    Row(id="parent", text="Back to the parent run", menu="Run", keys=("Backspace",), where="picture", icon="parent",
        tip="Show the run that this one was forked from, at that step", usable=_has_parent,
        do=lambda s: s.document.show_parent()),
    Row(id="play", text="Play the steps", menu="Run", keys=("Space",), where="timeline", icon="play", begins=True,
        usable=lambda s: s.reel.step_count > 1, do=_turn_play, checked=lambda s: s.reel.playing),
    _move("first", "First step", "Home", lambda d: d.home()),
    _move("previous", "Previous step", "Left", lambda d: d.step_by(-1)),
    _move("next", "Next step", "Right", lambda d: d.step_by(+1)),
    _move("last", "Last step", "End", lambda d: d.end(), "The last step; while a run goes on, stay with the newest"),
    _see("x0", "Show the estimate x̂₀", "1", "What the model thinks the finished picture is", begins=True),
    _see("x", "Show the state xₜ", "2", "The noisy state that the step starts from"),
    _see("eps", "Show the noise ε̂", "3", "The noise that the model sees in the state"),
    Row(id="image-before", text="Previous picture of the batch", menu="Run", keys=("PgUp",), where="picture",
        begins=True, enabled=lambda d: d.image_index > 0, do=lambda s: _other_image(s, -1)),
    Row(id="image-after", text="Next picture of the batch", menu="Run", keys=("PgDown",), where="picture",
        enabled=lambda d: d.image_index + 1 < d.batch_size, do=lambda s: _other_image(s, +1)),
    Row(id="lab-walk", text="Walk chains", menu="Lab", keys=("W",), where="lab",
        tip="Let Langevin chains walk at the selected noise level; move it while they do",
        usable=lambda s: s.lab_open, do=lambda s: s.lab.walk(), checked=lambda s: s.lab.doing == "walk"),
    Row(id="lab-cover", text="Measure coverage", menu="Lab", keys=("C",), where="lab",
        tip="How much of the plane training data are near to, clean and noised, and what chains make of it",
        usable=lambda s: s.lab_open and s.lab.doing != "cover", do=lambda s: s.lab.cover()),
    Row(id="lab-undo", text="Undo stroke", menu="Lab", keys=("Ctrl+Z",), where="lab", begins=True,
        tip="Take back the last stroke of your drawing",
        usable=lambda s: s.lab_open and bool(s.lab.drawn) and s.lab.drawing, do=lambda s: s.lab.rub_out()),
    Row(id="lab-clear", text="Clear the drawing", menu="Lab", keys=("Del",), where="lab",
        usable=lambda s: s.lab_open and bool(s.lab.drawn) and s.lab.drawing,
        do=lambda s: s.lab.rub_out(everything=True)),
    Row(id="shortcuts", text="Keyboard shortcuts", menu="Help", keys=("F1",), do=lambda s: s.show_shortcuts()),
    Row(id="about", text="About Tweedie Studio", menu="Help", do=lambda s: s.show_about()),
)  # fmt: skip


class Actions(QObject):
    """The QActions of TABLE for one window, kept enabled and checked as the document is."""

    def __init__(self, studio: Studio, window: QWidget) -> None:
        super().__init__(window)
        self._studio = studio
        self._window = window
        self._groups: dict[str, QActionGroup] = {}
        self._pauses = False  # whether the play button says so
        self.menus: dict[str, QMenu] = {}
        self.by_id: dict[str, QAction] = {row.id: self._made(row) for row in TABLE}
        document = studio.document
        for signal in (document.run_changed, document.steps_changed, document.cursor_changed, document.frame_changed,
                       document.jobs_changed, document.engine_changed, document.view_changed, document.image_changed,
                       document.playing_changed, document.draft_changed, document.model_changed,
                       studio.look.changed):  # fmt: skip
            signal.connect(self.refresh)
        lab = studio.lab
        for signal in (lab.cursor_changed, lab.steps_changed, lab.playing_changed, lab.doing_changed,
                       lab.draft_changed, lab.field_changed):  # fmt: skip
            signal.connect(self.refresh)
        studio.look.changed.connect(self.tint)
        self.tint()
        self.refresh()

    def __getitem__(self, name: str) -> QAction:
        return self.by_id[name]

    def refresh(self) -> None:
        for row in TABLE:
            action = self.by_id[row.id]
            why = row.why(self._studio) if row.why else ""
            usable = row.enabled(self._studio.document) if row.usable is None else row.usable(self._studio)
            action.setEnabled(usable and not why)
            if row.why:
                action.setToolTip(self._tip(row, why))
            if row.checked is not None:
                action.setChecked(row.checked(self._studio))
        if self._pauses != self._studio.reel.playing:
            self._show_play()

    def tint(self) -> None:
        """Redraw the icons in the colours of the palette."""
        palette = QApplication.palette()
        for row in TABLE:
            if row.icon:
                self.by_id[row.id].setIcon(icons.icon(row.icon, palette))
        self._show_play()

    def _show_play(self) -> None:
        """The button that plays is the one that pauses."""
        self._pauses = self._studio.reel.playing
        self["play"].setText("Pause" if self._pauses else _row("play").text)
        self["play"].setIcon(icons.icon("pause" if self._pauses else "play", QApplication.palette()))

    def fill(self, bar: QMenuBar) -> None:
        """The menus, in the table's order. They are kept: PySide 6.8 deletes a menu with its last reference."""
        for row in TABLE:
            menu = self._menu(row.menu, bar)
            if row.submenu:
                menu = self._menu(row.submenu, menu)
            if row.begins:
                menu.addSeparator()
            menu.addAction(self.by_id[row.id])

    def _menu(self, name: str, parent: QMenuBar | QMenu) -> QMenu:
        if name not in self.menus:
            self.menus[name] = parent.addMenu(name if isinstance(parent, QMenu) else f"&{name}")
        return self.menus[name]

    def reach(self, where: str, *widgets: QWidget) -> None:
        """The keys of the commands of `where` work where one of `widgets` has the focus."""
        for row in TABLE:
            if row.where == where:
                for widget in widgets:
                    widget.addAction(self.by_id[row.id])

    def button(self, name: str, parent: QWidget) -> QToolButton:
        """A flat button for a command, its name spoken to who cannot see the icon."""
        button = QToolButton(parent)
        button.setDefaultAction(self.by_id[name])
        button.setAccessibleName(_row(name).text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _made(self, row: Row) -> QAction:
        action = QAction(row.text, self._window)
        action.setObjectName(row.id)
        action.setIconText(row.short or row.text)
        action.setShortcuts([QKeySequence(key) for key in row.keys])
        anywhere = row.where == "window"
        action.setShortcutContext(Qt.ShortcutContext.WindowShortcut if anywhere else Qt.ShortcutContext.WidgetShortcut)
        action.setToolTip(self._tip(row))
        action.setMenuRole(QAction.MenuRole.NoRole)
        if row.checked is not None:
            action.setCheckable(True)
        if row.group:
            group = self._groups.setdefault(row.group, QActionGroup(self))
            group.addAction(action)
        action.triggered.connect(lambda _=False: self._do(row))
        if anywhere:
            self._window.addAction(action)
        return action

    def _do(self, row: Row) -> None:
        row.do(self._studio)
        self.refresh()

    @staticmethod
    def _tip(row: Row, more: str = "") -> str:
        keys = f" ({keys_text(row)})" if row.keys else ""
        return f"{more or row.tip or row.text.rstrip('…')}{keys}"


def keys_text(row: Row) -> str:
    """Its first shortcut as this system writes it."""
    return QKeySequence(row.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if row.keys else ""


def _row(name: str) -> Row:
    return next(row for row in TABLE if row.id == name)
