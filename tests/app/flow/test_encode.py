"""Encoding and decoding a picture: a run on the timeline, and its notices."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from app.core.flow.encode import Encoder
from engine.jobs.encode import Decode, Encode
from engine.jobs.generate import Fork
from engine.spec.request import RequestError
from engine.store import RunReader
from tests.app.conftest import Parts, finish
from tests.app.encoded import CALLS, Flow
from tests.app.windows import PATIENCE, until
from tests.fakes.engine import FakeEngine

Make = Callable[..., Parts]


def encoder_of(parts: Parts) -> Encoder:
    parts.document.picture_likelihood.set_watched(True)
    return parts.document.encoder


@pytest.fixture
def encoder(parts: Parts, qtbot: QtBot) -> Encoder:
    Flow(parts.fake)
    finish(parts, qtbot, steps=5)
    return encoder_of(parts)


def encode(encoder: Encoder, qtbot: QtBot) -> None:
    encoder.encode()
    until(qtbot, lambda: encoder.activity is None)


def submitted(parts: Parts) -> Encode:
    job = parts.fake.others[-1]
    assert isinstance(job, Encode)
    return job


def test_the_shown_picture_goes_up_as_a_run_that_is_shown(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    before = parts.document.shown.run_path
    frame = parts.document.shown.frame
    assert frame is not None
    encode(encoder, qtbot)
    job = submitted(parts)
    assert job.rgb[3, 5].tolist() == [
        frame.pixelColor(5, 3).red(),
        frame.pixelColor(5, 3).green(),
        frame.pixelColor(5, 3).blue(),
    ]
    assert parts.document.shown.run_path == job.run_path != before
    run = parts.document.shown.run
    assert run is not None
    assert [step.s for step in run.steps] == [0.0, 0.1, 1.0, 10.0]
    assert (run.total, parts.document.shown.cursor, parts.document.shown.live) == (4, 3, False)
    assert encoder.goes_up


def test_the_notice_of_an_encoding_gives_the_round_trip_error(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    encode(encoder, qtbot)
    assert parts.notices[-1].text == (
        "Encoded in 4 steps and 120 model calls; decoded again it is 43.2 dB from the picture (PSNR)"
    )
    assert encoder.encoded is not None
    assert encoder.encoded.spread == 0.98


def test_an_encoding_grows_on_the_timeline_and_can_be_stopped(hand_parts: Parts, qtbot: QtBot) -> None:
    Flow(hand_parts.fake)
    hand_parts.fake.allow(5)
    finish(hand_parts, qtbot, steps=5)
    encoder = encoder_of(hand_parts)
    encoder.encode()
    document = hand_parts.document
    for steps in (1, 2):
        hand_parts.fake.allow(1)
        until(qtbot, lambda steps=steps: encoder.activity is not None and encoder.activity.share == steps / 4)  # type: ignore[misc]
        until(qtbot, lambda: document.shown.step_count >= 1)  # the first step is always shown, others within a budget
        assert document.shown.live
    assert encoder.activity is not None
    assert encoder.activity.words == "Up to the noise, σ 1, 60 model calls"
    encoder.stop()
    until(qtbot, lambda: encoder.activity is None)
    assert document.shown.step_count >= 2, "what was reached stays"
    assert not document.shown.live
    assert not encoder.goes_up
    assert [notice.level for notice in hand_parts.notices] == []


def test_a_picture_is_encoded_with_its_own_words_until_another_condition_is_chosen(
    encoder: Encoder, parts: Parts, qtbot: QtBot
) -> None:
    parts.document.draft.update(prompt="pizza")
    encode(encoder, qtbot)
    assert submitted(parts).request.prompt == "red apple"


def test_an_encoding_without_guidance_uses_the_chosen_condition(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    encoder._likelihood.condition_source = "nothing"
    encode(encoder, qtbot)
    assert (submitted(parts).request.guidance, submitted(parts).request.prompt, submitted(parts).method) == (
        1.0,
        "",
        "plain",
    )
    assert encoder.methods == ("plain",), "without a condition there is no guidance"


def test_guided_methods_need_a_condition(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    picture_likelihood = encoder._likelihood
    picture_likelihood.condition_source = "panel"
    assert encoder.methods == ("plain", "guided", "null-text")
    encoder.method = "null-text"
    encoder.tolerance = 1e-3
    parts.document.draft.update(guidance=4.0)
    encode(encoder, qtbot)
    job = submitted(parts)
    assert (job.method, job.request.guidance, job.request.prompt) == ("null-text", 4.0, "red apple")
    assert job.tol == 1e-3
    assert len(job.request.seeds) == 1


def test_guidance_of_one_is_none_to_encode_with(encoder: Encoder, parts: Parts) -> None:
    encoder._likelihood.condition_source = "panel"
    encoder.method = "guided"
    parts.document.draft.update(guidance=1.0)
    encoder.encode()
    assert "raise it" in parts.notices[-1].text
    assert parts.fake.others == []


def test_decoding_is_a_run_and_its_notice_gives_the_error(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    assert encoder.why_no_decode() == "This run did not encode a picture: encode one first."
    encode(encoder, qtbot)
    up = parts.document.shown.run_path
    encoder.decode()
    until(qtbot, lambda: encoder.activity is None)
    job = parts.fake.others[-1]
    assert isinstance(job, Decode)
    assert (job.source, job.run_path, job.request) == (up, parts.document.shown.run_path, None)
    assert parts.document.shown.run is not None
    assert [step.s for step in parts.document.shown.run.steps] == [80.0, 10.0, 1.0, 0.1]
    assert parts.notices[-1].text == "Decoded in 120 model calls: 43.2 dB from the picture that was encoded (PSNR)"
    assert not encoder.goes_up


def test_decoding_as_the_panel_says_asks_for_its_words_and_guidance(
    encoder: Encoder, parts: Parts, qtbot: QtBot
) -> None:
    encode(encoder, qtbot)
    parts.document.draft.update(prompt="rocket", guidance=2.0, batch=3)
    encoder.decode(anew=True)
    until(qtbot, lambda: encoder.activity is None)
    job = parts.fake.others[-1]
    assert isinstance(job, Decode)
    assert job.request is not None
    assert (job.request.prompt, job.request.guidance, len(job.request.seeds)) == ("rocket", 2.0, 1)


def test_another_model_cannot_decode_as_the_panel_says(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    encode(encoder, qtbot)
    parts.document.draft.model = parts.document.draft.models[1]
    encoder.decode(anew=True)
    assert parts.notices[-1].text == "This picture was encoded by another model: choose “Fake” to decode it."


def test_the_end_of_the_way_up_is_gone_on_from_with_other_words(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    encode(encoder, qtbot)
    up = document.shown.run_path
    assert up is not None
    document.shown.scrub(1)
    assert "last step of its way up" in document.why_no_fork
    assert "last step of its way up" in document.why_no_variations
    document.shown.end()
    assert document.why_no_fork == ""
    document.draft.update(prompt="rocket", batch=4, steps=6)
    with qtbot.waitSignal(parts.jobs.job_ended, timeout=PATIENCE):
        job = document.fork()
    assert job is not None
    assert isinstance(job.job, Fork)
    assert (job.job.source, job.job.at, job.steps_before) == (up, 4, 0)
    assert RunReader(job.run_path).header["parent"] == {"run": up.stem, "step": 4, "at": 0}
    assert (job.request.prompt, len(job.request.seeds), job.request.edit) == ("rocket", 1, None)


def test_the_price_of_a_tolerance_is_estimated_from_measurements(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    assert encoder.price(1e-4).startswith("about 198 model calls, about "), "up and down again, typically"
    encode(encoder, qtbot)
    assert encoder.price(1e-4).startswith(f"≈ {8 * CALLS} model calls, ≈ ")
    assert encoder.price(1e-3).startswith("≈ 112 model calls, ≈ "), "240 / ∛10"


def test_what_the_engine_cannot_do_is_one_sentence(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    def fails(job: Encode) -> list[object]:
        raise RequestError("The flow was not followed in 2000 model calls: allow a larger error.")

    parts.fake.answers[Encode] = fails
    before = parts.document.shown.run_path
    encode(encoder, qtbot)
    assert parts.notices[-1].text == "The flow was not followed in 2000 model calls: allow a larger error."
    assert parts.document.shown.run_path == before


def test_an_empty_canvas_cannot_be_encoded(parts: Parts) -> None:
    encoder = encoder_of(parts)
    encoder.encode()
    assert parts.notices[-1].text == "There is no picture on the canvas: generate one, or open one."


def test_the_artwork_is_encoded_from_its_box(encoder: Encoder, parts: Parts, qtbot: QtBot) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8)
    parts.document.artwork.open(rgb, "cat.png", (24, 16))
    parts.document.editing.shows_artwork = True
    encode(encoder, qtbot)
    assert (submitted(parts).rgb == rgb).all()
    assert not parts.document.editing.shows_artwork, "the way up is looked at"


def test_two_at_once_are_refused(make_parts: Make, by_hand: FakeEngine, qtbot: QtBot) -> None:
    parts = make_parts(by_hand)
    Flow(by_hand)
    by_hand.allow(5)
    finish(parts, qtbot, steps=5)
    encoder = encoder_of(parts)
    encoder.encode()
    encoder.encode()
    assert parts.notices[-1].text == "A picture is on its way along the flow: wait for it, or stop it."
    by_hand.allow(9)
    until(qtbot, lambda: encoder.activity is None)
    assert len(by_hand.others) == 1
