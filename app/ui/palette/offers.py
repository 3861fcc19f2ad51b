"""The entries of the command palette: actions, models, and preferences. Pages are actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from app.core.models.choice import ModelChoice
from app.core.palette.entries import Entry
from app.settings.subjects import SUBJECTS
from app.ui.actions import ACTIONS
from app.ui.actions.action_set import ActionSet
from app.ui.preferences.search import of_subject


def offers(actions: ActionSet, choice: ModelChoice, show_preference: Callable[[str], object]) -> list[Entry]:
    """Everything that can be chosen now. `show_preference` is called with the name of a subject or of a setting."""
    actions.refresh()
    return [*_actions(actions), *_models(choice), *_preferences(show_preference)]


def _actions(actions: ActionSet) -> Iterator[Entry]:
    for action in ACTIONS:
        if action.id == "palette":
            continue
        made = actions[action.id]
        about = f"{action.menu} ▸ {action.submenu}" if action.submenu else action.menu
        if action.checked is not None and made.isChecked():
            about += " · on"
        yield Entry(
            f"action:{action.id}", made.text().rstrip("…"), made.trigger, about, actions.bindings.text(action.id),
            actions.why(action.id), action.tip,
        )  # fmt: skip


def _models(choice: ModelChoice) -> Iterator[Entry]:
    for offer in choice.offers():
        current = " · in use" if offer.key == choice.current else ""
        about = " · ".join(filter(None, ("Model", offer.badge, offer.about))) + current
        yield Entry(f"model:{offer.key}"[:100], offer.title, partial(choice.choose, offer.key), about, why=offer.alarm)


def _preferences(show: Callable[[str], object]) -> Iterator[Entry]:
    for subject in SUBJECTS:
        yield Entry(
            f"preferences:{subject.name}", f"Preferences: {subject.title}", partial(show, subject.name), "",
            words=f"{subject.about} {subject.words}",
        )  # fmt: skip
        for declared in of_subject(subject.name):
            yield Entry(
                f"preference:{declared.name}", declared.title, partial(show, declared.name),
                f"Preferences ▸ {subject.title}", words=declared.description,
            )  # fmt: skip
