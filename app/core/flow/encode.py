"""Encode the picture on the canvas to its noise x_T along the probability flow, and decode it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias

from PySide6.QtCore import QObject, Signal

from app.core.flow.likelihood import PictureLikelihood
from app.core.flow.subject import fit
from app.core.jobs.jobs_model import JobsModel
from app.core.jobs.queue import QueuedJob
from app.core.jobs.submission import Submission
from app.core.notices import Notice
from app.core.request.draft_model import DraftModel
from app.core.request.methods import NEW
from app.core.request.run_costs import in_words
from app.core.shown.runs import RunLibrary
from app.core.shown.viewer import Viewer
from engine.jobs.encode import Decode, Decoded, Encode, Encoded, Following, Optimised
from engine.jobs.job import Event
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.prompt.named import Finder
from engine.spec.request import Request, RequestError

Method: TypeAlias = Literal["plain", "guided", "null-text"]

CLOSENESS = (1e-3, 1e-4, 1e-5, 1e-6)  # tolerances that are offered
TOLERANCE = 1e-4  # to begin with
ROUGH = 35.0  # dB: a return below that differs visibly
METHODS: dict[Method, tuple[str, str]] = {
    "plain": ("Without guidance", "γ = 1 both ways: the most exact"),
    "guided": ("With the panel's guidance", "As a guided sampler will come back; the more γ, the less exact"),
    "null-text": (
        "Null-text inversion",
        "Up without guidance; then the empty prompt is fitted at each level, so that guidance leads back",
    ),
}


@dataclass(slots=True)
class Passage:
    """An encoding or a decoding under way: its job, and how far the present leg has come, 0 … 1."""

    job: QueuedJob
    model: ModelInfo
    tolerance: float
    method: Method | None  # None on the way down
    share: float = 0.0
    words: str = ""

    @property
    def stopping(self) -> bool:
        return self.job.cancelling


class Encoder(QObject):
    """Encodes the judged picture with its model and condition: a job of the queue. Setters emit only on change."""

    changed = Signal()  # the settings or the result
    progressed = Signal()
    activity_changed = Signal()  # it began, is to stop, or ended
    notice_raised = Signal(object)

    def __init__(
        self,
        picture_likelihood: PictureLikelihood,
        draft: DraftModel,
        shown: Viewer,
        jobs: JobsModel,
        library: RunLibrary,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._likelihood, self._draft, self._shown, self._jobs = picture_likelihood, draft, shown, jobs
        self._library = library
        self._method: Method = "plain"
        self._tolerance = TOLERANCE
        self._activity: Passage | None = None
        self._encoded: dict[Path, Encoded] = {}
        for signal in (picture_likelihood.changed, shown.run_changed, shown.steps_changed):
            signal.connect(self.changed)

    # the settings

    @property
    def methods(self) -> tuple[Method, ...]:
        """The conditions that the picture can be encoded under: guidance needs a prompt or a label."""
        judge = self._likelihood.judge
        guidable = judge.text or bool(judge.labels)
        told = self._likelihood.conditions.get(self._likelihood.condition_source)
        return tuple(METHODS) if guidable and told is not None and told.words else ("plain",)

    @property
    def method(self) -> Method:
        return self._method if self._method in self.methods else "plain"

    @method.setter
    def method(self, method: Method) -> None:
        if method != self._method:
            self._method = method
            self.changed.emit()

    @property
    def tolerance(self) -> float:
        return self._tolerance

    @tolerance.setter
    def tolerance(self, tolerance: float) -> None:
        if tolerance != self._tolerance:
            self._tolerance = tolerance
            self.changed.emit()

    def price(self, tolerance: float) -> str:
        """Estimated cost of an encoding and its check, such as "≈ 120 model calls, ≈ 6 s"; no time before a call of the
        judge was measured, nor for a null-text inversion.
        """
        likelihood, judge = self._likelihood, self._likelihood.judge
        up, down = (likelihood.costs.calls(way, judge.sha256, tolerance) for way in ("up", "down"))
        words = f"{up.sign} {up.number + down.number} model calls"
        call = likelihood.prices.call_seconds(judge, likelihood.judged_size, 1 if self.method == "plain" else 2)
        if call is None or self.method == "null-text":
            return words
        return f"{words}, {up.sign} {in_words(call * (up.number + down.number))}"

    @property
    def price_text(self) -> str:
        """The price with the present settings."""
        return self.price(self._tolerance)

    # the run

    @property
    def activity(self) -> Passage | None:
        return self._activity

    def why_not(self) -> str:
        """Why the picture cannot be encoded now, in one sentence; "" when it can."""
        return self._likelihood.why_not or (BUSY if self._activity is not None else "")

    def encode(self) -> None:
        """Encode the picture: a run that goes up, shown while it runs. A notice if it is impossible."""
        subject, judge = self._likelihood.subject, self._likelihood.judge
        if self.why_not() or subject is None:
            self._notify("info", self.why_not())
            return
        try:
            request = self._request(judge)
            fitted = fit(subject, self._likelihood.judged_size, self._likelihood.way)
        except (ValueError, OSError) as error:
            self._notify("error", str(error))
            return

        def submission() -> Submission:
            path = self._library.new_path(request)
            job = Encode(request=request, rgb=fitted.rgb, tol=self._tolerance, run_path=path, method=self.method)
            return Submission(job, request)

        self._begin(self._jobs.submit(submission), judge, self.method)

    def why_no_decode(self) -> str:
        """Why the shown run cannot be decoded, in one sentence; "" when it can."""
        if self._upward() is None:
            return "This run did not encode a picture: encode one first."
        return self._jobs.why_no_engine or (BUSY if self._activity is not None else "")

    def decode(self, anew: bool = False) -> None:
        """Decode the shown encoding: a run of its own, shown while it runs.

        anew -- decode with the panel's condition and guidance; else with the encoding's own, which gives the picture
                back. A null-text inversion is made for a new condition: it keeps the picture under another prompt
        """
        request, source = self._upward(), self._shown.run_path
        if self.why_no_decode() or request is None or source is None:
            self._notify("info", self.why_no_decode())
            return
        model = next((info for info in self._draft.models if info.sha256 == request.model_sha256), None)
        try:
            if model is None:
                raise RequestError(f"The model “{request.model}” that encoded this picture is not here.")
            request_now = self._as_panel(model, request) if anew else None
        except RequestError as error:
            self._notify("error", str(error))
            return

        def submission() -> Submission:
            path = self._library.new_path(request_now or request)
            job = Decode(source=source, request=request_now, tol=self._tolerance, run_path=path)
            return Submission(job, request_now or request)

        self._begin(self._jobs.submit(submission), model, None)

    def stop(self) -> None:
        """End before the next model call; the steps that were reached stay."""
        if self._activity is not None and not self._activity.stopping:
            self._jobs.cancel_job(self._activity.job)
            self._emit_changes()

    # the result

    @property
    def goes_up(self) -> bool:
        """Whether the shown run took a picture all the way up to its noise."""
        return self._upward() is not None

    @property
    def encoded(self) -> Encoded | None:
        """Of the shown run; None where it did not encode a picture in this session."""
        path = self._shown.run_path
        return None if path is None else self._encoded.get(path)

    # inside

    def _upward(self) -> Request | None:
        """The request of the shown run, where that encodes a picture and has arrived."""
        run = self._shown.run
        flow = run.header.get("flow") if run is not None else None
        arrived = run is not None and run.ended == "finished"
        return run.request if run is not None and flow and flow["kind"] == "encode" and arrived else None

    def _request(self, judge: ModelInfo) -> Request:
        """The judge's condition, with the panel's guidance where it counts. Raises RequestError."""
        condition = self._likelihood.conditions[self._likelihood.condition_source]
        own = self._draft.model.id == judge.id
        draft = self._draft.current if own else Draft.for_model(judge)
        if self.method != "plain" and draft.guidance == 1:
            raise RequestError(
                "The panel's guidance is 1, so there is none to encode with: raise it, or choose without."
            )
        guidance = 1.0 if self.method == "plain" else draft.guidance
        width, height = self._likelihood.judged_size
        conditioned = replace(
            draft, prompt=condition.prompt, label=condition.label, guidance=guidance, width=width, height=height
        )
        return _resolve_single(conditioned, judge, self._draft.finder)

    def _as_panel(self, model: ModelInfo, encoded: Request) -> Request:
        """What the panel says now, at the size of what was encoded. Raises RequestError where its model is another."""
        if self._draft.model.sha256 != model.sha256:
            raise RequestError(f"This picture was encoded by another model: choose “{model.title}” to decode it.")
        draft = replace(self._draft.current, width=encoded.width, height=encoded.height)
        return _resolve_single(draft, model, self._draft.finder)

    def _notify(self, level: Literal["info", "error"], text: str) -> None:
        self.notice_raised.emit(Notice(level, text))

    def _begin(self, job: QueuedJob | None, model: ModelInfo, method: Method | None) -> None:
        if job is None or job.state.ended:
            return
        self._activity = Passage(job, model, self._tolerance, method)
        job.told.connect(self._on_told)
        job.ended.connect(self._on_ended)
        self._emit_changes()

    def _on_told(self, events: Sequence[Event]) -> None:
        activity = self._activity
        assert activity is not None, "one at a time"
        for event in events:
            if isinstance(event, Following):
                activity.share = event.done
                activity.words = f"{LEGS[event.leg]}, σ {event.sigma:.3g}, {event.calls} model calls"
            elif isinstance(event, Optimised):
                activity.share = event.level / event.levels
                activity.words = f"Null text at level {event.level} of {event.levels}, {event.calls} model calls"
            elif isinstance(event, Encoded):
                self._encoded[activity.job.run_path] = event
                if activity.method != "null-text":  # the optimisation has another price
                    costs, model = self._likelihood.costs, activity.model.sha256
                    costs.learn("up", model, activity.tolerance, event.calls)
                    if event.back_calls:
                        costs.learn("down", model, activity.tolerance, event.back_calls)
                self._notify("info", describe_encoding(event))
                self.changed.emit()
            elif isinstance(event, Decoded):
                off = f"{event.psnr:.1f} dB from the picture that was encoded (PSNR)"
                self._notify("info", f"Decoded in {event.calls} model calls: {off}")
        self.progressed.emit()

    def _on_ended(self) -> None:
        self._activity = None
        self._emit_changes()

    def _emit_changes(self) -> None:
        self.changed.emit()
        self.activity_changed.emit()


LEGS = {"up": "Up to the noise", "down": "Down to the picture"}
BUSY = "A picture is on its way along the flow: wait for it, or stop it."


def describe_encoding(encoded: Encoded) -> str:
    """Describe a finished encoding."""
    back = ""
    if encoded.psnr is not None:
        back = f"; decoded again it is {encoded.psnr:.1f} dB from the picture (PSNR)"
    return f"Encoded in {encoded.steps} steps and {encoded.calls} model calls{back}"


def _resolve_single(draft: Draft, model: ModelInfo, finder: Finder | None) -> Request:
    """Resolve one picture at the model's own size: the flow has no second stage."""
    return resolve(replace(draft, method=NEW, batch=1, enlarge=False, guides=()), model, None, finder)


def advice(encoded: Encoded) -> str:
    """Return advice for an inexact round trip; "" for a good one."""
    if encoded.psnr is None or encoded.psnr >= ROUGH:
        return ""
    return "The round trip is inexact: describe the picture in the prompt, or allow a smaller error (To within)."
