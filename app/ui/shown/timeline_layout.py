"""Where each step lies on the timeline. Pure geometry: all steps always share the width, however many there are."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QRectF


@dataclass(frozen=True, slots=True)
class Slots:
    """`count` equal slots from `left` over `width` pixels; pictures in a row `top` … `top + height`.

    Where a slot is narrower than `least`, only every `stride`-th step shows a picture, so that none is too small to
    see; the pointer still reaches every step.
    """

    count: int
    left: float
    width: float
    top: float
    height: float
    least: float

    @property
    def pitch(self) -> float:
        return self.width / max(1, self.count)

    @property
    def side(self) -> float:
        """Of one picture."""
        return max(1.0, min(self.height, max(self.pitch, self.least) - 4))

    @property
    def stride(self) -> int:
        return max(1, math.ceil((self.side + 4) / self.pitch - 1e-9)) if self.count else 1

    def centre(self, k: int) -> float:
        return self.left + (k + 0.5) * self.pitch

    def index(self, x: float) -> int:
        """The step under `x`, clamped to the run."""
        return min(max(int((x - self.left) // self.pitch), 0), max(0, self.count - 1))

    def pictured(self) -> list[int]:
        """The steps whose pictures are drawn."""
        return list(range(0, self.count, self.stride))

    def cell(self, k: int) -> QRectF:
        """Of step k's picture: centred on its group of `stride` slots, within the row."""
        first = k - k % self.stride
        group = min(self.stride, self.count - first)
        return self._around(self.left + (first + group / 2) * self.pitch)

    def current(self, k: int) -> QRectF:
        """Of the selected step's own picture, over the others where not every step has one."""
        return self.cell(k) if self.stride == 1 else self._around(self.centre(k))

    def column(self, k: int) -> QRectF:
        """All that step k may be drawn in, as tall as a picture."""
        return self.cell(k).united(self.current(k)).united(QRectF(self.centre(k), self.top, 1, self.side))

    def _around(self, x: float) -> QRectF:
        x = min(max(x, self.left + self.side / 2), self.left + self.width - self.side / 2)
        return QRectF(x - self.side / 2, self.top, self.side, self.side)
