"""The queue panel: the jobs of this session, which are ordered, paused, repeated and removed here."""

from __future__ import annotations

from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QListView, QMenu, QVBoxLayout, QWidget

from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue_model import QueueModel
from app.core.jobs.queue_selection import QueueSelection
from app.core.models.thumbnails import Thumbnails
from app.core.request.run_costs import Prices
from app.ui.actions.action_set import ActionSet
from app.ui.look.theme import em
from app.ui.queue.row import HIGH, QueueRow
from app.ui.widgets.label import label, paragraph

EMPTY = "Runs are listed here. Press Generate while one goes on: the next one waits its turn."
MENU = ("queue-show", "", "queue-next", "queue-up", "queue-down", "queue-pause", "", "queue-repeat", "queue-copy-error",
        "", "queue-remove", "queue-clear")  # fmt: skip


class QueuePanel(QWidget):
    """Shows a QueueModel. What is selected goes into `selection`, on which the actions of app.ui.actions.queue work."""

    def __init__(
        self,
        jobs: JobsModel,
        selection: QueueSelection,
        prices: Prices,
        thumbnails: Thumbnails,
        actions: ActionSet,
    ) -> None:
        super().__init__()
        self._selection, self._actions = selection, actions
        self.model = QueueModel(jobs, prices, self)
        self.list = QListView()
        self.list.setObjectName("queue")
        self.list.setAccessibleName("Queue")
        self.list.setModel(self.model)
        self.list.setItemDelegate(QueueRow(thumbnails, self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)  # the row under the pointer is shown
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.list.verticalScrollBar().setSingleStep(em(self, HIGH))
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._open_menu)
        self.list.doubleClicked.connect(actions["queue-show"].trigger)
        self.list.selectionModel().selectionChanged.connect(self._take)
        selection.changed.connect(self._mark)
        thumbnails.arrived.connect(self.list.viewport().update)
        self.empty = paragraph(EMPTY)
        head = QHBoxLayout()
        head.addWidget(label("Queue", "heading", self.list))
        head.addStretch(1)
        self.pause = actions.button("queue-pause-all", self)
        self.clear = actions.button("queue-clear", self)
        for button in (self.pause, self.clear):
            head.addWidget(button)
        column = QVBoxLayout(self)
        side = em(self, 0.5)
        column.setContentsMargins(side, side, side, side)
        column.setSpacing(em(self, 0.4))
        column.addLayout(head)
        column.addWidget(self.empty)
        column.addWidget(self.list, 1)
        column.addStretch(0)
        self.setMinimumWidth(em(self, 15))
        for signal in (self.model.rowsInserted, self.model.rowsRemoved):
            signal.connect(self._show_empty)
        self._show_empty()

    def _take(self) -> None:
        """The user selected other rows."""
        rows = sorted(index.row() for index in self.list.selectionModel().selectedIndexes())
        self._selection.chosen = [self.model.job(row) for row in rows]

    def _mark(self) -> None:
        """Select the rows of the selection, as after a removal."""
        rows = [row for row in map(self.model.row_of, self._selection.chosen) if row >= 0]
        model = self.list.selectionModel()
        if rows == sorted(index.row() for index in model.selectedIndexes()):
            return
        for n, row in enumerate(rows):
            flag = QItemSelectionModel.SelectionFlag.Select if n else QItemSelectionModel.SelectionFlag.ClearAndSelect
            model.setCurrentIndex(self.model.index(row), flag)

    def _open_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in MENU:
            if name:
                menu.addAction(self._actions[name])
            else:
                menu.addSeparator()
        menu.popup(self.list.viewport().mapToGlobal(at))

    def _show_empty(self) -> None:
        has_rows = self.model.rowCount() > 0
        self.list.setVisible(has_rows)
        self.empty.setVisible(not has_rows)
