"""Search over the preferences: titles and descriptions of settings, and what the pages have beside them."""

from __future__ import annotations

from dataclasses import dataclass

from app.settings import Values, declarations
from app.settings.declare import Declaration
from app.settings.subjects import SUBJECTS, Subject


@dataclass(frozen=True, slots=True)
class Extra:
    """A part of a page that is no setting. `words` are further ones that find it."""

    subject: str
    title: str
    words: str = ""


EXTRAS = (
    Extra("folders", "Folders of models", "checkpoints LoRA watched"),
    Extra("folders", "Where things are kept", "crash log artwork settings"),
    Extra("computing", "Precision of models", "float32 bfloat16 float16 half bits checkpoints"),
    Extra("storage", "Space on the disk", "size usage"),
    Extra("shortcuts", "Keys of every command", "keyboard hotkey binding rebind"),
    Extra("pen", "Try the pen", "stylus tablet test stroke curve"),
    Extra("privacy", "Crash reports", "stay on this computer log"),
    Extra("privacy", "Network", "internet telemetry"),
)


@dataclass(frozen=True, slots=True)
class Hits:
    """The hits on one subject."""

    subject: Subject
    settings: tuple[Declaration, ...]
    extras: tuple[Extra, ...]


def of_subject(name: str) -> list[Declaration]:
    """The settings that the page of a subject shows, in their order."""
    return [declared for declared in declarations(Values).values() if declared.subject == name]


def find(query: str) -> list[Hits]:
    """The settings and other parts that have every word of the query, by subject; all of a subject that has them."""
    words = query.casefold().split()
    found = []
    for subject in SUBJECTS:
        whole = _has(words, subject.title, subject.words)
        settings = tuple(
            one for one in of_subject(subject.name)
            if whole or _has(words, subject.title, one.title, one.description, *one.labels.values())
        )  # fmt: skip
        extras = tuple(
            one for one in EXTRAS
            if one.subject == subject.name and (whole or _has(words, subject.title, one.title, one.words))
        )  # fmt: skip
        if settings or extras:
            found.append(Hits(subject, settings, extras))
    return found


def _has(words: list[str], *texts: str) -> bool:
    text = " ".join(texts).casefold()
    return all(word in text for word in words)
