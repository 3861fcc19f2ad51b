"""Making pictures and moving through their steps."""

from __future__ import annotations

from collections.abc import Callable

from app.core.shown.render import View
from app.core.shown.timeline import StepTimeline
from app.ui.actions.row import Row, Studio, in_pictures


def _elsewhere(studio: Studio) -> str:
    return "" if in_pictures(studio) else f"This is for pictures: leave the {studio.room.title} first"


def _see(view: View, text: str, key: str, tip: str, begins: bool = False) -> Row:
    def see(studio: Studio) -> None:
        studio.document.shown.view = view

    return Row(
        id=f"see-{view}", text=text, menu="Run", group="see", keys=(key,), where="picture", tip=tip, begins=begins,
        do=see, checked=lambda s: s.document.shown.view == view,
    )  # fmt: skip


def _move(
    name: str, text: str, key: str, do: Callable[[StepTimeline], None], tip: str = "", where: str = "picture"
) -> Row:
    return Row(
        id=name, text=text, menu="Run", keys=(key,), where=where, icon=name, tip=tip,
        do=lambda s: do(s.steps), usable=lambda s: s.steps.step_count > 0,
    )  # fmt: skip


def _other_image(studio: Studio, by: int) -> None:
    studio.document.shown.image_index += by


def _turn_play(studio: Studio) -> None:
    steps = studio.steps
    (steps.pause if steps.playing else steps.play)()


def _has_parent(studio: Studio) -> bool:
    run = studio.document.shown.run
    return in_pictures(studio) and run is not None and run.parent is not None


ROWS: tuple[Row, ...] = (
    Row(id="generate", text="Generate", menu="Run", keys=("Ctrl+Return", "Ctrl+Enter"), icon="generate",
        why=lambda s: s.room.why_not(), do=lambda s: s.room.start()),
    Row(id="cancel", text="Cancel", menu="Run", keys=("Esc",), icon="stop",
        tip="Stop before the next model call; what was reached is kept",
        usable=lambda s: s.room.runs(), do=lambda s: s.room.cancel()),
    Row(id="fork", text="Fork here", menu="Run", keys=("Ctrl+Shift+Return", "Ctrl+Shift+Enter"), icon="fork",
        begins=True, tip="Go on from the shown step with the settings on the panel",
        why=lambda s: _elsewhere(s) or s.document.why_no_fork, do=lambda s: s.document.fork()),
    Row(id="variations", text="Variations from here", menu="Run", keys=("V",), where="picture", icon="variations",
        short="Variations",
        tip="As many pictures as the panel says that share this one's state at this step and differ in what follows",
        why=lambda s: _elsewhere(s) or s.document.why_no_variations, do=lambda s: s.document.vary()),
    Row(id="parent", text="Back to the parent run", menu="Run", keys=("Backspace",), where="picture", icon="parent",
        tip="Show the run that this one was forked from, at that step", usable=_has_parent,
        do=lambda s: s.document.show_parent()),
    Row(id="play", text="Play the steps", menu="Run", keys=("Space",), where="timeline", icon="play", begins=True,
        usable=lambda s: s.steps.step_count > 1, do=_turn_play, checked=lambda s: s.steps.playing),
    _move("first", "First step", "Home", lambda d: d.home()),
    _move("previous", "Previous step", "Left", lambda d: d.step_by(-1), where="steps"),
    _move("next", "Next step", "Right", lambda d: d.step_by(+1), where="steps"),
    _move("last", "Last step", "End", lambda d: d.end(), "The last step; while a run goes on, stay with the newest"),
    _see("x0", "Show the estimate x̂₀", "1", "What the model thinks the finished picture is", begins=True),
    _see("x", "Show the state xₜ", "2", "The noisy state that the step starts from"),
    _see("eps", "Show the noise ε̂", "3", "The noise that the model sees in the state"),
    Row(id="image-before", text="Previous picture of the batch", menu="Run", keys=("PgUp",), where="picture",
        begins=True, enabled=lambda d: d.shown.image_index > 0, do=lambda s: _other_image(s, -1)),
    Row(id="image-after", text="Next picture of the batch", menu="Run", keys=("PgDown",), where="picture",
        enabled=lambda d: d.shown.image_index + 1 < d.shown.batch_size, do=lambda s: _other_image(s, +1)),
)  # fmt: skip
