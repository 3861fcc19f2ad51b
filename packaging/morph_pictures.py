"""Take the pictures of docs/morph.md: the morph room, and a sheet of one morph on its three ways.

QT_QPA_PLATFORM=offscreen python packaging/morph_pictures.py [--out docs/pictures] [--all]
"""

from __future__ import annotations

import sys

import numpy as np
from walk import Walk, main

KEYS = (("red apple", "noto", 3), ("rocket", "fluent", 4), ("cat face", "3d", 8))  # prompt, style, seed
WAYS = ("slerp", "linear", "mix")
FRAMES, TIMES = 9, 3  # the frames of a morph; how much larger they are on the sheet


def walk(to: Walk) -> None:
    morph = to.document.morph
    to.document.draft.seed_locked = True
    for prompt, label, seed in KEYS:
        to.finish(to.generate(prompt=prompt, label=label, seed=seed, batch=1, enlarge=False))
        morph.keys.add_shown()
    to.window.set_smooth(True)
    to.window.show_page("morph")
    to.window.area.notices.close_one()
    rows = []
    for way in WAYS:
        morph.choose(frames=FRAMES, way=way, easing="linear", at=1.0)
        morph.start()
        to.wait(lambda: not morph.rendering, morph.activity_changed)
        assert morph.film is not None
        rows.append(np.concatenate(morph.film[1], 1))
        if way == "slerp":
            morph.scrub(2)
            to.photograph("morph")
    to.save("morph-sheet", np.concatenate(rows), TIMES)


if __name__ == "__main__":
    sys.exit(main(walk, __doc__))
