"""Temperature and truncation of x_T under Advanced: set by key, restored, and what they do said beside them."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.ui.request.start_noise import USUAL_TRUNCATION, StartNoise, describe_effect, noise_scale
from tests.app.conftest import Parts, finish
from tests.app.windows import opened


@pytest.fixture
def start(document: Document, qtbot: QtBot) -> StartNoise:
    widget = opened(qtbot, StartNoise(document.draft), 320, 160)
    assert isinstance(widget, StartNoise)
    return widget


def test_truncation_is_off_until_it_is_switched_on(start: StartNoise, document: Document) -> None:
    assert document.draft.current.truncation == 0
    assert not start.truncation.field.isEnabled()
    start.switch.setFocus()
    QTest.keyClick(start.switch, Qt.Key.Key_Space)
    assert document.draft.current.truncation == USUAL_TRUNCATION
    assert start.truncation.field.isEnabled()
    QTest.keyClick(start.switch, Qt.Key.Key_Space)
    assert document.draft.current.truncation == 0


def test_a_typed_truncation_is_in_the_draft(start: StartNoise, parts: Parts, qtbot: QtBot) -> None:
    QTest.keyClick(start.switch, Qt.Key.Key_Space)
    field = start.truncation.field
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, field.locale().toString(0.8, "f", 2))
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert parts.document.draft.current.truncation == 0.8
    finish(parts, qtbot)
    assert parts.fake.requests[-1].truncation == 0.8


def test_restoring_the_settings_of_a_picture_brings_both_back(start: StartNoise, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, temperature=0.7, truncation=2.0)
    parts.document.draft.update(temperature=1.0, truncation=0.0)
    assert not start.switch.isChecked()
    parts.document.restore_settings()
    assert start.switch.isChecked()
    assert start.truncation.field.value() == 2.0
    assert start.temperature.field.value() == 0.7


@pytest.mark.parametrize("at", [0.5, 1.0, 1.5, 3.0])
def test_the_spread_is_that_of_a_truncated_normal_law(at: float) -> None:
    z = np.random.default_rng(0).standard_normal(2_000_000)
    assert noise_scale(1.0, at) == pytest.approx(z[np.abs(z) <= at].std(), rel=5e-3)
    assert noise_scale(0.5, at) == pytest.approx(0.5 * noise_scale(1.0, at))


def test_their_effect_is_described_beside_them(start: StartNoise, document: Document) -> None:
    assert (
        start.about.text()
        == describe_effect(1.0, 0.0)
        == "The spread that the model was trained for: all of its variety"
    )
    document.draft.update(temperature=0.8)
    assert start.about.text() == "0.80 of the usual spread: likelier noise, plainer pictures, more alike"
    document.draft.update(temperature=1.0, truncation=1.5)
    assert start.about.text().startswith("0.74 of the usual spread")
    document.draft.update(temperature=1.4, truncation=0.0)
    assert "beyond what the model was trained for" in start.about.text()
