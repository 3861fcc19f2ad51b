"""PictureTable: the listed pictures as rows of a model, divided into days."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QObject, QPersistentModelIndex, Qt, QUrl, Signal

from app.core.history.history import History
from app.core.shown.naming import shorten
from engine.history.query import MISSING, Row
from engine.history.store import Picture

ROW = Qt.ItemDataRole.UserRole + 1  # the Row

Index = QModelIndex | QPersistentModelIndex


class Section(NamedTuple):
    """The pictures of one day. day: ISO; first: its first row; length: how many rows it has."""

    day: str
    first: int
    length: int


class PictureTable(QAbstractListModel):
    """One row a picture, or a stack of them. `arranged` is emitted after the rows changed."""

    arranged = Signal()

    def __init__(self, history: History, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history = history
        self._rows = history.rows
        self.sections = sections_of(self._rows)
        history.rows_changed.connect(self._arrange)

    @property
    def rows(self) -> list[Row]:
        return self._rows

    def index_of(self, id: int) -> QModelIndex:
        return next((self.index(row) for row, found in enumerate(self._rows) if found.id == id), QModelIndex())

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not 0 <= index.row() < len(self._rows):
            return None
        row = self._rows[index.row()]
        if role == ROW:
            return row
        if role not in (
            Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.AccessibleDescriptionRole
        ):  # fmt: skip
            return None
        picture = self._history.picture(row.id)
        return (
            None
            if picture is None
            else title_of(picture)
            if role == Qt.ItemDataRole.DisplayRole
            else spoken(picture, row)
        )

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsDragEnabled

    def mimeTypes(self) -> list[str]:
        return ["text/uri-list"]

    def mimeData(self, indexes: Any) -> QMimeData:
        """The files, for other programs and the studio's own pages."""
        mime = QMimeData()
        pictures = (self._history.picture(self._rows[index.row()].id) for index in indexes)
        mime.setUrls([QUrl.fromLocalFile(str(picture.path)) for picture in pictures if picture is not None])
        return mime

    def _arrange(self) -> None:
        rows = self._history.rows
        if [row.id for row in rows] == [row.id for row in self._rows]:
            self._rows, self.sections = rows, sections_of(rows)
            if rows:
                self.dataChanged.emit(self.index(0), self.index(len(rows) - 1))
        else:
            self.layoutAboutToBeChanged.emit()
            before = self.persistentIndexList()
            at = {row.id: k for k, row in enumerate(rows)} if before else {}
            kept = [at.get(self._rows[index.row()].id) for index in before]
            self._rows, self.sections = rows, sections_of(rows)
            after = [QModelIndex() if row is None else self.index(row) for row in kept]
            self.changePersistentIndexList(before, after)
            self.layoutChanged.emit()
        self.arranged.emit()


def sections_of(rows: list[Row]) -> list[Section]:
    """Divide rows, which are sorted by their days, into days."""
    sections, first = [], 0
    for day, found in groupby(rows, lambda row: row.day):
        count = sum(1 for _ in found)
        sections.append(Section(day, first, count))
        first += count
    return sections


def title_of(picture: Picture) -> str:
    """Return how a picture is spoken of: by its prompt, else by its file."""
    return f"“{shorten(picture.facts.prompt)}”" if picture.facts.prompt else picture.path.name


def spoken(picture: Picture, row: Row) -> str:
    """Return what a screen reader says of a picture."""
    said = [title_of(picture)]
    if row.stack > 1:
        said.append(f"{row.stack} pictures with the same settings")
    elif picture.facts.seed is not None:
        said.append(f"seed {picture.facts.seed}")
    said.append(f"made {datetime.fromtimestamp(picture.made):%d %B %Y %H:%M}")
    if picture.starred:
        said.append("starred")
    if picture.rating:
        said.append(f"rated {picture.rating} of 5")
    if picture.state == MISSING:
        said.append("its file is missing")
    return ", ".join(said)
