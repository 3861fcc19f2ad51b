"""Make `engine` and `app` importable from this checkout: Python puts only a script's own folder on the module path."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))
