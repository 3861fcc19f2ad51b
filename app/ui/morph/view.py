"""The middle of the window on the page Morph: the frame, the row of key frames, and a first hint."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QStackedLayout, QVBoxLayout, QWidget

from app.core.morph.morph_room import MorphRoom
from app.ui.actions.action_button import ActionButton
from app.ui.actions.action_set import ActionSet
from app.ui.look.theme import em
from app.ui.morph.key_strip import KeyStrip
from app.ui.morph.timeline import MOVES
from app.ui.widgets.label import label
from app.ui.widgets.opening_page import OpeningPage

ADD = ("morph-add-shown", "morph-add-file", "morph-add-seed")


class Stage(QWidget):
    """The frame under the cursor as large as there is room; the wheel moves as over the timeline."""

    def __init__(self, morph: MorphRoom) -> None:
        super().__init__()
        self._morph = morph
        self._smooth = True
        self.setAccessibleName("Frame of the morph")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        for signal in (morph.cursor_changed, morph.run_changed, morph.steps_changed, morph.keys.changed):
            signal.connect(self.refresh)
        self.refresh()

    @property
    def smooth(self) -> bool:
        return self._smooth

    @smooth.setter
    def smooth(self, smooth: bool) -> None:
        if smooth != self._smooth:
            self._smooth = smooth
            self.update()

    def refresh(self) -> None:
        result, k = self._morph.result, self._morph.cursor
        shown = self._morph.image is not None and result is not None
        words = f"Frame {k + 1} of {result.morph.frames}" if shown and result else self._empty()
        self.setAccessibleDescription(words)
        self.update()

    @property
    def frame(self) -> QRectF:
        """Where the picture stands."""
        image = self._morph.image
        room = QRectF(self.rect()).adjusted(*(em(self) * side for side in (1, 1, -1, -1)))
        if image is None or image.isNull():
            return room
        size = QSize(image.size()).scaled(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
        at = QRectF(0, 0, size.width(), size.height())
        at.moveCenter(room.center())
        return at.toAlignedRect().toRectF()

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y()
        if notches:
            self._morph.step_by(-1 if notches > 0 else 1)
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Dark))
        image = self._morph.image
        if image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
            painter.drawImage(self.frame, image)
        else:
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.frame, flags, self._empty())
        if self.hasFocus():
            painter.setPen(self.palette().color(QPalette.ColorRole.Highlight))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _empty(self) -> str:
        if self._morph.rendering:
            return "The first frames come together"
        count = len(self._morph.keys.frames)
        return "One more key frame, then Generate" if count == 1 else "Generate makes the frames between the keys"


class FirstSteps(OpeningPage):
    """What stands here before the first key frame."""

    def __init__(self, actions: ActionSet) -> None:
        super().__init__()
        self.setAccessibleName("How to begin a morph")
        title = label("From picture to picture", "title")
        hint = label(
            "A morph goes along the flow from key frame to key frame. Begin with two pictures: what is on the canvas, "
            "a click on one of this session's, a file dropped here, or a seed of which nothing has been made yet.",
            "muted",
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(*(em(self, 2),) * 4)
        column.addStretch(3)
        for text in (title, hint):
            text.setAlignment(Qt.AlignmentFlag.AlignCenter)
            text.setWordWrap(True)
            text.setMinimumWidth(1)
        hint.setMaximumWidth(em(self, 34))
        column.addWidget(title)
        column.addSpacing(em(self, 0.4))
        column.addLayout(self.centred(hint))
        column.addSpacing(em(self, 1.0))
        self.buttons: dict[str, QPushButton] = {}
        for name in ADD:
            button = self.buttons[name] = ActionButton(actions[name], actions[name].text().rstrip("…"))
            button.setProperty("kind", "chip")
            button.setProperty("large", True)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
            column.addSpacing(em(self, 0.3))
        column.addStretch(4)


class MorphView(QWidget):
    """The frame over the row of key frames; before there are any, how to begin."""

    def __init__(self, morph: MorphRoom, actions: ActionSet) -> None:
        super().__init__()
        self._morph = morph
        self.setAccessibleName("Morph")
        self.stage = Stage(morph)
        self.first = FirstSteps(actions)
        self.keys = KeyStrip(morph.keys)
        middle = QWidget()
        self._pages = QStackedLayout(middle)
        self._pages.addWidget(self.first)
        self._pages.addWidget(self.stage)
        self.footer = QFrame()
        self.footer.setObjectName("footer")
        row = QHBoxLayout(self.footer)
        row.setContentsMargins(0, 0, em(self, 0.4), 0)
        row.setSpacing(em(self, 0.15))
        row.addWidget(self.keys, 1)
        for name in (*ADD, "morph-remove"):
            row.addWidget(actions.button(name, self.footer))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(middle, 1)
        column.addWidget(self.footer)
        for name in MOVES:
            self.stage.addAction(actions[name])
        actions.reach("morph-keys", self.keys)
        morph.keys.changed.connect(self.refresh)
        morph.run_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        begun = bool(self._morph.keys.frames) or self._morph.result is not None
        self._pages.setCurrentWidget(self.stage if begun else self.first)
        self.footer.setVisible(begun)
