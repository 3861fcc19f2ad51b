"""The pictures that CLIP aims at, by digest: settings hold the digests alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtGui import QImage

from app.core.shown.render import from_rgb
from engine.pictures.compositing import aim_picture
from engine.spec.edit import Pixels, digest
from engine.spec.guides import Aim, Guide, digests


class AimPictures:
    """What was chosen since the studio was opened, uint8 (H, W, 3) each, no side above engine.spec.guides.AIM_SIDE."""

    def __init__(self) -> None:
        self._held: dict[str, Pixels] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def add(self, rgb: Pixels) -> str:
        """Keep a picture, made smaller where it is larger than aims are; its digest. RequestError where it is none."""
        picture = aim_picture(rgb)
        name = digest(picture)
        self._held[name] = picture
        return name

    def take(self, pictures: Iterable[Pixels]) -> None:
        """Keep those of a run."""
        for picture in pictures:
            self._held[digest(picture)] = picture

    def image(self, name: str) -> QImage:
        """To paint; a null image where the picture is not here."""
        return from_rgb(self._held[name]) if name in self._held else QImage()

    def of(self, guides: Sequence[Guide]) -> tuple[Pixels, ...]:
        """Return the known aim pictures of a request; the engine reports missing ones."""
        return tuple(self._held[name] for name in digests(guides) if name in self._held)

    def of_aims(self, aims: Iterable[Aim]) -> tuple[Pixels, ...]:
        """The same of aims."""
        return tuple(self._held[aim.image] for aim in aims if aim.image in self._held)
