"""The steering section under a person's hands, and the curve, the order and the bars that come of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.core.canvas.candidates import Candidate
from app.core.guidance.steering import SteeringRow
from app.ui.guidance.steering_section import FILE, SteeringSection
from app.ui.window.main_window import MainWindow
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Law, unresolve_guide
from tests.app.conftest import Parts
from tests.app.fake_clips import BROKEN, CLIP, NOISED, STYLES, WHY_BROKEN, answer, offer
from tests.app.windows import colours, finish, open_window, painted, until

LEFT, ENTER = Qt.MouseButton.LeftButton, Qt.Key.Key_Return


@pytest.fixture
def window(parts: Parts, qtbot: QtBot) -> MainWindow:
    answer(parts.fake)
    offer(parts.document)
    return open_window(qtbot, parts.document)


@pytest.fixture
def section(window: MainWindow, qtbot: QtBot) -> SteeringSection:
    """Opened by its command."""
    window.actions_["steer"].trigger()
    section = window.panel.steering.section
    until(qtbot, section.isVisible)
    return section


def retype(field: QWidget, text: str) -> None:
    QTest.keyClick(field, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClicks(field, text)


def choose(choice: QWidget, row: int) -> None:
    """An entry of a combo box, by keyboard."""
    choice.setFocus()
    QTest.keyClick(choice, Qt.Key.Key_Home)
    for _ in range(row):
        QTest.keyClick(choice, Qt.Key.Key_Down)


def guide(window: MainWindow) -> ClipGuide:
    one = window.document.draft.current.guides[0]
    assert isinstance(one, ClipGuide)
    return one


# the panel


def test_it_is_quiet_until_it_is_used(window: MainWindow, parts: Parts) -> None:
    assert not window.panel.steering.opened
    assert window.panel.steering.button.text() == "Steering"
    assert parts.fake.others == []


def test_a_first_timer_types_a_text_and_generates(
    section: SteeringSection, window: MainWindow, parts: Parts, qtbot: QtBot
) -> None:
    assert section.aims.rows[0].text.hasFocus()
    QTest.keyClicks(section.aims.rows[0].text, "a red apple")
    assert window.document.draft.current.guides == (ClipGuide(clip=CLIP.id, aims=(Aim("a red apple"),)),)
    assert window.panel.steering.button.accessibleName() == "Steering: CLIP: a red apple"
    QTest.mouseClick(window.panel.generate.button, LEFT)
    until(qtbot, lambda: parts.fake.requests)
    assert tuple(map(unresolve_guide, parts.fake.requests[0].guides)) == window.document.draft.current.guides
    until(qtbot, lambda: window.document.guidance.scores.curve and len(window.timeline.strip.rows) == 4)


def test_aims_are_added_weighted_and_removed(section: SteeringSection, window: MainWindow) -> None:
    QTest.keyClicks(section.aims.rows[0].text, "apple")
    QTest.mouseClick(section.aims.add_text, LEFT)
    assert section.aims.rows[1].text.hasFocus()
    QTest.keyClicks(section.aims.rows[1].text, "worm")
    retype(section.aims.rows[1].weight, "-0.5")
    QTest.keyClick(section.aims.rows[1].weight, ENTER)
    assert guide(window).aims == (Aim("apple"), Aim("worm", weight=-0.5))
    QTest.mouseClick(section.aims.rows[0].remove, LEFT)
    assert guide(window).aims == (Aim("worm", weight=-0.5),)
    assert len([row for row in section.aims.rows if row.isVisible()]) == 1


@pytest.mark.parametrize("text", ["яблоко", "红苹果", "تفاحة حمراء", "🍎🏳️‍🌈", "a\u0301b", "x" * 3000])
def test_any_script_and_any_length_can_be_typed(section: SteeringSection, window: MainWindow, text: str) -> None:
    QApplication.clipboard().setText(text)
    QTest.keyClick(section.aims.rows[0].text, Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    assert guide(window).aims == (Aim(text),)


def test_settings_reach_the_guide_and_come_back(section: SteeringSection, window: MainWindow) -> None:
    QTest.keyClicks(section.aims.rows[0].text, "apple")
    retype(section.scale.field, "25")
    QTest.keyClick(section.scale.field, ENTER)
    QTest.mouseClick(section.finer.button, LEFT)
    finer = section.fine
    retype(finer.cutouts.field, "9")
    QTest.keyClick(finer.cutouts.field, ENTER)
    retype(finer.sizes.high, "0.5")  # below the lowest, which gives way
    QTest.keyClick(finer.sizes.high, ENTER)
    choose(finer.law, 1)
    retype(finer.numbers.fields["low"], "20")  # above the highest, which gives way
    QTest.keyClick(finer.numbers.fields["low"], ENTER)
    for name, value in (("clip_gradient", "0.25"), ("smooth", "3"), ("keep_range", "1.5")):
        retype(finer.fields[name].field, value)
        QTest.keyClick(finer.fields[name].field, ENTER)
    assert guide(window) == ClipGuide(
        clip=CLIP.id, aims=(Aim("apple"),), scale=25.0, law=Law.of("window", low=20.0, high=20.0), cutouts=9,
        cut_size=(0.5, 0.5), clip_gradient=0.25, smooth=3.0, keep_range=1.5,
    )  # fmt: skip
    window.document.draft.update(guides=(ClipGuide(clip=NOISED.id, aims=(Aim("pear"),), on="xt", cutouts=1),))
    assert section.aims.rows[0].text.text() == "pear"
    assert section.clip.currentData() == NOISED.id
    assert finer.place.isVisible()
    assert finer.place.currentData() == "xt"
    assert not finer.cutouts.isVisible()


def test_a_clip_that_knows_noise_can_be_shown_the_state(section: SteeringSection, window: MainWindow) -> None:
    QTest.keyClicks(section.aims.rows[0].text, "apple")
    QTest.mouseClick(section.finer.button, LEFT)
    assert not section.fine.place.isVisible()
    choose(section.clip, 1)
    assert guide(window).clip == NOISED.id
    choose(section.fine.place, 1)
    assert guide(window).on == "xt"
    choose(section.clip, 0)
    assert guide(window).on == "x0"


def test_a_classifier_steers_to_a_class(section: SteeringSection, window: MainWindow) -> None:
    choose(section.classes.classifier, 1)
    choose(section.classes.label, 2)
    retype(section.classes.scale.field, "4")
    QTest.keyClick(section.classes.scale.field, ENTER)
    choose(section.classes.twin, 1)
    expected = ClassGuide(classifier=STYLES.id, label="3d", scale=4.0, noisy=False)
    assert window.document.draft.current.guides == (expected,)
    choose(section.classes.classifier, 0)
    assert not window.document.draft.current.guides
    assert not section.classes.label.isVisible()


# pictures


def test_a_dropped_picture_is_an_aim_and_not_the_artwork(
    section: SteeringSection, window: MainWindow, qtbot: QtBot, tmp_path: Path
) -> None:
    image = QImage(6, 6, QImage.Format.Format_RGB32)
    image.fill(0xFF20A060)
    image.save(str(tmp_path / "green.png"))
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "green.png"))])
    copy, held, free = Qt.DropAction.CopyAction, LEFT, Qt.KeyboardModifier.NoModifier
    aims = section.aims
    enter = QDragEnterEvent(QPoint(5, 5), copy, mime, held, free)
    QApplication.sendEvent(aims, enter)
    assert enter.isAccepted()
    assert not window._drops.hint.isVisible()
    QApplication.sendEvent(aims, QDropEvent(QPointF(5, 5), copy, mime, held, free))
    until(qtbot, lambda: window.document.draft.current.guides)
    assert guide(window).aims[0].image
    assert not window.document.artwork.is_open
    row = aims.rows[0]
    assert row.picture.isVisible()
    assert "#20a060" in colours(painted(row.picture))
    window.document.guidance.close()


def test_the_shown_picture_is_an_aim(section: SteeringSection, window: MainWindow, qtbot: QtBot) -> None:
    assert not window.actions_["aim-shown"].isEnabled()
    finish(qtbot, window.document, steps=3)
    QTest.mouseClick(section.aims.add_shown, LEFT)
    assert guide(window).aims[0].image
    assert window.actions_["aim-shown"].isEnabled()


def test_a_picture_that_is_not_here_any_more_says_so(section: SteeringSection, window: MainWindow) -> None:
    window.document.draft.update(guides=(ClipGuide(clip=CLIP.id, aims=(Aim(image="0" * 64),)),))
    assert "not here" in section.aims.rows[0].picture.toolTip()


# bad input


def test_a_file_that_is_no_clip_is_one_clear_notice(
    section: SteeringSection, window: MainWindow, parts: Parts, qtbot: QtBot
) -> None:
    QTest.keyClicks(section.aims.rows[0].text, "apple")
    section.open_file(BROKEN)
    until(qtbot, lambda: parts.notices)
    assert [notice.text for notice in parts.notices] == [WHY_BROKEN]
    assert section.clip.currentText() == "broken.safetensors"
    choose(section.clip, 0)
    finish(qtbot, window.document, steps=3)  # the window lives on
    assert window.document.shown.run is not None


def test_the_last_entry_asks_for_a_file(section: SteeringSection) -> None:
    assert section.clip.itemData(section.clip.count() - 1) == FILE
    choose(section.clip, section.clip.count() - 1)
    assert section.dialog is not None
    assert section.dialog.isVisible()
    assert section.clip.currentData() == NOISED.id  # passed on the way
    section.dialog.reject()


def test_where_there_is_no_clip_the_panel_says_what_to_do(section: SteeringSection, window: MainWindow) -> None:
    window.document.guidance.steering.offer([])
    assert section.none.isVisible()
    QTest.keyClicks(section.aims.rows[0].text, "apple")
    assert not window.document.draft.current.guides


# what comes of it


def test_the_curve_is_under_the_timeline_only_where_a_clip_looks(
    section: SteeringSection, window: MainWindow, qtbot: QtBot
) -> None:
    strip = window.timeline.strip
    finish(qtbot, window.document, steps=5)
    assert len(strip.rows) == 3
    QTest.mouseClick(section.scored, LEFT)
    until(qtbot, lambda: (curve := window.document.guidance.scores.curve) and len(curve.guided) == 5)
    assert len(strip.rows) == 4
    window.document.shown.scrub(2)
    assert "CLIP score 0.120, without guides 0.060" in strip.accessibleDescription()
    ink = strip.palette().color(strip.palette().ColorRole.BrightText).name()
    row = strip.rows[3].toAlignedRect()
    assert ink in colours(painted(strip).copy(row))
    QTest.mouseClick(section.scored, LEFT)
    assert len(strip.rows) == 3


def test_the_status_says_that_clip_is_loading(section: SteeringSection, window: MainWindow, qtbot: QtBot) -> None:
    QTest.keyClicks(section.aims.rows[0].text, "a")
    assert window.status.message.text() == f"Loading {CLIP.title}: a few seconds, this first time …"
    until(qtbot, lambda: "Loading" not in window.status.message.text())


def test_a_batch_is_ordered_by_score(section: SteeringSection, window: MainWindow, qtbot: QtBot) -> None:
    rank = window.actions_["rank"]
    assert not rank.isEnabled()
    QTest.keyClicks(section.aims.rows[0].text, "apple")
    document, batch = window.document, window.area.batch
    finish(qtbot, document, steps=3, batch=3)
    scores = document.guidance.scores
    until(qtbot, lambda: (curve := scores.curve) and len(curve.guided) == 3)
    until(qtbot, rank.isEnabled)
    assert window.area.rank.isVisible()
    QTest.mouseClick(window.area.rank, LEFT)
    assert rank.isChecked()
    assert batch.shown == [1, 0, 2]
    QTest.mouseClick(batch, LEFT, pos=batch.cell(1).center().toPoint())
    assert document.shown.image_index == 1
    QTest.keyClick(batch, Qt.Key.Key_Right)
    assert document.shown.image_index == 0
    rank.trigger()
    assert batch.shown == [0, 1, 2]


def test_candidates_are_ordered_and_say_their_scores(
    section: SteeringSection, window: MainWindow, qtbot: QtBot
) -> None:
    document = window.document
    QTest.keyClicks(section.aims.rows[0].text, "apple")
    job = finish(qtbot, document, steps=3, batch=2)
    document.artwork.adopt(np.zeros((16, 24, 4), np.uint8), "black", (24, 16))
    document.draft.choose_method("new")
    candidates, scores = document.editing.candidates, document.guidance.scores
    candidates.add(Candidate(job.run_path, k, job.request, QImage(4, 4, QImage.Format.Format_RGB32)) for k in range(2))
    until(qtbot, lambda: scores.finished(job.run_path, job.request, 1) is not None)
    bar = window.area.candidates
    assert bar.rank.isVisible()
    QTest.mouseClick(bar.rank, LEFT)
    assert [candidates[tile].image for tile in (1, 2)] == [1, 0]
    assert bar.strip.describe(1).endswith("CLIP score 0.170")


def test_concepts_are_computed_only_while_the_section_is_open(
    section: SteeringSection, window: MainWindow, qtbot: QtBot
) -> None:
    document, concepts = window.document, window.document.guidance.concepts
    finish(qtbot, document, steps=4)
    assert not concepts.watched
    QTest.mouseClick(section.sees.button, LEFT)
    until(qtbot, lambda: concepts.nearest is not None)
    bars = section.bars
    assert [name for name, _ in bars.lines] == list(concepts.nearest.names if concepts.nearest else ())
    document.shown.scrub(1)
    until(qtbot, lambda: concepts.nearest is not None and concepts.nearest.k == 1)
    assert bars.lines[0][0] in bars.accessibleDescription()
    QTest.mouseClick(section.sees.button, LEFT)
    assert not concepts.watched


def test_all_of_it_is_reached_by_tab(section: SteeringSection, window: MainWindow) -> None:
    QTest.keyClicks(section.aims.rows[0].text, "apple")
    QTest.mouseClick(section.aims.add_text, LEFT)
    section.aims.rows[0].text.setFocus()
    seen: list[QWidget] = []
    for _ in range(8):
        focused = QApplication.focusWidget()
        assert focused is not None
        seen.append(focused)
        QTest.keyClick(focused, Qt.Key.Key_Tab)
    rows = section.aims.rows
    first = [rows[0].text, rows[0].weight, rows[0].remove, rows[1].text, rows[1].weight, rows[1].remove]
    names = [widget.accessibleName() for widget in seen]
    assert names[:7] == [widget.accessibleName() for widget in (*first, section.aims.add_text)]
    assert all(widget.accessibleName() for widget in seen)


def test_the_section_shows_the_existing_state_when_it_is_built(parts: Parts, qtbot: QtBot) -> None:
    answer(parts.fake)
    offer(parts.document)
    parts.document.guidance.steering.set_wish(0, text="apple")
    parts.document.guidance.steering.add_wish(SteeringRow("worm", weight=-1.0))
    window = open_window(qtbot, parts.document)
    assert [row.text.text() for row in window.panel.steering.section.aims.rows] == ["apple", "worm"]
