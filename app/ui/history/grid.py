"""Where the tiles of the gallery are: rows of squares under the headings of their days. Geometry, no widgets."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from PySide6.QtCore import QPoint, QRect

from app.core.history.table import Section


class Grid:
    """Lays out sections for a width; all lengths are logical pixels, y counts from the top of the first section.

    tile -- the side of a square, at least the wanted one
    """

    def __init__(self, sections: Sequence[Section], width: int, tile: int, gap: int, heading: int, margin: int) -> None:
        self._sections = sections
        room = width - 2 * margin + gap
        self.columns = max(1, room // (tile + gap))
        self.tile = max(tile, room // self.columns - gap)  # they fill the width
        self._gap, self._heading, self._left = gap, heading, margin
        self._firsts = [section.first for section in sections]
        self._tops: list[int] = []
        y = 0
        for section in sections:
            self._tops.append(y)
            y += heading + self._lines(section) * (self.tile + gap)
        self.height = y + (margin if sections else 0)

    def _lines(self, section: Section) -> int:
        return -(-section.length // self.columns)

    def rect(self, row: int) -> QRect:
        """Return the square of a row."""
        at = bisect_right(self._firsts, row) - 1
        line, column = divmod(row - self._firsts[at], self.columns)
        step = self.tile + self._gap
        return QRect(self._left + column * step, self._tops[at] + self._heading + line * step, self.tile, self.tile)

    def heading(self, section: int) -> QRect:
        """Return where the heading of a section stands."""
        width = self.columns * (self.tile + self._gap) - self._gap
        return QRect(self._left, self._tops[section], width, self._heading)

    def row_at(self, at: QPoint) -> int | None:
        """Return the row whose square contains a point."""
        rows = self.rows_in(at.y(), at.y() + 1)
        return next((row for row in rows if self.rect(row).contains(at)), None)

    def sections_in(self, top: int, bottom: int) -> range:
        """Return the sections that reach into top … bottom."""
        if not self._tops or bottom <= 0:
            return range(0)
        return range(max(0, bisect_right(self._tops, top) - 1), bisect_right(self._tops, bottom - 1))

    def rows_in(self, top: int, bottom: int) -> range:
        """Return the rows whose squares reach into top … bottom."""
        found = self.sections_in(top, bottom)
        if not found:
            return range(0)
        return range(self._first_from(found[0], top), self._end_before(found[-1], bottom))

    def _first_from(self, at: int, top: int) -> int:
        section, step = self._sections[at], self.tile + self._gap
        line = max(0, (top - self._tops[at] - self._heading) // step)
        return section.first + min(section.length, line * self.columns)

    def _end_before(self, at: int, bottom: int) -> int:
        section, step = self._sections[at], self.tile + self._gap
        lines = max(0, -(-(bottom - self._tops[at] - self._heading) // step))
        return section.first + min(section.length, lines * self.columns)

    def move(self, row: int, lines: int) -> int:
        """Return the row that is `lines` lines below (above: negative), in the same column where there is one."""
        at = bisect_right(self._firsts, row) - 1
        line, column = divmod(row - self._firsts[at], self.columns)
        line += lines
        while line < 0 and at > 0:
            at -= 1
            line += self._lines(self._sections[at])
        while line >= self._lines(self._sections[at]) and at + 1 < len(self._sections):
            line -= self._lines(self._sections[at])
            at += 1
        section = self._sections[at]
        line = min(max(0, line), self._lines(section) - 1)
        return section.first + min(line * self.columns + column, section.length - 1)

    @property
    def line_height(self) -> int:
        return self.tile + self._gap
