"""A latent model in the studio, with the real engine: sizes, coarse and sharp steps, saving, editing, encoding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.bridge.client import EngineClient
from app.core.canvas.placement import to_rgb
from app.core.document import Document
from app.core.jobs.queue import JobQueue, QueuedJob
from app.core.notices import Notice
from app.core.request.methods import FILL
from app.core.request.run_costs import Prices
from app.core.shown.runs import RunLibrary
from app.ui.widgets.picture_fit import fit_in
from app.ui.window.main_window import MainWindow
from engine.pictures.image_file import load
from engine.session import Session
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.store import RunReader
from tests.app.artworks import paint
from tests.app.windows import open_window, until
from tests.latent import CELL, latent_info, latent_models

WIDE = 96, 64


@pytest.fixture
def document(model: ModelInfo, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Document]:
    """A document with a lossy latent model chosen, a pixel model beside it, and the real engine behind both."""
    latent_models(monkeypatch)
    latent = latent_info(tmp_path, lossy=True)
    engine = EngineClient(lambda: Session("cpu", [latent, model]))
    library, prices = RunLibrary(tmp_path / "runs", tmp_path / "pictures"), Prices()
    jobs = JobQueue(engine, prices)
    made = Document([latent, model], engine, jobs, library, prices)
    with qtbot.waitSignal(made.jobs.engine_changed, timeout=120_000):
        engine.start(latent)
    made.draft.update(width=WIDE[0], height=WIDE[1], prompt="red apple", seed=5)
    yield made
    engine.close()
    made.shown.close()


@pytest.fixture
def window(document: Document, qtbot: QtBot) -> MainWindow:
    return open_window(qtbot, document)


@pytest.fixture
def notices(document: Document) -> list[Notice]:
    told: list[Notice] = []
    document.notice_raised.connect(told.append)
    return told


def run(document: Document, qtbot: QtBot) -> QueuedJob:
    with qtbot.waitSignal(document.jobs.ended):
        job = document.generate()
    assert job is not None
    assert not job.message
    return job


def frame_size(document: Document) -> tuple[int, int]:
    frame = document.shown.frame
    assert frame is not None
    return frame.width(), frame.height()


def decoded(document: Document, k: int) -> np.ndarray:
    """x̂₀ of a step, decoded here."""
    import torch

    from engine.models.pixel import to_uint8
    from tests.latent import BlockCodec

    assert document.shown.run is not None
    x0 = torch.from_numpy(document.shown.run.x0(k).copy())
    pictures: np.ndarray = to_uint8(BlockCodec(lossy=True).decode(x0))
    return pictures[0]


# sharp and coarse steps


def test_the_last_step_is_the_finished_picture_and_a_step_becomes_sharp_where_the_cursor_rests(
    document: Document, qtbot: QtBot
) -> None:
    job = run(document, qtbot)
    assert frame_size(document) == WIDE
    finished = RunReader(job.run_path).picture()
    assert finished is not None
    assert document.shown.frame is not None
    np.testing.assert_array_equal(to_rgb(document.shown.frame), finished[0])
    document.shown.scrub(1)
    assert frame_size(document) == (WIDE[0] // CELL, WIDE[1] // CELL), "at once, a preview"
    with qtbot.waitSignal(document.shown.frame_changed):
        pass
    np.testing.assert_array_equal(to_rgb(document.shown.frame), decoded(document, 1))
    document.shown.scrub(0)
    document.shown.scrub(1)
    assert frame_size(document) == WIDE, "a decoded step is kept"


def test_a_coarse_step_is_saved_and_copied_when_it_is_decoded(
    window: MainWindow, document: Document, qtbot: QtBot, tmp_path: Path
) -> None:
    run(document, qtbot)
    document.shown.scrub(2)
    path = tmp_path / "step.png"
    assert document.save_picture(path) is None
    until(qtbot, path.exists)
    np.testing.assert_array_equal(load(path).rgb, decoded(document, 2))
    document.shown.scrub(1)
    QGuiApplication.clipboard().clear()
    window.copy_picture()
    until(qtbot, lambda: not QGuiApplication.clipboard().image().isNull())
    np.testing.assert_array_equal(to_rgb(QGuiApplication.clipboard().image()), decoded(document, 1))


def test_no_coarse_preview_becomes_an_artwork_or_a_key_frame(
    window: MainWindow, document: Document, notices: list[Notice], qtbot: QtBot
) -> None:
    run(document, qtbot)
    document.shown.scrub(1)
    window.files.opener.edit_shown()
    document.morph.keys.add_shown()
    assert not document.artwork.is_open
    assert not document.morph.keys.frames
    assert [("still a coarse preview" in notice.text) for notice in notices] == [True, True]
    until(qtbot, lambda: frame_size(document) == WIDE)
    window.files.opener.edit_shown()
    np.testing.assert_array_equal(document.artwork.rgb(QRect(0, 0, *WIDE)), decoded(document, 1))


# sizes


def test_the_size_field_is_there_where_sizes_are_free(
    window: MainWindow, document: Document, model: ModelInfo, qtbot: QtBot
) -> None:
    field = window.panel.sides
    assert field.isVisible()
    assert (field.width_.value(), field.height_.value()) == WIDE
    assert [button.text() for button in field.chips.values()] == ["64 × 64", "96 × 64", "64 × 96"]
    assert field.chips[WIDE].isChecked()
    QTest.mouseClick(field.swap, Qt.MouseButton.LeftButton)
    assert document.draft.size == (64, 96)
    field.width_.selectAll()
    QTest.keyClicks(field.width_, "101")
    QTest.keyClick(field.width_, Qt.Key.Key_Return)
    assert document.draft.size == (104, 96)
    assert field.width_.value() == 104, "the nearest that the model makes"
    QTest.mouseClick(field.chips[(64, 64)], Qt.MouseButton.LeftButton)
    assert document.draft.size == (64, 64)
    assert not window.panel.extent.isVisible()
    document.draft.model = model
    assert not field.isVisible()
    assert not window.panel.extent_name.isVisible()
    assert document.draft.size == (24, 16)


def test_the_box_and_its_cells_follow_the_size(window: MainWindow, document: Document) -> None:
    document.artwork.open(np.zeros((200, 300, 3), np.uint8), "Sheet", document.draft.size)
    document.draft.choose_method(FILL)
    document.draft.choose_size((64, 64))
    box = document.artwork.box
    assert box.width() == box.height()
    document.draft.choose_size(WIDE)
    box = document.artwork.box
    assert abs(box.width() / box.height() - 1.5) < 0.02
    paint(document.artwork, QRect(box.left(), box.top(), 20, 20))
    cells = window.area._free_cells()
    assert cells is not None
    assert cells.shape == (WIDE[1] // CELL, WIDE[0] // CELL), "cells of the latent, not pixels"
    assert cells[0, 0]
    assert not cells[-1, -1]


def test_an_edit_leaves_every_unmasked_pixel_of_the_document(document: Document, qtbot: QtBot) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (150, 230, 3), np.uint8)
    mask = np.zeros((150, 230), np.uint8)
    mask[40:90, 60:140] = 255
    document.artwork.adopt(np.dstack([rgb[..., ::-1], np.full((150, 230, 1), 255, np.uint8)]), "S", WIDE, mask)
    document.draft.choose_method(FILL)
    job = run(document, qtbot)
    assert job.request.edit is not None
    until(qtbot, lambda: document.editing.candidates.at is not None and not document.editing.why_no_apply)
    assert document.editing.apply()
    after = document.artwork.rgb(document.artwork.rect)
    np.testing.assert_array_equal(after[mask == 0], rgb[mask == 0])
    assert (after[mask > 0] != rgb[mask > 0]).any(axis=-1).mean() > 0.9


def test_a_picture_opens_at_a_size_of_its_shape(window: MainWindow, document: Document, qtbot: QtBot) -> None:
    from app.core.canvas.fitting import targets
    from app.core.files.open import Arrival

    arrival = Arrival(np.zeros((300, 200, 3), np.uint8), "Tall")
    assert targets(document.draft.model, document.draft.size, arrival.size) == [WIDE, (64, 96), (64, 64)]
    window.files.opener.place(arrival, "crop", (64, 96))
    until(qtbot, lambda: document.artwork.is_open)
    assert (document.artwork.width, document.artwork.height) == (64, 96)
    assert document.draft.size == (64, 96)


# judging, encoding, prices


def test_bits_of_latents_are_refused_in_a_sentence_and_encoding_is_not(
    window: MainWindow, document: Document, qtbot: QtBot
) -> None:
    run(document, qtbot)
    likelihood = document.picture_likelihood
    likelihood.set_watched(True)
    assert "no bits per dimension" in likelihood.why_no_bits
    assert likelihood.why_not == ""
    assert likelihood.judged_size == WIDE
    with qtbot.waitSignal(document.jobs.ended):
        document.encoder.encode()
    assert document.encoder.encoded is not None
    assert document.shown.run is not None
    assert document.shown.run.request.width == 96


def test_a_morph_keys_pictures_to_the_size_of_its_frames(document: Document, qtbot: QtBot) -> None:
    run(document, qtbot)
    keys = document.morph.keys
    keys.add_shown()
    assert not keys.frames[0].encoded, "the seed that it is"
    document.draft.choose_size((64, 64))
    assert keys.frames[0].image is None, "at another size this seed is another picture"
    document.artwork.open(np.full((300, 200, 3), 99, np.uint8), "Sheet", document.draft.size)
    keys.add_shown()
    assert keys.frames[1].rgb is not None
    assert keys.frames[1].rgb.shape == (64, 64, 3)
    document.draft.choose_size((64, 96))
    assert keys.frames[1].rgb.shape == (96, 64, 3)


def test_a_size_that_was_not_measured_is_priced_by_its_pixels_and_the_decoder_apart(tmp_path: Path) -> None:
    info, prices = latent_info(tmp_path), Prices()

    def request(width: int, height: int, batch: int, steps: int = 4):  # type: ignore[no-untyped-def]
        return resolve(Draft.for_model(info, width=width, height=height, batch=batch, steps=steps), info)

    prices.learn(request(64, 64, 1), 8.0, finishing=2.0)
    assert prices.seconds(request(64, 64, 1)) == pytest.approx(10)
    assert prices.seconds(request(64, 64, 1, steps=8)) == pytest.approx(18), "the decoder is called once"
    assert prices.seconds(request(128, 64, 1)) == pytest.approx(20)
    assert prices.seconds(request(64, 64, 3)) == pytest.approx(30)


def test_a_stored_draft_of_an_impossible_size_starts_at_the_nearest(model: ModelInfo, document: Document) -> None:
    document.draft.remember({model.id: Draft.for_model(model, width=100, height=100)})
    document.draft.model = model
    assert document.draft.size == (24, 16)


def test_a_picture_keeps_its_shape_in_a_cell_of_a_strip() -> None:
    wide, square = (QImage(width, 64, QImage.Format.Format_RGB32) for width in (96, 64))
    cell = QRectF(10, 10, 60, 60)
    assert fit_in(cell, wide) == QRectF(10, 20, 60, 40)
    assert fit_in(cell, square) == cell
