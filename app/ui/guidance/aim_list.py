"""The aims of CLIP guidance: rows of a text or a picture, each with a signed weight."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLineEdit, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.core.files.mime import holds_picture
from app.core.guidance.aim_sources import AimSources
from app.core.guidance.steering import Steering, SteeringRow
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.edits import clear_refusal, refuse
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.spin_box import RealSpinBox, show_number
from engine.spec.guides import MAX_AIM_TEXT, MAX_WEIGHT

WEIGHT = "How much this counts beside the others; below 0 CLIP steers away from it, at 0 it is left out"

MISSING = "This picture is not here any more: remove it, or choose it again"


class AimRow(Retinted, QWidget):
    """One wish. `changed` carries (name, value) that a person chose; `removed` that the row is to go."""

    changed = Signal(str, object)
    removed = Signal()

    def __init__(self, number: int) -> None:
        super().__init__()
        self.text = QLineEdit()
        self.text.setAccessibleName(f"Aim {number}")
        self.text.setPlaceholderText("a red apple")
        self.text.setMaxLength(MAX_AIM_TEXT)
        self.text.inputRejected.connect(self._refuse)
        self.text.setAcceptDrops(False)  # pictures let go over it are the list's
        self.text.textEdited.connect(self._type)
        self.picture = Thumbnail(f"Picture of aim {number}")
        self.weight = RealSpinBox()
        self.weight.setAccessibleName(f"Weight of aim {number}")
        self.weight.setToolTip(WEIGHT)
        self.weight.setDecimals(2)
        self.weight.setRange(-MAX_WEIGHT, MAX_WEIGHT)
        self.weight.setSingleStep(0.25)
        self.weight.setButtonSymbols(RealSpinBox.ButtonSymbols.NoButtons)
        self.weight.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.weight.setKeyboardTracking(False)
        self.weight.setFixedWidth(em(self.weight, 3.2))
        self.weight.valueChanged.connect(lambda value: self.changed.emit("weight", round(value, 2)))
        self.remove = QToolButton()
        self.remove.setAccessibleName(f"Remove aim {number}")
        self.remove.setToolTip("Take this away")
        self.remove.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.remove.clicked.connect(lambda _=False: self.removed.emit())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(em(self, 0.25))
        row.addWidget(self.text, 1)
        row.addWidget(self.picture, 1)
        row.addWidget(self.weight)
        row.addWidget(self.remove)
        self.tint()

    def _type(self, text: str) -> None:
        clear_refusal(self.text)
        self.changed.emit("text", text)

    def _refuse(self) -> None:
        refuse(self.text, f"An aim can have {MAX_AIM_TEXT} characters: the rest was left out.")

    def tint(self) -> None:
        self.remove.setIcon(icons.icon("close", QApplication.palette()))

    def show_wish(self, wish: SteeringRow, image: QImage) -> None:
        """Without an echo; the cursor stays where someone types the same."""
        self.text.setVisible(not wish.image)
        self.picture.setVisible(bool(wish.image))
        if wish.image:
            self.picture.show_image(image)
        if self.text.text() != wish.text:
            self.text.setText(wish.text)
        show_number(self.weight, wish.weight)


class Thumbnail(QWidget):
    """A small picture; where it is not here any more, it says so."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._image = QImage()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(em(self, 4), em(self, 3))

    def show_image(self, image: QImage) -> None:
        self._image = image
        self.setToolTip(MISSING if image.isNull() else "")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        side = self.height()
        if self._image.isNull():
            painter.setPen(self.palette().color(QPalette.ColorRole.BrightText))
            middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
            painter.drawText(self.rect(), middle, "Picture missing")
        else:
            size = QSize(side, side) * self.devicePixelRatioF()
            keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            small = self._image.scaled(size, keep, smooth)
            small.setDevicePixelRatio(self.devicePixelRatioF())
            painter.drawImage(0, 0, small)
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Mid), 1))
            shown = small.deviceIndependentSize()
            painter.drawRect(0, 0, round(shown.width()) - 1, round(shown.height()) - 1)
        painter.end()


class AimList(QWidget):
    """The rows of `steering`, and the buttons that add one. Pictures may be dropped anywhere on it.

    `picture_asked`: a file is to be chosen.
    """

    picture_asked = Signal()

    def __init__(self, steering: Steering, aim_sources: AimSources) -> None:
        super().__init__()
        self._steering, self._aim_sources = steering, aim_sources
        self.rows: list[AimRow] = []
        self._over = False
        self._column = QVBoxLayout()
        self._column.setSpacing(em(self, 0.3))
        self.add_text = chip("+ Text", self._add_text, "One more thing to steer to, or with a weight below 0 away from")
        self.add_picture = chip(
            "+ Picture …", self.picture_asked.emit, "Steer to what is in a picture: choose a file, or drop one here"
        )
        self.add_shown = chip("+ Shown picture", steering.aim_at_shown, "Steer to what is in the shown picture")
        buttons = QWidget()
        flow = FlowLayout(buttons, gap=em(self, 0.3))
        for button in (self.add_text, self.add_picture, self.add_shown):
            flow.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.35))
        column.addLayout(self._column)
        column.addWidget(buttons)
        self.setAcceptDrops(True)
        steering.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        wishes = self._steering.wishes
        while len(self.rows) < len(wishes):
            self._add_row()
        while len(self.rows) > len(wishes):
            row = self.rows.pop()
            row.hide()
            self._column.removeWidget(row)
            row.deleteLater()
        for row, wish in zip(self.rows, wishes, strict=True):
            row.show_wish(wish, self._steering.pictures.image(wish.image) if wish.image else QImage())
            row.remove.setVisible(len(wishes) > 1 or wish != SteeringRow())
        for button in (self.add_text, self.add_picture, self.add_shown):
            button.setEnabled(self._steering.can_add)

    def _add_row(self) -> None:
        n = len(self.rows)
        row = AimRow(n + 1)
        row.changed.connect(partial(self._change, n))
        row.removed.connect(partial(self._remove, n))
        self.rows.append(row)
        self._column.addWidget(row)
        row.setVisible(True)  # at once: the keyboard may go there next
        before: QWidget | None = self.rows[n - 1].remove if n else None
        for widget in (row.text, row.weight, row.remove):
            if before is not None:
                QWidget.setTabOrder(before, widget)
            before = widget
        QWidget.setTabOrder(row.remove, self.add_text)

    def _change(self, n: int, name: str, value: object) -> None:
        self._steering.set_wish(n, **{name: value})

    def _remove(self, n: int) -> None:
        self._steering.remove_wish(n)
        self.rows[min(n, len(self.rows) - 1)].setFocus(Qt.FocusReason.OtherFocusReason)

    def _add_text(self) -> None:
        self._steering.add_wish()
        self.rows[-1].text.setFocus(Qt.FocusReason.OtherFocusReason)

    # pictures that are let go here are aims; elsewhere on the window they are opened

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if holds_picture(event.mimeData()):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._show_over(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._show_over(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._show_over(False)
        event.setDropAction(Qt.DropAction.CopyAction)
        event.setAccepted(self._aim_sources.take_mime(event.mimeData()))

    def _show_over(self, over: bool) -> None:
        self._over = over
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._over:
            return
        painter = QPainter(self)
        colour = QColor(self.palette().color(QPalette.ColorRole.Highlight))
        painter.setPen(QPen(colour, 1, Qt.PenStyle.DashLine))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()
