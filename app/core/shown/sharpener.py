"""Sharpener: decode the shown step of a latent run when the cursor rests on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from PySide6.QtCore import QObject, QTimer, Signal

from app.core.jobs.engine import End, Engine, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.notices import Notice
from app.core.shown.viewer import Viewer
from engine.jobs.decode_step import DecodeStep, StepDecoded
from engine.jobs.job import Event

_Step: TypeAlias = tuple[Path, int, int]  # the run's path, the step and the image
REST_MS = 80  # the cursor rests where it has not moved for so long: the decoder is not run for steps in passing
LONG_REST_MS = 1500  # after a preview by a TAESD: the model's own decoder takes longer, and nothing else is done then
SLOT = "sharpen"


class Decoder(Protocol):
    """Which decoder makes sharp previews (app.core.models.preview_decoder)."""

    @property
    def sharpens(self) -> bool: ...

    def tiny_for(self, model: str) -> Path | None: ...


class Sharpener(QObject):
    """Previews of latents are coarse. Where the cursor rests, the engine decodes x̂₀, between two model calls of a run.

    While another job runs, the model is not loaded for it: that job may need the memory. A TAESD among the user's files
    decodes in its place, where the setting says so; the model's own decoder follows a while later. A step to save, copy
    or edit is always its own.

    decoder -- the setting; None: the model's own decoder
    """

    notice_raised = Signal(object)

    def __init__(self, shown: Viewer, jobs: JobsModel, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shown, self._jobs, self._engine = shown, jobs, engine
        self._task: Task | None = None
        self.decoder: Decoder | None = None
        self._wanted: _Step | None = None
        self._full: _Step | None = None  # the step that the model's own decoder must decode
        self._then: Callable[[], object] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._decode)
        for signal in (shown.frame_changed, shown.view_changed):
            signal.connect(self._wait)
        jobs.engine_changed.connect(self._wait)

    def when_sharp(self, then: Callable[[], object]) -> None:
        """Call `then` now, or when the shown step is decoded if it is a coarse preview; a notice where it cannot be."""
        run, k = self._shown.run, self._shown.cursor
        if run is None or not 0 <= k < self._shown.step_count or not run.is_coarse(k, self._shown.image_index):
            then()
        elif self._jobs.why_no_engine:
            self._say(self._jobs.why_no_engine)
        elif self._coarse() is None:
            self._say("This step is still being made: choose one, and try again.")
        else:
            self._full, self._wanted = self._coarse(), None
            self._wait()
            self._then = then

    def _coarse(self) -> _Step | None:
        """The step to decode: the one on the canvas, if it is a preview that no newer one replaces at once."""
        shown = self._shown
        run, k, image = shown.run, shown.cursor, shown.image_index
        if run is None or shown.run_path is None or shown.view != "x0" or not 0 <= k < shown.step_count:
            return None
        if (shown.live and shown.following) or shown.playing or not run.is_coarse(k, image):
            return None
        return shown.run_path, k, image

    def _wait(self) -> None:
        wanted = self._coarse()
        if wanted != self._full:
            self._full = None
            if wanted is not None and not self._sharpens(wanted):
                wanted = None
        if wanted == self._wanted:
            return
        self._wanted, self._then = wanted, None
        if self._task is not None:
            self._task.drop()
            self._task = None
        self._rest.start(REST_MS) if wanted is not None else self._rest.stop()

    def _sharpens(self, step: _Step) -> bool:
        """Whether the step becomes sharp by resting on it: the setting allows it, and it is not there yet."""
        run = self._shown.run
        allowed = self.decoder is None or self.decoder.sharpens
        return run is not None and allowed and run.sharp(*step[1:]) is None

    def _decode(self) -> None:
        run = self._shown.run
        if self._wanted is None or run is None or self._jobs.why_no_engine:
            self._wanted = None  # the engine asks again when it is ready
            return
        _, k, image = self._wanted
        path, index = run.place(k)
        idle = self._jobs.running is None
        ask = self.decoder is not None and self._full is None
        tiny = self.decoder.tiny_for(run.request.model) if ask and self.decoder is not None else None
        job = DecodeStep(path=path, k=index, image=run.image_in(k, image), load=idle, tiny=tiny)
        self._task = self._engine.do(job, urgent=True, slot=SLOT)
        self._task.told.connect(self._on_told)
        self._task.ended.connect(self._on_ended)

    def _on_told(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, StepDecoded) and self._wanted is not None:
                path, k, image = self._wanted
                if event.small:
                    self._full = self._wanted  # the whole follows from the same task: it is kept
                    self._shown.show_sharp(path, k, image, event.rgb, event.tiny)
                    continue
                then, self._then = self._then, None
                self._full = None
                self._shown.show_sharp(path, k, image, event.rgb, event.tiny)
                if event.tiny and self._coarse() == (path, k, image) and self._jobs.running is None:
                    self._follow_up((path, k, image))
                if then is not None:
                    then()

    def _follow_up(self, step: _Step) -> None:
        """Decode the step by the model's own decoder too, if the cursor rests on: then it can be edited."""
        if self._task is not None:
            self._task.drop()
            self._task = None
        self._full = self._wanted = step
        self._rest.start(LONG_REST_MS)

    def _on_ended(self, end: End) -> None:
        self._task = self._wanted = None
        if self._then is not None:
            self._then = None
            self._say(end.sentence or "This step cannot be decoded during the run of another model: wait for its end.")

    def _say(self, sentence: str) -> None:
        self.notice_raised.emit(Notice("info", sentence))
