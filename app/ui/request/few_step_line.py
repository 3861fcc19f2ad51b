"""One quiet line that offers the settings of a few-step model or LoRA."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QHBoxLayout, QToolButton, QWidget

from app.core.models.few_step import FewStepOffer
from app.ui.look import icons
from app.ui.look.retinted import Retinted
from app.ui.look.theme import em
from app.ui.widgets.chip import chip
from app.ui.widgets.label import paragraph


class FewStepLine(Retinted, QWidget):
    """There only while something is offered."""

    def __init__(self, offer: FewStepOffer) -> None:
        super().__init__()
        self._offer = offer
        self.text = paragraph()
        self.use = chip("Use", offer.accept, "Put these settings on the panel")
        self.close_ = QToolButton()
        self.close_.setAccessibleName("Do not offer this again")
        self.close_.setToolTip("Do not offer this again in this session")
        self.close_.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.close_.clicked.connect(lambda _=False: offer.decline())
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, em(self, 0.4))
        row.setSpacing(em(self, 0.3))
        row.addWidget(self.text, 1)
        row.addWidget(self.use)
        row.addWidget(self.close_)
        offer.changed.connect(self.refresh)
        self.tint()
        self.refresh()

    def tint(self) -> None:
        self.close_.setIcon(icons.icon("close", QApplication.palette()))

    def refresh(self) -> None:
        sentence, offered = self._offer.sentence, self._offer.offered
        self.text.setText(sentence)
        self.use.setAccessibleDescription(sentence)
        self.text.setToolTip("" if offered is None else f"{offered.name}: {offered.preset.source}")
        self.setVisible(bool(sentence))
