"""Making pictures and moving through their steps."""

from __future__ import annotations

from collections.abc import Callable

from app.core.shown.render import View
from app.core.shown.timeline import StepTimeline
from app.ui.actions.action import Action
from app.ui.actions.reasons import first_of, no_steps, outside_pictures, unless
from app.ui.actions.studio import StudioParts


def _see(view: View, text: str, key: str, tip: str, begins: bool = False) -> Action:
    def see(studio: StudioParts) -> None:
        studio.document.shown.view = view

    return Action(
        id=f"see-{view}", text=text, menu="Run", group="see", keys=(key,), where="picture", tip=tip, begins=begins,
        do=see, checked=lambda s: s.document.shown.view == view,
    )  # fmt: skip


def _move(
    name: str, text: str, key: str, do: Callable[[StepTimeline], None], tip: str = "", where: str = "picture"
) -> Action:
    return Action(
        id=name, text=text, menu="Run", keys=(key,), where=where, icon=name, tip=tip,
        do=lambda s: do(s.steps), why=no_steps,
    )  # fmt: skip


def _other_image(studio: StudioParts, by: int) -> None:
    studio.document.shown.image_index += by


def _turn_play(studio: StudioParts) -> None:
    steps = studio.steps
    (steps.pause if steps.playing else steps.play)()


def _has_parent(studio: StudioParts) -> bool:
    return studio.document.shown.run is not None and studio.document.shown.run.parent is not None


_NO_PARENT = first_of(outside_pictures, unless(_has_parent, "This run was not forked from another one."))
_ONE_STEP = unless(lambda s: s.steps.step_count > 1, "There is nothing to play yet: it takes two steps.")
_NO_FORK = first_of(outside_pictures, lambda s: s.document.why_no_fork)
_NO_VARIATIONS = first_of(outside_pictures, lambda s: s.document.why_no_variations)
_FIRST_IMAGE = unless(lambda s: s.document.shown.image_index > 0, "This is the first picture of the batch.")
_LAST_IMAGE = unless(
    lambda s: s.document.shown.image_index + 1 < s.document.shown.batch_size, "This is the last picture of the batch."
)

ACTIONS: tuple[Action, ...] = (
    Action(id="generate", text="Generate", menu="Run", keys=("Ctrl+Return", "Ctrl+Enter"), icon="generate",
        why=lambda s: s.page.why_no_start(), do=lambda s: s.page.start()),
    Action(id="cancel", text="Cancel", menu="Run", keys=("Esc",), icon="stop",
        tip="Stop before the next model call; the steps so far are kept",
        why=unless(lambda s: s.page.busy(), "Nothing is running."), do=lambda s: s.page.cancel()),
    Action(id="fork", text="Fork here", menu="Run", keys=("Ctrl+Shift+Return", "Ctrl+Shift+Enter"), icon="fork",
        begins=True, tip="Continue from the shown step with the settings on the panel", looks=True,
        why=_NO_FORK, price=lambda s: s.document.fork_price, do=lambda s: s.document.fork()),
    Action(id="variations", text="Variations from here", menu="Run", keys=("V",), where="picture", icon="variations",
        short="Variations",
        tip="Make as many pictures as the panel says: they share the state of this step and differ after it",
        why=_NO_VARIATIONS, price=lambda s: s.document.variations_price, do=lambda s: s.document.vary()),
    Action(id="parent", text="Back to the parent run", menu="Run", keys=("Backspace",), where="picture", icon="parent",
        tip="Show the run that this one was forked from, at the step of the fork", why=_NO_PARENT,
        do=lambda s: s.document.shown.show_parent()),
    Action(id="play", text="Play the steps", menu="Run", keys=("Space",), where="timeline", begins=True,
        icon="play", icon_on="pause", text_now=lambda s: "Pause" if s.steps.playing else "Play the steps",
        why=_ONE_STEP, do=_turn_play, checked=lambda s: s.steps.playing),
    _move("first", "First step", "Home", lambda d: d.home()),
    _move("previous", "Previous step", "Left", lambda d: d.step_by(-1), where="steps"),
    _move("next", "Next step", "Right", lambda d: d.step_by(+1), where="steps"),
    _move("last", "Last step", "End", lambda d: d.end(), "The last step; while a run goes on, stay with the newest"),
    _see("x0", "Show the estimate x̂₀", "1", "The finished picture as the model estimates it", begins=True),
    _see("x", "Show the state xₜ", "2", "The noisy state that the step starts from"),
    _see("eps", "Show the noise ε̂", "3", "The noise that the model sees in the state"),
    Action(id="image-before", text="Previous picture of the batch", menu="Run", keys=("PgUp",), where="picture",
        begins=True, why=_FIRST_IMAGE, do=lambda s: _other_image(s, -1)),
    Action(id="image-after", text="Next picture of the batch", menu="Run", keys=("PgDown",), where="picture",
        why=_LAST_IMAGE, do=lambda s: _other_image(s, +1)),
)  # fmt: skip
