"""Words that have a place of fixed size: what does not fit is cut in sight and said whole in the tip."""

from __future__ import annotations

import pytest
from pytestqt.qtbot import QtBot

from app.core.canvas.editing import NOTHING_OPEN, NOTHING_PAINTED, PAINTED_OUTSIDE
from app.ui.widgets.quiet_label import QuietLabel

SENTENCE = "The net has been asked for far more than there is room for in any two lines of such a panel as this one is."


def line(qtbot: QtBot, lines: int, width: float) -> QuietLabel:
    """`width` in times the width of an average letter."""
    made = QuietLabel(lines=lines)
    qtbot.addWidget(made)
    made.resize(round(width * made.fontMetrics().averageCharWidth()), made.sizeHint().height())
    return made


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_what_does_not_fit_ends_in_an_ellipsis_and_is_whole_in_the_tip(qtbot: QtBot, lines: int) -> None:
    made = line(qtbot, lines, 30)
    made.setText(SENTENCE)
    shown = made.shown().split("\n")
    assert len(shown) == lines
    assert shown[-1].endswith("…")
    assert all(made.fontMetrics().horizontalAdvance(part) <= made.width() + 1 for part in shown)
    assert " ".join(shown)[:-1].strip() == SENTENCE[: len(" ".join(shown)[:-1].strip())], "nothing is lost on the way"
    assert made.toolTip() == SENTENCE
    assert made.text() == SENTENCE


def test_what_fits_is_shown_whole_and_needs_no_tip(qtbot: QtBot) -> None:
    made = line(qtbot, 2, 40)
    made.setText("Takes ≈ 3 s")
    assert made.shown() == "Takes ≈ 3 s"
    assert made.toolTip() == ""
    made = line(qtbot, 1, 300)
    made.setText(SENTENCE)
    assert made.shown() == SENTENCE
    assert made.toolTip() == ""


def test_one_long_word_is_cut_too(qtbot: QtBot) -> None:
    made = line(qtbot, 1, 10)
    made.setText("Donaudampfschifffahrtsgesellschaft")
    assert made.shown().endswith("…")
    assert made.toolTip()


@pytest.mark.parametrize("why", [NOTHING_OPEN, NOTHING_PAINTED, PAINTED_OUTSIDE])
def test_the_reason_against_generate_fits_under_the_button(qtbot: QtBot, why: str) -> None:
    made = line(qtbot, 2, 36)
    made.setText(why)
    assert "…" not in made.shown()
