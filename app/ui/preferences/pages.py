"""The pages of the preferences: the settings of a subject, and the parts that are no settings."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.settings.subjects import Subject
from app.ui.look.theme import em
from app.ui.models.folder_bar import FolderBar
from app.ui.preferences.parts import PreferenceParts
from app.ui.preferences.pen import PenTrial
from app.ui.preferences.row import SettingRow
from app.ui.preferences.search import Hits, of_subject
from app.ui.preferences.shortcuts import ShortcutPage
from app.ui.preferences.storage import StorageUse
from app.ui.widgets.label import label, paragraph
from app.ui.window.places_list import PlacesList

NETWORK = "The studio never connects to the network: no telemetry, no updates, no downloads. What you do stays here."
REPORTS = "Crash reports are files on this computer. They are sent nowhere; read or delete them as you like."


def page_of(subject: Subject, parts: PreferenceParts) -> QWidget:
    """The page of a subject. That of the shortcuts fills it, the others scroll."""
    content = QWidget()
    column = QVBoxLayout(content)
    column.setContentsMargins(0, 0, em(content, 0.8), 0)
    column.setSpacing(em(content, 1))
    column.addWidget(_head(subject))
    if subject.name == "shortcuts":
        column.addWidget(ShortcutPage(parts.bindings), 1)
        return content
    for declared in of_subject(subject.name):
        column.addWidget(SettingRow(parts.settings, declared, parts.usual_folder))
    for extra in EXTRA_PARTS.get(subject.name, ()):
        column.addWidget(extra(parts))
    column.addStretch(1)
    return scrolled(content)


def results(hits: list[Hits], parts: PreferenceParts, go: Callable[[str], object]) -> QWidget:
    """The hits of a search, by subject; `go` is called with the name of a subject to open."""
    content = QWidget()
    column = QVBoxLayout(content)
    column.setContentsMargins(0, 0, em(content, 0.8), 0)
    column.setSpacing(em(content, 0.8))
    for hit in hits:
        column.addWidget(label(hit.subject.title, "title"))
        for declared in hit.settings:
            column.addWidget(SettingRow(parts.settings, declared, parts.usual_folder))
        for extra in hit.extras:
            link = QPushButton(extra.title)
            link.setProperty("kind", "link")
            link.setAutoDefault(False)
            link.setAccessibleName(f"{hit.subject.title}: {extra.title}")
            link.clicked.connect(lambda _=False, name=hit.subject.name: go(name))
            column.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
    if not hits:
        column.addWidget(paragraph("No preference has all of these words."))
    column.addStretch(1)
    return scrolled(content)


def scrolled(content: QWidget) -> QScrollArea:
    """The content in a frame that scrolls up and down."""
    content.setObjectName("panel")
    scroll = QScrollArea()
    scroll.setWidgetResizable(True)
    scroll.setFrameShape(QFrame.Shape.NoFrame)
    scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    scroll.setWidget(content)
    return scroll


def _head(subject: Subject) -> QWidget:
    head = QWidget()
    column = QVBoxLayout(head)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(em(head, 0.1))
    column.addWidget(label(subject.title, "title"))
    column.addWidget(paragraph(subject.about))
    return head


def _block(title: str, *widgets: QWidget) -> QWidget:
    block = QWidget()
    column = QVBoxLayout(block)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(em(block, 0.3))
    column.addWidget(label(title, "heading"))
    for widget in widgets:
        column.addWidget(widget)
    return block


def _model_folders(parts: PreferenceParts) -> QWidget:
    bar = FolderBar(parts.library)
    bar.adding.connect(parts.add_folder)
    about = paragraph(
        "These folders are watched: a model that is put there is listed at once. Nothing is changed in them."
    )
    return _block("Folders of models", about, bar)


def _places(parts: PreferenceParts) -> QWidget:
    return _block("Where things are kept", PlacesList(parts.folders, parts.open_folder))


def _storage(parts: PreferenceParts) -> QWidget:
    return StorageUse(parts.storage, parts.open_folder)


def _pen(parts: PreferenceParts) -> QWidget:
    return PenTrial(parts.settings)


def _network(parts: PreferenceParts) -> QWidget:
    return _block("Network", paragraph(NETWORK))


def _reports(parts: PreferenceParts) -> QWidget:
    folder = QPushButton("Open the folder of reports")
    folder.setAutoDefault(False)
    folder.clicked.connect(lambda: parts.open_folder(parts.folders.log))
    block = _block("Crash reports", paragraph(REPORTS))
    column = block.layout()
    assert isinstance(column, QVBoxLayout)
    column.addWidget(folder, 0, Qt.AlignmentFlag.AlignLeft)
    return block


EXTRA_PARTS: dict[str, tuple[Callable[[PreferenceParts], QWidget], ...]] = {
    "folders": (_model_folders, _places),
    "storage": (_storage,),
    "pen": (_pen,),
    "privacy": (_reports, _network),
}
