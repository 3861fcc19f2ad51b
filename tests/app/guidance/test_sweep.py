"""Sweeps: what is asked for, what came of it, and the way back to the panel."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.guidance.guide_panel import DocumentGuidance
from app.core.guidance.sweep import CLASS, CLEAN, CLIP, GUIDANCE, NOISY, SweptPoint, pareto_front, place
from app.ui.guidance.sweep_sheet import SweepSheet
from app.ui.window.main_window import MainWindow
from engine.jobs.sweep import Sweep
from engine.spec.guides import Aim, ClassGuide, ClipGuide
from engine.spec.request import RequestError
from tests.app.conftest import Parts, finish
from tests.app.fake_clips import STYLES, answer, offer
from tests.app.windows import open_window, until

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def guidance(parts: Parts) -> DocumentGuidance:
    answer(parts.fake)
    offer(parts.document)
    return parts.document.guidance


def asked(parts: Parts) -> list[Sweep]:
    return [one for one in parts.fake.others if isinstance(one, Sweep)]


def test_only_active_guides_can_be_swept(guidance: DocumentGuidance, parts: Parts) -> None:
    sweeping, steering = guidance.sweep, guidance.steering
    assert list(sweeping.choices) == [GUIDANCE]
    assert sweeping.plan.over == GUIDANCE
    steering.set_wish(0, text="apple")
    steering.set_class(classifier=STYLES.id)
    assert list(sweeping.choices) == [CLIP, CLASS, GUIDANCE]
    assert sweeping.plan.over == CLIP
    sweeping.plan = replace(sweeping.plan, over=CLASS)
    assert (sweeping.plan.low, sweeping.plan.high) == (0.0, 20.0)  # the usual range of that strength
    steering.set_class(classifier="")
    assert sweeping.plan.over == CLIP  # what is no more cannot be swept


def test_the_same_seeds_at_every_strength(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    guidance.steering.set_wish(0, text="apple")
    sweeping = guidance.sweep
    sweeping.plan = replace(sweeping.plan, low=1.0, high=100.0, count=3, pictures=2)
    assert sweeping.start()
    assert sweeping.running
    qtbot.waitUntil(lambda: not sweeping.running)
    (sweep,) = asked(parts)
    assert [round(value) for value in sweep.values] == [0, 1, 10, 100]  # and what it is without
    assert {request.seeds for request in sweep.requests()} == {(7, 8)}
    assert [one.point.value for one in sweeping.swept] == list(sweep.values)
    assert sweep.aims == (Aim("apple"),)
    assert sweeping.share == 1.0 or sweeping.share > 0


def test_a_chosen_point_is_put_on_the_panel(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    guidance.steering.set_wish(0, text="apple")
    guidance.sweep.start()
    qtbot.waitUntil(lambda: not guidance.sweep.running)
    one = guidance.sweep.swept[2]
    guidance.sweep.use(one)
    (guide,) = parts.document.draft.current.guides
    assert isinstance(guide, ClipGuide)
    assert guide.scale == one.point.value
    assert guidance.steering.setting("scale") == one.point.value
    assert guide.aims == (Aim("apple"),)


def test_a_classifier_and_its_clean_twin_are_two_series(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    guidance.steering.set_class(classifier=STYLES.id, label="noto")
    sweeping = guidance.sweep
    sweeping.plan = replace(sweeping.plan, over=CLASS, twins=True, count=3)
    sweeping.start()
    qtbot.waitUntil(lambda: not sweeping.running)
    noisy, clean = asked(parts)
    told = []
    for sweep in (noisy, clean):
        (guide,) = sweep.request.guides
        assert isinstance(guide, ClassGuide)
        told.append(guide.noisy)
    assert told == [True, False]
    assert noisy.aims == (Aim("noto"),)  # nothing else says what to score by
    assert [one.series for one in sweeping.swept] == [NOISY] * 3 + [CLEAN] * 3
    both = sweeping.at_same_value(sweeping.swept[1])
    assert [one.series for one in both] == [NOISY, CLEAN]
    assert both[0].point.value == both[1].point.value


def test_a_sweep_can_be_stopped_and_keeps_its_points(hand_parts: Parts, qtbot: QtBot) -> None:
    answer(hand_parts.fake)
    offer(hand_parts.document)
    sweeping = hand_parts.document.guidance.sweep
    sweeping.start()
    hand_parts.fake.allow(4)
    qtbot.waitUntil(lambda: len(sweeping.swept) == 2)
    sweeping.cancel()
    qtbot.waitUntil(lambda: not sweeping.running)
    assert len(sweeping.swept) == 2
    assert sweeping.start()  # and another can begin
    sweeping.cancel()
    qtbot.waitUntil(lambda: not sweeping.running)


def test_a_run_does_not_wait_for_a_sweep(hand_parts: Parts, qtbot: QtBot) -> None:
    answer(hand_parts.fake)
    offer(hand_parts.document)
    document, sweeping = hand_parts.document, hand_parts.document.guidance.sweep
    sweeping.start()
    hand_parts.fake.allow(2)
    qtbot.waitUntil(lambda: len(sweeping.swept) == 1)
    document.draft.update(steps=3)
    job = document.generate()
    assert job is not None
    qtbot.waitUntil(lambda: bool(hand_parts.fake.requests))  # it has begun, in the midst of the sweep
    hand_parts.fake.allow(3)
    qtbot.waitUntil(lambda: job.state.ended)
    assert sweeping.running
    sweeping.cancel()
    qtbot.waitUntil(lambda: not sweeping.running)


def test_a_sweep_that_fails_is_one_notice(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    def fails(_: Sweep) -> tuple[object, ...]:
        raise RequestError("There is not enough memory for this: make fewer images at once.")

    parts.fake.answers[Sweep] = fails
    guidance.sweep.start()
    qtbot.waitUntil(lambda: not guidance.sweep.running)
    assert [notice.text for notice in parts.notices] == [
        "There is not enough memory for this: make fewer images at once."
    ]


def test_a_sweep_without_an_aim_gives_a_reason(guidance: DocumentGuidance, parts: Parts) -> None:
    parts.document.draft.update(prompt="", label=None)
    assert "CLIP should look for" in guidance.sweep.why_not
    assert not guidance.sweep.start()
    guidance.steering.offer([])
    assert "There is no CLIP here" in guidance.sweep.why_not


def test_the_price_is_that_of_all_its_runs(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    assert guidance.sweep.price == ""
    finish(parts, qtbot, steps=3)
    assert guidance.sweep.price.startswith("≈")


def test_the_pareto_front_holds_the_undominated_points(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    guidance.sweep.plan = replace(guidance.sweep.plan, count=4, pictures=1)
    guidance.sweep.start()
    qtbot.waitUntil(lambda: not guidance.sweep.running)
    swept = guidance.sweep.swept
    worse = SweptPoint(
        "", replace(swept[3].point, scores=swept[0].point.scores)
    )  # dearest, and no better than the cheapest
    assert pareto_front([*swept[:3], worse], "", by_diversity=False) == swept[:3]
    assert pareto_front(swept, "", by_diversity=True) == []  # one picture alone has no diversity
    assert math.isnan(place(swept[0], by_diversity=True)[0])


# the sheet


@pytest.fixture
def window(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, parts.document)


@pytest.fixture
def sheet(window: MainWindow, qtbot: QtBot) -> SweepSheet:
    QTest.mouseClick(window.panel.steering.section.sweep, LEFT)
    sheet = window.findChild(SweepSheet)
    assert sheet is not None
    until(qtbot, sheet.isVisible)
    return sheet


def sweep(sheet: SweepSheet, guidance: DocumentGuidance, qtbot: QtBot) -> None:
    QTest.mouseClick(sheet.go, LEFT)
    until(qtbot, lambda: guidance.sweep.swept and not guidance.sweep.running)


def test_a_click_on_a_thumbnail_loads_its_settings(
    sheet: SweepSheet, guidance: DocumentGuidance, parts: Parts, qtbot: QtBot
) -> None:
    guidance.steering.set_wish(0, text="apple")
    sweep(sheet, guidance, qtbot)
    one = guidance.sweep.swept[4]
    QTest.mouseClick(sheet.plot, LEFT, pos=sheet.plot.cell(one).center().toPoint())
    assert guidance.sweep.chosen is one
    (guide,) = parts.document.draft.current.guides
    assert guide.scale == one.point.value
    assert sheet.words.text().startswith("λ of CLIP")
    sheet.close()


def test_the_keys_look_and_enter_loads(
    sheet: SweepSheet, guidance: DocumentGuidance, parts: Parts, qtbot: QtBot
) -> None:
    sweep(sheet, guidance, qtbot)
    first, second = guidance.sweep.swept[:2]
    before = parts.document.draft.current
    sheet.plot.setFocus()
    assert guidance.sweep.chosen is first
    QTest.keyClick(sheet.plot, Qt.Key.Key_Right)
    assert guidance.sweep.chosen is second
    assert parts.document.draft.current == before
    assert sheet.plot.accessibleDescription()
    QTest.keyClick(sheet.plot, Qt.Key.Key_Return)
    assert parts.document.draft.current.guidance == second.point.value
    sheet.close()


def test_a_click_beside_the_points_changes_nothing(
    sheet: SweepSheet, guidance: DocumentGuidance, parts: Parts, qtbot: QtBot
) -> None:
    sweep(sheet, guidance, qtbot)
    before = parts.document.draft.current
    QTest.mouseClick(sheet.plot, LEFT, pos=QPoint(2, sheet.plot.height() - 3))
    assert parts.document.draft.current == before
    sheet.close()


def test_points_lie_higher_for_a_better_score_and_to_the_right_for_more_strain(
    sheet: SweepSheet, guidance: DocumentGuidance, qtbot: QtBot
) -> None:
    sweep(sheet, guidance, qtbot)
    plot, (a, b) = sheet.plot, guidance.sweep.swept[:2]
    assert plot.by_diversity
    assert plot.at(b).y() < plot.at(a).y()
    assert plot.at(b).x() < plot.at(a).x()  # they become alike
    sheet.axis.setFocus()
    QTest.keyClick(sheet.axis, Qt.Key.Key_Down)
    assert plot.at(b).x() > plot.at(a).x()
    sheet.axis.setFocus()
    QTest.keyClick(sheet.axis, Qt.Key.Key_Up)
    assert all(plot.rect().contains(plot.cell(one).toRect()) for one in guidance.sweep.swept)
    sheet.close()


def test_the_range_is_always_a_range(sheet: SweepSheet, guidance: DocumentGuidance) -> None:
    sheet.low.setValue(50)
    assert (guidance.sweep.plan.low, guidance.sweep.plan.high) == (50, 50)
    sheet.high.setValue(2)
    assert (guidance.sweep.plan.low, guidance.sweep.plan.high) == (2, 2)
    sheet.close()


def test_closing_the_sheet_stops_the_sweep_and_its_points_stay(hand_parts: Parts, qtbot: QtBot) -> None:
    answer(hand_parts.fake)
    offer(hand_parts.document)
    other = open_window(qtbot, hand_parts.document)
    sweeping = hand_parts.document.guidance.sweep
    other.show_sweep()
    sheet = other.findChild(SweepSheet)
    assert sheet is not None
    QTest.mouseClick(sheet.go, LEFT)
    assert sheet.go.text() == "Stop"
    assert not sheet.low.isEnabled()
    hand_parts.fake.allow(2)
    until(qtbot, lambda: sweeping.swept)
    QTest.keyClick(sheet, Qt.Key.Key_Escape)
    until(qtbot, lambda: not sweeping.running)
    assert len(sweeping.swept) == 1


def test_the_sheet_says_why_nothing_can_be_swept(sheet: SweepSheet, guidance: DocumentGuidance) -> None:
    guidance.steering.offer([])
    assert not sheet.go.isEnabled()
    assert "no CLIP" in sheet.note.text()
    sheet.close()
