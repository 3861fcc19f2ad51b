"""One quiet bar over the canvas for notices. It never takes the focus and never stops anyone."""

from __future__ import annotations

from functools import partial
from time import monotonic

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QWidget

from app.core.notices import Notice
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.widgets.breaking_label import BreakingLabel

INFO_MS = 6000  # news goes by itself; an error stays until it is closed
CHOICE_MS = 20_000  # a notice with buttons stays long enough to read and answer
MOST = 2  # things to do about one notice
MOMENT_S = 10.0  # errors within it are of one moment: each is read before it goes


class NoticeBar(Retinted, QFrame):
    """Shows the newest notice; closing it brings back an error of the same moment that it covered.

    An older error, which a person has seen, does not return: what it says may be over.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("notice")
        self._stack: list[Notice] = []
        self._raised: dict[str, float] = {}  # when each error came, in seconds, by its text
        self._seen: set[str] = set()  # the texts of the errors that were painted
        self.sign = QLabel()
        self.text = BreakingLabel()
        self.actions_ = [QPushButton() for _ in range(MOST)]
        self.dismiss = QToolButton()
        self.dismiss.setAccessibleName("Close this notice")
        self.dismiss.setToolTip("Close")
        row = self._row = QHBoxLayout(self)
        row.setContentsMargins(em(self, 0.6), em(self, 0.35), em(self, 0.35), em(self, 0.35))
        row.setSpacing(em(self, 0.5))
        for widget in (self.sign, self.text, *self.actions_, self.dismiss):
            row.addWidget(widget, 1 if widget is self.text else 0)
        for k, button in enumerate(self.actions_):
            button.setProperty("kind", "link")
            button.clicked.connect(partial(self._act, k))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.close_one)
        self.dismiss.clicked.connect(self.close_one)
        self.hide()

    @property
    def notice(self) -> Notice | None:
        return self._stack[-1] if self._stack else None

    def raise_notice(self, notice: Notice) -> None:
        """Show `notice`. It replaces news in front; an equal notice is not shown twice."""
        now = monotonic()
        self._stack = [kept for kept in self._stack if kept.text != notice.text and self._stays(kept, now)]
        self._stack.append(notice)
        self._seen &= {kept.text for kept in self._stack if kept is not notice}
        self._raised = {kept.text: self._raised.get(kept.text, now) for kept in self._stack} | {notice.text: now}
        self._show()

    def _stays(self, notice: Notice, now: float) -> bool:
        """Whether it returns when the newer ones are closed."""
        unread = notice.text not in self._seen or now - self._raised[notice.text] < MOMENT_S
        return notice.level == "error" and unread

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.notice is not None:
            self._seen.add(self.notice.text)

    def close_one(self) -> None:
        if self._stack:
            self._stack.pop()
        self._show()

    def _act(self, k: int) -> None:
        notice = self.notice
        self.close_one()
        if notice is not None:
            notice.actions[k].do()

    def _show(self) -> None:
        notice = self.notice
        if notice is not None:
            self.text.show_text(notice.text)
            self.setAccessibleName(f"Notice: {notice.text}")
            for k, button in enumerate(self.actions_):
                button.setVisible(k < len(notice.actions))
                button.setText(notice.actions[k].text if k < len(notice.actions) else "")
            self.tint()
        self.setVisible(notice is not None)
        self._row.invalidate()  # a layout made while hidden had no height
        self._row.activate()
        self._time()

    def _time(self) -> None:
        """News goes after a while in which somebody could see it."""
        self._timer.stop()
        if self.notice is not None and self.notice.level == "info" and self.isVisible():
            self._timer.start(CHOICE_MS if self.notice.actions else INFO_MS)

    def showEvent(self, event: QShowEvent) -> None:
        self._time()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._time()
        super().hideEvent(event)

    def tint(self) -> None:
        palette = QApplication.palette()
        alarm = self.notice is not None and self.notice.level == "error"
        colour = palette.color(palette.ColorRole.BrightText if alarm else palette.ColorRole.Highlight)
        self.sign.setPixmap(icons.pixmap("alarm" if alarm else "info", colour, em(self, 1.2), self.devicePixelRatioF()))
        self.dismiss.setIcon(icons.icon("close", palette))
