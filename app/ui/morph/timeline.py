"""The morph's timeline: the same strip as the pictures', with a frame in each cell and the norm of x_T under it."""

from __future__ import annotations

import math

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPalette, QPen
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.core.morph.film_export import Filming
from app.core.morph.morph_room import MorphRoom
from app.ui.actions.action_set import ActionSet
from app.ui.look.theme import em
from app.ui.shown import timeline_bands
from app.ui.shown.filmstrip import Filmstrip
from app.ui.shown.timeline_bands import Band
from app.ui.shown.timeline_curves import Points
from app.ui.widgets.quiet_label import QuietLabel
from app.ui.widgets.quiet_progress import QuietProgress

MOVES = "first", "previous", "play", "next", "last"
NORM = 0.5, 1.1  # what of ‖x_T‖/√d the band shows, at least


class FrameStrip(Filmstrip):
    """Frames, and two bands: the norm of x_T on both ways, and how far each frame is from the one before."""

    nothing = "The frames will stand here, with the norm of x_T under them"

    def __init__(self, morph: MorphRoom) -> None:
        super().__init__(morph)
        self._morph = morph
        self.setAccessibleName("Frames")
        morph.frames_changed.connect(self.update)

    @property
    def rows(self) -> list[QRectF]:
        slots, line = self.slots, em(self)
        top = slots.top + slots.side + 0.6 * line
        return timeline_bands.rows(
            QRectF(slots.left, top, slots.width, min(5.2 * line, self.height() - 0.1 * line - top)), 2
        )

    def _tip(self, k: int) -> str:
        result = self._morph.result
        if result is None or not 0 <= k < self.count:
            return ""
        place = result.morph.places()[k]
        where = (
            f"key {place.key + 1}"
            if place.key is not None
            else f"{place.t:.0%} from key {place.a + 1} to {place.b + 1}"
        )
        said = [f"Frame {k + 1} of {self.count}", where]
        if result.norms is not None:
            said.append(f"norm of x_T {result.norms.slerp[k]:.3f} spherical, {result.norms.linear[k]:.3f} linear")
        if k in result.psnr:
            said.append(f"{result.psnr[k]:.1f} dB from its picture")
        if k >= len(result.frames):
            said.append("still to come")
        return ", ".join(said)

    def _bands(self, k: int) -> list[Band]:
        """The way that was not taken is muted; the norms share one row."""
        result, role = self._morph.result, QPalette.ColorRole
        if result is None:
            return []
        found: list[Band] = []
        if result.norms is not None:
            ways = {"slerp": result.norms.slerp, "linear": result.norms.linear}
            low = min(NORM[0], *(float(way.min()) for way in ways.values()))
            high = max(NORM[1], *(float(way.max()) for way in ways.values()))
            taken = result.morph.way
            for name in sorted(ways, key=lambda name: name == taken):
                points: Points = [(n, (float(v) - low) / (high - low)) for n, v in enumerate(ways[name])]
                value = f"{ways[name][k]:.2f}" if name == taken and 0 <= k < self.count else ""
                ink = role.Highlight if name == taken else role.PlaceholderText
                found.append(Band("‖x_T‖" if name == taken else "", value, points, ink))
        top = max((v for v in result.changes if math.isfinite(v)), default=0.0)
        moved = [(n, v / top if top else 0.0) for n, v in enumerate(result.changes) if math.isfinite(v)]
        here = result.changes[k] if 0 <= k < len(result.changes) else math.nan
        found.append(Band("Δ frame", f"{here:.3f}" if math.isfinite(here) else "", moved, role.WindowText))
        return found

    def _paint_curves(self, painter: QPainter, slots: timeline_bands.Slots) -> None:
        result, k = self._morph.result, self._steps.cursor
        if result is None:
            return
        drawn, rows = self._bands(k), self.rows
        places = [rows[0]] * (len(drawn) - 1) + [rows[1]]
        # the whole curve of the norms is known from the start
        timeline_bands.paint(painter, drawn[:-1], self.count, k, slots, places[:-1], self.palette())
        timeline_bands.paint(painter, drawn[-1:], len(result.frames), k, slots, places[-1:], self.palette())
        self._paint_keys(painter, slots)
        at = f"{k + 1}/{self.count}" if 0 <= k < len(result.frames) else f"–/{self.count}"
        beside = QRectF(0, slots.top, slots.left, slots.side)
        ink = self.palette().color(QPalette.ColorRole.PlaceholderText)
        timeline_bands.paint_label(painter, "frame", at, beside, ink, self.palette())

    def _paint_keys(self, painter: QPainter, slots: timeline_bands.Slots) -> None:
        """A tick over each frame that is a key."""
        result = self._morph.result
        assert result is not None
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.WindowText), 2))
        for n, place in enumerate(result.morph.places()):
            if place.key is not None:
                x = slots.centre(n)
                painter.drawLine(int(x), int(slots.top + slots.side + 2), int(x), int(slots.top + slots.side + 6))


class MorphTimeline(QWidget):
    """The strip with its buttons, which are those of the pictures' timeline; how far it is, and the way out."""

    def __init__(self, morph: MorphRoom, filming: Filming, actions: ActionSet) -> None:
        super().__init__()
        self._morph, self._filming, self._actions = morph, filming, actions
        self.setAccessibleName("Timeline of the morph")
        self.strip = FrameStrip(morph)
        self.facts = QuietLabel(align="left")
        self.progress = QuietProgress("How much of the morph is made")
        self.written = QuietProgress("How much of the film is written")
        self.export = actions.button("morph-export", self)
        self.export.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.stop = QToolButton()
        self.stop.setText("Stop writing")
        self.stop.setAccessibleName("Stop writing the film")
        self.stop.setToolTip("Nothing of the film is left then")
        self.stop.clicked.connect(filming.stop)
        head = QHBoxLayout()
        head.setContentsMargins(0, 0, 0, 0)
        head.setSpacing(0)
        for name in MOVES:
            head.addWidget(actions.button(name, self))
        head.addSpacing(em(self, 0.6))
        for widget in (self.progress, self.written):
            head.addWidget(widget)
            head.addSpacing(em(self, 0.5))
        head.addWidget(self.facts, 1)
        head.addWidget(self.stop)
        head.addWidget(self.export)
        column = QVBoxLayout(self)
        side = em(self, 0.6)
        column.setContentsMargins(side, em(self, 0.45), side, em(self, 0.2))
        column.setSpacing(em(self, 0.3))
        column.addLayout(head)
        column.addWidget(self.strip, 1)
        for signal in (morph.cursor_changed, morph.frames_changed, morph.activity_changed, morph.choices_changed,
                       filming.changed):  # fmt: skip
            signal.connect(self.refresh)
        for name in MOVES:
            self.strip.addAction(actions[name])
        self.refresh()

    def refresh(self) -> None:
        share, words = self._morph.progress
        rendering, busy = self._morph.rendering, self._filming.busy
        self.progress.setVisible(rendering)
        self.progress.show_share(share)
        self.written.setVisible(busy)
        self.written.show_share(self._filming.share)
        self.stop.setVisible(busy)
        if busy:
            words = self._filming.words
        elif not rendering:
            words = self._said()
        self.facts.setText(words)

    def _said(self) -> str:
        result, k = self._morph.result, self._morph.cursor
        if result is None:
            return ""
        words = self.strip._tip(k) if k >= 0 else "No frame was finished"
        if not result.whole:
            words += f"  ·  stopped at {len(result.frames)} of {result.morph.frames}"
        elif self._morph.changed_since:
            words += "  ·  of the key frames and settings before"
        return words
