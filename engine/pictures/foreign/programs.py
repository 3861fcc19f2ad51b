"""PROGRAMS: the studios whose pictures are read, one row each; read_foreign tries them in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from engine.pictures.foreign import a1111, comfyui, fooocus, invokeai, novelai
from engine.pictures.foreign.settings import ForeignSettings
from engine.pictures.foreign.stealth import alpha_of, hidden_texts
from engine.pictures.foreign.texts import texts_of


class Program(NamedTuple):
    """A reader of the texts of a picture: None where they are not its program's. It raises nothing."""

    title: str
    read: Callable[[Mapping[str, str]], ForeignSettings | None]


PROGRAMS: tuple[Program, ...] = (
    Program("InvokeAI", invokeai.read),
    Program("NovelAI", novelai.read),
    Program("Fooocus", fooocus.read),
    Program("A1111, Forge, SD.Next", a1111.read),
    Program("ComfyUI", comfyui.read),
)


def read_foreign(path: Path) -> ForeignSettings | None:
    """Read the settings that another studio wrote into a picture file; None where none did. Raises ImageError, OSError.

    Pixels are decoded only where a PNG has opacity and no text says anything: it may hide settings.
    """
    found = of_texts(texts_of(path))
    if found is None and (alpha := alpha_of(path)) is not None:
        found = of_texts(hidden_texts(alpha))
    return found


def of_texts(texts: Mapping[str, str]) -> ForeignSettings | None:
    """Read the settings in the texts of a picture, by their keys; None where no program of PROGRAMS wrote them."""
    return next((found for program in PROGRAMS if (found := program.read(texts)) is not None), None)
