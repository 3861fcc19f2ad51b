"""The guide: the pages of docs/ in a window of their own, without a network and without a browser."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QImage, QKeyEvent, QKeySequence, QShortcut, QTextCursor, QTextDocument
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QListWidget,
    QPushButton,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from app.core.help.details import guide_folder
from app.ui.look.theme import em
from app.ui.widgets.label import paragraph

PAGES = (  # in the order of reading; further ones come after them
    "guide", "prompts", "models", "canvas", "editing", "guidance", "flow", "morph", "lab", "samplers", "preferences",
    "other-pictures", "checkpoints", "training",
)  # fmt: skip
SIZE = 62, 42  # line heights
ROW = 1.7  # line heights of a page in the list
LACKS = "The pages of the guide are not installed with this studio. They are in the folder docs of its source."


class PageBrowser(QTextBrowser):
    """Shows one page. Links to other pages open here, links to the web in the browser of the desktop."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self.setAccessibleName("Page of the guide")
        self.setOpenLinks(False)
        self.document().setDocumentMargin(em(self, 0.8))
        self.anchorClicked.connect(self.go)

    def go(self, url: QUrl) -> None:
        """Follow a link."""
        if url.scheme() in ("http", "https"):
            QDesktopServices.openUrl(url)
            return
        target = self.source().resolved(url) if not self.source().isEmpty() else url
        path, anchor = Path(target.toLocalFile()), target.fragment()
        if path.suffix != ".md" or path.parent != self._folder or not path.is_file():
            return  # a page of the source, which is not here
        target.setFragment("")
        if target != self.source():
            self.setSource(target)
        if anchor:
            self._scroll_to(anchor)

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Pictures are never wider than the page."""
        found = super().loadResource(kind, name)
        if kind == QTextDocument.ResourceType.ImageResource.value:
            image = QImage(self.source().resolved(QUrl(name)).toLocalFile())
            width = self.viewport().width() - em(self, 2.5)
            if not image.isNull() and image.width() > width > 0:
                return image.scaledToWidth(width, Qt.TransformationMode.SmoothTransformation)
        return found

    def _scroll_to(self, anchor: str) -> None:
        """Show the heading whose words make that anchor."""
        block = self.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel() and anchor_of(block.text()) == anchor:
                self.setTextCursor(QTextCursor(self.document().lastBlock()))
                self.setTextCursor(QTextCursor(block))  # from below: the heading comes to the top
                self.ensureCursorVisible()
                return
            block = block.next()


class GuideSheet(QDialog):
    """Pages on the left, the page on the right; Ctrl+F finds a word, Return the next one."""

    def __init__(self, parent: QWidget | None = None, folder: Path | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Guide")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        folder = folder or guide_folder()
        outer = QHBoxLayout(self)
        outer.setContentsMargins(em(self, 0.9), em(self, 0.9), em(self, 0.9), em(self, 0.9))
        outer.setSpacing(em(self, 0.8))
        self.resize(QSize(em(self, SIZE[0]), em(self, SIZE[1])).boundedTo(self.screen().availableSize()))
        if folder is None:
            outer.addWidget(paragraph(LACKS))
            return
        self.page = PageBrowser(folder)
        self.paths = pages_in(folder)
        self.list = QListWidget()
        self.list.setAccessibleName("Pages of the guide")
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.addItems([title_of(path) for path in self.paths])
        for row in range(self.list.count()):
            self.list.item(row).setSizeHint(QSize(0, em(self, ROW)))
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find on this page")
        self.search.setAccessibleName("Find on this page")
        self.search.setClearButtonEnabled(True)
        self.search.installEventFilter(self)
        back = QPushButton("Back")
        back.setAutoDefault(False)
        back.setEnabled(False)
        left = QVBoxLayout()
        left.setSpacing(em(self, 0.5))
        for widget in (self.search, self.list, back):
            left.addWidget(widget, 1 if widget is self.list else 0)
        side = QWidget()
        left.setContentsMargins(0, 0, 0, 0)
        side.setLayout(left)
        side.setFixedWidth(em(self, 13))
        outer.addWidget(side)
        outer.addWidget(self.page, 1)
        back.clicked.connect(self.page.backward)
        self.page.backwardAvailable.connect(back.setEnabled)
        self.page.sourceChanged.connect(self._on_source)
        self.list.currentRowChanged.connect(self._on_row)
        self.search.textEdited.connect(lambda text: self._find(text, anew=True))
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self.search.setFocus)
        self.list.setCurrentRow(0)
        self.page.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
                self._find(self.search.text())
                return True
            if event.key() == Qt.Key.Key_Escape and self.search.text():
                self.search.clear()
                return True
        return super().eventFilter(watched, event)

    def _on_row(self, row: int) -> None:
        self.page.go(QUrl.fromLocalFile(str(self.paths[row])))

    def _on_source(self, url: QUrl) -> None:
        path = Path(url.toLocalFile())
        if path in self.paths:
            self.list.blockSignals(True)
            self.list.setCurrentRow(self.paths.index(path))
            self.list.blockSignals(False)

    def _find(self, text: str, anew: bool = False) -> None:
        """Select the next place with the text; from the end on from the beginning."""
        if anew:
            self.page.moveCursor(QTextCursor.MoveOperation.Start)
        if text and not self.page.find(text):
            self.page.moveCursor(QTextCursor.MoveOperation.Start)
            self.page.find(text)


def pages_in(folder: Path) -> list[Path]:
    """The pages of a folder, those of PAGES first."""
    paths = {path.stem: path for path in sorted(folder.glob("*.md"))}
    first = [paths.pop(name) for name in PAGES if name in paths]
    return [*first, *paths.values()]


def title_of(path: Path) -> str:
    """The first heading of a page."""
    with open(path, encoding="utf-8") as file:
        return file.readline().lstrip("# ").replace("`", "").strip() or path.stem


def anchor_of(heading: str) -> str:
    """The anchor that links use for a heading: its words in small letters, joined by dashes."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
