"""The sheets that help with a prompt."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QWidget

from app.core.document import Document
from app.core.request.prompt_history import Field
from app.ui.request.preset_sheet import PresetSheet
from app.ui.request.prompt_keys import put_text
from app.ui.request.prompt_list import PromptList
from app.ui.request.text_field import TextField


class PromptHelpers(QObject):
    """What the actions about prompts do in one window."""

    def __init__(self, document: Document, prompt: TextField, negative: TextField, window: QWidget) -> None:
        super().__init__(window)
        self._document, self._window = document, window
        self._prompt, self._negative = prompt, negative

    def show_prompts(self) -> None:
        """Show the earlier prompts of the field that has the focus: the negative prompt's, or else the prompt's."""
        field = self._negative if self._negative.hasFocus() else self._prompt
        kind: Field = "negative" if field is self._negative else "prompt"
        sheet = PromptList(self._document.prompts, kind, self._window)

        def take(text: str) -> None:
            put_text(field, text)
            field.setFocus(Qt.FocusReason.OtherFocusReason)

        sheet.taken.connect(take)
        self._show(sheet)

    def show_presets(self) -> None:
        """Show the presets."""
        shown = self._document.shown
        self._show(PresetSheet(self._document.presets, lambda: shown.frame, self._window))

    def _show(self, sheet: QDialog) -> None:
        """Show a sheet in place of the open one of its kind."""
        for other in self._window.findChildren(type(sheet)):
            if other is not sheet:
                other.close()
        sheet.show()
