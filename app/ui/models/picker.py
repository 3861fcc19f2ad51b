"""ModelPicker: the Model field of a panel. It opens a list with a search field."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QFrame, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.core.models.choice import ModelChoice
from app.core.models.offers import KEY, OfferTable
from app.core.models.thumbnails import Thumbnails
from app.core.request.draft_model import DraftModel
from app.ui.look.theme import em
from app.ui.models.row import HIGH, ModelList
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.label import paragraph

WALKS = (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown)
SHOWN = 9  # rows at most


class ModelPopup(QFrame):
    """A list under `field`. Typing searches, the arrows walk, Return chooses, Esc closes.

    choose  -- called with the key of the chosen row
    current -- the key that is marked at first
    more    -- the action of the line under the list; nothing -- the sentence where there is nothing to choose
    """

    def __init__(
        self,
        table: OfferTable,
        thumbnails: Thumbnails,
        more: QAction,
        field: QWidget,
        choose: Callable[[str], object],
        current: Callable[[], str] = str,
        nothing: str = "No model has all of these words.",
    ) -> None:
        super().__init__(field, Qt.WindowType.Popup)
        self.table, self._field, self._choose, self._current = table, field, choose, current
        self.setObjectName("notice")  # the ground and the edge of what floats
        self.setAccessibleName("Choose a model")
        self.search = QLineEdit()
        self.search.setAccessibleName("Search the models")
        self.search.setPlaceholderText("Search")
        self.search.installEventFilter(self)
        self.list = ModelList(thumbnails, "Models")
        self.list.setModel(self.table)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.nothing = paragraph(nothing)
        self.more = QPushButton()
        self.more.setProperty("kind", "link")
        keys = more.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        self.more.setText(f"All models, and folders …   {keys}")
        self.more.clicked.connect(self.close)
        self.more.clicked.connect(more.trigger)
        column = QVBoxLayout(self)
        side = em(self, 0.4)
        column.setContentsMargins(side, side, side, em(self, 0.25))
        column.setSpacing(em(self, 0.3))
        for widget in (self.search, self.list, self.nothing, self.more):
            column.addWidget(widget)
        self.search.textChanged.connect(self._on_search)
        self.list.clicked.connect(self._on_clicked)

    def open(self, text: str = "") -> None:
        """Show the list under the field, or over it where there is more room; `text` begins the search."""
        self.search.setText(text)
        self.table.refresh()
        self.table.refresh(text)
        self._mark()
        rows = min(max(self.table.rowCount(), 3), SHOWN)
        self.list.setFixedHeight(rows * round(self.list.fontMetrics().height() * HIGH) + em(self, 0.4))
        self.setFixedWidth(max(self._field.width(), em(self, 24)))
        self.adjustSize()
        below = self._field.mapToGlobal(QPoint(0, self._field.height() + 2))
        screen = self._field.screen().availableGeometry()
        if below.y() + self.height() > screen.bottom():
            below.setY(max(screen.top(), self._field.mapToGlobal(QPoint(0, -2)).y() - self.height()))
        below.setX(max(screen.left(), min(below.x(), screen.right() - self.width())))
        self.move(below)
        self.show()
        self.search.setFocus(Qt.FocusReason.PopupFocusReason)

    def choose(self) -> None:
        """Use the marked model."""
        index = self.list.currentIndex()
        if index.isValid():
            key = index.data(KEY)
            self.close()
            self._choose(key)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in WALKS:
                self.list.keyPressEvent(event)
                return True
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self.choose()
                return True
        return super().eventFilter(watched, event)

    def _on_clicked(self, _index: QModelIndex) -> None:
        self.choose()

    def _on_search(self, text: str) -> None:
        self.table.refresh(text)
        self._mark()

    def refresh(self) -> None:
        """The models have changed: the open list shows it."""
        if self.isVisible():
            key = self.list.currentIndex().data(KEY)
            self.table.refresh()
            self._mark(key)

    def _mark(self, key: str | None = None) -> None:
        """Mark a row: that of `key`, else of the chosen model, or the first while someone searches."""
        wanted = key or (self._current() if not self.table.search else "")
        index = self.table.row_of(wanted)
        if not index.isValid() and self.table.rowCount():
            index = self.table.index(0)
        self.list.setVisible(self.table.rowCount() > 0)
        self.nothing.setVisible(self.table.rowCount() == 0)
        if index.isValid():
            self.list.setCurrentIndex(index)
            self.list.scrollTo(index)


class ModelPicker(ComboBox):
    """A field that shows the draft's model; a click, Return, the arrow down or a letter opens the list."""

    def __init__(self, draft: DraftModel, choice: ModelChoice, thumbnails: Thumbnails, more: QAction) -> None:
        super().__init__("Model")
        self._draft = draft
        table = OfferTable(choice.offers, self)
        self.popup = ModelPopup(table, thumbnails, more, self, choice.choose, lambda: choice.current)
        choice.changed.connect(self.popup.refresh)
        draft.model_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        self.clear()
        self.addItem(self._draft.model.title, self._draft.model.id)
        self.setToolTip(self._draft.model.title)

    def showPopup(self) -> None:
        self.popup.open()

    def hidePopup(self) -> None:
        self.popup.close()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.showPopup()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        with_control = event.modifiers() & Qt.KeyboardModifier.ControlModifier
        typed = bool(event.text()) and event.text().isprintable() and not with_control
        opens = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_F4)
        if event.key() in opens and not with_control:
            self.showPopup()
        elif typed:
            self.popup.open(event.text())
        else:
            event.ignore()
