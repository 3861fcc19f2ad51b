"""Python's garbage collector, taken in hand: it works in the window's thread alone, between two events.

Left to itself it strikes in whichever thread allocates at the moment, and wherever that is: a QObject in a cycle would
be deleted in the engine's thread, or a widget while Qt paints it. And a look through all that torch brings takes a
tenth of a second, during which no thread of Python's goes on.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

EVERY_MS = 2000


class Collector(QObject):
    """From start() to stop() nothing is collected but by its timer, as much as Python itself would."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_on = False
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self.collect)

    def start(self) -> None:
        if not self._timer.isActive():
            self._was_on = gc.isenabled()
            gc.disable()
            self._timer.start()

    def stop(self) -> None:
        """Python's collector is as it was before."""
        if self._timer.isActive():
            self._timer.stop()
            if self._was_on:
                gc.enable()

    def settle(self) -> None:
        """What is there by now stays to the end, modules mostly: later collections do not look through it again."""
        gc.collect()
        gc.freeze()

    def collect(self) -> None:
        """The oldest generation that is due, and with it the younger ones."""
        counts = enumerate(zip(gc.get_count(), gc.get_threshold(), strict=True))
        due = [generation for generation, (count, most) in counts if count > most]
        if due:
            gc.collect(due[-1])
