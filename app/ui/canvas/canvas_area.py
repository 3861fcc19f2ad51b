"""The middle of the window: the canvas with its notices, batch and footer, or the welcome before the first run."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QObject, QRect, QSize
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.core.canvas.placement import box_of
from app.core.canvas.toolset import Toolset
from app.core.document import Document
from app.core.request.methods import FILL, REPAINT
from app.core.shown.naming import title_of
from app.ui.actions.action_set import ActionSet
from app.ui.canvas.candidate_strip import GESTURES, CandidateBar
from app.ui.canvas.easel import Easel
from app.ui.canvas.tool_options import ToolOptions
from app.ui.canvas.tool_strip import ToolStrip
from app.ui.canvas.view import CanvasView
from app.ui.look.theme import em
from app.ui.shown.batch_strip import BatchStrip
from app.ui.widgets.front_stack import FrontStack
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.window.notice_bar import NoticeBar
from app.ui.window.welcome import Welcome
from engine.pictures.compositing import free_cells
from engine.spec.draft import size, steps_of_strength

AWAITED = "The first estimate comes with the first model call"
UNREADABLE = "This step cannot be read"


class CanvasArea(QWidget):
    """Brings the document's frames to the canvas; the view of a page can take the place of all that."""

    def __init__(
        self,
        document: Document,
        tools: Toolset,
        canvas: CanvasView,
        actions: ActionSet,
    ) -> None:
        super().__init__()
        self._document, self._tools, self._actions = document, tools, actions
        self.canvas = canvas
        self._other: QWidget | None = None
        self._keys = ""
        self.welcome = Welcome(document)
        self.welcome.offer(actions["open"], "Or work on a picture of your own")
        self.welcome.offer(actions["page-lab"], "Or look inside: the 2-D lab")
        self.batch = BatchStrip(document.shown, document.guidance.scores)
        self.candidates = CandidateBar(
            document.editing, document.shown, document.jobs, document.guidance.scores, actions
        )
        self.easel = Easel(canvas, document.artwork, tools)
        self.easel.see_as(self._free_cells)
        self.easel.note_box(lambda: document.auto_box.note)
        document.auto_box.changed.connect(self.easel.look_again)
        self.strip = ToolStrip(actions)
        self.options = ToolOptions(tools, actions)
        self.facts = QuietLabel()
        self.zoom = QuietLabel("6400 % ", align="centre")
        self.stack = FrontStack()
        self.stack.addWidget(self.welcome)
        self.stack.addWidget(canvas)
        self.footer = self._footer()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.options)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self.strip)
        row.addWidget(self.stack, 1)
        column.addLayout(row, 1)
        column.addWidget(self.batch)
        column.addWidget(self.candidates)
        column.addWidget(self.footer)
        self.notices = NoticeBar(self)
        self.stack.installEventFilter(self)
        self.notices.installEventFilter(self)
        document.notice_raised.connect(self.notices.raise_notice)
        shown = document.shown
        for signal in (shown.frame_changed, shown.run_changed, document.jobs.changed, shown.image_changed,
                       document.editing.changed):  # fmt: skip
            signal.connect(self.refresh)
        for signal in (document.draft.settings_changed, document.draft.model_changed):
            signal.connect(self.easel.look_again)
        tools.tool_changed.connect(self.refresh)
        document.artwork.opened.connect(self._fit_tools)
        document.guidance.scores.changed.connect(self.refresh)
        canvas.space_changed.connect(self._compare)
        self.easel.hand.pointed.connect(self._describe)
        canvas.viewport_changed.connect(self._show_zoom)
        self.refresh()

    def _fit_tools(self) -> None:
        self._tools.fit(max(self._document.artwork.width, self._document.artwork.height))

    def _footer(self) -> QWidget:
        footer = QFrame()
        footer.setObjectName("footer")
        row = QHBoxLayout(footer)
        row.setContentsMargins(em(self, 0.6), em(self, 0.15), em(self, 0.4), em(self, 0.15))
        row.setSpacing(em(self, 0.15))
        row.addWidget(self.facts, 1)
        self.rank = self._actions.button("rank", footer)
        row.addWidget(self.rank)
        for name in ("smooth", "actual", "fit", "zoom-out"):
            row.addWidget(self._actions.button(name, footer))
        row.addWidget(self.zoom)
        row.addWidget(self._actions.button("zoom-in", footer))
        return footer

    def add_view(self, view: QWidget | None) -> None:
        """Add a page's view, to be shown in place of the picture."""
        if view is not None:
            self.stack.addWidget(view)

    def show_view(self, view: QWidget | None) -> None:
        """Show a page's view in place of the picture, under the same notices; None for the picture."""
        self._other = view
        self.refresh()

    def refresh(self) -> None:
        artwork, here = self._document.editing.shows_artwork, self._other is None
        self.batch.setVisible(self.batch.needed and not artwork and here)
        self.rank.setVisible(self.batch.isVisibleTo(self) and self._document.guidance.scores.can_rank)
        self.candidates.setVisible(self.candidates.needed and here)
        for widget in (self.options, self.strip):
            widget.setVisible(artwork and here)
        self.easel.shown = artwork
        if self._other is not None:
            self.stack.setCurrentWidget(self._other)
            self.footer.hide()
            return
        self._lend_keys("candidates" if artwork else "steps")
        if artwork:
            self._show_artwork()
        else:
            self._show_run()

    def _show_artwork(self) -> None:
        """Show the artwork, its overlay, and the selected tool."""
        self._come_forward(self.canvas)
        overlay = self._document.editing.overlay
        self.easel.set_candidate(overlay.rect if overlay else QRect(), overlay.image if overlay else None)
        self.easel.result_shown = self._document.editing.reviewing
        tool = self.easel.hand.tool
        looks_at_one = self._document.editing.reviewing and overlay is not None
        self.facts.setText(self._actions.hint(GESTURES if looks_at_one else tool.gestures))
        self._describe()

    def _describe(self) -> None:
        """Describe the canvas and the keyboard's pointer for screen readers."""
        artwork, hand = self._document.artwork, self.easel.hand
        words = f"{artwork.title or 'Artwork'}, {artwork.width} × {artwork.height}. {hand.tool.title}"
        if hand.by_key and hand.at is not None:
            words += f"{' down' if hand.busy else ''} at {hand.at.x():.0f}, {hand.at.y():.0f}"
        else:
            words += f": {hand.tool.tip}."
        self.canvas.setAccessibleDescription(words)

    def _come_forward(self, page: QWidget) -> None:
        """Keep the keyboard focus in the middle of the window where it was there."""
        focused = QApplication.focusWidget()
        chosen_here = focused is not None and self.welcome.isAncestorOf(focused)
        self.stack.setCurrentWidget(page)
        self.footer.setVisible(page is self.canvas)
        if chosen_here and page is self.canvas:
            self.canvas.setFocus()

    def _show_run(self) -> None:
        document = self._document
        job = document.jobs.running
        request = document.shown.run.request if document.shown.run else job.request if job else None
        self._come_forward(self.welcome if request is None else self.canvas)
        if request is None:
            return
        if self.canvas.frame is None:
            self.canvas.expect(QSize(*request.size))
        if document.shown.frame is not self.canvas.frame or document.shown.frame is None:
            self.canvas.set_frame(document.shown.frame, AWAITED if job else UNREADABLE, QSize(*request.size))
        words = title_of(request)
        words = f"{words[:1].upper()}{words[1:]}"
        seed = request.seeds[min(document.shown.image_index, len(request.seeds) - 1)]
        self.facts.setText(f"{words}   {request.size[0]} × {request.size[1]}   seed {seed}")
        self.canvas.setAccessibleDescription(f"Picture of {words}, seed {seed}")

    def _free_cells(self) -> NDArray[np.bool_] | None:
        """Return the cells of the state that a run of the panel's settings makes anew; None for all or none of them."""
        draft, artwork = self._document.draft.current, self._document.artwork
        if draft.method not in (FILL, REPAINT) or not artwork.is_open:
            return None
        steps = steps_of_strength(draft.strength, draft.steps)
        mask, factor = self.easel.mask_for_cells()
        left, top, width, height = box_of(artwork.box)
        box = left // factor, top // factor, max(1, width // factor), max(1, height // factor)
        model = self._document.draft.model
        cells = tuple(side // model.factor for side in size(draft, model))
        return free_cells(mask, box, (cells[0], cells[1]), steps)

    def _lend_keys(self, keys: str) -> None:
        """On the canvas the arrows move through candidates or through steps: never ambiguous."""
        if keys != self._keys:
            self._actions.leave(self._keys, self.canvas)
            self._actions.reach(keys, self.canvas)
            self._keys = keys

    def _compare(self, held: bool) -> None:
        """Show the original while Space is held, also while it pans."""
        self._document.editing.comparing = held

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
