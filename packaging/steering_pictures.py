"""Take the pictures of steering: the panel with CLIP's curve and with the concepts that CLIP sees, and a sweep of λ.

QT_QPA_PLATFORM=offscreen python packaging/steering_pictures.py [--out docs/pictures] [--all]
"""

from __future__ import annotations

import sys
from dataclasses import replace

from PySide6.QtWidgets import QScrollArea
from walk import Walk, main

from app.ui.guidance.sweep_sheet import SweepSheet

SIZE = 1280, 960  # the open section needs the height
TEXT, STRENGTH = "a red apple", 40.0  # without a prompt CLIP is alone and needs a higher λ than its default
SEED = 3


def walk(to: Walk) -> None:
    steer(to)
    sweep(to)


def steer(to: Walk) -> None:
    """Let CLIP alone steer to an apple; show the best of four pictures at half of its steps."""
    document, shown, guidance = to.document, to.document.shown, to.document.guidance
    scores, concepts = guidance.scores, guidance.concepts

    def scored() -> bool:
        return scores.curve is not None and len(scores.curve.guided) == shown.step_count

    document.draft.seed_locked = True
    to.window.steer()
    guidance.steering.set_wish(0, text=TEXT)
    guidance.steering.set_clip_settings(scale=STRENGTH)
    to.finish(to.generate(prompt="", label="noto", seed=SEED, batch=4, guidance=1.0))
    to.wait(scored, scores.changed)
    scores.ranked = True
    shown.image_index = scores.batch[0]
    to.wait(scored, scores.changed)
    to.window.panel.steering.section.sees.open()
    shown.scrub(shown.step_count // 2)
    to.wait(lambda: concepts.nearest is not None and concepts.nearest.k == shown.cursor, concepts.changed)
    scroll_to_steering(to)
    to.photograph("steering")


def scroll_to_steering(to: Walk) -> None:
    """Scroll the section to the top of the panel."""
    to.settle()
    scroll = to.window.panel.findChild(QScrollArea)
    assert scroll is not None
    content, button = scroll.widget(), to.window.panel.steering.button
    assert content is not None
    scroll.verticalScrollBar().setValue(button.mapTo(content, button.rect().topLeft()).y() - 8)


def sweep(to: Walk) -> None:
    """Sweep λ over five values, four pictures each."""
    sweep = to.document.guidance.sweep
    to.window.show_sweep()
    sheet = to.window.findChild(SweepSheet)
    assert sheet is not None
    sweep.plan = replace(sweep.plan, over="clip")  # this sets the range to its default
    sweep.plan = replace(sweep.plan, low=3.0, high=100.0, count=5, pictures=4)
    sweep.start()
    to.wait(lambda: not sweep.running, sweep.changed)
    sweep.chosen = sweep.swept[len(sweep.swept) // 2]
    to.photograph("sweep", sheet)
    sheet.close()


if __name__ == "__main__":
    sys.exit(main(walk, __doc__, SIZE))
