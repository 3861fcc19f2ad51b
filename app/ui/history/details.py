"""The panel of the history: what is known of the chosen picture, and what a person says of it."""

from __future__ import annotations

from PySide6.QtCore import QDateTime, QLocale, Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.history.history import History
from app.core.history.table import title_of
from app.ui.actions.action_button import ActionButton
from app.ui.actions.action_set import ActionSet
from app.ui.history.commands import HistoryCommands
from app.ui.history.names import Names
from app.ui.look.theme import em
from app.ui.widgets.breaking_label import BreakingLabel
from app.ui.widgets.label import label, paragraph
from app.ui.widgets.panel_layout import column_of, lay_out
from app.ui.widgets.segments import Segments
from engine.history.query import MISSING, MOST_RATING
from engine.history.store import Picture

NOTHING = "Choose a picture to see how it was made."
RATINGS = {"0": ("–", "Not rated (0)")} | {str(k): (str(k), f"Rate {k} of {MOST_RATING} ({k})") for k in range(1, 6)}


class Details(QWidget):
    """Follows the selection of the history."""

    def __init__(self, history: History, commands: HistoryCommands, actions: ActionSet) -> None:
        super().__init__()
        self._history = history
        self.setAccessibleName("The chosen picture")
        self.hint, self.title = paragraph(NOTHING), paragraph("", "heading")
        self.facts = QGridLayout()
        self.run = paragraph("", "caption")
        self.star = actions.button("history-star", self)
        self.rating = Segments("Rating", RATINGS)
        self.tags, self.boards = Names("tag"), Names("board")
        self.alike = QPushButton()
        self.alike.setProperty("kind", "link")
        self.content = QWidget()
        self.foot = QWidget()
        self._lay_out(actions)
        self.rating.chosen.connect(lambda key: history.rate(history.selected, int(key)))
        self.tags.added.connect(lambda text: history.tag(history.selected, text))
        self.tags.removed.connect(lambda name: history.untag(history.selected, name))
        self.boards.added.connect(lambda text: history.add_to_board(history.selected, text))
        self.boards.removed.connect(lambda name: history.take_off_board(history.selected, name))
        self.alike.clicked.connect(lambda: history.show_alike(history.selected[0]))
        commands.focus_wanted.connect(self._on_focus)
        for names in (self.tags, self.boards):
            names.line.left.connect(commands.back_to_pictures)
        history.selection_changed.connect(self.refresh)
        history.rows_changed.connect(self.refresh)
        self.refresh()

    def _lay_out(self, actions: ActionSet) -> None:
        column = column_of(self.content)
        column.addWidget(self.hint)
        column.addWidget(self.title)
        self.facts.setHorizontalSpacing(em(self, 0.6))
        self.facts.setVerticalSpacing(em(self, 0.25))
        self.facts.setColumnStretch(1, 1)
        column.addLayout(self.facts)
        column.addWidget(self.run)
        column.addWidget(self.alike)
        self.marks = QWidget()
        marks = QVBoxLayout(self.marks)
        marks.setContentsMargins(0, em(self, 0.5), 0, 0)
        marks.setSpacing(em(self, 0.35))
        row = QHBoxLayout()
        row.setSpacing(em(self, 0.4))
        row.addWidget(self.star)
        row.addWidget(self.rating)
        row.addStretch(1)
        marks.addWidget(label("Rating", "heading", self.rating))
        marks.addLayout(row)
        for title, names in (("Tags", self.tags), ("Boards", self.boards)):
            marks.addSpacing(em(self, 0.3))
            marks.addWidget(label(title, "heading", names.line))
            marks.addWidget(names)
        column.addWidget(self.marks)
        column.addStretch(1)
        grid = QGridLayout(self.foot)
        side = em(self, 0.8)
        grid.setContentsMargins(side, em(self, 0.5), side, em(self, 0.5))
        grid.setSpacing(em(self, 0.35))
        self.buttons = [
            ActionButton(actions[name], text)
            for name, text in (("history-open", "Open"), ("history-settings", "Use settings"),
                               ("history-but-seed", "All but the seed"), ("history-delete", "Delete"))
        ]  # fmt: skip
        self.buttons[0].setProperty("kind", "primary")
        for k, button in enumerate(self.buttons):
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            grid.addWidget(button, k // 2, k % 2)
        lay_out(self, self.content, self.foot)

    def _on_focus(self, field: str) -> None:
        names = {"tags": self.tags, "boards": self.boards}.get(field)
        if names is not None:
            names.line.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def refresh(self) -> None:
        chosen, picture = self._history.selected, self._history.current
        self.marks.setVisible(picture is not None)
        _empty(self.facts)
        self.run.hide()
        self.alike.hide()
        self.hint.setVisible(picture is None)
        self.title.setVisible(picture is not None)
        if picture is None:
            return
        several = len(chosen) > 1
        self.title.setText(f"{QLocale().toString(len(chosen))} pictures" if several else title_of(picture))
        if not several:
            self._show_facts(picture)
        self.rating.show_choice(str(picture.rating))
        self.tags.show_names(picture.tags)
        self.boards.show_names(picture.boards)
        self.tags.line.offer(self._history.tags())
        self.boards.line.offer(self._history.boards())

    def _show_facts(self, picture: Picture) -> None:
        facts, made = picture.facts, QDateTime.fromSecsSinceEpoch(int(picture.made))
        size = f"{facts.width} × {facts.height}" if facts.width else "cannot be read"
        said = {
            "Not": facts.negative,
            "Model": facts.model,
            "LoRA": facts.loras,
            "Seed": "" if facts.seed is None else str(facts.seed),
            "Size": size,
            "Made": QLocale().toString(made, QLocale.FormatType.ShortFormat),
            "With": facts.program,
            "File": picture.path.name,
            "Folder": str(picture.path.parent),
        }
        for k, (name, text) in enumerate((name, text) for name, text in said.items() if text):
            value = BreakingLabel()
            value.show_text(text)
            value.setAccessibleName(f"{name}: {text}")
            self.facts.addWidget(label(name, "caption"), k, 0)
            self.facts.addWidget(value, k, 1)
        if picture.state == MISSING:
            self.run.setText("The file is no longer there. Add the folder that it is in now, or delete this entry.")
        else:
            found = self._history.run_of(picture)
            self.run.setText("" if found else "Its run file is not here: it opens without its steps.")
        self.run.setVisible(bool(self.run.text()))
        others = len(self._history.alike(picture.id)) - 1
        pictures = "1 other picture" if others == 1 else f"{QLocale().toString(others)} other pictures"
        self.alike.setText(f"{pictures} with these settings")
        self.alike.setAccessibleName(self.alike.text())
        self.alike.setVisible(others > 0)


def _empty(layout: QLayout) -> None:
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
