"""The commands of app/ui/rows as QActions: menus, buttons and shortcuts of one window."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar, QToolButton, QWidget

from app.ui.actions import TABLE
from app.ui.actions.row import Row, Studio, keys_text
from app.ui.look import icons

NATIVE = QKeySequence.SequenceFormat.NativeText


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

    def begin(self) -> None:
        """Follow the studio from here on: once, when all that the commands act on is there."""
        studio = self._studio
        document, shown = studio.document, studio.document.shown
        for signal in (shown.run_changed, shown.steps_changed, shown.cursor_changed, shown.frame_changed,
                       document.jobs_changed, document.engine_changed, shown.view_changed, shown.image_changed,
                       shown.playing_changed, document.draft.changed, document.draft.model_changed,
                       document.editing.changed, document.editing.asked_changed, studio.look.changed,
                       studio.tools.tool_changed, studio.tools.choices_changed):  # fmt: skip
            signal.connect(self.refresh)
        appraisal, encoder = studio.appraisal, studio.encoder
        for signal in (appraisal.map_changed, appraisal.doing_changed, encoder.doing_changed):
            signal.connect(self.refresh)
        lab = studio.lab
        for signal in (lab.cursor_changed, lab.steps_changed, lab.playing_changed, lab.doing_changed,
                       lab.draft_changed, lab.field_changed):  # fmt: skip
            signal.connect(self.refresh)
        morph = studio.morph
        for signal in (morph.keys.changed, morph.cursor_changed, morph.frames_changed, morph.playing_changed,
                       morph.doing_changed, morph.choices_changed, studio.films.changed):  # fmt: skip
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
        artwork = self._studio.document.artwork
        for name, what in (("undo", artwork.undo_text), ("redo", artwork.redo_text)):
            self[name].setText(f"{_row(name).text}: {what}" if what else _row(name).text)
        if self._pauses != self._studio.steps.playing:
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
        self._pauses = self._studio.steps.playing
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

    def leave(self, where: str, *widgets: QWidget) -> None:
        """They work there no more."""
        for row in TABLE:
            if row.where == where:
                for widget in widgets:
                    widget.removeAction(self.by_id[row.id])

    def button(self, name: str, parent: QWidget) -> QToolButton:
        """A flat button for a command, its name spoken to who cannot see the icon."""
        button = QToolButton(parent)
        button.setDefaultAction(self.by_id[name])
        button.setAccessibleName(_row(name).text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def hint(self, gestures: Iterable[tuple[str, str]]) -> str:
        """What to do and what it does, in a line; {id} stands for the keys of that command as they are now."""
        keys = {f"{{{name}}}": action.shortcut().toString(NATIVE) for name, action in self.by_id.items()}
        words = []
        for gesture, meaning in gestures:
            named = " ".join(keys.get(word, word) for word in gesture.split())
            words.append(f"{named}: {meaning}")
        return "     ".join(words)

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


def _row(name: str) -> Row:
    return next(row for row in TABLE if row.id == name)
