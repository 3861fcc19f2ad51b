"""The result of encoding the shown picture, and what to do with its noise."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.core.flow.encode import Encoder, advice, describe_encoding
from app.ui.actions.action_button import ActionButton
from app.ui.actions.action_set import ActionSet
from app.ui.flow.likelihood_results import column_in
from app.ui.widgets.label import label, paragraph

FURTHER = "Or continue from x_T with any sampler: set the panel and click Fork here at the last step of the encoding."


class EncodedCard(QWidget):
    """Seen with a run on the canvas that took a picture up to its noise."""

    def __init__(self, encoder: Encoder, actions: ActionSet) -> None:
        super().__init__()
        self._encoder = encoder
        self.facts = paragraph()
        self.decode = ActionButton(actions["decode"], "Decode")
        self.anew = ActionButton(actions["decode-anew"], "Decode as the panel says")
        further = paragraph(FURTHER)
        column = column_in(self)
        column.addWidget(label("Encoded", "heading", self.decode))
        for part in (self.facts, self.decode, self.anew, further):
            column.addWidget(part)
        encoder.changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        encoder, found = self._encoder, self._encoder.encoded
        self.setVisible(encoder.goes_up)
        self.facts.setVisible(found is not None)
        if found is not None:
            noise = f"x_T has {found.spread:.2f} of the spread that noise of this level has"
            self.facts.setText(f"{describe_encoding(found)}. {noise}. {advice(found)}".rstrip())
