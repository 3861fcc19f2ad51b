"""Where the studio keeps its settings. TWEEDIE_HOME moves all of its folders (tests, portable use)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

NAME = "Tweedie Studio"


def settings_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the studio's settings; it may not exist yet."""
    if home := environ.get("TWEEDIE_HOME"):
        return Path(home).expanduser().absolute() / "config"
    import platformdirs

    return Path(platformdirs.user_config_path(NAME, appauthor=False))
