"""The settings panel's state: the model, and the draft of a request for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.request.methods import FILL, NEW, REPAINT, REPAINTS, STRENGTHS
from app.core.request.run_costs import Prices
from app.core.request.seeds import roll
from app.core.request.vocabulary import Unknown, Vocabulary
from engine.rules import RULES
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, first_size, outline
from engine.spec.prompt.named import Finder
from engine.spec.request import RequestError
from engine.spec.sizes import Size


class DraftModel(QObject):
    """The truth of the settings panel: the chosen model and the current draft of a request for it.

    Each model keeps a draft of its own, each method its strength. Every setter emits only on change.

    changed          -- the draft, `seed_locked` or `obstacle`
    settings_changed -- the same, but not for other words in the prompts: a key press disturbs only what it changes
    find             -- called with the id of a model that is not among `models`; returns it, or None
    finder           -- of the files that prompts name; None: resolve() looks into the folders itself
    """

    changed = Signal()
    settings_changed = Signal()
    model_changed = Signal()

    def __init__(
        self,
        models: Sequence[ModelInfo],
        prices: Prices,
        draft: Draft | None = None,
        parent: QObject | None = None,
    ) -> None:
        """`models` holds at least one; `draft`, where it names one of them, is the first draft on the panel."""
        super().__init__(parent)
        self._models, self._prices = list(models), prices
        self._obstacle = ""
        self._lacking: dict[str, str] = {}  # by what it is about
        self.find: Callable[[str], ModelInfo | None] = _find_nothing
        self.finder: Finder | None = None
        self._before_repaint: dict[str, Any] = {}  # the sampler, its options and the steps
        self._strengths: dict[str, float] = {}  # by method, as they were left
        self._seed_locked = False
        self._model = next((m for m in self._models if draft and m.id == draft.model), self._models[0])
        if draft and draft.model == self._model.id:
            self._draft = _of_valid_size(replace(draft, method=NEW), self._model)  # no artwork is open yet
        else:
            self._draft = Draft.for_model(self._model, seed=roll())
        self._rolled = self._draft.seed
        self._drafts = {self._model.id: self._draft}
        self._vocabulary = self._read_vocabulary()

    @property
    def models(self) -> list[ModelInfo]:
        return list(self._models)

    def offer(self, model: ModelInfo) -> None:
        """Add a model, or put it in the place of the one with its id."""
        ids = [one.id for one in self._models]
        if model.id not in ids:
            self._models.append(model)
            return
        self._models[ids.index(model.id)] = model
        if model.id == self._model.id and model != self._model:
            self._model = model
            self._draft = _of_valid_size(self._draft, model)
            self.model_changed.emit()
            self._emit_change()

    def begin_with(self, model: ModelInfo) -> None:
        """Give the draft of a model that model's own steps, guidance, sampler, spacing and size."""
        own = Draft.for_model(model)
        names = "steps", "guidance", "sampler", "spacing", "width", "height"
        defaults: dict[str, Any] = {name: getattr(own, name) for name in names} | {"options": ()}
        if model.id == self._model.id:
            self.update(**defaults)
        elif model.id in self._drafts:
            self._drafts[model.id] = replace(self._drafts[model.id], **defaults)

    @property
    def obstacle(self) -> str:
        """Why no run can use the model and its files now, in one sentence; "" when one can."""
        return self._obstacle or next(filter(None, self._lacking.values()), "")

    @obstacle.setter
    def obstacle(self, sentence: str) -> None:
        if sentence != self._obstacle:
            self._obstacle = sentence
            self._emit_change()

    def lack(self, about: str, sentence: str) -> None:
        """Say why no run can use the files beside the model, "adapters" or "vae", in one sentence; "" when one can."""
        before = self.obstacle
        self._lacking[about] = sentence
        if self.obstacle != before:
            self._emit_change()

    def note_named(self) -> None:
        """Tell that `finder` can find more than before."""
        self._emit_change()

    @property
    def model(self) -> ModelInfo:
        return self._model

    @model.setter
    def model(self, model: ModelInfo) -> None:
        if model.id == self._model.id:
            return
        self._drafts[self._model.id] = replace(self._draft, **self._former_sampler())
        self._model = model
        kept: dict[str, Any] = {"seed": self._draft.seed}
        if model.text:  # words that no field shows would be in no picture either
            kept |= {"prompt": self._draft.prompt, "negative": self._draft.negative}
        draft = _of_valid_size(self._drafts.get(model.id) or Draft.for_model(model, **kept), model)
        shared = {name: getattr(self._draft, name) for name in ("method", "strength", "wildcards")}
        self._draft = replace(draft, **shared)
        self._vocabulary = self._read_vocabulary()
        self.model_changed.emit()
        self._emit_change()

    @property
    def current(self) -> Draft:
        return self._draft

    @current.setter
    def current(self, draft: Draft) -> None:
        """Put a whole draft on the panel, its model included. Raises RequestError where the model is not here."""
        if draft.model != self._model.id:
            model = next((m for m in self._models if m.id == draft.model), None) or self.find(draft.model)
            if model is None:
                raise RequestError(f"The model “{draft.model}” is not here: install it, or choose another.")
            self.model = model
        draft = replace(draft, wildcards=self._draft.wildcards)
        if draft != self._draft:
            before, self._draft = self._draft, draft
            self._emit_change(other_words_alone=_differ_in_words(before, draft))

    @property
    def wildcards(self) -> tuple[str, ...]:
        """The folders of the user's wildcard lists: of every draft, whatever settings are put on the panel."""
        return self._draft.wildcards

    @wildcards.setter
    def wildcards(self, folders: tuple[str, ...]) -> None:
        if folders != self._draft.wildcards:
            self._draft = replace(self._draft, wildcards=folders)
            self._emit_change()

    def update(self, **changes: Any) -> None:
        """Change some of the draft's fields, e.g. update(steps=30)."""
        self.current = replace(self._draft, **changes)

    @property
    def by_model(self) -> dict[str, Draft]:
        """The last draft of each model, by model id: the next start begins with them."""
        kept = self._draft
        if self._before_repaint and kept.sampler == REPAINTS:  # RePaint ends with the session
            kept = replace(kept, **self._before_repaint)
        return self._drafts | {self._model.id: kept}

    def remember(self, drafts: dict[str, Draft]) -> None:
        """Set the drafts that other models begin with when a person chooses them."""
        self._drafts = {**drafts, self._model.id: self._draft}

    @property
    def seed_locked(self) -> bool:
        return self._seed_locked

    @seed_locked.setter
    def seed_locked(self, locked: bool) -> None:
        if locked != self._seed_locked:
            self._seed_locked = locked
            self._emit_change()

    @property
    def size(self) -> Size:
        """The size of the next pictures, before a second stage."""
        return first_size(self._draft, self._model)

    def choose_size(self, size: Size) -> None:
        """Set the size of the next pictures: the valid one that is nearest to `size`."""
        width, height = self._model.sizes.nearest(size)
        self.update(width=width, height=height)

    def choose_method(self, method: str) -> None:
        """Change the method; each method remembers its own strength."""
        if method != self._draft.method:
            self._strengths[self._draft.method] = self._draft.strength
            strength = self._strengths.get(method, STRENGTHS.get(method, 1.0))
            self.update(method=method, strength=strength, **self._former_sampler())

    def choose_repaint(self, on: bool) -> None:
        """Go back and forth between the steps, or fill without that.

        RePaint goes with samplers that draw noise: those with a memory would lose it at every way back. The sampler and
        the steps of before come back when RePaint is left.
        """
        if not on:
            self.update(method=FILL, **self._former_sampler())
        elif RULES[self._draft.sampler].stochastic:
            self.update(method=REPAINT)
        else:
            now = self._draft
            self._before_repaint = {"sampler": now.sampler, "options": now.options, "steps": now.steps}
            self.update(method=REPAINT, sampler=REPAINTS, options=())

    def _former_sampler(self) -> dict[str, Any]:
        """What to take back when RePaint is left, unless another sampler was chosen meanwhile."""
        former, self._before_repaint = self._before_repaint, {}
        return former if self._draft.sampler == REPAINTS else {}

    def roll_seed(self) -> None:
        self.update(seed=roll())

    def roll_for_next(self) -> None:
        """Roll the seed of the next picture after a run."""
        self._rolled = roll()
        self.update(seed=self._rolled)

    @property
    def seed_chosen(self) -> bool:
        """Whether a person chose the seed of the next picture: it was not rolled after a run."""
        return self._draft.seed != self._rolled

    @property
    def lists_words(self) -> bool:
        """Whether the model says which words it knows."""
        return bool(self._vocabulary.words)

    def unknown_words(self, prompt: str) -> list[Unknown]:
        """The words of a prompt that the model does not know, in their order, each time they occur."""
        return self._vocabulary.unknown(prompt)

    @property
    def price_text(self) -> str:
        """How long a run of this draft takes, such as "≈ 0.6 s", or "about 3 min" for a model that was never measured;
        "" where nothing is known.
        """
        try:
            estimate = self._prices.estimate(outline(self._draft, self._model), self._model)
        except RequestError:
            return ""
        return "" if estimate is None else estimate.words

    def _emit_change(self, other_words_alone: bool = False) -> None:
        if not other_words_alone:
            self.settings_changed.emit()
        self.changed.emit()

    def _read_vocabulary(self) -> Vocabulary:
        try:
            return Vocabulary.of(self._model)
        except (OSError, ValueError):  # it only marks words; a model is as good without it
            return Vocabulary(frozenset())


def _differ_in_words(one: Draft, other: Draft) -> bool:
    """Return whether nothing but the words of the prompts differs, and none became empty or ceased to be."""
    if bool(one.prompt.strip()) != bool(other.prompt.strip()) or bool(one.negative.strip()) != bool(
        other.negative.strip()
    ):
        return False
    return replace(one, prompt=other.prompt, negative=other.negative) == other


def _of_valid_size(draft: Draft, model: ModelInfo) -> Draft:
    """Return the draft at its size, or at the nearest that the model makes: a stored one may be older than its rule."""
    size = first_size(draft, model)
    if model.sizes.fits(size):
        return draft
    width, height = model.sizes.nearest(size)
    return replace(draft, width=width, height=height)


def _find_nothing(_model: str) -> ModelInfo | None:
    return None
