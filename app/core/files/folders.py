"""Where the studio keeps its files. TWEEDIE_HOME puts all of them into one folder (tests, portable use)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from engine.settings_folder import NAME, settings_folder


@dataclass(frozen=True, slots=True)
class Folders:
    """config holds settings.json; runs the run files; pictures the finished PNGs; artwork what is worked on; history
    the database of pictures and their thumbnails; log the crash reports.
    """

    config: Path
    runs: Path
    pictures: Path
    artwork: Path
    history: Path
    log: Path

    @classmethod
    def under(cls, home: Path) -> Folders:
        names = "config", "runs", "pictures", "artwork", "history", "log"
        return cls(**{name: home / name for name in names})

    def chosen(self, pictures: str, runs: str) -> Folders:
        """These folders, with those that the user chose for pictures and runs; "" leaves the usual one."""
        return replace(self, pictures=Path(pictures or self.pictures), runs=Path(runs or self.runs))

    @classmethod
    def of_user(cls, environ: Mapping[str, str] = os.environ) -> Folders:
        if home := environ.get("TWEEDIE_HOME"):
            return cls.under(Path(home).expanduser().absolute())
        return cls(
            config=settings_folder(environ),
            runs=platformdirs.user_data_path(NAME, appauthor=False) / "runs",
            pictures=platformdirs.user_pictures_path() / NAME,
            artwork=platformdirs.user_data_path(NAME, appauthor=False) / "artwork",
            history=platformdirs.user_data_path(NAME, appauthor=False) / "history",
            log=platformdirs.user_log_path(NAME, appauthor=False),
        )
