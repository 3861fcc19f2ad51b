"""VaeButton: gives a VAE to a checkpoint that has none."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QMenu, QPushButton

from app.core.models.vaes import VaeChoice
from app.core.shown.naming import shorten

LONGEST = 30  # characters of a name


class VaeButton(QPushButton):
    """Visible while a VAE must be chosen and some fit: one click uses the only one, or lists several."""

    def __init__(self, choice: VaeChoice) -> None:
        super().__init__()
        self._choice = choice
        self._files: list[Path] = []
        self.list = QMenu(self)
        self.list.setAccessibleName("VAEs that fit")
        self.clicked.connect(self._use_only)
        choice.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        files = [file.path for file in self._choice.files] if self._choice.lacking else []
        self.setVisible(bool(files))
        if files == self._files:
            return
        self._files = files
        self.list.clear()
        several = len(files) > 1
        self.setMenu(self.list if several else None)  # type: ignore[arg-type]
        self.setText("Choose a VAE" if several else f"Use the VAE “{_name(files[0])}”" if files else "")
        for path in files:
            self.list.addAction(_name(path)).triggered.connect(lambda _=False, path=path: self._choice.choose(path))

    def _use_only(self) -> None:
        if len(self._files) == 1:
            self._choice.choose(self._files[0])


def _name(path: Path) -> str:
    return shorten(path.stem, LONGEST).replace("&", "&&")
