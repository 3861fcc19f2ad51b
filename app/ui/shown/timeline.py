"""The timeline: the view buttons, the play buttons and the strip of steps."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QButtonGroup,
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.guidance.clip_scores import ClipScores
from app.core.jobs.jobs_model import JobsModel
from app.core.shown.naming import title_of
from app.core.shown.render import View
from app.core.shown.viewer import Viewer
from app.ui.actions.action_set import ActionSet
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.shown.filmstrip import Filmstrip
from app.ui.widgets.elided_button import ElidedButton

ROOM_FOR_WORDS = 52.0  # lines wide, from which on fork and variations say their names, and the views theirs in full
NARROWEST = 30.0  # lines wide
MENU = ("fork", "variations", "parent", None, "encode", "decode", None, "restore", "edit-shown", "save-as", "copy")

VIEWS: tuple[tuple[View, str], ...] = (
    ("x0", "Estimate x̂₀"),
    ("x", "State xₜ"),
    ("eps", "Noise ε̂"),
)  # in a narrow window the last word


class Timeline(Retinted, QWidget):
    """Shows the steps of the shown run, the cursor and the view; its buttons are commands of the action table."""

    def __init__(self, shown: Viewer, jobs: JobsModel, scores: ClipScores, actions: ActionSet) -> None:
        super().__init__()
        self._shown = shown
        self._actions = actions
        self.setAccessibleName("Timeline")
        self.strip = Filmstrip(shown)
        self.strip.menu_asked.connect(self._show_menu)
        self.strip.show_scores(lambda: scores.curve)
        scores.changed.connect(self.strip.update)
        self.menu = QMenu(self)
        for name in MENU:
            if name is None:
                self.menu.addSeparator()
            else:
                self.menu.addAction(actions[name])
        self.branching = [actions.button(name, self) for name in ("fork", "variations")]
        self.parent_link = ElidedButton()
        self.parent_link.setToolTip(actions["parent"].toolTip())
        self.parent_link.clicked.connect(actions["parent"].trigger)
        self.parent_link.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.parent_link.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.follow = QToolButton()
        self.follow.setText("Follow")
        self.follow.setCheckable(True)
        self.follow.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.follow.setToolTip("Stay with the newest step while the run goes on (End)")
        self.follow.setAccessibleName("Follow the newest step")
        self.follow.clicked.connect(self._follow)
        self.views = QButtonGroup(self)
        self.segments: dict[View, QToolButton] = {}
        self._lay_out()
        for signal in (shown.run_changed, shown.steps_changed, shown.cursor_changed, jobs.changed):
            signal.connect(self.refresh)
        shown.view_changed.connect(self._show_view)
        actions.reach("timeline", self.strip)
        self.tint()
        self.refresh()
        self._show_view()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(0)
        for k, (view, text) in enumerate(VIEWS):
            edge = "first" if k == 0 else "last" if k == len(VIEWS) - 1 else "middle"
            self.segments[view] = self._segment(view, text, edge)
            head.addWidget(self.segments[view])
        head.addSpacing(em(self))
        for name in ("first", "previous", "play", "next", "last"):
            head.addWidget(self._actions.button(name, self))
        head.addSpacing(em(self, 0.5))
        for button in self.branching:
            head.addWidget(button)
        head.addSpacing(em(self, 0.5))
        head.addWidget(self.follow)
        head.addStretch(1)
        head.addWidget(self.parent_link)
        column = QVBoxLayout(self)
        side = em(self, 0.6)
        column.setContentsMargins(side, em(self, 0.45), side, em(self, 0.2))
        column.setSpacing(em(self, 0.3))
        column.addLayout(head)
        column.addWidget(self.strip, 1)

    def _segment(self, view: View, text: str, edge: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        button.setCheckable(True)
        button.setProperty("kind", "segment")
        button.setProperty("edge", edge)
        button.setToolTip(self._actions[f"see-{view}"].toolTip())
        button.setAccessibleName(text)
        button.clicked.connect(self._chose_view)
        self.views.addButton(button)
        return button

    def _chose_view(self) -> None:
        view = next(view for view, button in self.segments.items() if button.isChecked())
        self._shown.view = view

    def _show_view(self) -> None:
        self.segments[self._shown.view].setChecked(True)

    def _follow(self) -> None:
        self._shown.end()
        self.refresh()

    def tint(self) -> None:
        palette = QApplication.palette()
        self.follow.setIcon(icons.icon("follow", palette))
        self.parent_link.setIcon(icons.icon("parent", palette))

    def refresh(self) -> None:
        shown = self._shown
        self.follow.setVisible(shown.live)
        self.follow.setChecked(shown.following)
        for button in self.segments.values():
            button.setEnabled(shown.run is not None)
        parent = shown.run.parent if shown.run else None
        self.parent_link.setVisible(parent is not None)
        if parent is not None:
            words = f"from {title_of(parent.request)}, step {parent.step + 1}"
            self.parent_link.show_text(words)
            self.parent_link.setAccessibleName(f"{self._actions['parent'].text()}, {words}")

    def _show_menu(self, where: QPoint) -> None:
        self.menu.popup(where)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= em(self, ROOM_FOR_WORDS)
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if wide else Qt.ToolButtonStyle.ToolButtonIconOnly
        for button in self.branching:
            button.setToolButtonStyle(style)
        self.follow.setToolButtonStyle(style)
        for view, text in VIEWS:
            self.segments[view].setText(text if wide else text.split()[-1])

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, NARROWEST), super().minimumSizeHint().height())
