"""Choosing a checkpoint: what is offered, what it needs, why it cannot be used, and the next start with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.document import Document
from app.core.models.choice import last_checkpoint
from app.core.models.studio_models import StudioModels
from app.ui.actions.action_set import ActionSet
from app.ui.request.generate_bar import GenerateBar
from engine.jobs.load import CheckpointOpened, OpenCheckpoint
from engine.spec.saving import Change
from tests.app.conftest import Parts
from tests.app.models.conftest import notices, settle
from tests.app.windows import opened
from tests.fakes.checkpoints import SMALL, single_file, write_hollow

GIB = 2**30


@pytest.fixture
def memory(parts: Parts) -> dict[str, Any]:
    """What the fake engine says of a checkpoint; a test changes it before it chooses one."""
    said: dict[str, Any] = {"needs": 4 * GIB, "half": 2 * GIB, "spare": GIB, "free": 16 * GIB, "held": False}

    def opened(job: OpenCheckpoint) -> list[object]:
        needs = said["half"] if job.compute_dtype != "float32" else said["needs"]
        return [CheckpointOpened(job.model, **said | {"needs": needs})]

    parts.fake.answers[OpenCheckpoint] = opened
    return said


@pytest.fixture
def dream(qtbot: QtBot, models: StudioModels, memory: dict[str, Any], tmp_path: Path) -> Path:
    """A listed checkpoint whose hash is known."""
    path = write_hollow(tmp_path / "shelf" / "dream.safetensors", SMALL)
    models.library.set_by_hand(path, {"family": "sd1"})
    models.library.add([path.parent])
    settle(qtbot, models)
    with qtbot.waitSignal(models.library.hashing.computed):
        models.library.hashing.compute([path])
    return path


def choose(qtbot: QtBot, models: StudioModels, path: Path) -> None:
    assert models.choice.choose(str(path))
    qtbot.waitUntil(lambda: models.choice._needs is not None)


def test_the_models_in_the_box_and_the_usable_checkpoints_are_offered(
    qtbot: QtBot, models: StudioModels, shelf: Path
) -> None:
    models.library.add([shelf])
    settle(qtbot, models)
    offers = {offer.title: (offer.key, offer.badge) for offer in models.choice.offers()}
    assert offers == {
        "Fake": ("fake", ""),
        "Other": ("other", ""),
        "dream": (str(shelf / "dream.safetensors"), "SD 1"),
    }


def test_a_checkpoint_without_a_text_encoder_is_offered_with_the_reason_and_not_chosen(
    qtbot: QtBot, models: StudioModels, dream: Path
) -> None:
    path = write_hollow(dream.with_name("bare.safetensors"), dict(list(SMALL.items())[:1]))
    models.library.set_by_hand(path, {"family": "sd1"})
    settle(qtbot, models)
    heard = notices(models)
    (offer,) = (offer for offer in models.choice.offers() if offer.title == "bare")
    assert offer.about.startswith("no VAE, no text encoder")
    assert not models.choice.choose(offer.key)
    assert [notice.text for notice in heard] == [offer.alarm]
    assert offer.alarm.startswith("This checkpoint has no VAE and no text encoder: get the complete checkpoint")


def test_the_last_used_models_come_first(qtbot: QtBot, models: StudioModels, dream: Path) -> None:
    choose(qtbot, models, dream)
    models.choice.choose("other")
    assert [offer.title for offer in models.choice.offers()] == ["Other", "dream", "Fake"]


def test_a_chosen_checkpoint_is_the_drafts_model_with_its_own_defaults(
    qtbot: QtBot, document: Document, models: StudioModels, dream: Path
) -> None:
    models.library.set_defaults(dream, {"steps": 7, "guidance": 2.5, "size": [640, 384]})
    choose(qtbot, models, dream)
    draft = document.draft.current
    assert (draft.model, draft.steps, draft.guidance) == ("dream", 7, 2.5)
    assert document.draft.size == (640, 384)
    assert "clip_skip" in document.draft.model.takes
    assert document.can_generate


def test_two_checkpoints_of_one_name_have_two_ids(
    qtbot: QtBot, document: Document, models: StudioModels, dream: Path, tmp_path: Path
) -> None:
    other = write_hollow(tmp_path / "more" / dream.name, SMALL)
    models.library.set_by_hand(other, {"family": "sd1"})
    for path in (dream, other):
        assert models.choice.choose(str(path))
    assert document.draft.model.id == "more/dream"
    qtbot.waitUntil(lambda: not models.library.hashing.busy)


def test_a_checkpoint_without_a_hash_waits_for_it(
    qtbot: QtBot, document: Document, models: StudioModels, memory: dict[str, Any], tmp_path: Path
) -> None:
    path = write_hollow(tmp_path / "shelf" / "dream.safetensors", SMALL)
    models.library.set_by_hand(path, {"family": "sd1"})
    assert models.choice.choose(str(path))
    assert "hash" in document.why_not
    qtbot.waitUntil(lambda: document.can_generate)
    assert len(document.draft.model.sha256) == 64


def test_what_a_large_model_loads_is_said_before_the_click(
    qtbot: QtBot, parts: Parts, models: StudioModels, dream: Path
) -> None:
    models.library.note_load(2 * GIB, 2.0)
    choose(qtbot, models, dream)
    assert models.choice.note == "Loads 4.29 GB first, ≈ 4.0 s"
    with qtbot.waitSignal(parts.jobs.job_ended):
        parts.document.generate()
    assert models.choice.note == ""


def test_a_model_that_does_not_fit_is_refused_with_half_precision_as_the_way(
    qtbot: QtBot, document: Document, models: StudioModels, memory: dict[str, Any], dream: Path
) -> None:
    memory["free"] = 4 * GIB
    models.library.set_defaults(dream, {"precision": "float32"})
    choose(qtbot, models, dream)
    qtbot.waitUntil(lambda: not document.can_generate)
    assert document.why_not == "It takes 5.40 GB of memory, 4.29 GB are free: use half precision."
    assert models.choice.change == Change(("half",))
    models.choice.take_change()
    qtbot.waitUntil(lambda: document.can_generate)
    assert document.draft.model.compute_dtype == "bfloat16"


def test_a_model_that_does_not_fit_either_way_says_so(
    qtbot: QtBot, document: Document, models: StudioModels, memory: dict[str, Any], dream: Path
) -> None:
    memory["free"] = GIB
    choose(qtbot, models, dream)
    qtbot.waitUntil(lambda: not document.can_generate)
    assert models.choice.change is None
    assert "choose a smaller model" in document.why_not


def test_a_finished_run_gives_its_model_a_picture(
    qtbot: QtBot, parts: Parts, models: StudioModels, dream: Path
) -> None:
    choose(qtbot, models, dream)
    with qtbot.waitSignal(parts.jobs.job_ended):
        job = parts.document.generate()
    assert job is not None
    offer = next(offer for offer in models.choice.offers() if offer.title == "dream")
    assert offer.picture == job.images[0]


def test_a_chosen_model_that_is_gone_says_so(
    qtbot: QtBot, document: Document, models: StudioModels, dream: Path
) -> None:
    choose(qtbot, models, dream)
    dream.unlink()
    models.library.refresh()
    qtbot.waitUntil(lambda: "is no longer in" in document.why_not)


def test_a_file_that_cannot_be_sampled_is_refused_with_a_notice(
    qtbot: QtBot, document: Document, models: StudioModels, shelf: Path
) -> None:
    heard = notices(models)
    assert not models.choice.choose(str(shelf / "vae" / "mse.safetensors"))
    assert "cannot be sampled here" in heard[0].text
    assert document.draft.model.id == "fake"


def test_settings_of_a_checkpoint_find_it_among_the_files(
    qtbot: QtBot, document: Document, models: StudioModels, dream: Path
) -> None:
    """Settings from a picture name the model by its id alone."""
    document.draft.current = replace(document.draft.current, model="dream")
    assert document.draft.model.folder == dream


def test_the_next_start_begins_with_the_last_checkpoint(
    make_models: Callable[[], StudioModels], dream: Path, tmp_path: Path
) -> None:
    (info,), trouble = last_checkpoint("dream", str(dream), tmp_path / "config")
    assert (info.folder, len(info.sha256), trouble) == (dream, 64, "")
    dream.unlink()
    assert last_checkpoint("dream", str(dream), tmp_path / "config") == (
        [],
        f"The last model is no longer there ({dream}): another one is chosen.",
    )
    assert last_checkpoint("emoji", "", tmp_path) == ([], "")


def test_a_real_checkpoint_is_described_under_its_name(qtbot: QtBot, models: StudioModels, tmp_path: Path) -> None:
    path = write_hollow(tmp_path / "shelf" / "real.safetensors", single_file("unet-v1-sd"))
    info = models.choice.describe(path)
    assert (info.id, info.title, info.size) == ("real", "real", (512, 512))


def test_a_size_that_does_not_fit_is_refused_with_one_button_for_the_whole_change(
    qtbot: QtBot, document: Document, models: StudioModels, memory: dict[str, Any], dream: Path
) -> None:
    memory |= {"spare": 0, "free": int(2.3 * GIB)}
    models.library.set_defaults(dream, {"precision": "float32"})
    choose(qtbot, models, dream)
    document.draft.choose_size((1024, 1024))
    change = models.choice.change
    assert change is not None
    assert "half" in change.ways
    assert change.size is not None
    assert document.why_not.endswith(f"are free: {change.words}.")
    actions = {name: QAction() for name in ("generate", "cancel")}
    bar = GenerateBar(document, models.choice, models.vaes, cast("ActionSet", actions))
    opened(qtbot, bar, 340, 120)
    assert bar.smaller.text() == f"Use {change.title}"
    QTest.mouseClick(bar.smaller, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: document.can_generate)
    assert document.draft.size == change.size
    assert document.draft.model.saving == set(change.ways) - {"half"}
    assert not bar.smaller.isVisible()


def test_a_model_is_computed_in_the_devices_own_precision_unless_the_user_set_one(
    qtbot: QtBot, document: Document, models: StudioModels, memory: dict[str, Any], dream: Path
) -> None:
    memory["best"] = "float16"
    choose(qtbot, models, dream)
    qtbot.waitUntil(lambda: document.draft.model.compute_dtype == "float16")
    models.choice.set_defaults(dream, {"precision": "float32"})
    qtbot.waitUntil(lambda: document.draft.model.compute_dtype == "float32")
    memory |= {"best": "float32", "free": 4 * GIB}
    models.choice.set_defaults(dream, {})
    qtbot.waitUntil(lambda: document.draft.model.compute_dtype == "bfloat16")  # float32 does not fit
