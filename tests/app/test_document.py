"""The document: setters tell only of change; what is asked for is made, or the reason said."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.jobs.queue import JobState
from app.core.notices import Notice
from app.core.request.vocabulary import Vocabulary
from engine.spec.draft import Draft
from engine.spec.request import RequestError
from tests.app.conftest import Parts, count, finish, reach_told
from tests.fakes.engine import FakeEngine

# what is asked for


def test_setters_tell_only_of_change(document: Document) -> None:
    drafts, views = count(document.draft_changed), count(document.view_changed)
    document.update_draft(steps=document.draft.steps)
    document.seed_locked = False
    document.view = "x0"
    assert (drafts, views) == ([], [])
    document.update_draft(steps=9)
    document.seed_locked = True
    document.view = "eps"
    assert (len(drafts), len(views)) == (2, 1)


def test_each_model_keeps_its_own_draft(document: Document) -> None:
    fake, other = document.models
    document.update_draft(steps=9, prompt="rocket")
    told = count(document.model_changed)
    document.model = other
    assert document.draft == Draft.for_model(other, prompt="rocket", seed=document.draft.seed)
    document.update_draft(steps=3)
    document.model = fake
    assert document.draft.steps == 9
    document.model = other
    assert document.draft.steps == 3
    assert len(told) == 3
    assert set(document.drafts) == {"fake", "other"}


def test_a_draft_of_another_model_brings_the_model(document: Document) -> None:
    _, other = document.models
    document.draft = Draft.for_model(other, prompt="pizza")
    assert document.model is other
    assert document.draft.prompt == "pizza"
    with pytest.raises(RequestError, match="is not here"):
        document.update_draft(model="gone")


def test_words_that_the_model_does_not_know_are_found_with_the_nearest_it_does(document: Document) -> None:
    assert document.unknown_words("Red apple, birthday") == []
    (word,) = document.unknown_words("red aple")
    assert (word.word, word.start, word.nearest[0]) == ("aple", 4, "apple")
    assert [w.nearest for w in document.unknown_words("qqqq")] == [()]
    document.model = document.models[1]
    assert document.unknown_words("qqqq") == [], "a model that lists no words knows them all"


def test_a_seed_that_is_not_locked_is_rolled_for_the_next_run(hand_parts: Parts) -> None:
    document = hand_parts.document
    job = document.generate()
    assert job is not None
    assert job.request.seeds == (7,)
    rolled = document.draft.seed
    assert rolled != 7
    document.seed_locked = True
    job = document.generate()
    assert job is not None
    assert job.request.seeds == (rolled,)
    assert document.draft.seed == rolled


def test_the_price_is_known_once_a_run_was_measured(parts: Parts, qtbot: QtBot) -> None:
    assert parts.document.price_text == ""
    parts.fake.call_seconds = 0.01
    finish(parts, qtbot)
    assert parts.document.price_text.startswith("≈ ")
    parts.document.update_draft(steps=0)
    assert parts.document.price_text == "", "what cannot be made has no price"


# what is being made


def test_generate_explains_itself_until_the_engine_is_ready(
    make_parts: Callable[..., Parts], fake: FakeEngine, qtbot: QtBot
) -> None:
    fake.opening.clear()
    parts = make_parts(fake, ready=False)
    document = parts.document
    parts.engine.start(document.model)
    assert not document.can_generate
    assert "loading" in document.why_not
    assert document.generate() is None
    assert [n.text for n in parts.notices] == [document.why_not]
    with qtbot.waitSignal(document.engine_changed):
        fake.opening.set()
    assert document.can_generate
    assert (document.why_not, document.device_text) == ("", "a fake device")


def test_an_engine_that_failed_is_the_reason(make_parts: Callable[..., Parts], fake: FakeEngine, qtbot: QtBot) -> None:
    fake.open_error = ImportError("no torch")
    parts = make_parts(fake, ready=False)
    with qtbot.waitSignal(parts.document.engine_changed):
        parts.engine.start(parts.document.model)
    assert not parts.document.can_generate
    assert "no torch" in parts.document.why_not


def test_a_draft_that_cannot_be_made_is_a_notice(parts: Parts) -> None:
    parts.document.update_draft(label="gone")
    assert parts.document.generate() is None
    assert parts.document.jobs == []
    (notice,) = parts.notices
    assert notice.level == "error"
    assert "gone" in notice.text


def test_a_failed_job_is_one_notice_and_a_cancelled_one_none(hand_parts: Parts, qtbot: QtBot) -> None:
    parts = hand_parts
    parts.fake.fail_at, parts.fake.error = 2, RequestError("This cannot be: choose something else.")
    parts.fake.allow(3)
    finish(parts, qtbot)
    assert parts.notices == [Notice("error", "This cannot be: choose something else.")]
    parts.fake.fail_at = -1
    job = parts.document.generate()
    assert job is not None
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.document.cancel()
    assert job.state is JobState.CANCELLED
    assert len(parts.notices) == 1


def test_status_counts_the_steps_of_the_running_job(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    assert (document.steps_done, document.steps_total, document.eta_text) == (0, 0, "")
    job = document.generate()
    assert document.running_job is job
    reach_told(hand_parts, qtbot, 1)
    assert (document.steps_done, document.steps_total) == (1, 5)
    assert document.eta_seconds is not None
    assert document.eta_text.endswith(" s")


def test_among_words_equally_near_the_one_with_the_same_first_letter_comes_first() -> None:
    (word,) = Vocabulary(frozenset({"maple", "apple", "ale"})).unknown("aple")
    assert word.nearest[0] == "apple"
