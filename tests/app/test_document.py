"""The document: setters emit only on change; commands start a job or give a reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.jobs.queue import JobState
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import Prices
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft
from engine.spec.request import RequestError
from tests.app.conftest import Parts, count, finish, reach_told
from tests.fakes.engine import FakeEngine

# the requests


def test_setters_tell_only_of_change(document: Document) -> None:
    drafts, views = count(document.draft.changed), count(document.shown.view_changed)
    document.draft.update(steps=document.draft.current.steps)
    document.draft.seed_locked = False
    document.shown.view = "x0"
    assert (drafts, views) == ([], [])
    document.draft.update(steps=9)
    document.draft.seed_locked = True
    document.shown.view = "eps"
    assert (len(drafts), len(views)) == (2, 1)


def test_a_draft_needs_no_other_part_of_the_document(model: ModelInfo) -> None:
    draft = DraftModel([model], Prices())
    told = count(draft.changed)
    draft.update(steps=9, prompt="rocket")
    assert (draft.current.steps, draft.current.prompt, len(told)) == (9, "rocket", 1)
    assert (draft.by_model, draft.price_text) == ({"fake": draft.current}, "")


def test_each_model_keeps_its_own_draft(document: Document) -> None:
    fake, other = document.draft.models
    document.draft.update(steps=9, prompt="rocket")
    told = count(document.draft.model_changed)
    document.draft.model = other
    assert document.draft.current == Draft.for_model(other, prompt="rocket", seed=document.draft.current.seed)
    document.draft.update(steps=3)
    document.draft.model = fake
    assert document.draft.current.steps == 9
    document.draft.model = other
    assert document.draft.current.steps == 3
    assert len(told) == 3
    assert set(document.draft.by_model) == {"fake", "other"}


def test_a_draft_of_another_model_brings_the_model(document: Document) -> None:
    _, other = document.draft.models
    document.draft.current = Draft.for_model(other, prompt="pizza")
    assert document.draft.model is other
    assert document.draft.current.prompt == "pizza"
    with pytest.raises(RequestError, match="is not here"):
        document.draft.update(model="gone")


def test_unknown_words_are_found(document: Document) -> None:
    assert document.draft.unknown_words("Red apple, birthday") == []
    (word,) = document.draft.unknown_words("red aple")
    assert (word.word, word.start) == ("aple", 4)
    document.draft.model = document.draft.models[1]
    assert document.draft.unknown_words("qqqq") == [], "a model that lists no words knows them all"


def test_a_seed_that_is_not_locked_is_rolled_for_the_next_run(hand_parts: Parts) -> None:
    document = hand_parts.document
    job = document.generate()
    assert job is not None
    assert job.request.seeds == (7,)
    rolled = document.draft.current.seed
    assert rolled != 7
    document.draft.seed_locked = True
    job = document.generate()
    assert job is not None
    assert job.request.seeds == (rolled,)
    assert document.draft.current.seed == rolled


def test_the_price_is_known_once_a_run_was_measured(parts: Parts, qtbot: QtBot) -> None:
    assert parts.document.draft.price_text == ""
    parts.fake.call_seconds = 0.01
    finish(parts, qtbot)
    assert parts.document.draft.price_text.startswith("≈ ")
    parts.document.draft.update(steps=0)
    assert parts.document.draft.price_text == "", "what cannot be made has no price"


# what is being made


def test_generate_explains_itself_until_the_engine_is_ready(
    make_parts: Callable[..., Parts], fake: FakeEngine, qtbot: QtBot
) -> None:
    fake.opening.clear()
    parts = make_parts(fake, ready=False)
    document = parts.document
    parts.engine.start(document.draft.model)
    assert not document.can_generate
    assert "loading" in document.why_not
    assert document.generate() is None
    assert [n.text for n in parts.notices] == [document.why_not]
    with qtbot.waitSignal(document.jobs.engine_changed):
        fake.opening.set()
    assert document.can_generate
    assert (document.why_not, document.jobs.device_text) == ("", "a fake device")


def test_an_engine_that_failed_is_the_reason(make_parts: Callable[..., Parts], fake: FakeEngine, qtbot: QtBot) -> None:
    fake.open_error = ImportError("no torch")
    parts = make_parts(fake, ready=False)
    with qtbot.waitSignal(parts.document.jobs.engine_changed):
        parts.engine.start(parts.document.draft.model)
    assert not parts.document.can_generate
    assert "no torch" in parts.document.why_not


def test_a_draft_that_cannot_be_made_is_a_notice(parts: Parts) -> None:
    parts.document.draft.update(label="gone")
    assert parts.document.generate() is None
    assert parts.document.jobs.all == []
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
        parts.document.jobs.cancel()
    assert job.state is JobState.CANCELLED
    assert len(parts.notices) == 1


def test_status_counts_the_steps_of_the_running_job(hand_parts: Parts, qtbot: QtBot) -> None:
    document = hand_parts.document
    assert (document.jobs.steps_done, document.jobs.steps_total, document.jobs.eta_text) == (0, 0, "")
    job = document.generate()
    assert document.jobs.running is job
    reach_told(hand_parts, qtbot, 1)
    assert (document.jobs.steps_done, document.jobs.steps_total) == (1, 5)
    assert document.jobs.eta_seconds is not None
    assert document.jobs.eta_text.endswith(" s")


def test_a_fork_and_variations_have_the_price_of_the_steps_that_remain(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    job = finish(parts, qtbot, steps=10, batch=1)
    document.prices.learn_call(job.request, 2, 1.0)
    document.prices.learn_call(job.request, 4, 2.0)
    whole = document.prices.seconds(job.request)
    assert whole is not None
    document.shown.scrub(5)
    assert document.fork_price == document.prices.words(job.request, 5) != document.prices.words(job.request)
    document.draft.update(batch=2)
    assert document.variations_price
    document.shown.scrub(9)
    assert document.variations_price == "", "nothing is left open"
