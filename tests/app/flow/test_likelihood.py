"""The appraisal: what is asked of which model, what is remembered of each picture, and what its map shows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QRect, QRectF
from pytestqt.qtbot import QtBot

from app.core.flow.likelihood import Appraisal
from app.core.flow.likelihood_result import Condition
from app.core.flow.subject import MIDDLE
from engine.jobs.likelihood import Elbo, Likelihood
from tests.app.conftest import Parts, count, finish
from tests.app.judged import Judge
from tests.app.windows import until

Make = Callable[..., Parts]


@pytest.fixture
def appraisal(parts: Parts, qtbot: QtBot) -> Appraisal:
    """Watched, of a finished run whose picture is on the canvas."""
    Judge(parts.fake)
    finish(parts, qtbot, steps=5)
    appraisal = parts.document.appraisal
    appraisal.set_watched(True)
    return appraisal


def measure(appraisal: Appraisal, qtbot: QtBot) -> None:
    appraisal.measure()
    until(qtbot, lambda: appraisal.doing is None)


def last(parts: Parts) -> tuple[Elbo, Likelihood]:
    elbo, flow = parts.fake.others[-2:]
    assert isinstance(elbo, Elbo)
    assert isinstance(flow, Likelihood)
    return elbo, flow


# what is asked


def test_the_terms_are_asked_for_and_then_the_flow_of_the_shown_picture(
    appraisal: Appraisal, parts: Parts, qtbot: QtBot
) -> None:
    appraisal.probes, appraisal.tolerance = 2, 1e-4
    measure(appraisal, qtbot)
    elbo, flow = last(parts)
    subject = appraisal.subject
    assert subject is not None
    assert (elbo.rgb == subject.read()).all()
    assert (flow.rgb == subject.read()).all()
    assert (elbo.model, elbo.prompt, elbo.label) == ("fake", "", None)
    assert (flow.probes, flow.tol) == (2, 1e-4)


def test_the_judge_can_be_told_what_made_the_picture_or_what_the_panel_says(
    appraisal: Appraisal, parts: Parts, qtbot: QtBot
) -> None:
    assert appraisal.conditions == {"nothing": Condition(), "panel": Condition("red apple")}, "said once"
    appraisal.given = "made"
    assert appraisal.conditions[appraisal.given] == Condition("red apple"), "the panel says the same"
    parts.document.draft.update(prompt="rocket", label="noto")
    assert appraisal.conditions["panel"].words == "“rocket”, noto"
    assert appraisal.conditions["made"] == Condition("red apple")
    appraisal.given = "made"
    measure(appraisal, qtbot)
    assert last(parts)[1].prompt == "red apple"
    appraisal.given = "panel"
    measure(appraisal, qtbot)
    assert (last(parts)[1].prompt, last(parts)[1].label) == ("rocket", "noto")


def test_another_model_is_not_told_what_it_was_not_made_for(appraisal: Appraisal, parts: Parts, qtbot: QtBot) -> None:
    appraisal.given = "panel"
    appraisal.choose_judge("other")
    assert list(appraisal.conditions) == ["nothing"]
    measure(appraisal, qtbot)
    assert (last(parts)[0].model, last(parts)[0].prompt) == ("other", "")


def test_the_panels_model_judges_until_another_is_chosen(appraisal: Appraisal, parts: Parts) -> None:
    assert appraisal.judge is not None
    assert appraisal.judge.id == "fake"
    parts.document.draft.model = parts.document.draft.models[1]
    assert appraisal.judge.id == "other"
    appraisal.choose_judge("fake")
    assert appraisal.judge.id == "fake"


def test_a_picture_of_another_size_is_brought_to_the_models_the_chosen_way(
    appraisal: Appraisal, parts: Parts, qtbot: QtBot
) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    parts.document.artwork.open(rgb, "cat.png", (24, 16))
    parts.document.editing.shows_artwork = True
    measure(appraisal, qtbot)
    assert last(parts)[0].rgb.shape == (16, 24, 3)
    assert (last(parts)[0].rgb != rgb[8:24, 12:36]).any()
    appraisal.way = MIDDLE
    measure(appraisal, qtbot)
    assert (last(parts)[0].rgb == rgb[8:24, 12:36]).all()
    assert appraisal.map is not None
    assert appraisal.map.place == QRectF(12, 8, 24, 16)


def test_an_empty_canvas_is_refused_in_a_sentence(parts: Parts) -> None:
    appraisal = parts.document.appraisal
    appraisal.set_watched(True)
    appraisal.measure()
    assert [notice.text for notice in parts.notices] == [
        "There is no picture on the canvas: generate one, or open one."
    ]
    assert parts.fake.others == []


def test_a_broken_step_is_refused_in_a_sentence(
    appraisal: Appraisal, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = parts.document.shown.run
    assert run is not None
    broken = np.full_like(run.x0(4), np.nan)
    monkeypatch.setattr(type(run), "x0", lambda self, k: broken)
    appraisal.measure()
    assert "not numbers" in parts.notices[-1].text
    assert appraisal.doing is None


# what is known


def test_what_was_measured_is_remembered_for_each_step(appraisal: Appraisal, parts: Parts, qtbot: QtBot) -> None:
    measure(appraisal, qtbot)
    assert appraisal.result is not None
    assert appraisal.result.density is not None
    assert appraisal.result.density.probe == 4
    parts.document.shown.scrub(1)
    assert appraisal.result is None
    assert appraisal.map is None
    parts.document.shown.end()
    assert appraisal.result is not None
    assert appraisal.map is not None


def test_probes_come_one_by_one(hand_parts: Parts, qtbot: QtBot) -> None:
    Judge(hand_parts.fake)
    hand_parts.fake.allow(5)
    finish(hand_parts, qtbot, steps=5)
    appraisal = hand_parts.document.appraisal
    appraisal.set_watched(True)
    appraisal.measure()
    assert appraisal.doing is not None
    hand_parts.fake.allow(1)
    until(qtbot, lambda: appraisal.doing is not None and appraisal.doing.share == 0.5)
    for probe in (1, 2):
        hand_parts.fake.allow(1 if probe > 1 else 2)
        until(qtbot, lambda probe=probe: _probe(appraisal) == probe)  # type: ignore[misc]
    assert appraisal.doing.words == "Along the flow"
    appraisal.stop()
    until(qtbot, lambda: appraisal.doing is None)
    assert _probe(appraisal) == 2, "what was reached stays"
    assert appraisal.result is not None
    assert appraisal.result.problem == ""


def _probe(appraisal: Appraisal) -> int:
    result = appraisal.result
    return result.density.probe if result and result.density else 0


def test_a_flow_that_does_not_arrive_says_why_and_the_terms_stay(
    appraisal: Appraisal, parts: Parts, qtbot: QtBot
) -> None:
    Judge(parts.fake, failing="The flow was not followed in 2000 model calls: allow a larger error.")
    measure(appraisal, qtbot)
    result = appraisal.result
    assert result is not None
    assert result.problem == "The flow was not followed in 2000 model calls: allow a larger error."
    assert result.density is None
    assert result.terms is not None


def test_measuring_another_picture_ends_what_was_measured(hand_parts: Parts, qtbot: QtBot) -> None:
    Judge(hand_parts.fake)
    hand_parts.fake.allow(5)
    finish(hand_parts, qtbot, steps=5)
    appraisal = hand_parts.document.appraisal
    appraisal.set_watched(True)
    appraisal.measure()
    hand_parts.document.shown.scrub(1)
    assert not appraisal.measuring
    appraisal.measure()
    assert appraisal.measuring
    hand_parts.fake.allow(8)  # more than enough: the one that is stopped may take one with it
    until(qtbot, lambda: appraisal.doing is None)
    assert _probe(appraisal) == 4
    hand_parts.document.shown.end()
    assert _probe(appraisal) == 0


# the map


def test_the_map_is_of_the_estimate_and_not_of_the_noisy_state(
    appraisal: Appraisal, parts: Parts, qtbot: QtBot
) -> None:
    measure(appraisal, qtbot)
    parts.document.shown.view = "x"
    assert appraisal.map is None
    parts.document.shown.view = "x0"
    assert appraisal.map is not None


def test_the_map_goes_where_the_box_is(appraisal: Appraisal, parts: Parts, qtbot: QtBot) -> None:
    parts.document.artwork.open(np.zeros((40, 60, 3), np.uint8), "cat.png", (24, 16))
    parts.document.editing.shows_artwork = True
    parts.document.artwork.box = QRect(30, 10, 24, 16)
    measure(appraisal, qtbot)
    assert appraisal.map is not None
    assert appraisal.map.place == QRectF(30, 10, 24, 16)
    parts.document.artwork.box = QRect(0, 0, 24, 16)
    assert appraisal.map is None, "another picture"


def test_the_map_can_be_put_away_and_its_regions_chosen(appraisal: Appraisal, qtbot: QtBot) -> None:
    measure(appraisal, qtbot)
    changes = count(appraisal.map_changed)
    appraisal.side = 8
    assert appraisal.map is not None
    assert appraisal.map.regions.bits.shape == (2, 3)
    appraisal.map_shown = False
    assert appraisal.map is None
    assert len(changes) == 2
    assert appraisal.regions is not None, "the panel still knows them"


def test_nothing_is_looked_at_while_nobody_watches(appraisal: Appraisal, parts: Parts, qtbot: QtBot) -> None:
    measure(appraisal, qtbot)
    appraisal.set_watched(False)
    assert appraisal.subject is None
    assert appraisal.map is None
    appraisal.set_watched(True)
    assert appraisal.map is not None


def test_setters_that_change_nothing_say_nothing(appraisal: Appraisal) -> None:
    told = count(appraisal.changed)
    appraisal.probes, appraisal.tolerance = appraisal.probes, appraisal.tolerance
    appraisal.side, appraisal.map_shown = appraisal.side, appraisal.map_shown
    appraisal.given, appraisal.way = appraisal.given, appraisal.way
    assert told == []
