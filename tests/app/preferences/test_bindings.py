"""Keys of the user's own: they win over defaults, conflicts are named, and every way back works."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from app.settings import Settings, Values
from app.ui.actions import ACTIONS
from app.ui.actions.bindings import Bindings


@pytest.fixture
def settings(qapp: QApplication) -> Iterator[Settings]:
    made = Settings()
    yield made
    made.flush()


def test_without_changes_every_action_has_its_default_keys(settings: Settings) -> None:
    bindings = Bindings(settings)
    assert not any(bindings.is_changed(action.id) for action in ACTIONS)
    assert bindings.keys("cancel") == ("Esc",)
    assert bindings.changes == 0


def test_a_new_key_is_kept_and_read_again(settings: Settings) -> None:
    bindings = Bindings(settings)
    bindings.set_keys("generate", ("F5", "no such key"))
    assert settings.values.shortcuts == {"generate": ("F5",)}
    assert Bindings(settings).keys("generate") == ("F5",)
    bindings.reset("generate")
    assert settings.values == Values()


def test_conflicts_are_those_in_a_place_where_both_work(settings: Settings) -> None:
    bindings = Bindings(settings)
    assert [action.id for action in bindings.conflicts("generate", "Ctrl+L")] == ["prompt"]
    assert bindings.conflicts("prompt", "Ctrl+L") == []
    # both work with the focus on the lab, or on the canvas: never in one place
    assert bindings.keys("lab-undo") == bindings.keys("undo")
    assert bindings.conflicts("lab-undo", "Ctrl+Z") == []


def test_who_loses_a_key_gets_it_back_when_the_other_is_reset(settings: Settings) -> None:
    bindings = Bindings(settings)
    bindings.add_key("generate", "Ctrl+L")
    assert bindings.keys("generate")[0] == "Ctrl+L"
    assert bindings.keys("prompt") == ()
    assert bindings.is_changed("prompt")
    bindings.reset("generate")
    assert bindings.keys("prompt") == ("Ctrl+L",)


def test_a_key_that_the_user_gave_twice_belongs_to_the_last(settings: Settings) -> None:
    bindings = Bindings(settings)
    bindings.set_keys("generate", ("F5",))
    bindings.set_keys("roll", ("F5",))
    assert (bindings.keys("generate"), bindings.keys("roll")) == ((), ("F5",))
    bindings.reset_all()
    assert not any(bindings.is_changed(action.id) for action in ACTIONS)


def test_a_default_key_of_a_later_version_does_not_take_the_users(settings: Settings) -> None:
    settings.update(shortcuts={"roll": ("Ctrl+K",), "of another version": ("F9",), "fit": ("???",)})
    bindings = Bindings(settings)
    assert bindings.keys("roll") == ("Ctrl+K",)
    assert bindings.keys("palette") == ()
    assert bindings.keys("fit") == ()
