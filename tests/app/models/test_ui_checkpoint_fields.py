"""VAE, clip skip and precision under Advanced: there only where the model takes them, and in the Request."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.core.models.studio_models import StudioModels
from app.core.models.table import ABOUT, ModelTable
from app.ui.request.checkpoint_fields import CheckpointFields
from app.ui.request.generate_bar import GenerateBar
from app.ui.widgets.combo_box import ComboBox
from engine.checkpoints.hashes import sha256
from engine.jobs.load import CheckpointOpened, OpenCheckpoint
from engine.spec.draft import Draft
from engine.spec.memory import decode_bytes, net_bytes
from engine.spec.vae import OWN, VaeUse
from tests.app.conftest import Parts
from tests.app.models.conftest import settle
from tests.app.windows import finish, opened
from tests.fakes.checkpoints import SMALL, write_hollow

GIB = 2**30
TAESD = {"decoder.layers.0.weight": (64, 4, 3, 3), "encoder.layers.0.weight": (64, 3, 3, 3)}
FLUX = {"decoder.conv_in.weight": (512, 32, 3, 3), "decoder.mid_block.resnets.0.conv1.weight": (4, 4, 3, 3)}


@pytest.fixture
def fields(qtbot: QtBot, parts: Parts, models: StudioModels, tmp_path: Path) -> CheckpointFields:
    """The fields, with a checkpoint chosen and two VAEs, one of them of another family."""
    parts.fake.answers[OpenCheckpoint] = lambda job: [
        CheckpointOpened(job.model, 4 * GIB, 2 * GIB, GIB, 16 * GIB, False, ("float32", "bfloat16", "float16"))
    ]
    shelf = tmp_path / "shelf"
    dream = write_hollow(shelf / "dream.safetensors", SMALL)
    write_hollow(shelf / "flux.safetensors", FLUX)
    write_hollow(shelf / "mse.safetensors", TAESD)
    models.library.set_by_hand(dream, {"family": "sd1"})
    models.library.add([shelf])
    settle(qtbot, models)
    assert models.choice.choose(str(dream))
    qtbot.waitUntil(lambda: parts.document.can_generate and bool(models.choice.note))
    parts.document.draft.update(steps=1)
    parts.document.draft.choose_size((64, 64))
    fields = CheckpointFields(parts.document.draft, models.choice, models.vaes)
    opened(qtbot, fields, 340, 300)
    return fields


def choose(box: ComboBox, row: int) -> None:
    """Choose a row of a closed list by the keyboard."""
    box.setFocus()
    QTest.keyClick(box, Qt.Key.Key_Home)
    for _ in range(row):
        QTest.keyClick(box, Qt.Key.Key_Down)


def items(box: ComboBox) -> list[str]:
    return [box.itemText(row) for row in range(box.count())]


def test_a_chosen_vae_is_in_the_request_by_name_and_hash(
    qtbot: QtBot, parts: Parts, models: StudioModels, fields: CheckpointFields, tmp_path: Path
) -> None:
    assert items(fields.vae.box) == ["The model's own", "mse"]
    model, size = parts.document.draft.model, (256, 256)
    assert models.choice.memory == 4 * GIB + decode_bytes(*size)
    choose(fields.vae.box, 1)
    qtbot.waitUntil(lambda: parts.document.draft.current.vae is not None)
    weights = 4 * sum(prod(shape) for shape in TAESD.values())
    assert models.choice.memory == 4 * GIB + weights + net_bytes(model, size, 2), "its decoder takes less than the net"
    finish(qtbot, parts.document)
    path = tmp_path / "shelf" / "mse.safetensors"
    assert parts.fake.requests[-1].vae == VaeUse(name="mse", sha256=sha256(path))
    choose(fields.vae.box, 0)
    assert parts.document.draft.current.vae is None


def test_a_vae_of_a_picture_that_is_not_here_is_named(parts: Parts, fields: CheckpointFields) -> None:
    parts.document.draft.update(vae=VaeUse(name="gone", sha256="a" * 64))
    assert "“gone” is not here" in parts.document.why_not
    assert fields.vae.note.isVisible()
    choose(fields.vae.box, 0)
    assert parts.document.can_generate


def test_a_model_set_to_a_vae_can_have_its_own_again(
    qtbot: QtBot, parts: Parts, models: StudioModels, fields: CheckpointFields, tmp_path: Path
) -> None:
    """Three states: what the model is set to, its own, a file; a picture made with its own comes back so."""
    document, mse = parts.document, tmp_path / "shelf" / "mse.safetensors"
    models.choice.set_defaults(document.draft.model.folder, {"vae": str(mse)})
    qtbot.waitUntil(lambda: document.draft.model.vae is not None and document.can_generate)
    document.draft.update(steps=1)
    document.draft.choose_size((64, 64))
    assert items(fields.vae.box) == ["Automatic", "The model's own", "mse"]
    made = []
    for row in range(3):
        choose(fields.vae.box, row)
        qtbot.waitUntil(lambda: document.can_generate)
        finish(qtbot, document)
        made.append(parts.fake.requests[-1])
        assert fields.vae.box.currentIndex() == row
    use = VaeUse(name="mse", sha256=sha256(mse))
    assert [request.vae for request in made] == [use, None, use]
    document.draft.current = Draft.of(made[1])
    assert fields.vae.box.currentText() == "The model's own"
    assert document.draft.current.vae == OWN


def test_a_checkpoint_without_a_vae_says_so_and_takes_one_by_one_click(
    qtbot: QtBot, parts: Parts, models: StudioModels, fields: CheckpointFields, tmp_path: Path
) -> None:
    bare = {name: shape for name, shape in SMALL.items() if not name.startswith("first_stage_model.")}
    path = write_hollow(tmp_path / "shelf" / "bare.safetensors", bare)
    models.library.set_by_hand(path, {"family": "sd1"})
    settle(qtbot, models)
    assert "no VAE" in ModelTable(models.library).index(0).data(ABOUT)
    assert next(offer for offer in models.choice.offers() if offer.title == "bare").about.startswith("no VAE")
    document = parts.document
    bar = GenerateBar(document, models.choice, models.vaes, {"generate": QAction()})  # type: ignore[arg-type]
    opened(qtbot, bar, 300, 200)
    assert models.choice.choose(str(path))
    qtbot.waitUntil(lambda: document.draft.model.sha256 != "")
    qtbot.waitUntil(lambda: bar.note.text() == "bare has no VAE: choose one.")
    assert not bar.button.isEnabled()
    assert "The model's own" not in items(fields.vae.box)
    assert bar.vae.text() == "Use the VAE “mse”"
    QTest.mouseClick(bar.vae, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(bar.button.isEnabled)
    assert not bar.vae.isVisible()
    assert isinstance(document.draft.current.vae, VaeUse)
    assert document.draft.current.vae.name == "mse"


def test_clip_skip_and_precision_are_in_the_request_and_come_back(
    qtbot: QtBot, parts: Parts, fields: CheckpointFields
) -> None:
    choose(fields.clip_skip.box, 2)
    choose(fields.precision.box, 3)
    finish(qtbot, parts.document)
    request = parts.fake.requests[-1]
    assert (request.clip_skip, request.precision) == (2, "float16")
    parts.document.draft.update(clip_skip=None, precision=None)
    assert (fields.clip_skip.box.currentIndex(), fields.precision.box.currentIndex()) == (0, 0)
    parts.document.draft.current = Draft.of(request)
    assert (fields.clip_skip.box.currentText(), fields.precision.box.currentText()) == ("2", "16 bits (float16)")


def test_an_automatic_precision_is_the_models_and_the_request_says_which(
    qtbot: QtBot, parts: Parts, fields: CheckpointFields
) -> None:
    assert fields.precision.box.currentText() == "Automatic"
    finish(qtbot, parts.document)
    assert parts.fake.requests[-1].precision == "float32"


def test_a_precision_decides_what_loading_takes(models: StudioModels, fields: CheckpointFields) -> None:
    assert models.choice.note == "Loads 4.29 GB first"
    choose(fields.precision.box, 2)
    assert models.choice.note == "Loads 2.15 GB first"


def test_a_model_that_takes_none_shows_none(models: StudioModels, fields: CheckpointFields) -> None:
    assert fields.isVisible()
    models.choice.choose("other")
    assert not fields.isVisible()


def test_the_time_of_a_run_is_that_of_its_precision(
    qtbot: QtBot, parts: Parts, models: StudioModels, fields: CheckpointFields
) -> None:
    draft = parts.document.draft
    assert draft.price_text == ""
    finish(qtbot, parts.document)
    assert draft.price_text
    choose(fields.precision.box, 2)
    assert draft.price_text == ""
