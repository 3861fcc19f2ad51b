"""The artwork: what is written comes back, undo takes it away, redo brings it again, and nobody is told twice."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QColor, QImage

from app.core.canvas.artwork import Artwork, Layer
from tests.app.conftest import count


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def artwork() -> Artwork:
    """150×101: tiles that the edges cut."""
    result = Artwork()
    result.open(noise(101, 150), "A picture")
    return result


def paint(artwork: Artwork, rect: QRect, value: int = 255, name: str = "Brush") -> None:
    stroke = artwork.begin(name)
    stroke.touch("mask", rect)
    inside = rect.intersected(artwork.rect)
    artwork.mask[inside.top() : inside.bottom() + 1, inside.left() : inside.right() + 1] = value
    stroke.changed("mask", rect)
    stroke.end()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 5), (64, 64), (65, 130)])
def test_an_opened_picture_comes_back_bit_for_bit_and_its_image_is_a_view(width: int, height: int) -> None:
    artwork, rgb = Artwork(), noise(height, width)
    changes = count(artwork.opened)
    artwork.open(rgb, "Apple")
    assert np.array_equal(artwork.rgb(), rgb)
    assert (artwork.width, artwork.height, artwork.title, artwork.is_open) == (width, height, "Apple", True)
    assert not artwork.mask.any()
    assert len(changes) == 1
    image = artwork.image
    artwork.pixels[-1, -1] = (1, 2, 3, 255)
    assert image.pixelColor(width - 1, height - 1) == QColor(3, 2, 1)
    artwork.close()
    assert not artwork.is_open
    assert image.pixelColor(width - 1, height - 1) == QColor(3, 2, 1), "who still holds it may look at it"


def test_the_part_of_a_rectangle_has_its_pixels(artwork: Artwork) -> None:
    rgb = artwork.rgb()
    assert np.array_equal(artwork.rgb(QRect(-5, 90, 20, 20)), rgb[90:, :15])
    assert artwork.rgb(QRect(400, 0, 5, 5)).size == 0
    artwork.rgb()[...] = 0
    assert np.array_equal(artwork.rgb(), rgb), "a copy"


def test_a_blank_one_has_one_colour() -> None:
    artwork = Artwork()
    artwork.blank(3, 2, QColor(10, 20, 30))
    assert (artwork.rgb() == (10, 20, 30)).all()
    assert artwork.image.format() == QImage.Format.Format_RGB32
    with pytest.raises(ValueError, match="at least one pixel"):
        artwork.blank(0, 2, QColor(0, 0, 0))
    with pytest.raises(ValueError, match="uint8"):
        artwork.open(np.zeros((4, 4, 3)))  # type: ignore[arg-type]
    assert artwork.width == 3


def test_a_stroke_is_undone_and_redone_as_one(artwork: Artwork) -> None:
    stroke = artwork.begin("Brush")
    for x in (10, 50, 120):
        rect = QRect(x, 20, 40, 60)
        stroke.touch("mask", rect)
        artwork.mask[20:80, x : x + 40] = 200
        stroke.changed("mask", rect)
    stroke.end()
    after = artwork.mask.copy()
    assert (artwork.can_undo, artwork.undo_text, artwork.can_redo) == (True, "Brush", False)
    changes = count(artwork.mask_changed)
    artwork.undo()
    assert not artwork.mask.any()
    assert (artwork.can_undo, artwork.can_redo, artwork.redo_text) == (False, True, "Brush")
    artwork.redo()
    assert np.array_equal(artwork.mask, after)
    assert changes == [(QRect(0, 0, 150, 101),)] * 2, "whole tiles, no more than the picture"
    artwork.redo()
    assert np.array_equal(artwork.mask, after)
    assert len(changes) == 2, "nothing to redo, nobody told"


def test_undo_while_a_stroke_is_open_ends_it_and_takes_it_back(artwork: Artwork) -> None:
    paint(artwork, QRect(0, 0, 10, 10), name="First")
    stroke = artwork.begin("Second")
    stroke.touch("mask", QRect(50, 50, 4, 4))
    artwork.mask[50:54, 50:54] = 9
    stroke.changed("mask", QRect(50, 50, 4, 4))
    assert artwork.undo_text == "Second"
    artwork.undo()
    assert not stroke.is_open
    assert artwork.mask[50:54, 50:54].max() == 0
    assert (artwork.mask[:10, :10] == 255).all()
    assert (artwork.undo_text, artwork.redo_text) == ("First", "Second")
    with pytest.raises(RuntimeError, match="ended"):
        stroke.touch("mask", QRect(0, 0, 1, 1))
    stroke.end()
    stroke.abandon()
    assert (artwork.undo_text, artwork.redo_text) == ("First", "Second")


def test_another_stroke_ends_the_one_that_is_open(artwork: Artwork) -> None:
    first = artwork.begin("First")
    first.touch("mask", QRect(0, 0, 4, 4))
    artwork.mask[:4, :4] = 1
    first.changed("mask", QRect(0, 0, 4, 4))
    artwork.begin("Second").end()
    assert not first.is_open
    assert artwork.undo_text == "First", "the second did nothing and is not in the history"


def test_a_stroke_without_a_change_adds_no_step_and_keeps_redo(artwork: Artwork) -> None:
    paint(artwork, QRect(0, 0, 90, 90), name="First")
    paint(artwork, QRect(20, 20, 9, 9), 3, name="Second")
    artwork.undo()
    size = artwork.history_size
    paint(artwork, QRect(10, 10, 70, 70), name="Nothing new")
    assert (artwork.undo_text, artwork.redo_text) == ("First", "Second")
    assert artwork.history_size == size


def test_an_abandoned_stroke_never_was(artwork: Artwork) -> None:
    before = artwork.rgb()
    paint(artwork, QRect(0, 0, 10, 10))
    artwork.undo()
    stroke = artwork.begin("Colour")
    stroke.touch("picture", QRect(60, 60, 10, 10))
    stroke.touch("mask", QRect(-5, -5, 10, 10))
    artwork.pixels[60:70, 60:70, :3] = 0
    artwork.mask[:5, :5] = 255
    stroke.changed("picture", QRect(60, 60, 10, 10))
    stroke.changed("mask", QRect(-5, -5, 10, 10))
    changes, history = count(artwork.picture_changed), count(artwork.history_changed)
    stroke.abandon()
    assert np.array_equal(artwork.rgb(), before)
    assert not artwork.mask.any()
    assert artwork.can_redo, "nothing was done, so what was undone is still there"
    assert changes == [(QRect(0, 0, 128, 101),)]
    assert len(history) == 1


def test_what_was_before_the_stroke_is_there_while_it_goes_on(artwork: Artwork) -> None:
    mask = np.random.default_rng(1).integers(0, 256, artwork.mask.shape, dtype=np.uint8)
    artwork.apply_mask(artwork.rect, mask, "Load mask")
    stroke = artwork.begin("Brush")
    rect = QRect(50, 40, 90, 61)
    stroke.touch("mask", rect)
    artwork.mask[...] = 0
    assert np.array_equal(stroke.before("mask", rect), mask[40:101, 50:140])
    assert np.array_equal(stroke.before("mask", QRect(63, 63, 2, 2)), mask[63:65, 63:65])
    stroke.abandon()


@pytest.mark.parametrize("rect", [QRect(), QRect(5, 5, 0, 3), QRect(-9, -9, 5, 5), QRect(150, 0, 5, 5)])
def test_an_empty_or_outer_rectangle_is_nothing(artwork: Artwork, rect: QRect) -> None:
    layers: tuple[Layer, ...] = ("mask", "picture")
    changes = [count(s) for s in (artwork.mask_changed, artwork.picture_changed, artwork.history_changed)]
    revision = artwork.revision
    for layer in layers:
        stroke = artwork.begin("Nothing")
        stroke.touch(layer, rect)
        stroke.changed(layer, rect)
        stroke.end()
    artwork.apply_mask(rect, np.zeros((rect.height(), rect.width()), np.uint8), "Nothing")
    assert changes == [[], [], []]
    assert artwork.revision == revision
    assert not artwork.can_undo


def test_a_result_is_applied_where_its_box_lies_in_the_picture(artwork: Artwork) -> None:
    before, result = artwork.rgb(), noise(64, 64, 5)
    artwork.apply(QRect(-10, 70, 64, 64), result, "Apply")
    expected = before.copy()
    expected[70:, :54] = result[:31, 10:]
    assert np.array_equal(artwork.rgb(), expected)
    assert (artwork.pixels[..., 3] == 255).all()
    artwork.undo()
    assert np.array_equal(artwork.rgb(), before)
    artwork.redo()
    assert np.array_equal(artwork.rgb(), expected)
    with pytest.raises(ValueError, match="64 × 64"):
        artwork.apply(QRect(0, 0, 64, 64), result[:5], "Apply")


def test_the_oldest_steps_are_let_go_of_at_the_bound_and_the_newest_never() -> None:
    artwork = Artwork(limit=40_000)
    artwork.open(noise(128, 128))
    for k in range(20):  # each about 12 KiB of noise
        artwork.apply(QRect(0, 0, 64, 64), noise(64, 64, k + 1), f"Step {k}")
    assert artwork.history_size <= 40_000
    undone = 0
    while artwork.can_undo:
        assert artwork.undo_text == f"Step {19 - undone}"
        artwork.undo()
        undone += 1
    assert undone == 3
    assert np.array_equal(artwork.rgb(QRect(0, 0, 64, 64)), noise(64, 64, 17)), "the last that can be reached"
    artwork.apply(artwork.rect, noise(128, 128, 50), "Large")
    assert artwork.history_size > 40_000
    artwork.undo()
    assert np.array_equal(artwork.rgb(QRect(0, 0, 64, 64)), noise(64, 64, 17))


def test_200_long_strokes_on_2048_take_less_than_64_mib_and_all_come_back() -> None:
    rng = np.random.default_rng(0)
    artwork = Artwork()
    artwork.blank(2048, 2048, QColor(120, 130, 140))
    for _ in range(200):
        stroke = artwork.begin("Brush")
        x, y = rng.integers(0, 2048, 2)
        for _ in range(40):
            x, y = (int(v) for v in np.clip(np.add((x, y), rng.integers(-60, 61, 2)), 0, 2047))
            rect = QRect(x - 24, y - 24, 48, 48)
            inside = rect.intersected(artwork.rect)
            stroke.touch("mask", rect)
            artwork.mask[inside.top() : inside.bottom() + 1, inside.left() : inside.right() + 1] = rng.integers(256)
            stroke.changed("mask", rect)
        stroke.end()
    painted = artwork.mask.copy()
    assert artwork.history_size < 64 << 20
    for _ in range(200):
        artwork.undo()
    assert not artwork.can_undo
    assert not artwork.mask.any()
    for _ in range(200):
        artwork.redo()
    assert np.array_equal(artwork.mask, painted)


# the box


def test_the_box_begins_as_the_largest_that_fits(artwork: Artwork) -> None:
    assert artwork.box == QRect(0, 0, 150, 101)
    artwork.open(noise(100, 150), box_size=(64, 64))
    assert artwork.box == QRect(25, 0, 100, 100)
    artwork.open(noise(100, 150), box_size=(24, 16))
    assert artwork.box == QRect(0, 0, 150, 100)
    artwork.open(noise(1, 1), box_size=(64, 32))
    assert artwork.box.contains(0, 0)


def test_the_box_keeps_its_shape_and_its_centre_in_the_picture(artwork: Artwork) -> None:
    artwork.open(noise(100, 150), box_size=(64, 64))
    changes = count(artwork.box_changed)
    artwork.box = QRect(10, 10, 40, 99)
    assert artwork.box == QRect(10, 10, 40, 40)
    artwork.box = QRect(10, 10, 40, 40)
    assert len(changes) == 1
    artwork.box = QRect(-500, -500, 40, 40)
    assert artwork.box == QRect(-20, -20, 40, 40)
    artwork.box = QRect(500, 500, 41, 41)
    assert artwork.box == QRect(150 - 21, 100 - 21, 41, 41)
    artwork.box = QRect(0, 0, 0, 0)
    assert artwork.box.size() == QSize(1, 1)


def test_another_shape_keeps_the_centre_and_the_area(artwork: Artwork) -> None:
    artwork.open(noise(300, 300), box_size=(64, 64))
    artwork.box = QRect(100, 100, 100, 100)
    changes = count(artwork.box_changed)
    artwork.box_aspect = QSize(64, 16)
    artwork.box_aspect = QSize(64, 16)
    assert len(changes) == 1
    assert artwork.box.size() == QSize(200, 50)
    assert artwork.box.center() == QRect(100, 100, 100, 100).center()
    with pytest.raises(ValueError, match="width"):
        artwork.box_aspect = QSize(0, 4)


def test_a_move_of_the_box_is_one_step_with_its_signal(artwork: Artwork) -> None:
    start, revision = artwork.box, artwork.revision
    move = artwork.begin_move("Move the box")
    for x in (20, 40, 30):
        move.to(QRect(x, 10, 75, 50))
    assert artwork.can_undo, "also before it ends"
    move.end()
    end = artwork.box
    assert end != start
    changes, undoable = count(artwork.box_changed), count(artwork.history_changed)
    assert artwork.undo_text == "Move the box"
    artwork.undo()
    assert (artwork.box, artwork.can_undo, artwork.redo_text) == (start, False, "Move the box")
    artwork.redo()
    assert (artwork.box, artwork.can_undo, artwork.can_redo) == (end, True, False)
    assert (len(changes), len(undoable)) == (2, 2)
    assert artwork.revision == revision, "nothing of the picture has changed: there is nothing to save"


def test_an_abandoned_or_empty_move_adds_no_step(artwork: Artwork) -> None:
    start = artwork.box
    move = artwork.begin_move("Move the box")
    move.to(start.translated(20, 5))
    move.to(start)
    move.end()
    assert not artwork.can_undo
    move = artwork.begin_move("Move the box")
    move.to(start.translated(20, 5))
    move.abandon()
    move.to(start.translated(9, 9))
    assert artwork.box == start
    assert not artwork.can_undo


def test_undo_ends_a_move_and_takes_it_back(artwork: Artwork) -> None:
    start = artwork.box
    paint(artwork, QRect(0, 0, 9, 9))
    move = artwork.begin_move("Move the box")
    move.to(start.translated(20, 5))
    artwork.undo()
    move.to(start.translated(9, 9))
    move.end()
    assert (artwork.box, artwork.undo_text, artwork.redo_text) == (start, "Brush", "Move the box")


def test_where_the_box_goes_by_itself_is_no_step(artwork: Artwork) -> None:
    artwork.box = QRect(10, 10, 75, 50)
    artwork.box_aspect = QSize(64, 64)
    artwork.open(noise(100, 150), box_size=(64, 64))
    assert not artwork.can_undo


def test_an_undone_move_keeps_the_shape_of_the_model_of_now(artwork: Artwork) -> None:
    artwork.open(noise(100, 150), box_size=(64, 64))
    artwork.box = QRect(10, 10, 40, 40)
    move = artwork.begin_move("Move the box")
    move.to(QRect(60, 40, 40, 40))
    move.end()
    artwork.box_aspect = QSize(64, 16)
    artwork.undo()
    assert artwork.box.size() == QSize(80, 20)
    assert artwork.box.center() == QRect(10, 10, 40, 40).center()
    artwork.redo()
    assert artwork.box.center() == QRect(60, 40, 40, 40).center()


def test_moves_of_the_box_are_within_the_bound_too() -> None:
    artwork = Artwork(limit=40_000)
    artwork.open(noise(100, 150), box_size=(64, 64))
    for n in range(200):
        move = artwork.begin_move("Move the box")
        move.to(QRect(n % 50, 10, 40, 40))
        move.end()
    assert 0 < artwork.history_size <= 40_000
    taken_back = 0
    while artwork.can_undo:
        artwork.undo()
        taken_back += 1
    assert 10 < taken_back < 200, "the oldest are let go of"


# another size


@pytest.mark.parametrize(
    "rect",
    [
        QRect(-20, -10, 200, 140),
        QRect(30, 40, 50, 30),
        QRect(-7, 50, 60, 200),
        QRect(100, -30, 300, 50),
        QRect(149, 100, 1, 1),
    ],
)
def test_resizing_keeps_the_common_part_and_can_be_undone(artwork: Artwork, rect: QRect) -> None:
    rng = np.random.default_rng(2)
    mask = rng.integers(0, 256, artwork.mask.shape, dtype=np.uint8)
    artwork.apply_mask(artwork.rect, mask, "Load mask")
    rgb = artwork.rgb()
    moved: list[QPoint] = []
    artwork.resized.connect(moved.append)
    y, x = np.mgrid[rect.top() : rect.top() + rect.height(), rect.left() : rect.left() + rect.width()]
    old = (y >= 0) & (y < 101) & (x >= 0) & (x < 150)
    y, x = y.clip(0, 100), x.clip(0, 149)

    artwork.resize(rect)
    assert artwork.rect.size() == rect.size()
    assert np.array_equal(artwork.rgb(), rgb[y, x]), "the edge repeated where nothing was"
    assert np.array_equal(artwork.mask, np.where(old, mask[y, x], 255)), "what is new is masked"
    assert (artwork.pixels[..., 3] == 255).all()
    assert artwork.image.size() == rect.size()
    paint(artwork, QRect(0, 0, 5, 5), 3)
    artwork.undo()
    artwork.undo()
    assert np.array_equal(artwork.rgb(), rgb)
    assert np.array_equal(artwork.mask, mask)
    artwork.redo()
    assert np.array_equal(artwork.mask, np.where(old, mask[y, x], 255))
    assert moved == [-rect.topLeft(), rect.topLeft(), -rect.topLeft()]


def test_the_box_goes_with_the_picture(artwork: Artwork) -> None:
    artwork.box = QRect(10, 10, 75, 50)
    box = artwork.box
    changes = count(artwork.box_changed)
    artwork.resize(QRect(-20, -30, 300, 300))
    assert artwork.box == box.translated(20, 30)
    artwork.undo()
    assert artwork.box == box
    assert len(changes) == 2


def test_the_same_size_is_nothing_and_none_of_the_picture_is_an_error(artwork: Artwork) -> None:
    changes = count(artwork.resized)
    artwork.resize(artwork.rect)
    assert not artwork.can_undo
    assert not changes
    for rect in (QRect(500, 0, 10, 10), QRect(), QRect(5, 5, 0, 9)):
        with pytest.raises(ValueError, match="new size"):
            artwork.resize(rect)


def test_a_picture_is_opened_with_its_mask(artwork: Artwork) -> None:
    mask = np.full((4, 6), 9, np.uint8)
    artwork.open(noise(4, 6), mask=mask)
    mask[...] = 0
    assert (artwork.mask == 9).all()
    assert not artwork.can_undo
    with pytest.raises(ValueError, match="mask"):
        artwork.open(noise(4, 6), mask=np.zeros((6, 4), np.uint8))
