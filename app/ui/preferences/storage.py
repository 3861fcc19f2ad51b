"""The page's part on the disk: what each folder takes, and the runs above the limit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QListWidget, QListWidgetItem, QPushButton, QVBoxLayout, QWidget

from app.core.models.table import in_bytes
from app.core.storage.storage import RUNS, Storage
from app.ui.look.theme import em
from app.ui.widgets.folder_link import FolderLink
from app.ui.widgets.label import label, paragraph

PATH = Qt.ItemDataRole.UserRole
HIGH = 9  # line heights of the list


class StorageUse(QWidget):
    """Measured each time that it is shown. Runs go only by the button, and only those that are checked."""

    def __init__(self, storage: Storage, open_folder: Callable[[Path], object]) -> None:
        super().__init__()
        self._storage = storage
        self.links: dict[str, FolderLink] = {}
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(em(self, 1))
        self.grid.setVerticalSpacing(em(self, 0.2))
        self.grid.setColumnStretch(1, 1)
        self.sizes = {name: label("", "muted") for name in storage.places}
        for k, (name, place) in enumerate(storage.places.items()):
            self.grid.addWidget(label(place.title), k, 0)
            self.links[name] = FolderLink(place.title, open_folder)
            self.grid.addWidget(self.links[name], k, 1)
            self.grid.addWidget(self.sizes[name], k, 2, Qt.AlignmentFlag.AlignRight)
        self.note = paragraph()
        self.list = QListWidget()
        self.list.setAccessibleName("Runs that can be deleted")
        self.list.setFixedHeight(em(self, HIGH))
        self.delete = QPushButton()
        self.delete.setAutoDefault(False)
        self.again = QPushButton("Measure again")
        self.again.setAutoDefault(False)
        foot = QHBoxLayout()
        foot.addWidget(self.delete)
        foot.addStretch(1)
        foot.addWidget(self.again)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.4))
        column.addWidget(label("Space on the disk", "heading"))
        column.addLayout(self.grid)
        column.addWidget(self.note)
        column.addWidget(self.list)
        column.addLayout(foot)
        self.again.clicked.connect(storage.refresh)
        self.delete.clicked.connect(self._on_delete)
        self.list.itemChanged.connect(lambda _: self._count())
        storage.changed.connect(self.refresh)
        self.refresh()
        storage.refresh()

    def refresh(self) -> None:
        storage = self._storage
        for name, place in storage.places.items():
            self.links[name].show_path(place.path)
            measured = "" if place.bytes is None else in_bytes(place.bytes) or "empty"
            self.sizes[name].setText(measured or "measuring …")
        self._fill()
        self.note.setText(self._said())
        self.again.setEnabled(not storage.busy)
        self._count()

    def checked(self) -> set[Path]:
        items = (self.list.item(row) for row in range(self.list.count()))
        return {item.data(PATH) for item in items if item.checkState() == Qt.CheckState.Checked}

    def _said(self) -> str:
        storage = self._storage
        if not storage.limit:
            return "There is no limit for runs. Set one above, and the oldest runs beyond it are offered here."
        if storage.surplus:
            return (
                "The runs take more than their limit. These are the oldest that nothing else needs; starred runs and "
                "those that others were forked from stay. Their finished pictures stay too."
            )
        if storage.over_limit and not storage.busy:
            return "The runs take more than their limit, but all of them are starred, open, or forked from."
        return "The runs take less than their limit." if storage.places[RUNS].bytes is not None else ""

    def _fill(self) -> None:
        runs = self._storage.surplus
        shown = [self.list.item(row).data(PATH) for row in range(self.list.count())]
        if shown != [run.path for run in runs]:
            self.list.clear()
            for run in runs:
                day = f"{datetime.fromtimestamp(run.at):%Y-%m-%d}"
                item = QListWidgetItem(f"{day}   {in_bytes(run.bytes):>8}   {run.path.stem}")
                item.setData(PATH, run.path)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked)
                self.list.addItem(item)
        self.list.setVisible(bool(runs))
        self.delete.setVisible(bool(runs))

    def _count(self) -> None:
        checked = self.checked()
        size = sum(run.bytes for run in self._storage.surplus if run.path in checked)
        runs = f"{len(checked)} run{'' if len(checked) == 1 else 's'}"
        self.delete.setText(f"Move {runs} to the trash ({in_bytes(size) or '0 kB'})")
        self.delete.setEnabled(bool(checked))

    def _on_delete(self) -> None:
        self._storage.delete(self.checked())
