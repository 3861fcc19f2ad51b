"""The likelihood of the shown picture: its jobs, the stored results, and the map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import QRect, QRectF
from pytestqt.qtbot import QtBot

from app.core.flow.likelihood import PictureLikelihood
from app.core.flow.likelihood_result import Condition
from app.core.flow.subject import MIDDLE
from engine.jobs.likelihood import Elbo, Likelihood
from tests.app.conftest import Parts, count, finish
from tests.app.judged import Judge
from tests.app.windows import until

Make = Callable[..., Parts]


@pytest.fixture
def picture_likelihood(parts: Parts, qtbot: QtBot) -> PictureLikelihood:
    """Watched, of a finished run whose picture is on the canvas."""
    Judge(parts.fake)
    finish(parts, qtbot, steps=5)
    picture_likelihood = parts.document.picture_likelihood
    picture_likelihood.set_watched(True)
    return picture_likelihood


def measure(picture_likelihood: PictureLikelihood, qtbot: QtBot) -> None:
    picture_likelihood.measure()
    until(qtbot, lambda: picture_likelihood.activity is None)


def last(parts: Parts) -> tuple[Elbo, Likelihood]:
    elbo, flow = parts.fake.others[-2:]
    assert isinstance(elbo, Elbo)
    assert isinstance(flow, Likelihood)
    return elbo, flow


# the jobs


def test_the_bound_is_measured_before_the_flow(
    picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot
) -> None:
    picture_likelihood.probes, picture_likelihood.tolerance = 2, 1e-4
    picture_likelihood.condition_source = "nothing"
    measure(picture_likelihood, qtbot)
    elbo, flow = last(parts)
    subject = picture_likelihood.subject
    assert subject is not None
    assert (elbo.rgb == subject.read()).all()
    assert (flow.rgb == subject.read()).all()
    assert (elbo.model, elbo.prompt, elbo.label) == ("fake", "", None)
    assert (flow.probes, flow.tol) == (2, 1e-4)


def test_the_condition_can_be_the_panels_or_the_pictures_own(
    picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot
) -> None:
    assert picture_likelihood.conditions == {"nothing": Condition(), "panel": Condition("red apple")}, "said once"
    picture_likelihood.condition_source = "made"
    assert picture_likelihood.conditions[picture_likelihood.condition_source] == Condition("red apple"), (
        "the panel says the same"
    )
    parts.document.draft.update(prompt="rocket", label="noto")
    assert picture_likelihood.conditions["panel"].words == "“rocket”, noto"
    assert picture_likelihood.conditions["made"] == Condition("red apple")
    picture_likelihood.condition_source = "made"
    measure(picture_likelihood, qtbot)
    assert last(parts)[1].prompt == "red apple"
    picture_likelihood.condition_source = "panel"
    measure(picture_likelihood, qtbot)
    assert (last(parts)[1].prompt, last(parts)[1].label) == ("rocket", "noto")


def test_a_condition_is_offered_only_to_its_own_model(
    picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot
) -> None:
    picture_likelihood.condition_source = "panel"
    picture_likelihood.choose_judge("other")
    assert list(picture_likelihood.conditions) == ["nothing"]
    measure(picture_likelihood, qtbot)
    assert (last(parts)[0].model, last(parts)[0].prompt) == ("other", "")


def test_the_panels_model_judges_until_another_is_chosen(picture_likelihood: PictureLikelihood, parts: Parts) -> None:
    assert picture_likelihood.judge is not None
    assert picture_likelihood.judge.id == "fake"
    parts.document.draft.model = parts.document.draft.models[1]
    assert picture_likelihood.judge.id == "other"
    picture_likelihood.choose_judge("fake")
    assert picture_likelihood.judge.id == "fake"


def test_a_picture_of_another_size_is_brought_to_the_models_the_chosen_way(
    picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot
) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    parts.document.artwork.open(rgb, "cat.png", (24, 16))
    parts.document.editing.shows_artwork = True
    measure(picture_likelihood, qtbot)
    assert last(parts)[0].rgb.shape == (16, 24, 3)
    assert (last(parts)[0].rgb != rgb[8:24, 12:36]).any()
    picture_likelihood.way = MIDDLE
    measure(picture_likelihood, qtbot)
    assert (last(parts)[0].rgb == rgb[8:24, 12:36]).all()
    assert picture_likelihood.map is not None
    assert picture_likelihood.map.place == QRectF(12, 8, 24, 16)


def test_an_empty_canvas_is_refused_in_a_sentence(parts: Parts) -> None:
    picture_likelihood = parts.document.picture_likelihood
    picture_likelihood.set_watched(True)
    picture_likelihood.measure()
    assert [notice.text for notice in parts.notices] == [
        "There is no picture on the canvas: generate one, or open one."
    ]
    assert parts.fake.others == []


def test_a_broken_step_is_refused_in_a_sentence(
    picture_likelihood: PictureLikelihood, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = parts.document.shown.run
    assert run is not None
    broken = np.full_like(run.x0(4), np.nan)
    monkeypatch.setattr(type(run), "x0", lambda self, k: broken)
    picture_likelihood.measure()
    assert "not numbers" in parts.notices[-1].text
    assert picture_likelihood.activity is None


# what is known


def test_what_was_measured_is_remembered_for_each_step(
    picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot
) -> None:
    measure(picture_likelihood, qtbot)
    assert picture_likelihood.result is not None
    assert picture_likelihood.result.density is not None
    assert picture_likelihood.result.density.probe == 4
    parts.document.shown.scrub(1)
    assert picture_likelihood.result is None
    assert picture_likelihood.map is None
    parts.document.shown.end()
    assert picture_likelihood.result is not None
    assert picture_likelihood.map is not None


def test_probes_come_one_by_one(hand_parts: Parts, qtbot: QtBot) -> None:
    Judge(hand_parts.fake)
    hand_parts.fake.allow(5)
    finish(hand_parts, qtbot, steps=5)
    picture_likelihood = hand_parts.document.picture_likelihood
    picture_likelihood.set_watched(True)
    picture_likelihood.measure()
    assert picture_likelihood.activity is not None
    hand_parts.fake.allow(1)
    until(qtbot, lambda: picture_likelihood.activity is not None and picture_likelihood.activity.share == 0.5)
    for probe in (1, 2):
        hand_parts.fake.allow(1 if probe > 1 else 2)
        until(qtbot, lambda probe=probe: _probe(picture_likelihood) == probe)  # type: ignore[misc]
    assert picture_likelihood.activity.words == "Along the flow"
    picture_likelihood.stop()
    until(qtbot, lambda: picture_likelihood.activity is None)
    assert _probe(picture_likelihood) == 2, "what was reached stays"
    assert picture_likelihood.result is not None
    assert picture_likelihood.result.problem == ""


def _probe(picture_likelihood: PictureLikelihood) -> int:
    result = picture_likelihood.result
    return result.density.probe if result and result.density else 0


def test_a_failed_solve_gives_the_reason_and_the_bound_stays(
    picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot
) -> None:
    Judge(parts.fake, failing="The flow was not followed in 2000 model calls: allow a larger error.")
    measure(picture_likelihood, qtbot)
    result = picture_likelihood.result
    assert result is not None
    assert result.problem == "The flow was not followed in 2000 model calls: allow a larger error."
    assert result.density is None
    assert result.terms is not None


def test_measuring_another_picture_cancels_the_first_measurement(hand_parts: Parts, qtbot: QtBot) -> None:
    Judge(hand_parts.fake)
    hand_parts.fake.allow(5)
    finish(hand_parts, qtbot, steps=5)
    picture_likelihood = hand_parts.document.picture_likelihood
    picture_likelihood.set_watched(True)
    picture_likelihood.measure()
    hand_parts.document.shown.scrub(1)
    assert not picture_likelihood.measuring
    picture_likelihood.measure()
    assert picture_likelihood.measuring
    hand_parts.fake.allow(8)  # more than enough: the one that is stopped may take one with it
    until(qtbot, lambda: picture_likelihood.activity is None)
    assert _probe(picture_likelihood) == 4
    hand_parts.document.shown.end()
    assert _probe(picture_likelihood) == 0


# the map


def test_the_map_is_of_the_estimate_and_not_of_the_noisy_state(
    picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot
) -> None:
    measure(picture_likelihood, qtbot)
    parts.document.shown.view = "x"
    assert picture_likelihood.map is None
    parts.document.shown.view = "x0"
    assert picture_likelihood.map is not None


def test_the_map_goes_where_the_box_is(picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot) -> None:
    parts.document.artwork.open(np.zeros((40, 60, 3), np.uint8), "cat.png", (24, 16))
    parts.document.editing.shows_artwork = True
    parts.document.artwork.box = QRect(30, 10, 24, 16)
    measure(picture_likelihood, qtbot)
    assert picture_likelihood.map is not None
    assert picture_likelihood.map.place == QRectF(30, 10, 24, 16)
    parts.document.artwork.box = QRect(0, 0, 24, 16)
    assert picture_likelihood.map is None, "another picture"


def test_the_map_can_be_put_away_and_its_regions_chosen(picture_likelihood: PictureLikelihood, qtbot: QtBot) -> None:
    measure(picture_likelihood, qtbot)
    changes = count(picture_likelihood.map_changed)
    picture_likelihood.side = 8
    assert picture_likelihood.map is not None
    assert picture_likelihood.map.regions.bits.shape == (2, 3)
    picture_likelihood.map_shown = False
    assert picture_likelihood.map is None
    assert len(changes) == 2
    assert picture_likelihood.regions is not None, "the panel still knows them"


def test_nothing_is_looked_at_while_nobody_watches(
    picture_likelihood: PictureLikelihood, parts: Parts, qtbot: QtBot
) -> None:
    measure(picture_likelihood, qtbot)
    picture_likelihood.set_watched(False)
    assert picture_likelihood.subject is None
    assert picture_likelihood.map is None
    picture_likelihood.set_watched(True)
    assert picture_likelihood.map is not None


def test_setters_without_a_change_emit_nothing(picture_likelihood: PictureLikelihood) -> None:
    told = count(picture_likelihood.changed)
    picture_likelihood.probes, picture_likelihood.tolerance = picture_likelihood.probes, picture_likelihood.tolerance
    picture_likelihood.side, picture_likelihood.map_shown = picture_likelihood.side, picture_likelihood.map_shown
    picture_likelihood.condition_source, picture_likelihood.way = (
        picture_likelihood.condition_source,
        picture_likelihood.way,
    )
    assert told == []
