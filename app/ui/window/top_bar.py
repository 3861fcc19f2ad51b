"""The top of the window: the menus, and the pages as tabs."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenuBar, QSizePolicy, QTabBar, QWidget

from app.ui.actions.action_set import ActionSet
from app.ui.look.theme import em
from app.ui.window.page_table import PAGES
from app.ui.window.pages import Pages


class PageTabs(QTabBar):
    """One tab a page. Each triggers its page's action, whose tip it shows."""

    def __init__(self, pages: Pages, actions: ActionSet) -> None:
        super().__init__()
        self._pages = pages
        self._actions: list[QAction] = []
        self.setAccessibleName("Pages")
        self.setObjectName("pages")
        self.setDocumentMode(True)
        self.setDrawBase(False)
        self.setExpanding(False)
        self.setUsesScrollButtons(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        for entry in PAGES:
            self.addTab(entry.title)
            action = actions[f"page-{entry.name}"]
            action.changed.connect(self._show_tips)
            self._actions.append(action)
        self._show_tips()
        self.currentChanged.connect(self._go)
        pages.changed.connect(self._follow)

    def _show_tips(self) -> None:
        for k, action in enumerate(self._actions):
            self.setTabToolTip(k, action.toolTip())

    def _go(self, k: int) -> None:
        if PAGES[k].name != self._pages.name:
            self._actions[k].trigger()

    def _follow(self) -> None:
        self.setCurrentIndex([entry.name for entry in PAGES].index(self._pages.name))


class TopBar(QWidget):
    """The menus on the left, the tabs on the right: one line, so that the picture keeps its height."""

    def __init__(self, pages: Pages, actions: ActionSet) -> None:
        super().__init__()
        self.setObjectName("top")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.menus = QMenuBar()
        self.menus.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.tabs = PageTabs(pages, actions)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, em(self, 0.4), 1)  # the line below is the bar's own
        row.setSpacing(0)
        row.addWidget(self.menus, 1)
        row.addWidget(self.tabs, 0, Qt.AlignmentFlag.AlignBottom)
        actions.fill(self.menus)

    def minimumSizeHint(self) -> QSize:
        return QSize(em(self, 10), super().minimumSizeHint().height())
