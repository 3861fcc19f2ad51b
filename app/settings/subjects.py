"""The subjects of the preferences: one page each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A page of preferences. `words` are further ones that a search finds it by."""

    name: str
    title: str
    about: str
    words: str = ""


SUBJECTS: tuple[Subject, ...] = (
    Subject("look", "Appearance", "Colours, size and movement of the window."),
    Subject("pictures", "Pictures", "How pictures are shown and exported."),
    Subject("folders", "Folders", "Where files are written and where models are looked for."),
    Subject("computing", "Computing", "The device, its threads and its memory."),
    Subject("storage", "Storage", "The space on the disk that runs and pictures take.", "disk space size delete clean"),
    Subject("shortcuts", "Shortcuts", "The keys of every command.", "keyboard keys hotkey binding"),
    Subject("pen", "Pen", "The pressure of a tablet's pen.", "tablet stylus"),
    Subject("privacy", "Privacy", "What is written into pictures and what leaves this computer.", "metadata network"),
)
