"""Open the studio, wait for its signals and save pictures of its window: shared by the scripts for docs/pictures."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from checkout import PICTURES, ROOT
from PIL import Image
from PySide6.QtCore import QAbstractEventDispatcher, QEventLoop, QTimer, SignalInstance
from PySide6.QtGui import QFont, QFontDatabase, QPixmap
from PySide6.QtWidgets import QWidget

from app.bootstrap import Studio, make_application
from app.core.files.folders import Folders
from app.core.jobs.queue import QueuedJob
from app.core.notices import Notice
from engine.spec.catalog import embedded_models
from engine.spec.edit import Pixels

THEMES = ("light", "dark")
SIZE = 1280, 800  # of the window, logical pixels
LIMIT_MS = 1_800_000  # for one wait: the machine may do other things too


def linked() -> set[str]:
    """Return the names of the pictures that README.md and the pages of docs/ show, such as "lab-light"."""
    pages = (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    return {name for page in pages for name in re.findall(r"pictures/([\w-]+)\.png", page.read_text(encoding="utf-8"))}


class Walk:
    """A user's path through an open studio, with pictures of its window.

    taken -- the names of the pictures so far, such as "lab-light"
    """

    def __init__(
        self,
        studio: Studio,
        out: Path | None,
        names: set[str] | None = None,
        size: tuple[int, int] = SIZE,
    ) -> None:
        """Show the window and wait for the engine.

        out   -- the folder of the pictures; None: save none
        names -- save only these; None: all
        """
        self.studio, self.document, self.window = studio, studio.document, studio.window
        self.taken: list[str] = []
        self._out, self._names = out, names
        self._errors: list[str] = []
        self.document.notice_raised.connect(self._on_notice)
        self.window.panel.prompt.text.setCursorWidth(0)  # the walk sets the prompt: the cursor would stand before it
        studio.show()
        self.wait(lambda: self.document.can_generate, self.document.jobs.engine_changed)
        self.window.resize(*size)  # not before: the smallest sizes of its parts are known once they are laid out

    def generate(self, **settings: Any) -> QueuedJob:
        """Change the draft and start a run. Raises RuntimeError if it cannot start."""
        self.document.draft.update(**settings)
        return self._started(self.document.generate())

    def finish(self, job: QueuedJob | None) -> None:
        """Wait for the end of a run. Raises RuntimeError for None: it did not start."""
        started = self._started(job)
        self.wait(lambda: started.state.ended, started.ended)

    def wait(self, done: Callable[[], object], *signals: SignalInstance) -> None:
        """Run the event loop until `done()`, which is called after each of the signals.

        Raises RuntimeError if the studio shows an error, TimeoutError after LIMIT_MS.
        """
        loop, timer = QEventLoop(), QTimer()
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: loop.exit(1))

        def check(*_: object) -> None:
            if self._errors or done():
                loop.exit(0)

        heard = (*signals, self.document.notice_raised)
        for signal in heard:
            signal.connect(check)
        try:
            timer.start(LIMIT_MS)
            late = not done() and loop.exec()
        finally:
            timer.stop()
            for signal in heard:
                signal.disconnect(check)
        if self._errors:
            raise RuntimeError("; ".join(self._errors))
        if late:
            raise TimeoutError(f"The studio did not come so far within {LIMIT_MS // 60_000} minutes.")

    def settle(self) -> None:
        """Run the event loop until it is idle and no timer of the window is due."""
        loop, dispatcher = QEventLoop(), QAbstractEventDispatcher.instance()

        def check() -> None:
            if not self._due():
                loop.quit()

        dispatcher.aboutToBlock.connect(check)
        loop.exec()
        dispatcher.aboutToBlock.disconnect(check)

    def photograph(self, name: str, widget: QWidget | None = None) -> None:
        """Save `widget` (None: the whole window) as NAME-light.png and NAME-dark.png, where these are wanted."""
        for theme in THEMES:
            full = f"{name}-{theme}"
            if self._names is not None and full not in self._names:
                continue
            self.taken.append(full)
            if self._out is not None:
                self.window.set_theme(theme)
                self.settle()
                path = self._out / f"{full}.png"
                self._grab(widget or self.window).save(str(path))
                print(path, flush=True)

    def save(self, name: str, rgb: Pixels, times: int) -> None:
        """Save a picture (H, W, 3) as NAME.png, enlarged `times`, where it is wanted."""
        if self._names is not None and name not in self._names:
            return
        self.taken.append(name)
        if self._out is not None:
            height, width = rgb.shape[:2]
            picture = Image.fromarray(rgb).resize((width * times, height * times), Image.Resampling.LANCZOS)
            picture.save(self._out / f"{name}.png", optimize=True)

    def _grab(self, widget: QWidget) -> QPixmap:
        """Paint the widget until nothing is missing: a timeline paints its thumbnails a few at a time."""
        picture = widget.grab()
        while self._due():
            self.settle()
            picture = widget.grab()
        return picture

    def _due(self) -> bool:
        """Return whether a timer of the window waits for nothing but its turn."""
        return any(timer.isActive() and not timer.interval() for timer in self.window.findChildren(QTimer))

    def _started(self, job: QueuedJob | None) -> QueuedJob:
        if job is None:
            raise RuntimeError("; ".join(self._errors) or self.document.why_not or "The run did not start.")
        return job

    def _on_notice(self, notice: Notice) -> None:
        if notice.level == "error":
            self._errors.append(notice.text)


def main(walk: Callable[[Walk], None], about: str | None, size: tuple[int, int] = SIZE) -> int:
    """Read the command line, open the studio in an empty home folder, and let `walk` take its pictures."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURES)
    parser.add_argument("--all", action="store_true", help="also the pictures that no page shows")
    parser.add_argument("--size", type=int, nargs=2, metavar=("WIDTH", "HEIGHT"), default=size, help="of the window")
    parser.add_argument("--scale", type=float, default=1.0, help="device pixels per logical pixel")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("QT_SCALE_FACTOR", str(args.scale))
    app = make_application(sys.argv[:1])
    app.setCursorFlashTime(0)  # else a picture has the text cursor or not, by chance
    if "Inter" in QFontDatabase.families():  # a desktop's own font, where this machine has one
        app.setFont(QFont("Inter", 10))
    names = None if args.all else linked()
    with tempfile.TemporaryDirectory() as home:
        os.environ["TWEEDIE_HOME"] = home
        studio = Studio(embedded_models(), Folders.under(Path(home)))
        try:
            walk(Walk(studio, args.out, names, tuple(args.size)))
        finally:  # else its threads keep the process
            studio.window.close()
            studio.close()
    return 0
