"""The panel's wishes and the draft's guides: one truth, whoever changes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtGui import QImage
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.guidance.steering import Steering, SteeringRow
from engine.spec.draft import Draft
from engine.spec.guide_models import GuideInfo
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Law
from engine.spec.request import RequestError
from engine.store import RunReader
from tests.app.conftest import Parts, count, finish
from tests.app.fake_clips import BROKEN, CLIP, NOISED, STYLES, answer, offer


@pytest.fixture
def parts(parts: Parts) -> Parts:
    answer(parts.fake)
    offer(parts.document)
    return parts


@pytest.fixture
def steering(parts: Parts) -> Steering:
    document = parts.document
    return document.guidance.steering


def picture(colour: int = 40) -> np.ndarray:
    return np.full((8, 6, 3), colour, np.uint8)


def test_a_typed_text_is_enough_to_steer(steering: Steering, document: Document) -> None:
    assert not document.draft.current.guides
    steering.set_wish(0, text=" a red apple ")
    assert document.draft.current.guides == (ClipGuide(clip=CLIP.id, aims=(Aim("a red apple"),)),)


@pytest.mark.parametrize("text", ["", "   ", "\n\t"])
def test_what_asks_for_nothing_is_no_guide(steering: Steering, document: Document, text: str) -> None:
    steering.set_wish(0, text="rocket")
    steering.set_wish(0, text=text)
    assert not document.draft.current.guides
    steering.set_wish(0, text="rocket", weight=0.0)
    assert not document.draft.current.guides


def test_several_aims_with_signed_weights(steering: Steering, document: Document) -> None:
    steering.set_wish(0, text="apple")
    steering.add_wish()
    steering.set_wish(1, text="worm", weight=-0.5)
    (guide,) = document.draft.current.guides
    assert isinstance(guide, ClipGuide)
    assert guide.aims == (Aim("apple"), Aim("worm", weight=-0.5))
    steering.remove_wish(0)
    assert steering.wishes == (SteeringRow("worm", weight=-0.5),)
    steering.remove_wish(0)
    assert list(steering.wishes) == [SteeringRow()]
    assert not document.draft.current.guides


def test_settings_are_kept_without_an_aim(steering: Steering, document: Document) -> None:
    steering.set_clip_settings(scale=25.0, law=Law.of("late", power=2.0), cutouts=8)
    steering.set_wish(0, text="apple")
    steering.set_wish(0, text="")
    steering.set_wish(0, text="pear")
    (guide,) = document.draft.current.guides
    assert guide == ClipGuide(
        clip=CLIP.id, aims=(Aim("pear"),), scale=25.0, law=Law.of("late", power=2.0), cutouts=8
    )  # fmt: skip


def test_on_the_noisy_state_clip_sees_the_whole_and_back_all_is_as_it_was(
    steering: Steering, document: Document
) -> None:
    steering.set_wish(0, text="apple")
    steering.set_clip_settings(cutouts=8, smooth=2.0)
    steering.clip = NOISED.id
    assert steering.sees_noise
    steering.set_clip_settings(on="xt")
    assert document.draft.current.guides == (ClipGuide(clip=NOISED.id, aims=(Aim("apple"),), on="xt", cutouts=1),)
    steering.clip = CLIP.id  # which knows no noise
    assert document.draft.current.guides == (ClipGuide(clip=CLIP.id, aims=(Aim("apple"),), cutouts=8, smooth=2.0),)


def test_what_a_guide_cannot_be_is_refused_and_changes_nothing(steering: Steering, document: Document) -> None:
    steering.set_wish(0, text="apple")
    before = document.draft.current
    with pytest.raises(RequestError):
        steering.set_clip_settings(cutouts=1000)
    assert document.draft.current == before


def test_a_classifier_begins_with_a_label_that_the_draft_has(steering: Steering, document: Document) -> None:
    document.draft.update(label="twemoji")
    steering.set_class(classifier="styles")
    assert document.draft.current.guides == (ClassGuide(classifier="styles", label="twemoji"),)
    steering.set_class(label="3d", scale=4.0, noisy=False)
    assert document.draft.current.guides == (ClassGuide(classifier="styles", label="3d", scale=4.0, noisy=False),)
    steering.set_class(classifier="")
    assert not document.draft.current.guides


def test_only_classifiers_that_know_the_model_s_pictures_are_offered(steering: Steering, document: Document) -> None:
    own = GuideInfo("own", "Own", "in the box", model="other", labels=("a", "b"))
    steering.offer([CLIP], [STYLES, own])
    assert [info.id for info in steering.classifiers] == [STYLES.id]
    told = count(steering.changed)
    document.draft.model = document.draft.models[1]
    assert told
    assert [info.id for info in steering.classifiers] == [STYLES.id, "own"]


def test_what_others_put_into_the_draft_is_on_the_panel(steering: Steering, document: Document) -> None:
    second = ClipGuide(clip="other", aims=(Aim("pear"),))
    clip = ClipGuide(clip="/elsewhere/own.pt", aims=(Aim("apple"), Aim("worm", weight=-2.0)), scale=3.0, cutouts=2)
    of_class = ClassGuide(classifier="styles", label="noto", scale=2.0)
    told = count(steering.changed)
    document.draft.update(guides=(clip, of_class, second))
    assert steering.wishes == (SteeringRow("apple"), SteeringRow("worm", weight=-2.0))
    assert steering.clip == "/elsewhere/own.pt"
    assert [info.title for info in steering.clips] == [CLIP.title, NOISED.title, "own.pt"]
    assert steering.class_wish.label == "noto"
    assert told
    assert document.draft.current.guides == (clip, of_class, second)  # listening changes nothing
    steering.set_wish(0, text="plum")
    assert document.draft.current.guides[2] is second  # what the panel has no field for stays
    document.draft.update(guides=())
    assert list(steering.wishes) == [SteeringRow()]
    assert steering.in_words == ""


def test_a_picture_is_an_aim_that_travels_with_the_run(parts: Parts, qtbot: QtBot) -> None:
    steering = parts.document.guidance.steering
    steering.aim_at(picture())
    (wish,) = steering.wishes
    assert wish.image
    job = finish(parts, qtbot, steps=3)
    (kept,) = RunReader(job.run_path).aims()
    assert (kept == picture()).all()
    again = parts.document.fork()
    assert again is not None
    qtbot.waitUntil(lambda: again.state.ended)
    assert len(RunReader(again.run_path).aims()) == 1


def test_the_aims_of_a_shown_run_can_be_aimed_at_in_another_session(
    parts: Parts, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, steering = parts.document, parts.document.guidance.steering
    steering.aim_at(picture(90))
    job = finish(parts, qtbot, steps=3)
    steering.remove_wish(0)
    document.shown.close()
    monkeypatch.setattr(steering.pictures, "_held", {})  # as after a new start
    assert document.shown.show_run(job.run_path)
    document.restore_settings()
    (wish,) = steering.wishes
    assert not steering.pictures.image(wish.image).isNull()


def test_the_shown_picture_is_an_aim(parts: Parts, qtbot: QtBot) -> None:
    steering = parts.document.guidance.steering
    steering.aim_at_shown()
    assert [notice.text for notice in parts.notices] == ["No picture is shown yet: generate or open one."]
    finish(parts, qtbot, steps=3)
    steering.aim_at_shown()
    image = steering.pictures.image(steering.wishes[0].image)
    assert (image.width(), image.height()) == (24, 16)


def test_pictures_come_from_files_and_from_the_clipboard(parts: Parts, qtbot: QtBot, tmp_path: Path) -> None:
    guidance = parts.document.guidance
    image = QImage(5, 4, QImage.Format.Format_RGB32)
    image.fill(0xFF336699)
    image.save(str(tmp_path / "blue.png"))
    (tmp_path / "no picture.png").write_bytes(b"nothing of the kind")
    files = QMimeData()
    files.setUrls([QUrl.fromLocalFile(str(tmp_path / name)) for name in ("blue.png", "no picture.png")])
    assert guidance.aim_sources.take_mime(files)
    qtbot.waitUntil(lambda: len(parts.notices) == 1)
    assert len(guidance.steering.wishes) == 1
    pasted = QMimeData()
    pasted.setImageData(image)
    assert guidance.aim_sources.take_mime(pasted)
    qtbot.waitUntil(lambda: len(guidance.steering.wishes) == 2)
    assert not guidance.aim_sources.take_mime(QMimeData())
    guidance.close()


def test_settings_with_guides_come_back_with_the_draft(steering: Steering, document: Document) -> None:
    guide = ClipGuide(clip=CLIP.id, aims=(Aim("apple"),), scale=7.0)
    document.draft.current = Draft.for_model(document.draft.model, guides=(guide,))
    assert steering.setting("scale") == 7.0
    assert steering.in_words == "CLIP: apple"


def test_an_unusable_clip_gives_one_notice(parts: Parts, qtbot: QtBot) -> None:
    steering = parts.document.guidance.steering
    steering.clip = BROKEN
    steering.set_wish(0, text="apple")
    qtbot.waitUntil(lambda: len(parts.notices) == 1)
    steering.set_wish(0, text="apples")
    finish(parts, qtbot, steps=3, guides=())
    assert len(parts.notices) == 1
    assert "broken.safetensors" in parts.notices[0].text
