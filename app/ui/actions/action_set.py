"""The QActions of one window: menus, buttons and shortcuts, made from the table ACTIONS."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QToolButton,
    QWidget,
)

from app.ui.actions import ACTIONS
from app.ui.actions.action import Action
from app.ui.actions.bindings import NATIVE, Bindings
from app.ui.actions.studio import StudioParts
from app.ui.actions.window_keys import WindowKeys
from app.ui.look import icons
from app.ui.widgets.edits import commit_edit

TYPED_IN = QLineEdit, QPlainTextEdit, QAbstractSpinBox


class ActionSet(QObject):
    """The QActions of one window. Each is enabled and checked as the studio is at the moment.

    rebound -- some have other keys
    """

    rebound = Signal()

    def __init__(self, studio: StudioParts, window: QWidget, bindings: Bindings) -> None:
        super().__init__(window)
        self._studio = studio
        self.bindings = bindings
        bindings.changed.connect(self._rebind)
        self._window_keys = WindowKeys(window, bindings.is_of_window)
        self._window = window
        self._groups: dict[str, QActionGroup] = {}
        self.menus: dict[str, QMenu] = {}
        self._said: dict[str, tuple[str, str]] = {}  # the reason of each disabled action, and the price of another
        self.by_id: dict[str, QAction] = {action.id: self._make(action) for action in ACTIONS}

    def begin(self) -> None:
        """Listen to the studio. Call it once, when all its parts exist."""
        studio = self._studio
        document, shown = studio.document, studio.document.shown
        for signal in (shown.run_changed, shown.steps_changed, shown.cursor_changed, shown.frame_changed,
                       document.jobs.changed, document.jobs.engine_changed, shown.view_changed, shown.image_changed,
                       shown.playing_changed, document.draft.settings_changed, document.draft.model_changed,
                       document.editing.changed, document.editing.inputs_changed, studio.look.changed,
                       studio.tools.tool_changed, studio.tools.choices_changed, document.auto_box.changed):  # fmt: skip
            signal.connect(self.refresh)
        picture_likelihood, encoder = studio.picture_likelihood, studio.encoder
        for signal in (picture_likelihood.map_changed, picture_likelihood.activity_changed, encoder.activity_changed):
            signal.connect(self.refresh)
        lab = studio.lab
        for signal in (lab.cursor_changed, lab.steps_changed, lab.playing_changed, lab.activity_changed,
                       lab.draft_changed, lab.field_changed):  # fmt: skip
            signal.connect(self.refresh)
        morph = studio.morph
        for signal in (morph.keys.changed, morph.cursor_changed, morph.frames_changed, morph.playing_changed,
                       morph.activity_changed, morph.choices_changed, studio.films.changed):  # fmt: skip
            signal.connect(self.refresh)
        history = studio.history
        for signal in (history.rows_changed, history.selection_changed, history.undo_changed, history.looking_changed):
            signal.connect(self.refresh)
        studio.queue.changed.connect(self.refresh)
        studio.look.changed.connect(self.tint)
        self.tint()
        self.refresh()

    def __getitem__(self, name: str) -> QAction:
        return self.by_id[name]

    def refresh(self) -> None:
        for action in ACTIONS:
            qaction = self.by_id[action.id]
            why = action.why(self._studio)
            price = action.price(self._studio) if action.price is not None and not why else ""
            if (why, price) != self._said.get(action.id):
                self._said[action.id] = why, price
                qaction.setEnabled(not why)
                qaction.setToolTip(self._tip(action, why, price))
            if action.text_now is not None:
                qaction.setText(action.text_now(self._studio))
            if action.checked is not None:
                qaction.setChecked(action.checked(self._studio))

    def tint(self) -> None:
        """Redraw the icons in the colours of the palette."""
        palette = QApplication.palette()
        for action in ACTIONS:
            if action.icon:
                self.by_id[action.id].setIcon(icons.icon(action.icon, palette, action.icon_on))

    def fill(self, bar: QMenuBar) -> None:
        """The menus, in the table's order. They are kept: PySide 6.8 deletes a menu with its last reference."""
        for action in ACTIONS:
            menu = self._menu(action.menu, bar)
            if action.submenu:
                menu = self._menu(action.submenu, menu)
            if action.begins:
                menu.addSeparator()
            menu.addAction(self.by_id[action.id])

    def _menu(self, name: str, parent: QMenuBar | QMenu) -> QMenu:
        if name not in self.menus:
            self.menus[name] = parent.addMenu(name if isinstance(parent, QMenu) else f"&{name}")
        return self.menus[name]

    def reach(self, where: str, *widgets: QWidget) -> None:
        """Let the keys of the actions of `where` work while one of `widgets` has the focus."""
        for action in ACTIONS:
            if action.where == where:
                for widget in widgets:
                    widget.addAction(self.by_id[action.id])

    def leave(self, where: str, *widgets: QWidget) -> None:
        """The inverse of `reach`."""
        for action in ACTIONS:
            if action.where == where:
                for widget in widgets:
                    widget.removeAction(self.by_id[action.id])

    def button(self, name: str, parent: QWidget) -> QToolButton:
        """A flat button for an action. A screen reader speaks its name."""
        button = QToolButton(parent)
        button.setDefaultAction(self.by_id[name])
        button.setAccessibleName(_action(name).text)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def hint(self, gestures: Iterable[tuple[str, str]]) -> str:
        """Gestures and their meanings in one line; {id} stands for the current keys of that action."""
        keys = {f"{{{name}}}": qaction.shortcut().toString(NATIVE) for name, qaction in self.by_id.items()}
        words = []
        for gesture, meaning in gestures:
            named = " ".join(keys.get(word, word) for word in gesture.split())
            words.append(f"{named}: {meaning}")
        return "     ".join(words)

    def _make(self, action: Action) -> QAction:
        qaction = QAction(action.text, self._window)
        qaction.setObjectName(action.id)
        qaction.setIconText(action.short or action.text)
        qaction.setShortcuts([QKeySequence(key) for key in self.bindings.keys(action.id)])
        anywhere = action.where == "window"
        qaction.setShortcutContext(Qt.ShortcutContext.WindowShortcut if anywhere else Qt.ShortcutContext.WidgetShortcut)
        qaction.setToolTip(self._tip(action))
        qaction.setMenuRole(QAction.MenuRole.NoRole)
        if action.checked is not None:
            qaction.setCheckable(True)
        if action.group:
            group = self._groups.setdefault(action.group, QActionGroup(self))
            group.addAction(qaction)
        qaction.triggered.connect(lambda _=False: self._do(action))
        if anywhere:
            self._window.addAction(qaction)
        return qaction

    def _do(self, action: Action) -> None:
        commit_edit()  # a key and a flat button leave the focus in the field that someone types in
        action.do(self._studio)
        if action.shows_picture and isinstance(QApplication.focusWidget(), TYPED_IN):
            self._studio.focus_picture()  # the next key is for what the eyes are on
        self.refresh()

    def why(self, name: str) -> str:
        """Why an action cannot be used now, in one sentence; "" when it can."""
        return self._said.get(name, ("", ""))[0]

    def _rebind(self) -> None:
        for action in ACTIONS:
            qaction = self.by_id[action.id]
            qaction.setShortcuts([QKeySequence(key) for key in self.bindings.keys(action.id)])
            qaction.setToolTip(self._tip(action, *self._said.get(action.id, ("", ""))))
        self.rebound.emit()

    def _tip(self, action: Action, more: str = "", price: str = "") -> str:
        found = self.bindings.text(action.id)
        keys, takes = f" ({found})" if found else "", f". Takes {price}" if price else ""
        return f"{more or action.tip or action.text.rstrip('…')}{takes}{keys}"


def _action(name: str) -> Action:
    return next(action for action in ACTIONS if action.id == name)
