"""The morph room: the key frames, the way between them, and the frames made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QImage

from app.core.canvas.editing import Editing
from app.core.jobs.engine import End, Engine, Task
from app.core.jobs.jobs_model import JobsModel
from app.core.morph.key_row import KeyRow
from app.core.morph.result import Film, MorphResult, estimate_seconds, measured_run
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.request.run_costs import Prices, in_words
from app.core.shown.render import from_rgb
from app.core.shown.timeline import StepTimeline
from app.core.shown.viewer import Viewer
from engine.jobs.job import Event
from engine.jobs.morph import MorphFrame, Morphing, MorphProgress, Norms
from engine.spec.draft import resolve, with_named
from engine.spec.edit import Pixels
from engine.spec.morph import Morph, price
from engine.spec.request import Request, RequestError

MORPH_FIELDS = ("frames", "easing", "loop", "way", "at", "rate")  # fields of a Morph that the panel sets as they are


@dataclass(frozen=True, slots=True)
class MorphChoices:
    """The settings of the panel; large -- whether the second stage enlarges the frames."""

    frames: int = 30
    easing: str = "smooth"
    loop: str = "none"
    way: str = "slerp"
    at: float = 1.0
    rate: int = 15
    large: bool = False


class MorphRoom(StepTimeline):
    """Widgets listen. How each frame is made the panel of pictures says: model, sampler, steps, guidance and so on.

    The cursor is on a frame of what was made last; the selection on a key frame. Every setter emits only on change.
    """

    unit = "frame"

    choices_changed = Signal()
    frames_changed = Signal()  # the frames made, or the progress
    activity_changed = Signal()
    closed = Signal()

    def __init__(
        self,
        draft: DraftModel,
        shown: Viewer,
        editing: Editing,
        jobs: JobsModel,
        prices: Prices,
        engine: Engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._draft, self._jobs, self._prices, self._engine = draft, jobs, prices, engine
        self.keys = KeyRow(draft, shown, editing, self)
        self._choices = MorphChoices()
        self._task: Task | None = None
        self._result: MorphResult | None = None
        self._image: tuple[int, QImage] | None = None
        self._backwards = False  # of there and back
        self._engine.state_changed.connect(self.choices_changed)
        self.keys.changed.connect(self.choices_changed)
        self.keys.notice_raised.connect(self.notice_raised)
        draft.settings_changed.connect(self.choices_changed)

    # how it goes

    @property
    def choices(self) -> MorphChoices:
        return self._choices

    def choose(self, **changes: Any) -> None:
        choices = replace(self._choices, **changes)
        if choices != self._choices:
            self._choices = choices
            if self._play.isActive():
                self._play.setInterval(round(1000 / choices.rate))
            self.choices_changed.emit()

    @property
    def base(self) -> Request:
        """The settings of each frame: the panel's without its guides. Raises RequestError where those cannot be."""
        draft = self._draft.current
        large = self._choices.large and self._draft.model.cascade is not None
        plain = replace(draft, method="new", batch=1, prompt="", label=None, enlarge=large, truncated=False, guides=())
        return resolve(plain, self._draft.model, None, self._draft.finder)

    @property
    def can_enlarge(self) -> bool:
        return self._draft.model.cascade is not None

    def plan(self) -> Morph:
        """The morph of these settings. Raises RequestError."""
        fields = {name: getattr(self._choices, name) for name in MORPH_FIELDS}
        if self._choices.way != "mix":
            fields["at"] = 0.0
        keys = tuple(frame.key for frame in self.keys.frames)
        return Morph(request=with_named(self.base, keys, self._draft.model, self._draft.finder), keys=keys, **fields)

    @property
    def why_not(self) -> str:
        """Why it cannot be started, in one sentence; "" when it can."""
        if len(self.keys.frames) < 2:
            return "Put two key frames or more in the row below the picture."
        if self._jobs.why_no_engine:
            return self._jobs.why_no_engine
        try:
            self.plan().frame_request  # noqa: B018 -- raises for an impossible level
        except RequestError as error:
            return str(error)
        return ""

    @property
    def remark(self) -> str:
        """What is worth knowing before a start; mostly ""."""
        try:
            base = self.base
        except RequestError:
            return ""
        for n, frame in enumerate(self.keys.frames):
            result = frame.settings
            if result is not None and not frame.encoded and _other_way(result, base):
                return f"Key frame {n + 1} was made with other settings than the panel of pictures has now."
        return ""

    @property
    def price_text(self) -> str:
        """What it will take: the calls of the net, and the time where that was measured; "" where it cannot be."""
        try:
            morph = self.plan()
            costs = price(morph)
        except RequestError:
            return ""
        calls = f"{morph.frames} frames, {costs.calls} model calls"
        seconds = estimate_seconds(self._prices.seconds, morph)
        return calls if seconds is None else f"{calls}, ≈ {in_words(seconds)}"

    # making it

    @property
    def rendering(self) -> bool:
        return self._task is not None

    @property
    def stopping(self) -> bool:
        return self._task is not None and self._task.cancelling

    def start(self) -> None:
        """Make the frames anew."""
        if self.why_not:
            self._notify("info", self.why_not)
            return
        if self._task is not None:
            self._task.drop()
        self.pause()
        morph = self.plan()
        self._result, self._image = MorphResult(morph, self.keys.frames), None
        self._backwards, self._cursor = False, -1
        given = {frame.key.picture: frame.rgb for frame in self.keys.frames if frame.rgb is not None}
        self._task = self._engine.do(Morphing(morph, given))
        self._task.told.connect(self._on_told)
        self._task.ended.connect(self._on_ended)
        self.run_changed.emit()
        self.frames_changed.emit()
        self.activity_changed.emit()

    def cancel(self) -> None:
        """Stop before the next model call; the frames that are there stay."""
        if self._task is not None and not self.stopping:
            self._task.cancel()
            self.activity_changed.emit()

    @property
    def progress(self) -> tuple[float, str]:
        """The share of the model calls made, and in words how far it is."""
        result = self._result
        if result is None or self._task is None:
            return 0.0, ""
        if self.stopping:
            return result.share, "Stopping …"
        if result.keys_first and not result.frames:
            return result.share, "Finding where the key frames start …"
        return result.share, f"Frame {len(result.frames)} of {result.morph.frames}"

    @property
    def result(self) -> MorphResult | None:
        """What the timeline shows; only the room changes it."""
        return self._result

    @property
    def film(self) -> tuple[Morph, list[Pixels]] | None:
        """The finished morph and its frames, for export; None before all frames are made."""
        return (
            (self._result.morph, list(self._result.frames)) if self._result is not None and self._result.whole else None
        )

    @property
    def changed_since(self) -> bool:
        """Whether the key frames or the settings are others than those that the shown frames were made of."""
        if self._result is None:
            return False
        try:
            now = replace(self.plan(), rate=self._result.morph.rate)
        except RequestError:
            return True
        return now.to_json() != self._result.morph.to_json()

    # the timeline

    @property
    def run(self) -> Film | None:
        return self._result.film if self._result is not None else None

    @property
    def image(self) -> QImage | None:
        """The frame under the cursor."""
        result, k = self._result, self._cursor
        if result is None or not 0 <= k < len(result.frames):
            return None
        if self._image is None or self._image[0] != k:
            self._image = k, from_rgb(result.frames[k])
        return self._image[1]

    def thumbnail(self, k: int, size: int) -> QImage:
        if self._result is None or not 0 <= k < len(self._result.frames):
            return QImage()
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        return from_rgb(self._result.frames[k]).scaled(QSize(size, size), keep, smooth)

    # playing: at the rate, and round and round where it is a loop

    def play(self) -> None:
        if self.playing or self.step_count < 2:
            return
        if self._cursor >= self.step_count - 1 and not self._round:
            self._move(0)
        self._backwards = False
        self._play.start(round(1000 / self._choices.rate))
        self.playing_changed.emit()

    @property
    def _round(self) -> bool:
        """Whether the shown film loops."""
        return self._result is not None and self._result.whole and self._choices.loop != "none"

    def _tick(self) -> None:
        last, k = self.step_count - 1, self._cursor
        if self._round and self._choices.loop == "pingpong":
            self._backwards = k > 0 if k >= last else self._backwards and k > 0
            self._move(k + (-1 if self._backwards else 1))
        elif self._round:
            self._move((k + 1) % (last + 1))
        else:
            super()._tick()

    def _move(self, k: int) -> None:
        last = self.step_count - 1
        k = max(min(k, last), min(0, last))
        if k != self._cursor:
            self._cursor = k
            self.cursor_changed.emit()

    def close(self) -> None:
        """Stop everything; wait for the reading."""
        self.pause()
        self.cancel()
        self.keys.close()
        self.closed.emit()

    # inside

    def _on_told(self, events: Sequence[Event]) -> None:
        result = self._result
        assert result is not None, "there is one from the start on"
        before = len(result.frames)
        for one in events:
            if isinstance(one, MorphProgress):
                result.share, result.keys_first = one.done / max(1, one.total), one.keys
            elif isinstance(one, Norms):
                result.norms = one
            elif isinstance(one, MorphFrame) and (key := result.take(one)) is not None:
                self.keys.show(key, one.rgb)
        following = self._cursor in (-1, before - 1) and not self.playing
        if len(result.frames) > before:
            self.steps_changed.emit()
            if following:
                self._move(len(result.frames) - 1)
        self.frames_changed.emit()

    def _on_ended(self, end: End) -> None:
        self._task = None
        if end.how == "failed":
            self._notify("error", end.sentence)
        elif (
            (result := self._result)
            and result.whole
            and (run := measured_run(result.morph, result.seconds)) is not None
        ):
            self._prices.learn_whole(*run)
        self.frames_changed.emit()
        self.activity_changed.emit()
        self.choices_changed.emit()  # the price is known better now

    def _notify(self, kind: str, words: str) -> None:
        self.notice_raised.emit(Notice(kind, words))  # type: ignore[arg-type]


def _other_way(result: Request, base: Request) -> bool:
    """Whether two pictures' settings differ in a field that decides pixels, prompt and seed aside."""
    same = ("model_sha256", "sampler", "options", "sigmas", "guidance", "guidance_interval", "negative", "threshold")
    return any(getattr(result, name) != getattr(base, name) for name in same)
