"""Ctrl+Z in the panel takes the last change of the settings back and says so."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.request.draft_undo import DraftUndo
from tests.app.conftest import Parts
from tests.app.windows import open_window

CONTROL = Qt.KeyboardModifier.ControlModifier


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def undo(parts: Parts, clock: Clock) -> DraftUndo:
    return DraftUndo(parts.document.draft, clock, parts.document)


def test_changes_of_one_field_within_a_second_are_one(parts: Parts, undo: DraftUndo, clock: Clock) -> None:
    draft, told = parts.document.draft, list[str]()
    undo.told.connect(told.append)
    first = draft.current
    for steps in (6, 7, 8):
        draft.update(steps=steps)
        clock.now += 0.5
    draft.update(guidance=2.5)
    clock.now += 2
    draft.update(guidance=2.0)
    draft.update(prompt="a rocket", seed=99)  # the text has an undo of its own, the seed changes with each run
    seen = []
    for _ in range(4):
        undo.undo()
        seen.append((draft.current.steps, draft.current.guidance))
    assert seen == [(8, 2.5), (8, first.guidance), (first.steps, first.guidance), (first.steps, first.guidance)]
    assert told[0] == "Guidance 2.5 → 2 taken back"
    assert told[2] == f"Steps {first.steps} → 8 taken back"
    assert told[3] == "No change of the settings to take back."
    assert (draft.current.prompt, draft.current.seed) == ("a rocket", 99)
    for _ in range(3):
        undo.redo()
    assert (draft.current.steps, draft.current.guidance) == (8, 2.0)
    assert told[-1] == "Guidance 2.5 → 2 done again"


def test_a_preset_with_another_model_comes_off_in_one_step(parts: Parts, undo: DraftUndo) -> None:
    draft = parts.document.draft
    before, other = draft.current, draft.models[1]
    preset = parts.document.presets.save("Mine")
    assert preset is not None
    draft.model = other
    draft.update(steps=2, prompt="other")
    undo.undo()
    assert draft.model.id == before.model
    assert draft.current == before
    undo.redo()
    assert (draft.model.id, draft.current.steps, draft.current.prompt) == (other.id, 2, "other")


def test_keys_work_on_a_field_of_the_panel_and_not_on_the_prompt(parts: Parts, qtbot: QtBot) -> None:
    window = open_window(qtbot, parts.document)
    draft, panel = parts.document.draft, window.panel
    steps = draft.current.steps
    panel.steps.field.setFocus()
    QTest.keyClick(panel.steps.field, Qt.Key.Key_Up)
    assert draft.current.steps == steps + 1
    QTest.keyClick(panel.steps.field, Qt.Key.Key_Z, CONTROL)
    assert draft.current.steps == steps
    QTest.keyClick(panel.steps.field, Qt.Key.Key_Y, CONTROL)
    assert draft.current.steps == steps + 1
    panel.prompt.text.setFocus()
    QTest.keyClicks(panel.prompt.text, "x")
    QTest.keyClick(panel.prompt.text, Qt.Key.Key_Z, CONTROL)
    assert draft.current.prompt == "red apple"
    assert draft.current.steps == steps + 1
