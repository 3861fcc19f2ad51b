"""The chosen model: what it is, where it is, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.core.models.model_file import PREDICTS, ROLES, ModelFile
from app.core.models.paths import short_path
from app.core.models.studio_models import StudioModels
from app.core.models.table import ModelTable, in_bytes, picture_of
from app.core.models.thumbnails import Thumbnails
from app.ui.look.stylesheet import set_kind
from app.ui.look.theme import em
from app.ui.models.folder_bar import open_folder
from app.ui.models.row import paint_picture
from app.ui.widgets.chip import chip
from app.ui.widgets.flow_layout import FlowLayout
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.plain_tip import plain_tip
from app.ui.widgets.quiet_progress import QuietProgress
from engine.checkpoints.hashes import SHORT

USE = {"model": "Use this model", "adapter": "Use with the model", "embedding": "Add to the prompt"}  # by role
NO_VAE = "It holds no VAE: choose one on the panel, or under “Own defaults…”."
MOST_WORDS = 20  # that are shown


class Picture(QWidget):
    """The model's picture, a square."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        super().__init__()
        self._thumbnails = thumbnails
        self.path: Path | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        thumbnails.arrived.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(em(self, 9), em(self, 9))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        image = None if self.path is None else self._thumbnails.of(self.path)
        paint_picture(painter, QRectF(self.rect()), image, self.palette())
        painter.end()


