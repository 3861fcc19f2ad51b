"""Where tiles are: every row has one place, and every place at most one row."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect

from app.core.history.table import Section
from app.ui.history.grid import Grid

SECTIONS = [Section("2026-01-03", 0, 7), Section("2026-01-02", 7, 1), Section("2026-01-01", 8, 12)]
ROWS = 20


@pytest.mark.parametrize("width", [10, 230, 500])
def test_places_and_rows_are_each_others_inverse(width: int) -> None:
    grid = Grid(SECTIONS, width, tile=50, gap=6, heading=30, margin=10)
    places = [grid.rect(row) for row in range(ROWS)]
    for row, place in enumerate(places):
        assert grid.row_at(place.center()) == row
        assert grid.row_at(place.topLeft() - QPoint(0, 1)) is None
        assert not any(place.intersects(other) for other in places[row + 1 :])
        assert place.right() < max(width, 71)
        assert place.bottom() < grid.height
    for top in range(0, grid.height, 17):
        stripe = QRect(0, top, width + 100, 40)
        seen = [row for row, place in enumerate(places) if place.intersects(stripe)]
        assert set(seen) <= set(grid.rows_in(top, top + 40)), "nothing in sight is left out"
        assert len(grid.rows_in(top, top + 40)) <= len(seen) + 3 * grid.columns


def test_up_and_down_keep_the_column_where_there_is_one() -> None:
    grid = Grid(SECTIONS, 230, tile=50, gap=6, heading=30, margin=10)
    assert grid.columns == 3
    assert [grid.move(4, by) for by in (-1, 1, 2, 3, 9)] == [1, 6, 7, 9, 18]
    assert [grid.move(row, -1) for row in (2, 7, 8, 10)] == [2, 6, 7, 7]
    assert grid.move(19, 5) == 19


def test_an_empty_grid_has_no_rows() -> None:
    grid = Grid([], 230, tile=50, gap=6, heading=30, margin=10)
    assert (grid.height, grid.rows_in(0, 500), grid.row_at(QPoint(5, 5))) == (0, range(0), None)
