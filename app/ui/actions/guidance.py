"""CLIP guidance, the sweep over its strength, and the order by CLIP score."""

from __future__ import annotations

from app.ui.actions.action import Action
from app.ui.actions.reasons import first_of, no_steps, outside_pictures, unless
from app.ui.actions.studio import StudioParts
from engine.spec.guides import MAX_AIMS


def _rank(studio: StudioParts) -> None:
    scores = studio.document.guidance.scores
    scores.ranked = not scores.ranked


_FULL = unless(
    lambda s: s.document.guidance.steering.can_add, f"CLIP steers to {MAX_AIMS} things at most: remove one first."
)


ACTIONS: tuple[Action, ...] = (
    Action(id="steer", text="Steer by CLIP", menu="Run", keys=("Ctrl+G",), begins=True,
        tip="Type what CLIP should steer the picture to", do=lambda s: s.steer()),
    Action(id="aim-shown", text="Steer to the shown picture", menu="Run",
        tip="Add the shown picture to CLIP's aims",
        why=first_of(outside_pictures, no_steps, _FULL),
        do=lambda s: s.document.guidance.steering.aim_at_shown()),
    Action(id="sweep", text="Sweep the guidance …", menu="Run", short="Sweep …", icon="variations",
        tip="Make the same pictures at many strengths and compare them",
        why=lambda s: s.document.guidance.sweep.why_not, do=lambda s: s.show_sweep()),
    Action(id="rank", text="Order by CLIP score", menu="Candidates", short="By score", icon="rank", begins=True,
        tip="Show candidates and batches with the best score first; again for the order of making",
        why=unless(lambda s: s.document.guidance.scores.can_rank, "No picture here has a CLIP score to order by."),
        do=_rank, checked=lambda s: s.document.guidance.scores.ranked),
)  # fmt: skip
