"""The folders of the user's models, as buttons with a menu, and how far the listing and the hashes are."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.core.models.library import ModelLibrary
from app.core.models.paths import short_path
from app.core.shown.naming import shorten
from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label
from app.ui.widgets.plain_tip import plain_tip
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.widgets.quiet_progress import QuietProgress

LONGEST = 36  # characters of a folder's name


class FolderBar(QWidget):
    """`adding`: a person wants to add a folder."""

    adding = Signal()

    def __init__(self, library: ModelLibrary) -> None:
        super().__init__()
        self._library = library
        self._menus: list[QMenu] = []
        self.chips = QWidget()
        self._flow = FlowLayout(self.chips, gap=em(self, 0.35))
        self.add = QPushButton("Add a folder…")
        self.add.setProperty("kind", "chip")
        self.add.setAutoDefault(False)
        self.add.setToolTip("Models are read where they are: nothing is moved, renamed or changed")
        self.add.clicked.connect(self.adding)
        self.note = QuietLabel()
        self.progress = QuietProgress("Progress of the hashes")
        self.hashes = QPushButton("Compute all hashes")
        self.hashes.setProperty("kind", "link")
        self.hashes.setAutoDefault(False)
        self.hashes.setToolTip("Read every file once, to find copies and to name models as other studios do")
        self.hashes.clicked.connect(self._on_hashes)
        self.forget = QPushButton()
        self.forget.setProperty("kind", "link")
        self.forget.setAutoDefault(False)
        self.forget.setToolTip("Take all files that are no longer there from the list")
        self.forget.clicked.connect(lambda _=False: library.forget(library.missing))
        foot = QHBoxLayout()
        foot.setSpacing(em(self, 0.5))
        foot.addWidget(self.note, 1)
        foot.addWidget(self.forget)
        foot.addWidget(self.progress)
        foot.addWidget(self.hashes)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(em(self, 0.4))
        column.addWidget(self.chips)
        column.addLayout(foot)
        library.folders_changed.connect(self._fill)
        for signal in (library.changed, library.activity_changed, library.hashing.changed):
            signal.connect(self.refresh)
        self._fill()

    @property
    def folder_chips(self) -> dict[Path, QPushButton]:
        """The buttons of the folders."""
        found = self.chips.findChildren(QPushButton)
        return {Path(button.property("folder")): button for button in found if button.property("folder")}

    def _fill(self) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None and widget is not self.add:
                widget.setParent(None)
                widget.deleteLater()
        self._menus.clear()  # PySide deletes a menu with its last reference
        self._flow.addWidget(label("Folders", "heading"))
        for folder in self._library.folders:
            button = chip(shorten(short_path(folder), LONGEST), lambda: None, plain_tip(str(folder)))
            button.clicked.disconnect()
            button.setAccessibleName(str(folder))
            button.setAutoDefault(False)
            button.setProperty("folder", str(folder))
            menu = QMenu(button)
            menu.addAction("Open in the file manager", partial(open_folder, folder))
            menu.addAction("Remove from the list", partial(self._library.remove_folder, folder))
            button.setMenu(menu)
            self._menus.append(menu)
            self._flow.addWidget(button)
        self._flow.addWidget(self.add)
        for widget in self.chips.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
            widget.show()  # at once: until it is shown a layout counts it as nothing
        self.refresh()

    def refresh(self, *_: object) -> None:
        library, hashing = self._library, self._library.hashing
        count = len(library.files)
        files = f"{count:,} model{'' if count == 1 else 's'}"
        if hashing.busy:
            self.note.setText(f"{files} · computing hash {hashing.done + 1} of {hashing.total}")
            self.progress.show_share((hashing.done + hashing.share) / max(1, hashing.total))
        else:
            self.note.setText(f"Listing … {files} so far" if library.listing else files)
        missing = len(library.missing)
        self.forget.setText(f"Forget {missing} missing")
        self.forget.setVisible(missing > 1 and not library.listing)
        self.progress.setVisible(hashing.busy)
        self.hashes.setText("Cancel" if hashing.busy else "Compute all hashes")
        self.hashes.setVisible(hashing.busy or next(self._unknown(), None) is not None)

    def _unknown(self) -> Iterator[Path]:
        """The files whose hash is not known."""
        return (p for p, f in self._library.files.items() if f.single and not f.sha256 and not f.missing)

    def _on_hashes(self) -> None:
        if self._library.hashing.busy:
            self._library.hashing.cancel()
        else:
            self._library.hashing.compute(self._unknown())


def open_folder(path: Path) -> None:
    """Show a folder in the file manager; of a file its folder."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path if path.is_dir() else path.parent)))
