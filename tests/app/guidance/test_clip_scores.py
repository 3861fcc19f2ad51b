"""CLIP scores: of every step, live and afterwards; the order of candidates; what CLIP sees under the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.core.canvas.candidates import Candidate
from app.core.guidance.guide_panel import DocumentGuidance
from engine.jobs.load import LoadClip
from engine.jobs.score import Look, Score
from engine.spec.guides import Aim, ClipGuide
from tests.app.conftest import Parts, finish
from tests.app.fake_clips import BROKEN, CLIP, answer, offer, score_of

GUIDE = ClipGuide(clip=CLIP.id, aims=(Aim("apple"),))


@pytest.fixture
def guidance(parts: Parts) -> DocumentGuidance:
    answer(parts.fake)
    offer(parts.document)
    return parts.document.guidance


@pytest.fixture
def by_hand(hand_parts: Parts) -> DocumentGuidance:
    answer(hand_parts.fake)
    offer(hand_parts.document)
    return hand_parts.document.guidance


def curve(guidance: DocumentGuidance) -> list[tuple[int, float]]:
    found = guidance.scores.curve
    return [] if found is None else [(k, round(score, 4)) for k, score in found.guided]


def expected(steps: int, image: int = 0) -> list[tuple[int, float]]:
    return [(k, round(score_of(k, image), 4)) for k in range(steps)]


def test_a_guided_run_is_scored_step_by_step(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=5, batch=2, guides=(GUIDE,))
    qtbot.waitUntil(lambda: curve(guidance) == expected(5))
    found = guidance.scores.curve
    assert found is not None
    assert dict(found.raw) == pytest.approx({k: score / 2 for k, score in found.guided})
    parts.document.shown.image_index = 1
    assert curve(guidance) == expected(5, 1)


def test_a_run_without_clip_is_scored_only_if_chosen(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=4)
    assert guidance.scores.curve is None
    assert parts.fake.others == []
    guidance.steering.scored = True
    qtbot.waitUntil(lambda: curve(guidance) == expected(4))
    assert any(isinstance(one, Score) and one.aims == (Aim("red apple"),) for one in parts.fake.others)
    guidance.steering.scored = False
    assert guidance.scores.curve is None


def test_scores_come_while_the_run_goes_on(by_hand: DocumentGuidance, hand_parts: Parts, qtbot: QtBot) -> None:
    document, fake = hand_parts.document, hand_parts.fake
    document.draft.update(guides=(GUIDE,), steps=60)
    qtbot.waitUntil(lambda: any(isinstance(one, LoadClip) for one in fake.others))
    job = document.generate()
    assert job is not None

    def two_scores() -> bool:
        fake.allow()  # a step, or a score between two of them
        document.shown.grow(document.shown.live)
        return len(curve(by_hand)) >= 2

    qtbot.waitUntil(two_scores)
    assert not job.state.ended
    assert set(curve(by_hand)) <= set(expected(60))
    fake.allow(500)
    qtbot.waitUntil(lambda: job.state.ended)
    qtbot.waitUntil(lambda: curve(by_hand) == expected(60))


def test_a_fork_shows_the_scores_of_its_parents_steps(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=6, guides=(GUIDE,))
    qtbot.waitUntil(lambda: len(curve(guidance)) == 6)
    parts.document.shown.scrub(3)
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.document.fork()
    assert parts.document.shown.run is not None
    assert parts.document.shown.run.inherited == 3
    qtbot.waitUntil(lambda: len(curve(guidance)) == 6)
    assert curve(guidance)[:3] == expected(3)


def test_steps_are_scored_once(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    first = finish(parts, qtbot, steps=4, guides=(GUIDE,))
    qtbot.waitUntil(lambda: len(curve(guidance)) == 4)
    finish(parts, qtbot, steps=3)
    qtbot.waitUntil(lambda: len(curve(guidance)) == 3)
    asked = len(parts.fake.others)
    parts.document.shown.show_run(first.run_path)
    assert len(curve(guidance)) == 4
    assert len(parts.fake.others) == asked


def test_a_failing_clip_gives_one_notice_and_is_not_used_again(
    guidance: DocumentGuidance, parts: Parts, qtbot: QtBot
) -> None:
    guidance.steering.clip = BROKEN
    guidance.steering.scored = True
    qtbot.waitUntil(lambda: len(parts.notices) == 1)
    finish(parts, qtbot, steps=3)
    qtbot.waitUntil(lambda: len(parts.notices) == 2)  # the score of the run
    finish(parts, qtbot, steps=3)
    parts.document.shown.scrub(1)
    assert len(parts.notices) == 2
    assert guidance.scores.curve is not None
    assert guidance.scores.curve.guided == []


def test_the_status_can_say_which_clip_is_loading(by_hand: DocumentGuidance, hand_parts: Parts, qtbot: QtBot) -> None:
    assert by_hand.scores.loading == ""
    hand_parts.document.draft.update(guides=(GUIDE,))
    assert by_hand.scores.loading == CLIP.title
    qtbot.waitUntil(lambda: by_hand.scores.loading == "")


def test_a_batch_stands_in_the_order_of_its_scores(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=3, batch=4, guides=(GUIDE,))
    assert guidance.scores.batch == [0, 1, 2, 3]
    qtbot.waitUntil(lambda: len(curve(guidance)) == 3)
    assert guidance.scores.can_rank
    guidance.scores.ranked = True
    assert guidance.scores.batch == [1, 3, 0, 2]
    guidance.scores.ranked = False
    assert guidance.scores.batch == [0, 1, 2, 3]


def test_candidates_stand_in_the_order_of_their_scores(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    job = finish(parts, qtbot, steps=3, batch=3, guides=(GUIDE,))
    candidates = parts.document.editing.candidates
    candidates.add(Candidate(job.run_path, k, job.request, QImage(4, 4, QImage.Format.Format_RGB32)) for k in range(3))
    qtbot.waitUntil(lambda: guidance.scores.finished(job.run_path, job.request, 0) is not None)
    candidates.at = job.run_path, 1
    guidance.scores.ranked = True
    assert [candidates[tile].image for tile in (1, 2, 3)] == [1, 0, 2]
    assert candidates.index == 1  # what was looked at still is
    candidates.discard(1)
    guidance.scores.ranked = False
    assert [candidates[tile].image for tile in (1, 2)] == [0, 2]


def test_candidates_of_other_runs_are_scored(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    job = finish(parts, qtbot, steps=3, batch=2, guides=(GUIDE,))
    other = finish(parts, qtbot, steps=3, batch=1, guides=())
    assert parts.document.shown.run_path == other.run_path
    qtbot.waitUntil(lambda: not guidance.scores.loading)
    candidates = parts.document.editing.candidates
    candidates.add([Candidate(job.run_path, 1, job.request, QImage(4, 4, QImage.Format.Format_RGB32))])
    qtbot.waitUntil(lambda: guidance.scores.finished(job.run_path, job.request, 1) is not None)
    assert guidance.scores.finished(job.run_path, job.request, 1) == pytest.approx(score_of(2, 1))


# what CLIP sees


def test_what_clip_sees_follows_the_cursor(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=5)
    concepts = guidance.concepts
    assert concepts.nearest is None
    assert parts.fake.others == []  # nobody looks
    concepts.watched = True
    qtbot.waitUntil(lambda: concepts.nearest is not None and concepts.nearest.k == 4)
    parts.document.shown.scrub(1)
    qtbot.waitUntil(lambda: concepts.nearest is not None and concepts.nearest.k == 1)
    assert concepts.prompt_names == ("red apple",)
    looks = [one for one in parts.fake.others if isinstance(one, Look)]
    assert all("red apple" in one.vocabulary for one in looks)


def test_a_scrub_asks_no_more_than_can_be_answered(by_hand: DocumentGuidance, hand_parts: Parts, qtbot: QtBot) -> None:
    document, fake = hand_parts.document, hand_parts.fake
    document.draft.update(steps=8)
    job = document.generate()
    assert job is not None
    fake.allow(8)
    qtbot.waitUntil(lambda: job.state.ended)
    by_hand.concepts.watched = True
    for k in (0, 3, 1, 6, 2):
        document.shown.scrub(k)
    fake.allow(20)
    qtbot.waitUntil(lambda: by_hand.concepts.nearest is not None and by_hand.concepts.nearest.k == 2)
    assert [one.k for one in fake.others if isinstance(one, Look)] == [7, 2]


def test_no_question_is_sent_while_the_bars_are_hidden(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=3)
    guidance.concepts.watched = True
    qtbot.waitUntil(lambda: guidance.concepts.nearest is not None)
    guidance.concepts.watched = False
    asked = len(parts.fake.others)
    parts.document.shown.scrub(0)
    assert len(parts.fake.others) == asked


def test_a_run_file_that_is_gone_is_one_notice(
    guidance: DocumentGuidance, parts: Parts, qtbot: QtBot, tmp_path: Path
) -> None:
    del parts.fake.answers[Look]
    finish(parts, qtbot, steps=3)
    guidance.concepts.watched = True
    qtbot.waitUntil(lambda: len(parts.notices) == 1)
    parts.document.shown.scrub(0)
    parts.document.shown.scrub(1)
    assert len(parts.notices) == 1


def test_a_chosen_file_is_loaded_at_once(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    guidance.steering.clip = BROKEN
    qtbot.waitUntil(lambda: len(parts.notices) == 1)
    assert "broken.safetensors" in parts.notices[0].text


def test_a_prompt_too_long_for_clip_is_not_a_name(guidance: DocumentGuidance, parts: Parts, qtbot: QtBot) -> None:
    finish(parts, qtbot, steps=3, prompt="red apple " * 50)
    assert guidance.concepts.prompt_names == ()
    guidance.concepts.watched = True
    qtbot.waitUntil(lambda: guidance.concepts.nearest is not None)


def test_an_unreadable_run_does_not_stop_the_bars_of_others(
    guidance: DocumentGuidance, parts: Parts, qtbot: QtBot
) -> None:
    first = finish(parts, qtbot, steps=3)
    guidance.concepts.watched = True
    qtbot.waitUntil(lambda: guidance.concepts.nearest is not None)
    answers, wrong = parts.fake.answers[Look], first.run_path

    def some(job: Look) -> object:
        if job.path == wrong:
            raise OSError("gone")
        return answers(job)

    parts.fake.answers[Look] = some  # type: ignore[assignment]
    parts.document.shown.scrub(0)
    qtbot.waitUntil(lambda: len(parts.notices) == 1)
    parts.document.shown.scrub(1)
    finish(parts, qtbot, steps=2)
    qtbot.waitUntil(lambda: guidance.concepts.nearest is not None and guidance.concepts.nearest.k == 1)
    assert len(parts.notices) == 1
