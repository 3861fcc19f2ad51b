"""ModelTable: the models as rows, searched, filtered and sorted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from app.core.models.library import ModelLibrary
from app.core.models.model_file import PREDICTS, ROLES, USED, ModelFile
from engine.checkpoints.complete import named
from engine.checkpoints.families import families

ABOUT = Qt.ItemDataRole.UserRole + 1  # the second line of a row
BADGE = Qt.ItemDataRole.UserRole + 2  # its family
PICTURE = Qt.ItemDataRole.UserRole + 3  # the path of its picture, or None
ALARM = Qt.ItemDataRole.UserRole + 4  # why it cannot be used, "" where it can
FILE = Qt.ItemDataRole.UserRole + 5  # the ModelFile

ORDERS = {"name": "Name", "size": "Size", "date": "Date", "used": "Last used"}
OTHERS = "others"  # the filter for what no run can use

Index = QModelIndex | QPersistentModelIndex


class ModelTable(QAbstractListModel):
    """One row a model. `arranged` is emitted after the rows changed."""

    arranged = Signal()

    def __init__(self, library: ModelLibrary, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._library = library
        self._rows: list[Path] = []
        self._texts: dict[Path, str] = {}
        self._copies = library.duplicates()
        self.search, self.role, self.order = "", "", "name"
        library.changed.connect(self._on_changed)
        library.activity_changed.connect(self._on_listed)
        self._arrange()

    def show(self, search: str | None = None, role: str | None = None, order: str | None = None) -> None:
        """Change what is listed and in which order; `role` is a key of ROLES, OTHERS, or "" for all."""
        self.search = self.search if search is None else search.strip().lower()
        self.role = self.role if role is None else role
        self.order = self.order if order is None else order
        self._arrange()

    @property
    def paths(self) -> list[Path]:
        return list(self._rows)

    def counts(self) -> dict[str, int]:
        """The number of models by filter, "" for all."""
        found = Counter(_filter_of(file) for file in self._library.files.values())
        return {"": sum(found.values())} | dict(found)

    def copy_of(self, path: Path) -> tuple[Path, bool] | None:
        """The copy of a file and whether it is sure; see ModelLibrary.duplicates."""
        return self._copies.get(path)

    def row_of(self, path: Path) -> QModelIndex:
        return self.index(self._rows.index(path)) if path in self._rows else QModelIndex()

    # QAbstractListModel

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        file = self._library.files.get(self._rows[index.row()]) if index.row() < len(self._rows) else None
        if file is None:
            return None
        if role == FILE:
            return file
        if role == Qt.ItemDataRole.DisplayRole:
            return file.stem
        if role == Qt.ItemDataRole.ToolTipRole:
            return str(file.path)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (file.stem, file.badge, self._about(file))))
        if role == ABOUT:
            return self._about(file)
        if role == BADGE:
            return file.badge
        if role == ALARM:
            return "missing" if file.missing else file.problem
        if role == PICTURE:
            return picture_of(file, self._library)
        return None

    # inside

    def _about(self, file: ModelFile) -> str:
        said = [ROLES[file.role][0]]
        if file.role == "model" and (file.predicts or (file.problem and file.family in families())):
            said.append(f"predicts {PREDICTS.get(file.predicts, 'ε or v?')}")
        said.append(named(file.lacks))
        said.append(in_bytes(file.bytes))
        if file.missing:
            said.insert(0, "Missing")
        elif file.path in self._copies:
            said.append("copy" if self._copies[file.path][1] else "perhaps a copy")
        return " · ".join(filter(None, said))

    def _on_changed(self, paths: Collection[Path]) -> None:
        for path in paths:
            self._texts.pop(path, None)
        if not self._library.listing:  # else after it: there are many
            self._copies = self._library.duplicates()
        self._arrange()

    def _on_listed(self) -> None:
        if not self._library.listing and (copies := self._library.duplicates()) != self._copies:
            self._copies = copies
            self._arrange()

    def _arrange(self) -> None:
        files = self._library.files
        words = self.search.split()
        rows = [
            file
            for file in files.values()
            if (not self.role or _filter_of(file) == self.role) and all(word in self._text(file) for word in words)
        ]
        rows.sort(key=_name)
        if self.order == "size":
            rows.sort(key=lambda file: -file.bytes)
        elif self.order == "date":
            rows.sort(key=lambda file: -file.changed)
        elif self.order == "used":
            rows.sort(key=lambda file: -_at(self._library, file))
        paths = [file.path for file in rows]
        if paths == self._rows:
            if paths:
                self.dataChanged.emit(self.index(0), self.index(len(paths) - 1))
        else:
            self.layoutAboutToBeChanged.emit()
            before = self.persistentIndexList()
            at = {path: row for row, path in enumerate(paths)}
            kept = [at.get(self._rows[index.row()]) for index in before]
            self._rows = paths
            after = [QModelIndex() if row is None else self.index(row) for row in kept]
            self.changePersistentIndexList(before, after)
            self.layoutChanged.emit()
        self.arranged.emit()

    def _text(self, file: ModelFile) -> str:
        found = self._texts.get(file.path)
        if found is None:
            found = self._texts[file.path] = file.text
        return found


def picture_of(file: ModelFile, library: ModelLibrary) -> Path | None:
    """The picture of a model: the one beside it, else the last one that was made with it."""
    if file.preview is not None:
        return file.preview
    use = library.use_of(str(file.path))
    return None if use is None else use.picture


def in_bytes(count: int) -> str:
    """A size on disk as people read it: 2.13 GB, 144 MB, 12 kB; "" for none."""
    if count >= 1e9:
        return f"{count / 1e9:.2f} GB"
    if count >= 1e6:
        return f"{count / 1e6:.0f} MB"
    return f"{max(1, round(count / 1e3))} kB" if count else ""


def _filter_of(file: ModelFile) -> str:
    return file.role if file.role in USED else OTHERS


def _name(file: ModelFile) -> tuple[str, str]:
    return file.stem.lower(), str(file.path)


def _at(library: ModelLibrary, file: ModelFile) -> int:
    use = library.use_of(str(file.path))
    return 0 if use is None else use.at
