"""The queue: its order, pausing, repeating and removing. The keys work on the selected rows of its panel."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication

from app.ui.actions.action import Action
from app.ui.actions.reasons import first_of, unless
from app.ui.actions.studio import StudioParts

_SELECTED = unless(lambda s: s.queue.chosen, "Select a run in the queue first.")
_WAITING = first_of(
    _SELECTED,
    unless(lambda s: s.queue.waits, "Only a run that waits can move."),
)
_ONE = unless(lambda s: len(s.queue.chosen) == 1, "Select one run in the queue first.")
_HAS_FILE = unless(
    lambda s: s.queue.chosen[0].run_path.exists(), "There is no picture of this run: it has done no step."
)
_ENDED = unless(lambda s: any(job.state.ended for job in s.document.jobs.all), "No run has ended yet.")
_ERRORS = unless(lambda s: s.queue.errors, "The selected runs have no error.")


def _turn_queue(studio: StudioParts) -> None:
    studio.document.jobs.paused = not studio.document.jobs.paused


def _clear(studio: StudioParts) -> None:
    jobs = studio.document.jobs
    jobs.remove([job for job in jobs.all if job.state.ended])


def _repeat(studio: StudioParts) -> None:
    for job in studio.queue.chosen:
        studio.document.repeat(job)


ACTIONS: tuple[Action, ...] = (
    Action(id="queue-pause-all", text="Pause the queue", menu="Run", submenu="Queue", icon="pause", icon_on="play",
        text_now=lambda s: "Resume the queue" if s.document.jobs.paused else "Pause the queue",
        tip="Stop the running run before its next model call and begin no other; its steps are kept",
        do=_turn_queue, checked=lambda s: s.document.jobs.paused),
    Action(id="queue-pause", text="Pause", menu="Run", submenu="Queue", keys=("Space",), where="queue", begins=True,
        tip="A running run stops before its next model call; it goes on to exactly the same picture",
        text_now=lambda s: "Resume" if s.queue.resumes else "Pause",
        why=first_of(_SELECTED, lambda s: s.queue.why_no_pause), do=lambda s: s.queue.turn_pause()),
    Action(id="queue-next", text="Run next", menu="Run", submenu="Queue", keys=("Alt+Home",), where="queue",
        tip="Run the selected runs before all others that wait", why=_WAITING, do=lambda s: s.queue.run_next()),
    Action(id="queue-up", text="Move up", menu="Run", submenu="Queue", keys=("Alt+Up",), where="queue",
        why=_WAITING, do=lambda s: s.queue.shift(-1)),
    Action(id="queue-down", text="Move down", menu="Run", submenu="Queue", keys=("Alt+Down",), where="queue",
        why=_WAITING, do=lambda s: s.queue.shift(+1)),
    Action(id="queue-show", text="Show the picture", menu="Run", submenu="Queue", keys=("Return", "Enter"),
        where="queue", begins=True, why=first_of(_ONE, _HAS_FILE), do=lambda s: s.show_job(s.queue.chosen[0])),
    Action(id="queue-repeat", text="Repeat", menu="Run", submenu="Queue", keys=("Shift+Return", "Shift+Enter"),
        where="queue", why=_SELECTED, do=_repeat,
        tip="Make it again with new seeds; a run that failed is tried again as it was"),
    Action(id="queue-copy-error", text="Copy the error", menu="Run", submenu="Queue", keys=("Ctrl+C",), where="queue",
        why=first_of(_SELECTED, _ERRORS), do=lambda s: QGuiApplication.clipboard().setText(s.queue.errors)),
    Action(id="queue-remove", text="Remove", menu="Run", submenu="Queue", keys=("Del",), where="queue", begins=True,
        tip="Take it out of the list: a waiting run is not made, a running one is cancelled, pictures stay",
        why=_SELECTED, do=lambda s: s.queue.remove()),
    Action(id="queue-clear", text="Clear what has ended", menu="Run", submenu="Queue", icon="discard",
        tip="Take the runs that have ended out of the list; their pictures stay", why=_ENDED,
        do=_clear),
)  # fmt: skip
