"""Masks from picture files: their brightness, their opacity, or both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.pictures.image_file import ImageError, Source, WideGrey, bands, is_wide, opacity, open_upright


@dataclass(frozen=True, slots=True)
class LoadedMask:
    """mask -- uint8 (H, W), 255 where it is white; notes -- sentences on how the file was read"""

    mask: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


def load_mask(source: Source) -> LoadedMask:
    """Read a mask: its brightness, times its opacity where it has transparent parts.

    Where all visible parts have one colour that is not black, the brightness says nothing and the mask is the opacity.
    No colour profile changes its values. Raises ImageError; also where only black is visible and some parts are
    transparent, because no part of such a file says what to make anew.
    """
    with open_upright(source) as picture:
        image = picture.image
        mask = np.empty((image.height, image.width), np.uint8)
        alpha = np.full_like(mask, 255)
        grey = WideGrey(picture) if is_wide(image) else None
        for rows, band in bands(image):
            if grey is None and band.mode in ("P", "PA", "RGBa", "La") and band.has_transparency_data:
                band = band.convert("RGBA")
            mask[rows] = np.asarray(band.convert("RGB").convert("L")) if grey is None else grey(band)
            if (clear := opacity(band)) is not None:
                alpha[rows] = np.asarray(clear)
        notes = [note for note in picture.notes if "16 bits" not in note]
        visible = alpha > 0
        if alpha.min() == 255 or not visible.any():
            return LoadedMask(mask if visible.any() else alpha, tuple(notes))
        low, high = int(mask.min(where=visible, initial=255)), int(mask.max(where=visible, initial=0))
        if high == 0:
            raise ImageError(
                f"{picture.name} has transparent parts, and everything else in it is black: paint white what is to be "
                "made anew, or save it without transparent parts."
            )
        if low == high:
            notes.append("It has transparent parts and one colour: opaque parts are made anew, transparent parts stay.")
            return LoadedMask(alpha, tuple(notes))
        product = (mask.astype(np.uint16) * alpha + 127) // 255
        notes.append("It has transparent parts: they stay, and so does what is black.")
        return LoadedMask(product.astype(np.uint8), tuple(notes))
