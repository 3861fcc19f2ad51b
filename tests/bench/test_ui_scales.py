"""The window on a screen of 1024 × 640 at every scale, each in a process of its own: no text and no control is cut."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = "tests/app/window/test_ui_narrow.py"


@pytest.mark.bench
@pytest.mark.parametrize("scale", [1, 1.25, 1.5, 2])
def test_the_small_window_at_scale(scale: float, tmp_path: Path) -> None:
    screen = {"name": "small", "x": 0, "y": 0, "width": round(1024 * scale), "height": round(680 * scale)}
    screen |= {"logicalDpi": 96, "logicalBaseDpi": 96, "dpr": 1}
    config = tmp_path / "screens.json"
    config.write_text(json.dumps({"screens": [screen]}), encoding="utf-8")
    where = {"QT_QPA_PLATFORM": f"offscreen:configfile={config}", "QT_SCALE_FACTOR": str(scale)}
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", TESTS]
    done = subprocess.run(command, check=False, cwd=ROOT, env=os.environ | where, capture_output=True, text=True)
    print(f"scale {scale}: {done.stdout.splitlines()[-1]}")
    assert done.returncode == 0, done.stdout
