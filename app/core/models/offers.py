"""OfferTable: the models to choose from as rows, searched by their names and families."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from app.core.models.choice import Offer
from app.core.models.table import ABOUT, ALARM, BADGE, PICTURE, Index

KEY = Qt.ItemDataRole.UserRole + 10


class OfferTable(QAbstractListModel):
    """One row a model. refresh() asks for `offers` again."""

    def __init__(self, offers: Callable[[], list[Offer]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._offers = offers
        self._all: list[Offer] = []
        self._rows: list[Offer] = []
        self.search = ""

    def refresh(self, search: str | None = None) -> None:
        if search is None:
            self._all = self._offers()
        else:
            self.search = search.strip().lower()
        words = self.search.split()
        self.beginResetModel()
        self._rows = [offer for offer in self._all if all(word in _text(offer) for word in words)]
        self.endResetModel()

    def row_of(self, key: str) -> QModelIndex:
        row = next((k for k, offer in enumerate(self._rows) if offer.key == key), -1)
        return self.index(row) if row >= 0 else QModelIndex()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        offer = self._rows[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(filter(None, (offer.title, offer.badge, offer.about)))
        if role == Qt.ItemDataRole.ToolTipRole:
            return offer.alarm or (offer.key if offer.badge else "")
        return {
            Qt.ItemDataRole.DisplayRole: offer.title, ABOUT: offer.about, BADGE: offer.badge,
            PICTURE: offer.picture, ALARM: offer.alarm, KEY: offer.key,
        }.get(role)  # fmt: skip


def _text(offer: Offer) -> str:
    return f"{offer.title}\n{offer.badge}\n{offer.about}".lower()
