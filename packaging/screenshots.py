"""Take the README's pictures: open the real studio with the real model and walk a first user's path.

    QT_QPA_PLATFORM=offscreen python packaging/screenshots.py [--out docs/pictures] [--theme light]

Everything in them comes from the studio itself; only the window's size, the prompts and the seeds are chosen here.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from engine.spec.catalog import ModelInfo

ROOT = Path(__file__).resolve().parent.parent
SIZE = 1280, 800
WAIT_MS = 120_000
KEPT = (  # --all takes the others too
    "welcome", "running", "scrubbed", "words", "forked", "varied", "fashion", "lab", "canvas", "candidate",
)  # fmt: skip

sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--theme", choices=("light", "dark"), help="only this one")
    parser.add_argument("--all", action="store_true", help="also starting, finished, samplers, shortcuts")
    parser.add_argument("--scale", type=float, default=1.0, help="device pixels per logical pixel")
    args = parser.parse_args()
    os.environ.setdefault("QT_SCALE_FACTOR", str(args.scale))
    args.out.mkdir(parents=True, exist_ok=True)

    from PySide6.QtGui import QFont, QFontDatabase

    from app.bootstrap import make_application
    from engine.spec.catalog import embedded

    app = make_application(sys.argv[:1])
    if "Inter" in QFontDatabase.families():  # a desktop's own font, where this machine has one
        app.setFont(QFont("Inter", 10))
    models = embedded()
    if not models:
        print("There is no model to take pictures of.", file=sys.stderr)
        return 1
    for theme in (args.theme,) if args.theme else ("light", "dark"):
        with tempfile.TemporaryDirectory() as home:
            os.environ["TWEEDIE_HOME"] = home
            Walk(models, Path(home), theme, args.out, args.all).run()
    return 0


class Walk:
    """A first user's path through the studio, photographed."""

    def __init__(self, models: list[ModelInfo], home: Path, theme: str, out: Path, everything: bool = False) -> None:
        from app.bootstrap import Studio
        from app.core.files.folders import Folders

        self.studio = Studio(models, Folders.under(home))
        self.theme, self.out, self.everything = theme, out, everything
        self.document, self.window = self.studio.document, self.studio.window
        self.window.resize(*SIZE)
        self.window.set_theme(theme)

    def run(self) -> None:
        document = self.document
        self.studio.show()
        self.wait(lambda: False, 300)
        self.photograph("starting")
        self.wait(lambda: document.can_generate)
        self.photograph("welcome")
        for prompt, label, seed, batch, smooth in (
            ("cat face", "noto", 1, 1, False),
            ("rocket", "fluent", 2, 1, False),
            ("red apple", "3d", 0, 4, False),
        ):
            document.seed_locked = True
            document.update_draft(prompt=prompt, label=label, seed=seed, batch=batch)
            self.window.set_smooth(smooth)
            document.generate()
            if prompt == "red apple":
                self.wait(lambda: document.live and document.step_count >= document.steps_total // 2)
                self.photograph("running")
            self.wait(lambda: document.running_job is None)
        self.wait(lambda: document.cursor == document.step_count - 1)
        self.window.set_smooth(True)
        self.photograph("finished")
        document.scrub(document.step_count * 3 // 5)
        document.view = "x"
        self.photograph("scrubbed")
        document.view = "x0"
        self.lab()
        self.branch()
        document.update_draft(prompt="red aple in a spaceship", negative="green", batch=4)
        self.window.panel.advanced.open()
        self.photograph("words")
        self.window.panel.advanced.open(False)
        self.garments()
        self.canvas()
        choice = self.window.panel.sampler.choice
        choice.showPopup()
        self.photograph("samplers", choice.view().window())
        choice.hidePopup()
        self.window.show_shortcuts()
        self.wait(lambda: False, 200)
        from app.ui.window.shortcut_sheet import ShortcutSheet

        sheet = self.window.findChild(ShortcutSheet)
        assert sheet is not None
        self.photograph("shortcuts", sheet)
        sheet.close()
        self.window.close()
        self.studio.close()

    def branch(self) -> None:
        """An apple that becomes a rocket from its third step on, and eight apples that share its fourth."""
        document = self.document
        document.scrub(2)
        document.update_draft(prompt="rocket")
        document.fork()
        self.wait(lambda: document.running_job is None)
        self.photograph("forked")
        document.show_parent()
        document.scrub(3)
        document.update_draft(prompt="red apple", batch=8)
        document.vary()
        self.wait(lambda: document.running_job is None)
        self.photograph("varied")
        self.window.area.notices.close_one()

    def garments(self) -> None:
        """The model of classes alone, where it is in the box."""
        document = self.document
        fashion = next((model for model in document.models if model.id == "fashion"), None)
        if fashion is None:
            return
        before, document.model = document.model, fashion
        document.update_draft(label="ankle boot", seed=1, batch=4)
        document.generate()
        self.wait(lambda: document.running_job is None)
        document.scrub(document.step_count // 2)
        self.photograph("fashion")
        document.model = before

    def canvas(self) -> None:
        """A pencil on the sheet of emoji that is to be a blue heart, and a screwdriver with a little noise on it."""
        import numpy as np
        from PIL import Image
        from PySide6.QtCore import QRect

        document, tools = self.document, self.window.tools
        sheet = np.asarray(Image.open(ROOT / "docs" / "pictures" / "emoji-sheet.png").convert("RGB"))
        document.artwork.open(np.ascontiguousarray(sheet[8:656, :846]), "Emoji", (document.model.width,) * 2)
        document.artwork.box = QRect(145, 158, 140, 140)
        document.update_draft(prompt="blue heart", negative="", label=None, seed=3, batch=2)
        self.wait(lambda: False, 200)
        tools.tool = "noise"
        tools.choose(size=90)
        for _ in range(3):
            self.stroke((465, 188), (545, 258))
        tools.tool = "brush"
        tools.choose(size=52)
        self.stroke((175, 188), (253, 186), (255, 223), (175, 223), (173, 264), (253, 266))
        self.photograph("canvas")
        document.generate()
        self.wait(lambda: document.running_job is None)
        self.photograph("candidate")
        document.artwork.close()

    def stroke(self, *path: tuple[int, int]) -> None:
        """The mouse, from point to point of the document."""
        from PySide6.QtCore import QPoint, Qt
        from PySide6.QtTest import QTest

        canvas, left = self.window.canvas, Qt.MouseButton.LeftButton
        points = [canvas.viewport.transform.map(QPoint(*at)) for at in path]
        QTest.mousePress(canvas, left, pos=points[0])
        for at in points:
            QTest.mouseMove(canvas, at)
        QTest.mouseRelease(canvas, left, pos=points[-1])

    def lab(self) -> None:
        """The mixture under twelve steps of DDIM, where its islands part."""
        lab = self.studio.lab
        self.window.show_room("lab")
        lab.update_draft(steps=12)
        lab.start()
        self.wait(lambda: lab.track.finished and not lab.doing)
        lab.scrub(8)
        self.wait(lambda: all(lab.field_at(k) for k in range(len(lab.levels))))
        self.photograph("lab")
        self.window.show_room("pictures")

    def wait(self, ready: Callable[[], bool], limit: int = WAIT_MS) -> None:
        """Let the studio live until `ready`, or for `limit` milliseconds."""
        from PySide6.QtCore import QEventLoop, QTimer

        loop = QEventLoop()
        clock, end = QTimer(), QTimer()
        clock.timeout.connect(lambda: loop.quit() if ready() else None)
        end.setSingleShot(True)
        end.timeout.connect(loop.quit)
        clock.start(5)
        end.start(limit)
        loop.exec()
        clock.stop()

    def photograph(self, name: str, widget: QWidget | None = None) -> None:
        if self.everything or name in KEPT:
            self.wait(lambda: False, 120 if self.document.live else 600)  # what is lazy is drawn by then
            (widget or self.window).grab().save(str(self.out / f"{name}-{self.theme}.png"))


if __name__ == "__main__":
    sys.exit(main())
