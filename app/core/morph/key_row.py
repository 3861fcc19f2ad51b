"""The row of key frames: their order, and the selected one."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.core.canvas.editing import Editing
from app.core.files.background import Background
from app.core.morph import key_frames as keyframes
from app.core.morph.key_frames import KeyFrame
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.request.seeds import roll
from app.core.shown.render import finished_pixels, from_rgb
from app.core.shown.viewer import Viewer
from engine.pictures.image_file import ImageError
from engine.spec.draft import Draft
from engine.spec.edit import Pixels
from engine.spec.morph import MOST_KEYS
from engine.spec.request import RequestError


class KeyRow(QObject):
    """Widgets listen. The keys are for the model of the settings panel; another model meets them at its own size."""

    changed = Signal()  # the key frames or the selection
    notice_raised = Signal(object)

    def __init__(self, draft: DraftModel, shown: Viewer, editing: Editing, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._draft, self._shown, self._editing = draft, shown, editing
        self._background = Background(self)
        self._stop = Event()  # stops reading
        self._keys: list[KeyFrame] = []
        self._selected = -1
        self._for = draft.model.id, draft.size
        for signal in (draft.model_changed, draft.settings_changed):
            signal.connect(self._on_draft)

    @property
    def frames(self) -> tuple[KeyFrame, ...]:
        return tuple(self._keys)

    @property
    def at(self) -> KeyFrame | None:
        """The selected one."""
        return self._keys[self._selected] if 0 <= self._selected < len(self._keys) else None

    @property
    def selected(self) -> int:
        """Which key frame the panel is about, −1 where there is none."""
        return self._selected

    @selected.setter
    def selected(self, index: int) -> None:
        index = max(min(index, len(self._keys) - 1), min(0, len(self._keys) - 1))
        if index != self._selected:
            self._selected = index
            self.changed.emit()

    def add(self, frame: KeyFrame) -> bool:
        """Put it after the selected one; False, with a notice, where there are too many."""
        if len(self._keys) >= MOST_KEYS:
            self._notify("info", f"A morph has {MOST_KEYS} key frames at most: take one away first.")
            return False
        self._keys.insert(self._selected + 1, frame)
        self._selected += 1
        self.changed.emit()
        return True

    def add_seed(self, seed: int | None = None) -> None:
        """Add a picture still to be made, of the panel's prompt and label."""
        draft = self._draft.current
        self.add(keyframes.of_seed(roll() if seed is None else seed, draft.prompt.strip(), draft.label))

    @property
    def why_no_shown(self) -> str:
        """Why there is no picture on the canvas to add, in one sentence; "" when there is."""
        if self._editing.shows_artwork or 0 <= self._shown.cursor < self._shown.step_count:
            return ""
        return "There is no picture on the canvas yet: make or open one."

    def add_shown(self) -> None:
        """What the canvas shows: a finished picture of a run of its own is its seed, everything else a picture."""
        if self.why_no_shown:
            self._notify("info", self.why_no_shown)
            return
        try:
            if self._editing.shows_artwork:
                rgb = self._editing.artwork.pixels.copy()[..., 2::-1]
                frame = keyframes.of_picture(
                    np.ascontiguousarray(rgb), None, 0, False, self._draft.model, self._draft.size
                )
            else:
                frame = self._shown_step()
        except (ValueError, OSError) as error:
            self._notify("error", f"This picture cannot be read: {error}")
            return
        if self.add(frame):
            self._notify("info", f"Key frame {self._selected + 1} of the morph: {frame.words}.")

    def _shown_step(self) -> KeyFrame:
        run, k, image = self._shown.run, self._shown.cursor, self._shown.image_index
        assert run is not None
        rgb, request = finished_pixels(run, k, image), run.request_at(k)
        alone = run.parent_at(k) is None and k == run.total - 1
        return keyframes.of_picture(rgb, request, run.image_in(k, image), alone, self._draft.model, self._draft.size)

    def add_file(self, path: Path) -> None:
        """A picture file, read in the background."""
        work = partial(keyframes.of_file, path, self._draft.model, self._draft.size, self._stop.is_set)
        self._background.start(work, self._on_read, partial(self._on_unread, path))

    def _on_read(self, frame: KeyFrame) -> None:
        self.add(keyframes.for_model(frame, self._draft.model, self._draft.size))

    def _on_unread(self, path: Path, error: Exception) -> None:
        words = str(error) if isinstance(error, ImageError) else f"{path.name} cannot be opened: {error}"
        self._notify("error", words)

    def move(self, index: int, to: int) -> None:
        """Take key frame `index` to the place `to` in the row; it is selected then."""
        if 0 <= index < len(self._keys) and 0 <= to < len(self._keys):
            self._selected = to
            if index != to:
                self._keys.insert(to, self._keys.pop(index))
            self.changed.emit()

    def remove(self, index: int) -> None:
        if 0 <= index < len(self._keys):
            del self._keys[index]
            self._selected = min(self._selected, len(self._keys) - 1)
            self.changed.emit()

    def clear(self) -> None:
        """Remove all key frames; the frames made stay until the next start."""
        if self._keys:
            self._keys, self._selected = [], -1
            self.changed.emit()

    def describe(self, **changes: Any) -> None:
        """Change the prompt, the label or the seed of the selected key frame."""
        if not 0 <= self._selected < len(self._keys):
            return
        frame = self._keys[self._selected]
        key = replace(frame.key, **changes)
        if key != frame.key:
            stale = not frame.encoded  # a seed's picture was of other words
            self._keys[self._selected] = (
                replace(frame, key=key, image=None, settings=None) if stale else replace(frame, key=key)
            )
            self.changed.emit()

    def use_settings(self) -> None:
        """Put the settings of the selected key frame on the panel of pictures, but for its prompt and seed."""
        frame = self.at
        if frame is None or frame.settings is None:
            return
        draft = self._draft.current
        try:
            self._draft.current = replace(
                Draft.of(frame.settings), prompt=draft.prompt, label=draft.label, seed=draft.seed, batch=draft.batch,
                method=draft.method, strength=draft.strength,
            )  # fmt: skip
        except RequestError as error:
            self._notify("error", str(error))

    def show(self, key: KeyFrame, rgb: Pixels) -> None:
        """A seed that nothing had been made of has a picture now."""
        for n, frame in enumerate(self._keys):
            if frame is key and not frame.encoded and frame.image is None:
                self._keys[n] = replace(frame, image=from_rgb(rgb))
                self.changed.emit()

    def close(self) -> None:
        """Stop reading; nothing is added any more."""
        self._stop.set()
        self._background.close()

    def _on_draft(self) -> None:
        """Bring the key frames to another model, or to another size of its pictures."""
        wanted = self._draft.model.id, self._draft.size
        if wanted == self._for:
            return
        self._for = wanted
        self._keys = [keyframes.for_model(frame, self._draft.model, self._draft.size) for frame in self._keys]
        self.changed.emit()

    def _notify(self, kind: str, words: str) -> None:
        self.notice_raised.emit(Notice(kind, words))  # type: ignore[arg-type]
