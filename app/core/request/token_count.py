"""The tokens that the prompt on the panel takes, for models with a limit."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from PySide6.QtCore import QObject, Signal

from app.core.files.background import Background
from app.core.request.draft_model import DraftModel
from engine.models.token_count import Counter, token_counter
from engine.spec.draft import drawn_texts
from engine.spec.prompt.chunks import Used
from engine.spec.prompt.tags import without_tags
from engine.spec.request import RequestError

log = logging.getLogger(__name__)


class TokenCount(QObject):
    """Counts the tokens of the draft's prompt. The tokenizer of a model is read in the background, once."""

    changed = Signal()

    def __init__(self, draft: DraftModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft = draft
        self._counters: dict[str, Counter | None] = {}  # by model id
        self._asked: set[str] = set()
        self._background = Background(self)
        self._used: Used | None = None
        self._learned: Mapping[str, int] = {}
        draft.changed.connect(self._count)

    @property
    def used(self) -> Used | None:
        """The tokens of the prompt as it would be drawn now; None for a model without a limit, or until it is known."""
        return self._used

    def set_learned(self, learned: Mapping[str, int]) -> None:
        """Count each word that was learned as that many tokens."""
        self._learned = learned
        self._count()

    def start(self) -> None:
        """Read the tokenizer of the chosen model, from now on of each one that is chosen."""
        self._draft.model_changed.connect(self._read)
        self._read()

    def close(self) -> None:
        self._background.close()

    def _read(self) -> None:
        model = self._draft.model
        if model.id not in self._asked:
            self._asked.add(model.id)

            def take(counter: Counter | None) -> None:
                self._counters[model.id] = counter
                self._count()

            self._background.start(lambda: token_counter(model), take, self._fail)
        self._count()

    def _fail(self, error: Exception) -> None:
        log.info("no tokens are counted", exc_info=error)  # loading the model says what is missing

    def _count(self) -> None:
        counter = self._counters.get(self._draft.model.id)
        used = None if counter is None else counter(self._prompt(), self._learned)
        if used != self._used:
            self._used = used
            self.changed.emit()

    def _prompt(self) -> str:
        draft = self._draft.current
        try:
            return without_tags(drawn_texts(draft)[0])
        except RequestError:  # a list is missing: Generate says which
            return draft.prompt
