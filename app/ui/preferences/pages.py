"""The pages of the preferences: the settings of a subject, and the parts that are no settings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app.settings.subjects import Subject
from app.ui.actions import ACTIONS
from app.ui.actions.action import Action
from app.ui.look.theme import em
from app.ui.models.defaults_sheet import PRECISIONS
from app.ui.models.folder_bar import FolderBar
from app.ui.preferences.parts import PreferenceParts
from app.ui.preferences.pen import PenTrial
from app.ui.preferences.row import SettingRow
from app.ui.preferences.search import find, of_subject
from app.ui.preferences.shortcuts import ShortcutPage
from app.ui.preferences.storage import StorageUse
from app.ui.widgets.combo_box import ComboBox
from app.ui.widgets.label import label, paragraph
from app.ui.window.places_list import PlacesList

MOST_COMMANDS = 8
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


def results(
    query: str, parts: PreferenceParts, go: Callable[[str], object], find_command: Callable[[str], object]
) -> QWidget:
    """The hits of a search, by subject, and the commands that have its words.

    go           -- called with the name of a subject to open
    find_command -- called with the id of a command, to show its keys
    """
    hits, commands = find(query), _commands(query)
    content = QWidget()
    column = QVBoxLayout(content)
    column.setContentsMargins(0, 0, em(content, 0.8), 0)
    column.setSpacing(em(content, 0.8))
    for hit in hits:
        column.addWidget(label(hit.subject.title, "title"))
        for declared in hit.settings:
            column.addWidget(SettingRow(parts.settings, declared, parts.usual_folder))
        for extra in hit.extras:
            link = _link(extra.title, f"{hit.subject.title}: {extra.title}", partial(go, hit.subject.name))
            column.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
    if commands:
        column.addWidget(label("Keys of commands", "title"))
    for action in commands:
        keys = parts.bindings.text(action.id) or "no key"
        text = f"{action.text.rstrip('…')}   {keys}"
        column.addWidget(
            _link(text, f"Keys of {text}", partial(find_command, action.id)), 0, Qt.AlignmentFlag.AlignLeft
        )
    if not hits and not commands:
        column.addWidget(paragraph("No preference has all of these words."))
    column.addStretch(1)
    return scrolled(content)


def _commands(query: str) -> list[Action]:
    """The first commands that have every word of the query."""
    words = query.casefold().split()
    return [action for action in ACTIONS if all(word in action.text.casefold() for word in words)][:MOST_COMMANDS]


def _link(text: str, name: str, do: Callable[[], object]) -> QPushButton:
    link = QPushButton(text.replace("&", "&&"))
    link.setProperty("kind", "link")
    link.setAutoDefault(False)
    link.setAccessibleName(name)
    link.clicked.connect(lambda _=False: do())
    return link


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


def _precision(parts: PreferenceParts) -> QWidget:
    about = paragraph(
        "Of your own models that have no precision of their own (Models ▸ Defaults). 16 bits take half the memory; "
        "pictures differ a little."
    )
    box = ComboBox("Precision of models")
    for name, words in {"": "The device's best", **PRECISIONS}.items():
        box.addItem(words, name)
    box.setCurrentIndex(max(0, box.findData(parts.library.settings.precision)))
    box.setMaximumWidth(em(box, 13))
    box.activated.connect(lambda row: parts.set_precision(box.itemData(row)))
    return _block("Precision of models", about, box)


EXTRA_PARTS: dict[str, tuple[Callable[[PreferenceParts], QWidget], ...]] = {
    "folders": (_model_folders, _places),
    "computing": (_precision,),
    "storage": (_storage,),
    "pen": (_pen,),
    "privacy": (_reports, _network),
}
