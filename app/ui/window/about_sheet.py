"""The About sheet: name, version and device of the studio."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QVBoxLayout, QWidget

from app.ui.look.theme import em
from app.ui.widgets.label import label


class AboutSheet(QDialog):
    """A window that blocks no other one."""

    def __init__(self, device: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Tweedie Studio")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        column = QVBoxLayout(self)
        column.setContentsMargins(em(self, 2), em(self, 1.5), em(self, 2), em(self, 1))
        column.setSpacing(em(self, 0.5))
        version = QApplication.applicationVersion()
        column.addWidget(label(f"Tweedie Studio {version}".strip(), "title"))
        column.addWidget(label("Watch, scrub and understand every step of denoising."))
        column.addWidget(label(f"Computes on: {device}" if device else "The engine is not loaded.", "muted"))
        column.addWidget(label("No network, no telemetry. Pictures hold everything that made them.", "muted"))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column.addSpacing(em(self, 0.5))
        column.addWidget(buttons)
