"""Take the pictures of the README, the guide, the canvas and the lab: a first user's path through the real studio.

    QT_QPA_PLATFORM=offscreen python packaging/screenshots.py [--out docs/pictures] [--all]

Everything in the pictures comes from the studio itself; only the window's size, the prompts and the seeds are chosen
here.
"""

from __future__ import annotations

import sys

import numpy as np
from checkout import PICTURES
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from walk import Walk, main

from app.ui.window.shortcut_sheet import ShortcutSheet

PENCIL = QRect(145, 158, 140, 140)  # on the sheet of emoji, which is opened from its row 8 to its row 656
PENCIL_STROKE = ((175, 188), (253, 186), (255, 223), (175, 223), (175, 252), (253, 262), (165, 277))
SCREWDRIVER_STROKE = ((465, 188), (545, 258))


def walk(to: Walk) -> None:
    to.photograph("welcome")
    generate(to)
    lab(to)
    branch(to)
    misspell(to)
    classes(to)
    canvas(to)
    shortcuts(to)


def generate(to: Walk) -> None:
    """Generate three pictures; show the last run on its way, at its end, and at a noisy state."""
    shown = to.document.shown
    to.document.draft.seed_locked = True
    to.window.set_smooth(False)
    for prompt, label, seed in (("cat face", "noto", 1), ("rocket", "fluent", 2)):
        to.finish(to.generate(prompt=prompt, label=label, seed=seed, batch=1))
    job = to.generate(prompt="red apple", label="3d", seed=0, batch=4)

    def half() -> bool:
        return shown.run_path == job.run_path and shown.step_count >= job.steps_total // 2

    to.wait(half, shown.steps_changed, job.ended)
    to.photograph("running")
    to.finish(job)
    to.window.set_smooth(True)
    to.photograph("finished")
    shown.scrub(shown.step_count * 3 // 5)
    shown.view = "x"
    to.photograph("scrubbed")
    shown.view = "x0"


def lab(to: Walk) -> None:
    """Show the mixture under twelve steps of DDIM, where its islands part."""
    lab = to.studio.lab
    to.window.show_page("lab")
    lab.update_draft(steps=12)
    lab.start()
    to.wait(lambda: lab.track.finished and not lab.activity, lab.activity_changed)
    lab.scrub(8)
    to.wait(lambda: all(lab.field_at(k) for k in range(len(lab.levels))), lab.field_changed)
    to.photograph("lab")
    to.window.show_page("pictures")


def branch(to: Walk) -> None:
    """Fork an apple into a rocket from its third step on; make eight apples that share its fourth."""
    document, shown = to.document, to.document.shown
    shown.scrub(2)
    document.draft.update(prompt="rocket")
    to.finish(document.fork())
    to.photograph("forked")
    shown.show_parent()
    shown.scrub(3)
    document.draft.update(prompt="red apple", batch=8)
    to.finish(document.vary())
    to.window.area.notices.close_one()  # it lies on the picture, and is gone after some seconds
    to.photograph("varied")


def misspell(to: Walk) -> None:
    """Show the words that the model does not know, with the nearest that it knows."""
    prompt = to.window.panel.prompt
    to.document.draft.update(prompt="red aple in a spaceship", negative="green", batch=4)
    to.window.panel.advanced.open()
    to.wait(lambda: prompt.hint.names, to.document.suggestions.changed)
    to.photograph("words")
    to.window.panel.advanced.open(False)


def classes(to: Walk) -> None:
    """Show the model of ten garment classes."""
    draft, shown = to.document.draft, to.document.shown
    before, draft.model = draft.model, next(model for model in draft.models if model.id == "fashion")
    to.finish(to.generate(label="ankle boot", seed=1, batch=4))
    shown.scrub(shown.step_count // 2)
    to.photograph("fashion")
    draft.model = before


def canvas(to: Walk) -> None:
    """Turn a pencil on the sheet of emoji into a blue heart, and put a little noise on a screwdriver."""
    document, tools, artwork = to.document, to.window.tools, to.document.artwork
    sheet = np.asarray(Image.open(PICTURES / "emoji-sheet.png").convert("RGB"))
    artwork.open(np.ascontiguousarray(sheet[8:656, :846]), "Emoji", (document.draft.model.width,) * 2)
    artwork.box = PENCIL
    document.draft.update(prompt="blue heart", negative="", label=None, seed=3, batch=2)
    to.settle()  # the canvas has its size now
    tools.tool = "noise"
    tools.choose(size=90)
    for _ in range(3):
        stroke(to, *SCREWDRIVER_STROKE)
    tools.tool = "brush"
    tools.choose(size=52)
    stroke(to, *PENCIL_STROKE)
    to.photograph("canvas")
    QApplication.sendEvent(to.window.canvas, QEvent(QEvent.Type.Leave))  # the brush's ring would lie on the result
    to.finish(to.generate())
    to.photograph("candidate")
    artwork.close()


def stroke(to: Walk, *path: tuple[int, int]) -> None:
    """Drag the mouse from point to point, in pixels of the document."""
    canvas, left = to.window.canvas, Qt.MouseButton.LeftButton
    points = [canvas.viewport.transform.map(QPoint(*at)) for at in path]
    QTest.mousePress(canvas, left, pos=points[0])
    for at in points:
        QTest.mouseMove(canvas, at)
    QTest.mouseRelease(canvas, left, pos=points[-1])


def shortcuts(to: Walk) -> None:
    """Show the list of shortcuts."""
    to.window.sheets.shortcuts()
    sheet = to.window.findChild(ShortcutSheet)
    assert sheet is not None
    to.photograph("shortcuts", sheet)
    sheet.close()


if __name__ == "__main__":
    sys.exit(main(walk, __doc__))
