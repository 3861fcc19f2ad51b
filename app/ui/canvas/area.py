"""The middle of the window: the canvas with its notices, batch and footer, or the welcome before the first run."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.core.document import Document
from app.core.runs import named
from app.ui.actions import Actions
from app.ui.batch_strip import BatchStrip
from app.ui.candidate_strip import CandidateBar
from app.ui.canvas.view import CanvasView
from app.ui.line import Line
from app.ui.notices import NoticeBar
from app.ui.theme import em
from app.ui.welcome import Welcome

AWAITED = "The first estimate comes with the first model call"
UNREADABLE = "This step cannot be read"


class CanvasArea(QWidget):
    """Brings the document's frames to the canvas; `lab` can take the place of all that."""

    def __init__(self, document: Document, canvas: CanvasView, actions: Actions, lab: QWidget) -> None:
        super().__init__()
        self._document, self._actions = document, actions
        self.canvas, self._lab = canvas, lab
        self._lab_shown = False
        self._keys = ""
        self.welcome = Welcome(document)
        self.welcome.offer(actions["lab"], "Or look inside: the 2-D lab")
        self.batch = BatchStrip(document)
        self.candidates = CandidateBar(document, actions)
        self.facts = Line()
        self.zoom = Line("6400 % ", align="centre")
        self.stack = QStackedWidget()
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(canvas)
        self.stack.addWidget(lab)
        self.footer = self._footer()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.stack, 1)
        column.addWidget(self.batch)
        column.addWidget(self.candidates)
        column.addWidget(self.footer)
        self.notices = NoticeBar(self)
        self.stack.installEventFilter(self)
        self.notices.installEventFilter(self)
        document.notice_raised.connect(self.notices.raise_notice)
        for signal in (document.frame_changed, document.run_changed, document.jobs_changed, document.image_changed,
                       document.editing.changed):  # fmt: skip
            signal.connect(self.refresh)
        canvas.viewport_changed.connect(self._show_zoom)
        self.refresh()

    def _footer(self) -> QWidget:
        footer = QFrame()
        footer.setObjectName("footer")
        row = QHBoxLayout(footer)
        row.setContentsMargins(em(self, 0.6), em(self, 0.15), em(self, 0.4), em(self, 0.15))
        row.setSpacing(em(self, 0.15))
        row.addWidget(self.facts, 1)
        for name in ("smooth", "actual", "fit", "zoom-out"):
            row.addWidget(self._actions.button(name, footer))
        row.addWidget(self.zoom)
        row.addWidget(self._actions.button("zoom-in", footer))
        return footer

    def show_lab(self, shown: bool) -> None:
        """The lab in the place of the picture, under the same notices; or back."""
        self._lab_shown = shown
        self.refresh()

    def refresh(self) -> None:
        artwork = self._document.editing.shows_artwork
        self.batch.setVisible(self.batch.needed and not artwork and not self._lab_shown)
        self.candidates.setVisible(self.candidates.needed and not self._lab_shown)
        if self._lab_shown:
            self.stack.setCurrentWidget(self._lab)
            self.footer.hide()
            return
        self._lend_keys("candidates" if artwork else "steps")
        document = self._document
        job = document.running_job
        request = document.run.request if document.run else job.request if job else None
        focused = QApplication.focusWidget()
        chosen_here = focused is not None and self.welcome.isAncestorOf(focused)
        self.stack.setCurrentWidget(self.welcome if request is None else self.canvas)
        if chosen_here and request is not None:
            self.canvas.setFocus()
        self.footer.setVisible(request is not None)
        if request is None:
            return
        if self.canvas.frame is None:
            self.canvas.expect(QSize(*request.size))
        if document.frame is not self.canvas.frame or document.frame is None:
            self.canvas.set_frame(document.frame, AWAITED if job else UNREADABLE, QSize(*request.size))
        words = named(request)
        words = f"{words[:1].upper()}{words[1:]}"
        seed = request.seeds[min(document.image_index, len(request.seeds) - 1)]
        self.facts.setText(f"{words}   {request.size[0]} × {request.size[1]}   seed {seed}")
        self.canvas.setAccessibleDescription(f"Picture of {words}, seed {seed}")

    def _lend_keys(self, keys: str) -> None:
        """On the canvas the arrows move through candidates or through steps: never ambiguous."""
        if keys != self._keys:
            self._actions.leave(self._keys, self.canvas)
            self._actions.reach(keys, self.canvas)
            self._keys = keys

    def _show_zoom(self) -> None:
        self.zoom.setText(f"{self.canvas.viewport.scale * 100:.0f} %")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.LayoutRequest):
            self._place_notices()
        return super().eventFilter(watched, event)

    def _place_notices(self) -> None:
        margin = em(self, 0.6)
        width = min(self.stack.width() - 2 * margin, em(self, 46))
        if width <= 0 or not self.notices.isVisible():
            return
        height = self.notices.heightForWidth(width)
        left = self.stack.x() + (self.stack.width() - width) // 2
        self.notices.setGeometry(left, self.stack.y() + margin, width, height)
        self.notices.raise_()