class Details(QScrollArea):
    """Shows one model of the library; the signals carry its path, `word` a word for the prompt."""

    used = Signal(object)
    by_hand = Signal(object)
    defaults = Signal(object)
    word = Signal(str)

    def __init__(self, models: StudioModels, table: ModelTable) -> None:
        super().__init__()
        library = self._library = models.library
        self._adapters, self._table = models.adapters, table
        self.path: Path | None = None
        self._shown: ModelFile | None = None
        self.setAccessibleName("The chosen model")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.picture = Picture(models.thumbnails)
        self.name, self.place = paragraph("", "heading"), paragraph()
        self.place.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.alarm, self.copy = paragraph("", "alarm"), paragraph()
        self.nearest, self.reason = paragraph(), paragraph()
        self.facts = {name: paragraph("", "") for name in ("Kind", "Family", "Predicts", "Size", "SHA-256", "Licence")}
        self.facts["SHA-256"].setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.hash = self._button("Compute", self._on_hash, "link")
        self.hash.setToolTip("Read the whole file once; other studios name a model by the first ten digits")
        self.progress = QuietProgress("Progress of the hash")
        self.words_heading = label("Trigger words", "heading")
        self.words = QWidget()
        self._flow = FlowLayout(self.words, gap=em(self, 0.3))
        self.use = self._button("Use this model", self.used.emit, "primary")
        self.set = self._button("Set by hand…", self.by_hand.emit)
        self.own = self._button("Own defaults…", self.defaults.emit)
        self.show_ = self._button("Show in the file manager", open_folder)
        self.forget = self._button("Forget it", lambda path: library.forget([path]))
        self._lay_out()
        library.changed.connect(self._on_changed)
        library.hashing.changed.connect(self._show_hash)
        models.adapters.changed.connect(self.refresh)
        self.refresh()

    def _button(self, text: str, do: Callable[[Path], object], kind: str = "") -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        set_kind(button, kind)
        button.clicked.connect(lambda _=False: do(self.path) if self.path is not None else None)
        return button

    def _lay_out(self) -> None:
        content = self._content = QWidget()
        content.setObjectName("panel")
        column = QVBoxLayout(content)
        column.setContentsMargins(em(self, 0.8), 0, em(self, 0.9), 0)
        column.setSpacing(em(self, 0.4))
        column.addWidget(self.picture)
        column.addWidget(self.name)
        column.addWidget(self.place)
        column.addWidget(self.alarm)
        column.addWidget(self.nearest)
        column.addWidget(self.copy)
        grid = self._grid = QGridLayout()
        grid.setHorizontalSpacing(em(self, 0.7))
        grid.setVerticalSpacing(em(self, 0.25))
        grid.setColumnStretch(1, 1)
        self._names = {}
        for row, (name, value) in enumerate(self.facts.items()):
            self._names[name] = label(name, "muted")
            grid.addWidget(self._names[name], row, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(value, row, 1)
        row = list(self.facts).index("SHA-256")
        grid.addWidget(self.hash, row, 1, Qt.AlignmentFlag.AlignLeft)
        grid.addWidget(self.progress, row, 1)
        column.addSpacing(em(self, 0.2))
        column.addLayout(grid)
        column.addWidget(self.words_heading)
        column.addWidget(self.words)
        column.addSpacing(em(self, 0.4))
        for widget in (self.use, self.reason, self.own, self.set, self.show_, self.forget):
            column.addWidget(widget)
        column.addStretch(1)
        self.setWidget(content)

    def show_model(self, path: Path | None) -> None:
        self.path = path
        self.refresh()

    def _on_changed(self, paths: set[Path]) -> None:
        self.refresh()

    def refresh(self) -> None:
        file = self._library.files.get(self.path) if self.path is not None else None
        self._content.setVisible(file is not None)
        if file is None:
            self._shown = None
            return
        picture = picture_of(file, self._library)
        self.picture.path = picture
        self.picture.setVisible(picture is not None)
        self.picture.update()
        self.name.setText(file.stem)
        self.place.setText(short_path(file.path.parent))
        self._show_problem(file)
        self._show_facts(file)
        self._show_hash()
        if self._shown is None or self._shown.words != file.words or self._shown.path != file.path:
            self._show_words(file)
        self._shown = file
        why_not = self._adapters.why_not(file) if file.role == "adapter" else ""
        self.use.setText(USE[file.role] if file.role in USE else USE["model"])
        self.use.setVisible(file.role == "model" or (file.role in USE and file.usable))
        self.use.setEnabled(file.usable and not why_not)
        note = NO_VAE if file.lacks == ("vae",) else ""
        self.reason.setText(why_not or note)
        self.reason.setVisible(bool(why_not or note) and file.usable)
        self.own.setVisible(file.role == "model" and file.usable)
        self.set.setVisible(not file.missing and (file.role == "model" or file.unknown))
        set_kind(self.set, "primary" if file.unknown or (not file.predicts and file.problem) else "")
        self.show_.setVisible(not file.missing)
        self.forget.setVisible(file.missing or file.path in self._library.settings.files)
        self.forget.setText("Forget it" if file.missing else "Take it from the list")

    def _show_problem(self, file: ModelFile) -> None:
        told = "This file is no longer there: it was moved, renamed or deleted." if file.missing else file.problem
        self.alarm.setText(told.replace(f"{file.path} ", "This file ") if told else "")
        self.alarm.setVisible(bool(told))
        near = [] if file.missing else [one.partition(":")[0] for one in file.nearest]
        self.nearest.setText(f"The nearest: {' · '.join(near)}")
        self.nearest.setToolTip(plain_tip("\n".join(file.nearest)))
        self.nearest.setVisible(bool(near))
        copy = self._table.copy_of(file.path)
        if copy is not None:
            path, sure = copy
            place = short_path(path.parent)
            there = f"“{path.name}” in {place}" if path.name != file.path.name else place
            if file.missing:
                self.copy.setText(f"Perhaps it is now in {there}.")
            else:
                said = "The same file" if sure else "A file of the same name and size"
                self.copy.setText(f"{said} is also in {there}.")
        self.copy.setVisible(copy is not None)

    def _show_facts(self, file: ModelFile) -> None:
        predicts = PREDICTS.get(file.predicts, "")
        if predicts and file.said_by:
            predicts += " (set by you)" if file.said_by == "the user" else f" (from {file.said_by})"
        facts = {
            "Kind": file.title or ROLES[file.role][0],
            "Family": file.badge,
            "Predicts": predicts if file.role == "model" else "",
            "Size": in_bytes(file.bytes),
            "Licence": file.licence or ("No licence note" if file.role != "unknown" else ""),
        }
        for name, text in facts.items():
            self.facts[name].setText(text)
            self.facts[name].setVisible(bool(text))
            self._names[name].setVisible(bool(text))

    def _show_hash(self) -> None:
        file = self._library.files.get(self.path) if self.path is not None else None
        if file is None:
            return
        share = self._library.hashing.share_of(file.path)
        self.facts["SHA-256"].setText(file.sha256[:SHORT])
        self.facts["SHA-256"].setToolTip(file.sha256)
        self.facts["SHA-256"].setVisible(bool(file.sha256))
        self.progress.setVisible(not file.sha256 and share is not None)
        self.progress.show_share(share or 0.0)
        self.hash.setVisible(not file.sha256 and share is None and not file.missing)
        self._names["SHA-256"].setVisible(file.single)
        if not file.single:
            self.hash.hide()

    def _show_words(self, file: ModelFile) -> None:
        while (item := self._flow.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.setParent(None)
                widget.deleteLater()
        for word in file.words[:MOST_WORDS]:
            button = chip(word, lambda word=word: self.word.emit(word), "Add it to the prompt")  # type: ignore[misc]
            button.setAutoDefault(False)
            self._flow.addWidget(button)
            button.show()
        for widget in (self.words_heading, self.words):
            widget.setVisible(bool(file.words))

    def _on_hash(self, path: Path) -> None:
        self._library.hashing.compute([path], first=True)
