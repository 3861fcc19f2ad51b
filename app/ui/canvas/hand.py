"""Input on the canvas: mouse, pen, touchpad and keys become touches of the selected tool."""

from __future__ import annotations

from typing import TypeAlias

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPointingDevice, QTabletEvent, QWheelEvent

from app.core.canvas.artwork import Artwork
from app.core.canvas.toolset import Toolset
from app.ui.canvas.tools import TOOLS
from app.ui.canvas.tools.tool import Tool, Touch
from app.ui.canvas.view import CanvasView
from app.ui.look.theme import em

Pointing: TypeAlias = QMouseEvent | QTabletEvent

ERASER = "eraser"  # what a pen's other end is
SMALLEST_TURN = 0.5  # notches of the wheel: a touchpad sends many small ones
ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
RETURNS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
WATCHED = frozenset({
    QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick, QEvent.Type.MouseMove,
    QEvent.Type.MouseButtonRelease, QEvent.Type.TabletPress, QEvent.Type.TabletMove, QEvent.Type.TabletRelease,
    QEvent.Type.Wheel, QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride, QEvent.Type.FocusOut, QEvent.Type.Hide,
    QEvent.Type.Leave,
})  # fmt: skip


class Hand(QObject):
    """Listens to a canvas while it is `at_work`, before the canvas itself does; what it does not use goes on to it.

    `moved`: the ring, the tool's outline or its cursor is another.
    """

    moved = Signal()
    pointed = Signal()  # the keyboard's pointer was moved, put down or lifted

    def __init__(self, canvas: CanvasView, artwork: Artwork, tools: Toolset) -> None:
        super().__init__(canvas)
        self._canvas, self._artwork, self._tools = canvas, artwork, tools
        self._held: dict[str, Tool] = {tool.name: tool(artwork, tools) for tool in TOOLS}
        self._busy: Tool | None = None
        self._button = Qt.MouseButton.NoButton  # that began the gesture; none: a key did
        self._against = False
        self._at: QPointF | None = None  # of the pointer, on the canvas
        self._key_at: QPointF | None = None  # of the keyboard's pointer, in the document, while it is in use
        self._turn = 0.0  # of the wheel, in notches, not yet used
        self._works = False
        canvas.installEventFilter(self)
        tools.tool_changed.connect(self._changed_tool)
        tools.choices_changed.connect(self.moved)
        for signal in (artwork.opened, artwork.resized, artwork.closed):
            signal.connect(self._start_anew)

    # the tool

    @property
    def at_work(self) -> bool:
        return self._works

    @at_work.setter
    def at_work(self, works: bool) -> None:
        if works == self._works:
            return
        self.let_go()
        self._works = works
        self._canvas.setMouseTracking(works)
        self._canvas.setTabletTracking(works)
        self._at = self._key_at = None
        self.show_cursor()

    @property
    def tool(self) -> Tool:
        """The active tool: the eraser for a pen's other end, else the selected one."""
        return self._busy or self._held[self._tools.tool]

    @property
    def busy(self) -> bool:
        """Whether something is pressed."""
        return self._busy is not None

    @property
    def at(self) -> QPointF | None:
        """The pointer in the document; None where there is no pointer."""
        if self._key_at is not None:
            return self._key_at
        return None if self._at is None else self._canvas.viewport.to_picture(self._at)

    @property
    def by_key(self) -> bool:
        """Whether the pointer is the keyboard's, which the system draws no cursor for."""
        return self._key_at is not None

    # end of a gesture

    def let_go(self) -> None:
        """End the gesture without a release; its effect stays."""
        tool, self._busy = self._busy, None
        if tool is not None:
            tool.let_go()
            self.moved.emit()

    def cancel(self) -> None:
        """Cancel the gesture: its effect is reverted."""
        tool, self._busy = self._busy, None
        if tool is not None:
            tool.cancel()
            self.moved.emit()

    def _start_anew(self) -> None:
        """The artwork changed: end the gesture, keep its effect."""
        self.let_go()
        self._key_at = None

    def _changed_tool(self) -> None:
        self.let_go()
        self.show_cursor()
        self.moved.emit()

    # the events of the canvas

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not self._works or event.type() not in WATCHED:
            return False
        if isinstance(event, QTabletEvent):
            return self._pen(event)
        if isinstance(event, QMouseEvent):
            return self._mouse(event)
        if isinstance(event, QWheelEvent):
            return self._wheel(event)
        if isinstance(event, QKeyEvent):
            return self._key(event)
        if event.type() == QEvent.Type.Leave:
            self._at = None
            self.moved.emit()
        else:  # the window or the keyboard is another's
            self.let_go()
        return False

    def _mouse(self, event: QMouseEvent) -> bool:
        right = event.button() == Qt.MouseButton.RightButton
        if event.type() == QEvent.Type.MouseMove:
            return self._go(event)
        if event.type() == QEvent.Type.MouseButtonRelease:
            return self._release(event)
        if not right and event.button() != Qt.MouseButton.LeftButton:
            return self.busy  # a pan would tear the stroke
        return self._press(event, self._held[self._tools.tool], right)

    def _pen(self, event: QTabletEvent) -> bool:
        """Handle a pen event; an unused one comes again as a mouse event, which can pan."""
        if event.type() == QEvent.Type.TabletMove:
            used = self._go(event)
        elif event.type() == QEvent.Type.TabletRelease:
            used = self._release(event)
        else:
            erases = event.pointerType() == QPointingDevice.PointerType.Eraser
            right = event.button() == Qt.MouseButton.RightButton
            used = self._press(event, self._held[ERASER if erases else self._tools.tool], right)
            self._canvas.setFocus(Qt.FocusReason.MouseFocusReason)  # as Qt does for a mouse, and not for a pen
        event.setAccepted(used)
        return used

    def _press(self, event: Pointing, tool: Tool, against: bool) -> bool:
        if self.busy:
            return True
        if self._canvas.panning or self._canvas.space_held:
            return False
        self._busy, self._button, self._against = tool, event.button(), against
        self._at, self._key_at = event.position(), None
        tool.press(self._touch(event))
        self._shown()
        return True

    def _go(self, event: Pointing) -> bool:
        if self._canvas.panning:
            self._at = event.position()
            return False
        if self._busy is not None and self._button == Qt.MouseButton.NoButton:
            return True  # the keyboard's
        self._at, self._key_at = event.position(), None
        if self._busy is not None:
            self._busy.move(self._touch(event))
        self._shown()
        return True

    def _release(self, event: Pointing) -> bool:
        if self._busy is None or event.button() != self._button:
            return self.busy
        tool, self._busy = self._busy, None
        self._at = event.position()
        tool.release(self._touch(event))
        self._shown()
        return True

    def _wheel(self, event: QWheelEvent) -> bool:
        """With Ctrl the size, with Alt the hardness; Alt makes some systems turn the wheel sideways."""
        options, held = self.tool.options, event.modifiers()
        sizes = bool(held & Qt.KeyboardModifier.ControlModifier) and "size" in options
        hardens = bool(held & Qt.KeyboardModifier.AltModifier) and "hardness" in options
        if not sizes and not hardens:
            return False
        self._turn += (event.angleDelta().y() or event.angleDelta().x()) / 120
        if abs(self._turn) >= SMALLEST_TURN:
            (self._tools.resize if sizes else self._tools.harden)(self._turn)
            self._turn = 0.0
        event.accept()
        return True

    # the keyboard's own pointer

    def _key(self, event: QKeyEvent) -> bool:
        key, held = Qt.Key(event.key()), event.modifiers()
        shift = bool(held & Qt.KeyboardModifier.ShiftModifier)
        ours = (key == Qt.Key.Key_Escape and self.busy) or (shift and (key in ARROWS or key in RETURNS))
        if not ours or (key in RETURNS and held & Qt.KeyboardModifier.ControlModifier):
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
        elif key == Qt.Key.Key_Escape:
            self.cancel()
        elif key in ARROWS:
            self._step(*ARROWS[key], fine=bool(held & Qt.KeyboardModifier.ControlModifier))
            self.pointed.emit()
        elif not event.isAutoRepeat():
            self._touch_by_key()
            self.pointed.emit()
        return True

    def _step(self, across: int, down: int, fine: bool) -> None:
        """Move the pointer by half a line of text on the screen, or by one pixel of the document."""
        if self._busy is not None and self._button != Qt.MouseButton.NoButton:
            return  # the mouse's
        by = 1.0 if fine else max(1.0, round(self._reach()))
        at = self._key_at or self.at or self._middle()
        rect = self._artwork.rect
        self._key_at = QPointF(
            min(max(at.x() + across * by, 0.0), float(rect.width())),
            min(max(at.y() + down * by, 0.0), float(rect.height())),
        )
        if self._busy is not None:
            self._busy.move(Touch(self._key_at, reach=self._reach()))
        self._shown()

    def _touch_by_key(self) -> None:
        """Press the tool the first time, release it the second time."""
        self._key_at = self._key_at or self.at or self._middle()
        touch = Touch(self._key_at, reach=self._reach())
        if self._busy is None:
            self._busy, self._button, self._against = self.tool, Qt.MouseButton.NoButton, False
            self._busy.press(touch)
        elif self._button == Qt.MouseButton.NoButton:
            tool, self._busy = self._busy, None
            tool.release(touch)
        self._shown()

    def _middle(self) -> QPointF:
        """Of what can be seen of the document, on a whole pixel."""
        seen = self._canvas.viewport.rect().intersected(QRectF(self._canvas.rect()))
        at = self._canvas.viewport.to_picture(seen.center())
        return QPointF(round(at.x()), round(at.y()))

    # inside

    def _touch(self, event: Pointing) -> Touch:
        return Touch(
            self._canvas.viewport.to_picture(event.position()),
            self._tools.pen.share(event.pressure()) if isinstance(event, QTabletEvent) else 1.0,
            bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier),
            self._against,
            self._reach(),
        )

    def _reach(self) -> float:
        return em(self._canvas, 0.5) / self._canvas.viewport.logical

    def _shown(self) -> None:
        self.show_cursor()
        self.moved.emit()

    def show_cursor(self) -> None:
        """Set the tool's cursor; none where a ring is drawn instead."""
        if not self._works:
            self._canvas.tool_cursor = None
        elif self.tool.ring:
            self._canvas.tool_cursor = Qt.CursorShape.BlankCursor
        else:
            touch = Touch(self.at or QPointF(), reach=self._reach())
            self._canvas.tool_cursor = self.tool.cursor(touch)
