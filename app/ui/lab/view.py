"""The middle of the window in the lab: the plane, the switches of its layers, and saving it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QFrame, QPushButton, QVBoxLayout, QWidget

from app.core.lab.lab_model import Lab
from app.core.lab.layers import LAYERS
from app.core.notices import Notice
from app.ui.actions.action_set import ActionSet
from app.ui.files.file_dialog import file_dialog
from app.ui.lab.plane import Plane
from app.ui.lab.timeline import MOVES
from app.ui.look.theme import em
from app.ui.widgets.flow_layout import FlowLayout

SAVED_SIDE = 1024  # pixels of a saved picture
MOVING_SIDE = 512  # and of an animation


class LabView(QWidget):
    """The lab's plane and its layers."""

    def __init__(self, lab: Lab, actions: ActionSet) -> None:
        super().__init__()
        self._lab = lab
        self._path, self._frames = Path(), list[NDArray[np.uint8]]()
        self._shutter = QTimer(self)
        self._shutter.setInterval(0)
        self._shutter.timeout.connect(self._shoot)
        lab.run_changed.connect(self._forget)
        lab.closed.connect(self._shutter.stop)
        self.setAccessibleName("2-D lab")
        self.plane = Plane(lab)
        self.layers: dict[str, QPushButton] = {}
        footer = QFrame()
        footer.setObjectName("footer")
        row = QVBoxLayout(footer)
        row.setContentsMargins(em(self, 0.6), em(self, 0.35), em(self, 0.6), em(self, 0.35))
        chips = QWidget()
        self._flow = FlowLayout(chips, gap=em(self, 0.35), centred=True)
        for name, (title, about) in LAYERS.items():
            self._flow.addWidget(self._chip(name, title, about))
        row.addWidget(chips)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.plane, 1)
        column.addWidget(footer)
        for name in MOVES:
            self.plane.addAction(actions[name])
        actions.reach("lab", self.plane)
        lab.layers_changed.connect(self.refresh)
        self.refresh()

    def _chip(self, name: str, title: str, about: str) -> QPushButton:
        chip = self.layers[name] = QPushButton(title)
        chip.setProperty("kind", "chip")
        chip.setCheckable(True)
        chip.setAccessibleName(f"Show: {title}")
        chip.setToolTip(about)
        chip.clicked.connect(partial(self._lab.turn, name))
        return chip

    def refresh(self) -> None:
        for name, chip in self.layers.items():
            chip.setChecked(self._lab.shows(name))

    def save_as(self, moving: bool = False) -> None:
        """Ask where to, without stopping anything meanwhile; `moving`: the run from its first level to its last."""
        dialog = file_dialog(self, "Save animation as" if moving else "Save picture of the lab as", "save")
        dialog.setNameFilters(
            ["WebP animation (*.webp)"] if moving else ["PNG picture (*.png)", "WebP picture (*.webp)"]
        )
        dialog.setDefaultSuffix("webp" if moving else "png")
        dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix("webp" if "webp" in chosen else "png"))
        dialog.selectFile(f"lab-{self._lab.data.name}.{'webp' if moving else 'png'}")
        dialog.fileSelected.connect(partial(self.save_to, moving))
        dialog.open()

    def save_to(self, moving: bool, path: str) -> None:
        """Paint the picture to save and leave the writing to the lab's thread."""
        self._path, self._frames = Path(path), []
        if moving:
            self._shutter.start()
        else:
            self._lab.save(self._path, [self.plane.picture(SAVED_SIDE, self._lab.cursor)])

    def _shoot(self) -> None:
        """One frame of an animation at a time, so that the window stays alive between them."""
        if len(self._frames) < len(self._lab.levels):
            self._frames.append(self.plane.picture(MOVING_SIDE, len(self._frames)))
        else:
            self._shutter.stop()
            self._lab.save(self._path, self._frames)
            self._frames = []

    def _forget(self) -> None:
        """Other data or other levels: an animation of half of each would be of neither."""
        if self._shutter.isActive():
            self._shutter.stop()
            self._lab.notice_raised.emit(
                Notice("error", "The animation was not saved: the lab was changed meanwhile. Save it again.")
            )
