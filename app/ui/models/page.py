"""The model page: the user's folders, every model in them, and the chosen one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.files.mime import local_files
from app.core.models.model_file import ROLES, USED
from app.core.models.studio_models import StudioModels
from app.core.models.table import FILE, ORDERS, OTHERS, ModelTable
from app.core.notices import Notice
from app.ui.files.file_dialog import file_dialog
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.models.by_hand_sheet import ByHandSheet
from app.ui.models.defaults_sheet import DefaultsSheet
from app.ui.models.details import Details
from app.ui.models.empty import NoModels
from app.ui.models.folder_bar import FolderBar
from app.ui.models.row import ModelList
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.label import paragraph
from engine.errors import EngineError

SIZE = QSize(1040, 680)
NOTHING = "No model has all of these words."


class ModelPage(Retinted, QDialog):
    """The other windows stay usable; files and folders can be dropped on it.

    insert -- puts the name of an embedding into the prompt
    """

    def __init__(self, models: StudioModels, insert: Callable[[str], object], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._models, self._insert = models, insert
        library = self._library = models.library
        thumbnails = models.thumbnails
        self.setWindowTitle("Models")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setAcceptDrops(True)
        self.table = ModelTable(library, self)
        self.dialog: QFileDialog | None = None
        self.search = QLineEdit()
        self.search.setAccessibleName("Search the models")
        self.search.setPlaceholderText("Search by name, family or trigger word")
        self.search.setClearButtonEnabled(True)
        self.kinds = ComboBox("Kind of model")
        self.sorts = ComboBox("Order")
        for name, title in ORDERS.items():
            self.sorts.addItem(f"By {title.lower()}", name)
        self.again = QToolButton()
        self.again.setAccessibleName("Refresh")
        self.again.setToolTip("Look for new and changed files (F5)")
        self.again.setShortcut("F5")
        self.list = ModelList(thumbnails, "Models")
        self.list.setModel(self.table)
        self.nothing = paragraph(NOTHING)
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.details = Details(models, self.table)
        self.bar = FolderBar(library)
        self.empty = NoModels(self.choose_folder, lambda path: library.add([path]))
        self.pages = QStackedWidget()
        self._lay_out()
        self.search.textChanged.connect(lambda text: self.table.show(search=text))
        self.kinds.activated.connect(lambda row: self.table.show(role=self.kinds.itemData(row)))
        self.sorts.activated.connect(lambda row: self.table.show(order=self.sorts.itemData(row)))
        self.again.clicked.connect(library.refresh)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.table.arranged.connect(self._on_arranged)
        self.details.used.connect(self._use)
        self.details.by_hand.connect(self._ask_by_hand)
        self.details.defaults.connect(self._ask_defaults)
        self.details.word.connect(models.adapters.add_word)
        self.list.doubleClicked.connect(lambda index: self._use(index.data(FILE).path))
        self.bar.adding.connect(self.choose_folder)
        library.folders_changed.connect(self.refresh)
        library.changed.connect(self.refresh)
        self.resize(self._fitting(parent))
        self.tint()
        self.refresh()
        self._on_arranged()
        self.search.setFocus()

    def _fitting(self, parent: QWidget | None) -> QSize:
        """The size of the page: no larger than the window that it belongs to."""
        return SIZE if parent is None else SIZE.boundedTo(parent.size() * 0.94)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(em(self, 0.4))
        head.addWidget(self.search, 1)
        for widget in (self.kinds, self.sorts, self.again):
            head.addWidget(widget)
        left = QVBoxLayout()
        left.setSpacing(em(self, 0.5))
        left.addLayout(head)
        left.addWidget(self.list, 1)
        left.addWidget(self.nothing, 1)
        line = QFrame()
        line.setObjectName("rule")
        line.setFixedWidth(1)
        self.details.setFixedWidth(em(self, 19))
        both = QHBoxLayout()
        both.setSpacing(em(self, 0.5))
        both.addLayout(left, 1)
        both.addWidget(line)
        both.addWidget(self.details)
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.6))
        column.addLayout(both, 1)
        column.addWidget(self.bar)
        self.pages.addWidget(self.empty)
        self.pages.addWidget(full)
        outer = QVBoxLayout(self)
        side = em(self, 0.8)
        outer.setContentsMargins(side, side, side, em(self, 0.5))
        outer.addWidget(self.pages)

    def tint(self) -> None:
        self.again.setIcon(icons.icon("refresh", self.palette()))

    # folders

    def choose_folder(self) -> None:
        """Ask for a folder to add."""
        self.dialog = file_dialog(self, "Folder of models", "models")
        self.dialog.setFileMode(QFileDialog.FileMode.Directory)
        self.dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self.dialog.fileSelected.connect(lambda folder: self._library.add([Path(folder)]))
        self.dialog.open()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        event.acceptProposedAction()
        self.take(local_files(event.mimeData()))

    def take(self, paths: list[Path]) -> None:
        """Add dropped files and folders, and show the first."""
        self._library.add(paths)
        self.show_model(paths[0])

    # the list

    def _ask_by_hand(self, path: Path) -> None:
        if (file := self._library.files.get(path)) is not None:
            ByHandSheet(self._library, file, self).open()

    def _ask_defaults(self, path: Path) -> None:
        try:
            info = self._models.choice.describe(path)
        except (EngineError, OSError) as error:
            self._models.notice_raised.emit(Notice("error", str(error)))
            return
        DefaultsSheet(self._models.choice, info, self).open()

    def _use(self, path: Path) -> None:
        """Use a checkpoint, an adapter with the chosen one, or an embedding in the prompt, and close the page."""
        file = self._library.files.get(path)
        if file is None or not file.usable:
            return
        if file.role == "embedding":
            self._insert(file.stem)
            self.close()
        elif (file.role == "model" and self._models.choice.choose(str(path))) or (
            file.role == "adapter" and self._models.adapters.choose(str(path))
        ):
            self.close()

    def show_model(self, path: Path) -> None:
        """Choose a model as soon as it is listed."""
        self._wanted = path
        self._on_arranged()

    _wanted: Path | None = None

    def refresh(self, *_: object) -> None:
        self.pages.setCurrentIndex(0 if self._library.empty else 1)
        counts = self.table.counts()
        chosen = self.table.role
        self.kinds.clear()
        for role in ("", *USED, OTHERS):
            title = {"": "All", OTHERS: "Not usable here"}.get(role) or ROLES[role][1]
            if not role or counts.get(role) or role == chosen:
                self.kinds.addItem(f"{title} ({counts.get(role, 0):,})", role)
        self.kinds.setCurrentIndex(max(0, self.kinds.findData(chosen)))

    def _on_current(self, index: QModelIndex, _before: QModelIndex | None = None) -> None:
        file = index.data(FILE) if index.isValid() else None
        self.details.show_model(None if file is None else file.path)

    def _on_arranged(self) -> None:
        rows = self.table.rowCount()
        self.list.setVisible(rows > 0)
        self.nothing.setVisible(rows == 0)
        self.nothing.setText(NOTHING if self._library.files else "There is no model in these folders yet.")
        wanted = self.table.row_of(self._wanted) if self._wanted is not None else QModelIndex()
        if wanted.isValid():
            self._wanted = None
            self.list.setCurrentIndex(wanted)
            self.list.scrollTo(wanted)
        elif rows and not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self.table.index(0))
        elif not rows:
            self.details.show_model(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows walk through the list from the search field too."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.list.setFocus(Qt.FocusReason.OtherFocusReason)
            self.list.keyPressEvent(event)
            return
        super().keyPressEvent(event)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._library.refresh()
