"""Steering by CLIP, and what its scores are good for."""

from __future__ import annotations

from app.ui.actions.row import Row, Studio, in_pictures


def _rank(studio: Studio) -> None:
    scoring = studio.document.guidance.scoring
    scoring.ranked = not scoring.ranked


def _why_no_sweep(studio: Studio) -> str:
    return studio.document.guidance.sweeping.why_not


ROWS: tuple[Row, ...] = (
    Row(id="steer", text="Steer by CLIP", menu="Run", keys=("Ctrl+G",), begins=True,
        tip="Say what CLIP should steer the picture to", do=lambda s: s.steer()),
    Row(id="aim-shown", text="Steer to the shown picture", menu="Run",
        tip="What is in the shown picture is one more thing that CLIP steers to",
        usable=lambda s: in_pictures(s) and s.document.shown.step_count > 0 and s.document.guidance.steering.can_add,
        do=lambda s: s.document.guidance.steering.aim_at_shown()),
    Row(id="sweep", text="Sweep the guidance …", menu="Run", short="Sweep …", icon="variations",
        tip="The same pictures at many strengths, side by side: what is gained, and what is lost",
        why=_why_no_sweep, do=lambda s: s.show_sweep()),
    Row(id="rank", text="Order by CLIP score", menu="Candidates", short="By score", icon="rank", begins=True,
        tip="Candidates and the pictures of a batch, the best score first; again for the order that they came in",
        enabled=lambda d: d.guidance.scoring.can_rank, do=_rank, checked=lambda s: s.document.guidance.scoring.ranked),
)  # fmt: skip
