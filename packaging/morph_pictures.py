"""Take the pictures of docs/morph.md: the morph room, and a sheet of one morph on its three ways.

QT_QPA_PLATFORM=offscreen python packaging/morph_pictures.py [--out docs/pictures]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from engine.spec.catalog import ModelInfo

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "packaging")]
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

FRAMES, TIMES = 9, 3
PATIENCE = 1_800_000  # milliseconds: on a machine that does other things too


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    args = parser.parse_args()

    from app.bootstrap import make_application
    from engine.spec.catalog import embedded

    make_application(sys.argv[:1])
    frames: list[list[np.ndarray]] = []
    for theme in ("light", "dark"):
        with tempfile.TemporaryDirectory() as home:
            os.environ["TWEEDIE_HOME"] = home
            frames = photograph(embedded(), Path(home), theme, args.out, frames)
    sheet = np.concatenate([np.concatenate(row, 1) for row in frames])
    height, width = sheet.shape[:2]
    Image.fromarray(sheet).resize((width * TIMES, height * TIMES), Image.Resampling.LANCZOS).save(
        args.out / "morph-sheet.png"
    )
    return 0


def photograph(
    models: list[ModelInfo], home: Path, theme: str, out: Path, frames: list[list[np.ndarray]]
) -> list[list[np.ndarray]]:
    """The room with an apple that becomes a rocket and a cat; the frames of its three ways, made with the first theme
    alone."""
    from screenshots import Walk

    walk = Walk(models, home, theme, out, everything=True)
    document, window = walk.document, walk.window
    walk.studio.show()
    walk.wait(lambda: document.can_generate, PATIENCE)
    document.seed_locked = True
    for prompt, label, seed in (("red apple", "noto", 3), ("rocket", "fluent", 4), ("cat face", "3d", 8)):
        document.update_draft(prompt=prompt, label=label, seed=seed, batch=1, enlarge=False)
        document.generate()
        walk.wait(lambda: document.running_job is None, PATIENCE)
        window.morph.keys.add_shown()
    window.set_smooth(True)
    window.show_room("morph")
    window.area.notices.close_one()
    made = []
    for way in ("slerp", "linear", "mix") if not frames else ("slerp",):
        window.morph.choose(frames=FRAMES, way=way, easing="linear", at=1.0)
        window.morph.start()
        walk.wait(lambda: not window.morph.doing, PATIENCE)
        assert window.morph.film is not None
        made.append(window.morph.film[1])
        if way == "slerp":
            window.morph.scrub(2)
            walk.photograph("morph")
    window.close()
    walk.studio.close()
    return frames or made


if __name__ == "__main__":
    sys.exit(main())
