"""“Use the settings of this picture” and the lock of the seed: exactly the picture on the canvas, and said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QStyle, QStyleOptionFrame, QWidget
from pytestqt.qtbot import QtBot

from app.core.files.autosave_file import read, write
from app.core.request.shown_settings import EDITED, FORKED, SILENT
from app.ui.request.seed_field import SeedField
from engine.session import Session
from engine.spec.draft import Draft, resolve
from engine.spec.request import Request
from tests.app.artworks import picture
from tests.app.conftest import Parts
from tests.app.windows import finish, open_window, until

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


def test_the_fourth_of_eight_is_taken_alone(parts: Parts, qtbot: QtBot) -> None:
    window, document = open_window(qtbot, parts.document), parts.document
    finish(qtbot, document, prompt="rocket", batch=8, seed=100)
    document.shown.image_index = 3
    document.draft.update(prompt="pizza", batch=2)
    QTest.keyClick(window.canvas, Qt.Key.Key_U, CONTROL)
    taken = document.draft.current
    assert (taken.prompt, taken.seed, taken.batch) == ("rocket", 103, 1)
    assert parts.notices[-1].text == "Taken: all settings of picture 4 of 8, with its seed 103."


def test_an_opened_picture_gives_its_own_settings(parts: Parts, qtbot: QtBot, tmp_path: Path) -> None:
    """Also after a restart; the run that the timeline still shows is another picture's."""
    window, document = open_window(qtbot, parts.document), parts.document
    rocket = finish(qtbot, document, prompt="rocket", batch=2, seed=100).images[1]
    finish(qtbot, document, prompt="pizza", batch=1)
    window.files.open_path(str(rocket))
    until(qtbot, lambda: document.artwork.is_open)
    QTest.keyClick(window.canvas, Qt.Key.Key_U, CONTROL)
    taken = document.draft.current
    assert (taken.prompt, taken.seed, taken.batch, taken.method) == ("rocket", 101, 1, "new")
    assert f"in the file of “{rocket.stem}”, with its seed 101" in parts.notices[-1].text
    write(tmp_path, window.autosave._current())
    kept = read(tmp_path)
    assert kept.origin == document.artwork.origin
    document.artwork.open(picture(24, 16), "plain")
    assert window.actions_["restore"].toolTip().startswith(SILENT)


def test_what_cannot_be_taken_is_said(parts: Parts, qtbot: QtBot) -> None:
    document = parts.document
    finish(qtbot, document, steps=5)
    document.shown.scrub(2)
    job = document.fork()
    assert job is not None
    until(qtbot, lambda: job.state.ended)
    document.restore_settings()
    assert parts.notices[-1].text.endswith(FORKED)
    document.artwork.open(picture(24, 16), "plain")
    document.artwork.mask[:] = 255
    finish(qtbot, document, method="replacement")
    document.restore_settings()
    assert parts.notices[-1].text.endswith(EDITED)


def test_the_lock_keeps_the_seed_of_the_shown_picture(parts: Parts, qtbot: QtBot) -> None:
    window, document = open_window(qtbot, parts.document), parts.document
    lock = next(b for b in window.panel.seed.findChildren(QWidget) if b.accessibleName() == "Keep the seed")
    made = finish(qtbot, document, batch=4).request.seeds
    document.shown.image_index = 2
    assert document.draft.current.seed not in made
    QTest.mouseClick(lock, LEFT)
    assert document.draft.current.seed == made[2]
    assert str(made[2]) in parts.notices[-1].text
    QTest.mouseClick(lock, LEFT)
    finish(qtbot, document)
    field = window.panel.seed.field
    field.setFocus()
    QTest.keyClick(field, Qt.Key.Key_A, CONTROL)
    QTest.keyClicks(field, "12")
    QTest.mouseClick(lock, LEFT)
    assert document.draft.current.seed == 12, "a person chose it for the next picture"


def test_the_seed_shows_all_its_digits_at_the_least_width(parts: Parts, qtbot: QtBot) -> None:
    window, document = open_window(qtbot, parts.document), parts.document
    document.draft.update(seed=1861701988)
    seed: SeedField = window.panel.seed
    until(qtbot, lambda: window.width() >= window.minimumWidth())
    window.docks._docks["settings"].setFixedWidth(window.panel.minimumWidth())
    window.resize(1024, 640)
    until(qtbot, lambda: window.panel.width() == window.panel.minimumWidth())
    right = seed.field.mapTo(window.panel, QPoint(seed.field.width(), 0)).x()
    assert right < window.panel.width()
    option = QStyleOptionFrame()
    seed.field.initStyleOption(option)
    inside = seed.field.style().subElementRect(QStyle.SubElement.SE_LineEditContents, option, seed.field)
    assert inside.width() >= seed.field.fontMetrics().horizontalAdvance("1861701988") + 4


def test_a_picture_of_a_batch_comes_alone_too() -> None:
    """To rounding: matrix products of another batch add up in another order."""
    session = Session("cpu")
    info = session.info("emoji")
    batch = resolve(Draft.for_model(info, prompt="rocket", seed=100, batch=3, steps=3, enlarge=False), info)
    alone = resolve(Draft.of(batch, 2), info)
    assert alone == replace(batch, seeds=(102,))

    def last(request: Request) -> np.ndarray:
        return list(session.generate(request))[-1].move.x.numpy()

    assert np.abs(last(batch)[2] - last(alone)[0]).max() < 1e-4
