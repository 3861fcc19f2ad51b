"""The window of the preferences: subjects on the left, their pages on the right, and a search over all of them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.settings.subjects import SUBJECTS
from app.ui.look.theme import em
from app.ui.preferences.pages import page_of, results
from app.ui.preferences.parts import PreferenceParts
from app.ui.preferences.row import SettingRow
from app.ui.preferences.search import find
from app.ui.preferences.shortcuts import ShortcutPage

SIZE = 50, 36  # line heights
ROW = 1.9  # line heights of a subject


class Preferences(QDialog):
    """Every change acts at once; there is nothing to confirm. The sheet blocks no other window."""

    def __init__(self, parts: PreferenceParts, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Preferences")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._parts = parts
        self._pages: dict[str, QWidget] = {}
        self._results: QWidget | None = None
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setAccessibleName("Search the preferences")
        self.search.setClearButtonEnabled(True)
        self.search.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName("Subjects")
        self.list.addItems([subject.title for subject in SUBJECTS])
        for row in range(self.list.count()):
            self.list.item(row).setSizeHint(QSize(0, em(self, ROW)))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.pages = QStackedWidget()
        left = QVBoxLayout()
        left.setSpacing(em(self, 0.5))
        left.addWidget(self.search)
        left.addWidget(self.list, 1)
        side = QWidget()
        side.setLayout(left)
        left.setContentsMargins(0, 0, 0, 0)
        side.setFixedWidth(em(self, 10))
        columns = QHBoxLayout(self)
        columns.setContentsMargins(em(self, 0.9), em(self, 0.9), em(self, 0.5), em(self, 0.9))
        columns.setSpacing(em(self, 1.2))
        columns.addWidget(side)
        columns.addWidget(self.pages, 1)
        self.list.currentRowChanged.connect(self._on_row)
        self.list.itemClicked.connect(lambda _: self._on_row(self.list.currentRow()))
        self.search.textChanged.connect(self._on_search)
        self.list.setCurrentRow(0)
        self.resize(QSize(em(self, SIZE[0]), em(self, SIZE[1])).boundedTo(self.screen().availableSize()))
        self.search.setFocus()

    def open_page(self, name: str) -> None:
        """Show the page of a subject, or of the setting of that name with the keyboard on it."""
        if name in (subject.name for subject in SUBJECTS):
            self._go(name)
            return
        hit = next((found for found in find("") for one in found.settings if one.name == name), None)
        if hit is not None:
            self._go(hit.subject.name)
            page = self._pages[hit.subject.name]
            for row in page.findChildren(SettingRow):
                if row.declared.name == name:
                    row.field.setFocus(Qt.FocusReason.OtherFocusReason)
                    if isinstance(page, QScrollArea):
                        page.ensureWidgetVisible(row)

    def find_command(self, name: str) -> None:
        """Show the shortcuts with the command of that id chosen."""
        self._go("shortcuts")
        self._pages["shortcuts"].findChildren(ShortcutPage)[0].choose(name)

    @property
    def subject(self) -> str:
        """The name of the subject that is shown, "" while a search is."""
        return next((name for name, page in self._pages.items() if page is self.pages.currentWidget()), "")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """From the search the arrows go to the list; Esc ends the search first."""
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self.list.setFocus(Qt.FocusReason.OtherFocusReason)
                self.list.keyPressEvent(event)
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
        return super().eventFilter(watched, event)

    def _go(self, name: str) -> None:
        self.search.clear()
        self.list.setCurrentRow(next(k for k, subject in enumerate(SUBJECTS) if subject.name == name))

    def _on_row(self, row: int) -> None:
        if row < 0:
            return
        subject = SUBJECTS[row]
        self.list.item(row).setSelected(True)  # a search took it
        if subject.name not in self._pages:
            page = self._pages[subject.name] = page_of(subject, self._parts)
            self.pages.addWidget(page)
        self.search.blockSignals(True)
        self.search.clear()
        self.search.blockSignals(False)
        self._show(self._pages[subject.name])

    def _on_search(self, text: str) -> None:
        if text.strip():
            found = results(text, self._parts, self._go, self.find_command)
            self.list.clearSelection()
            self.pages.addWidget(found)
            self._show(found)
            self._results = found
        else:
            self._on_row(self.list.currentRow())

    def _show(self, page: QWidget) -> None:
        self.pages.setCurrentWidget(page)
        if self._results is not None and self._results is not page:
            self.pages.removeWidget(self._results)
            self._results.deleteLater()
            self._results = None
