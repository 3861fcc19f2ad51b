"""Take the pictures of steering for the docs: the real studio with the CLIP in the box.

    QT_QPA_PLATFORM=offscreen python packaging/steering_pictures.py [--out docs/pictures] [--theme light]

steering-*.png is the panel with its curve and with what CLIP sees, sweep-*.png a sweep of λ, catch-*.png one of a
classifier beside its clean twin, where there is one in the box. The window's size, words and seeds are chosen here.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from engine.spec.catalog import ModelInfo

ROOT = Path(__file__).resolve().parent.parent
SIZE = 1280, 960
WAIT_MS = 1_800_000

sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--theme", choices=("light", "dark"), help="only this one")
    parser.add_argument("--text", default="a red apple", help="what CLIP steers to, without a prompt")
    parser.add_argument(
        "--strength", type=float, default=40.0, help="λ: without a prompt CLIP is alone, and needs more"
    )
    parser.add_argument("--seed", type=int, default=3)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)

    from app.bootstrap import make_application
    from engine.spec.catalog import embedded
    from engine.spec.guide_models import clips

    app = make_application(sys.argv[:1])  # kept: it lives as long as its windows
    assert app is not None
    if not clips():
        print("There is no CLIP to take pictures of.", file=sys.stderr)
        return 1
    for theme in (args.theme,) if args.theme else ("light", "dark"):
        with tempfile.TemporaryDirectory() as home:
            os.environ["TWEEDIE_HOME"] = home
            Walk(embedded(), Path(home), theme, args.out).run(args.text, args.strength, args.seed)
    return 0


class Walk:
    """From a typed text to a sweep, photographed."""

    def __init__(self, models: list[ModelInfo], home: Path, theme: str, out: Path) -> None:
        from app.bootstrap import Studio
        from app.core.files.folders import Folders

        self.studio = Studio(models, Folders.under(home))
        self.document, self.window = self.studio.document, self.studio.window
        self.theme, self.out = theme, out
        self.window.resize(*SIZE)
        self.window.set_theme(theme)

    def run(self, text: str, strength: float, seed: int) -> None:
        document, guidance = self.document, self.document.guidance
        self.studio.show()
        self.wait(lambda: document.can_generate)
        document.seed_locked = True
        document.update_draft(prompt="", label="noto", seed=seed, batch=4, guidance=1.0)
        self.window.steer()
        guidance.steering.set_wish(0, text=text)
        guidance.steering.set_look(scale=strength)
        document.generate()
        self.wait(lambda: document.running_job is None)
        self.wait(lambda: (curve := guidance.scoring.curve) and len(curve.guided) == document.step_count)
        guidance.scoring.ranked = True
        document.image_index = guidance.scoring.batch[0]
        self.wait(lambda: (curve := guidance.scoring.curve) and len(curve.guided) == document.step_count)
        self.window.panel.steering.section.sees.open()
        document.scrub(document.step_count // 2)
        self.wait(lambda: (seen := guidance.seeing.seen) and seen.k == document.cursor)
        self.scroll()
        self.photograph("steering", self.window)
        self.sweep("sweep", over="clip", low=3.0, high=100.0, count=5, pictures=4)
        if guidance.steering.classifiers:
            guidance.steering.remove_wish(0)
            guidance.steering.set_class(classifier=guidance.steering.classifiers[0].id)
            document.update_draft(prompt="rocket", label=None)
            self.sweep("catch", over="class", low=0.0, high=20.0, count=5, pictures=4, twins=True)
        self.window.close()
        self.studio.close()

    def sweep(self, name: str, **plan: object) -> None:
        from app.ui.guidance.sweep_sheet import SweepSheet

        sweeping = self.document.guidance.sweeping
        self.window.show_sweep()
        sheet = self.window.findChild(SweepSheet)
        assert sheet is not None
        sweeping.plan = replace(sweeping.plan, over=plan.pop("over"))  # type: ignore[arg-type]
        sweeping.plan = replace(sweeping.plan, **plan)  # type: ignore[arg-type]
        sweeping.start()
        self.wait(lambda: not sweeping.running)
        sweeping.chosen = sweeping.swept[len(sweeping.swept) // 2]
        self.photograph(name, sheet)
        sheet.close()
        self.wait(lambda: not sweeping.running)

    def scroll(self) -> None:
        """The section as far up as it goes."""
        from PySide6.QtWidgets import QScrollArea

        self.wait(lambda: False, 300)
        scroll = self.window.panel.findChild(QScrollArea)
        assert scroll is not None
        button = self.window.panel.steering.button
        content = scroll.widget()
        assert content is not None
        scroll.verticalScrollBar().setValue(button.mapTo(content, button.rect().topLeft()).y() - 8)

    def wait(self, done: Callable[[], object], ms: int = WAIT_MS) -> None:
        """Let the studio run until `done`, `ms` at most."""
        from PySide6.QtCore import QDeadlineTimer, QEventLoop, QTimer

        loop, ticks, deadline = QEventLoop(), QTimer(), QDeadlineTimer(ms)
        ticks.timeout.connect(lambda: loop.quit() if done() or deadline.hasExpired() else None)
        ticks.start(20)
        loop.exec()

    def photograph(self, name: str, widget: QWidget) -> None:
        self.wait(lambda: False, 300)
        path = self.out / f"{name}-{self.theme}.png"
        widget.grab().save(str(path))
        print(path)


if __name__ == "__main__":
    sys.exit(main())
