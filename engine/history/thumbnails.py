"""Thumbnails on disk: small JPEGs by the digest of their picture. A cache: any of them may be missing."""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from PIL import Image

from engine.pictures.image_file import open_upright

SIDE = 256  # pixels of the longer side
QUALITY = 85
ENDING = ".jpg"


class ThumbnailFolder:
    """Thumbnails in `folder`, spread over subfolders by the first two digits of their digests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path_of(self, head: str) -> Path:
        return self.folder / head[:2] / f"{head}{ENDING}"

    def make(self, source: Path, head: str) -> Path:
        """Return the file to show for a picture: its thumbnail, made where it is missing; itself where it is small.

        Raises ImageError for a picture that cannot be read, OSError where its thumbnail cannot be written.
        """
        path = self.path_of(head)
        if path.exists():
            return path
        with open_upright(source) as picture:
            image = picture.image
            if max(image.size) <= SIDE:
                return source
            image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
            if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
                clear = image.convert("RGBA")
                image = Image.new("RGB", clear.size, "white")
                image.paste(clear, mask=clear.getchannel("A"))
            small = image.convert("RGB")
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{head}.{secrets.token_hex(4)}")
        try:
            small.save(part, "JPEG", quality=QUALITY)
            os.replace(part, path)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)
        return path

    def free(self, kept: Collection[str]) -> int:
        """Remove the thumbnails of pictures that are not among `kept`; return how many. Raises nothing."""
        removed = 0
        with suppress(OSError):
            for path in list(self.folder.glob("??/*")):
                if path.stem not in kept or path.suffix != ENDING:
                    with suppress(OSError):
                        path.unlink()
                        removed += 1
        return removed
