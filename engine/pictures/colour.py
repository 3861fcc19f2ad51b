"""Colours of a picture file as sRGB: by its colour profile, its gAMA or cICP chunk, or as they are."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Curve: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Table: TypeAlias = NDArray[np.uint8]

MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}  # a profile's space → Pillow's mode
GREYS = ("L", "LA", "La", "1", "I;16", "RGBA")  # RGBA: Pillow reads grey with opacity of 16 bits so
NEAR = 1  # levels of 255 by which a profile's colours may differ from sRGB's for it to be sRGB
SRGB_GAMMA = 1 / 2.2  # the gAMA of sRGB; within 5 % of it nothing is converted, as in libpng
SRGB_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
UNUSABLE = "Its colour profile cannot be used: its colours are taken as sRGB."
EXACT = ImageCms.Flags.NOOPTIMIZE  # a table of few entries would miss the dark end of a steep curve


class Colours:
    """A band of a picture → RGB by the picture's own colours, or as sRGB where it has none that can be used.

    Adds to `notes` what was converted, and what could not be.
    """

    def __init__(self, image: Image.Image, notes: list[str]) -> None:
        self._mode = "RGB"
        self._transform: ImageCms.ImageCmsTransform | None = None
        self._table: Table | None = None  # (256, 3): level → RGB
        profile = image.info.get("icc_profile")
        if profile is not None:
            try:
                self._read_profile(image, profile, notes)
            except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
                notes.append(UNUSABLE)
        elif (curve := png_curve(image.info, notes)) is not None:
            self._table = _table(curve, 256)
        if image.mode == "LAB" and self._transform is None:
            self._mode, self._transform = "LAB", _transform(ImageCms.createProfile("LAB"), "LAB")
        if image.mode == "CMYK" and self._transform is None:
            notes.append("Its CMYK colours were converted without a profile and may differ a little.")

    def _read_profile(self, image: Image.Image, data: bytes, notes: list[str]) -> None:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        mode = _mode_of(profile, image.mode)
        title = ImageCms.getProfileDescription(profile).strip()
        if mode == "L":
            table = np.asarray(_transform(profile, "L", EXACT).apply(Image.fromarray(_ramp(256)[None]))).reshape(-1, 3)
            if _is_far(table, _ramp(256)[:, None]):
                self._table = table
        else:
            transform = _transform(profile, mode)
            if mode != "RGB" or _is_far(np.asarray(transform.apply(Image.fromarray(_PROBES))), _PROBES):
                self._mode, self._transform = mode, transform
        if self._table is not None or self._transform is not None:
            notes.append(f"Its colours were converted from “{title}” to sRGB.")

    def __call__(self, band: Image.Image) -> Image.Image:
        if band.mode in ("P", "PA", "RGBa", "La") and band.has_transparency_data:
            band = band.convert("RGBA")
        if self._transform is not None:
            return self._transform.apply(band if band.mode == self._mode else band.convert(self._mode))
        rgb = band.convert("RGB")
        return rgb if self._table is None else rgb.point(self._table.T.ravel().tolist())


def wide_table(image: Image.Image, notes: list[str]) -> Table | None:
    """Levels 0 … 65535 of a grey picture of 16 bits → RGB (65536, 3); None where they are grey of sRGB as they are."""
    data = image.info.get("icc_profile")
    if data is None:
        curve = png_curve(image.info, notes)
        return None if curve is None else _table(curve, 65536)
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        mode = _mode_of(profile, "I;16")
        if mode == "L":
            levels = np.arange(65536, dtype=np.uint16)[None]
            table = np.asarray(_transform(profile, "I;16", EXACT).apply(Image.fromarray(levels))).reshape(-1, 3)
        else:
            grey = Image.fromarray(_ramp(256)[None]).convert(mode)
            few = np.asarray(_transform(profile, mode, EXACT).apply(grey)).reshape(-1, 3)
            at, knots = np.arange(65536) / 257, np.arange(256)
            table = np.rint(np.stack([np.interp(at, knots, few[:, c]) for c in range(3)], 1)).astype(np.uint8)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        notes.append(UNUSABLE)
        return None
    if not _is_far(table[::257], _ramp(256)[:, None]):
        return None
    title = ImageCms.getProfileDescription(profile).strip()
    notes.append(f"Its colours were converted from “{title}” to sRGB.")
    return table


def png_curve(info: dict[str | tuple[int, int], object], notes: list[str]) -> Curve | None:
    """The curve from the samples of a PNG, 0 … 1, to sRGB's, by its cICP chunk or its gAMA chunk; None for none.

    cICP goes before sRGB, and sRGB before gAMA and cHRM. Adds a note for what cannot be converted.
    """
    cicp, gamma, primaries = info.get("cicp"), info.get("gamma"), info.get("chromaticity")
    if isinstance(cicp, tuple):
        space, transfer, matrix, full = cicp
        if (space, matrix, full) == (1, 0, 1) and transfer in (1, 6, 13, 14, 15):
            return None
        if (space, matrix, full) == (1, 0, 1) and transfer in _TRANSFERS:
            notes.append("Its colours were converted to sRGB, as its cICP chunk says.")
            return _power(_TRANSFERS[transfer])
        notes.append(f"Its colour space (cICP {space}, {transfer}) cannot be converted: it is taken as sRGB.")
        return None
    if "srgb" in info or not isinstance(gamma, float):
        return None
    if isinstance(primaries, tuple) and np.abs(np.subtract(primaries, SRGB_PRIMARIES)).max() > 0.01:
        notes.append("Its primary colours (cHRM) cannot be converted: they are taken as sRGB's.")
    if abs(gamma / SRGB_GAMMA - 1) <= 0.05:
        return None
    notes.append(f"Its brightness was converted to sRGB from a gamma of {1 / gamma:.3g}.")
    return _power(1 / gamma)


_TRANSFERS = {4: 2.2, 5: 2.8, 8: 1.0}  # cICP's, ITU-T H.273: light = sample to this power


def _power(gamma: float) -> Curve:
    def curve(sample: NDArray[np.float64]) -> NDArray[np.float64]:
        light = sample**gamma
        return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)

    return curve


def _table(curve: Curve, levels: int) -> Table:
    """(levels, 3)"""
    return np.rint(255 * curve(np.linspace(0, 1, levels))).astype(np.uint8)[:, None].repeat(3, 1)


def _mode_of(profile: ImageCms.ImageCmsProfile, mode: str) -> str:
    """Pillow's mode for a profile of a picture of `mode`. Raises ValueError where they do not belong together."""
    own = MODES.get(profile.profile.xcolor_space.strip())
    suits = {"L": GREYS, "CMYK": ("CMYK",), "LAB": ("LAB",)}.get(own or "")
    if own is None or (mode not in suits if suits else mode in ("CMYK", "LAB")):
        raise ValueError("a profile of another kind of picture")
    return own


def _transform(
    profile: ImageCms.ImageCmsProfile | ImageCms.core.CmsProfile, mode: str, flags: ImageCms.Flags = ImageCms.Flags.NONE
) -> ImageCms.ImageCmsTransform:
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
    return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", intent, flags)


def _ramp(levels: int) -> NDArray[np.uint8]:
    return np.arange(levels, dtype=np.uint8)


def _is_far(colours: NDArray[np.uint8], others: NDArray[np.uint8]) -> bool:
    return bool(np.abs(colours.astype(np.int16) - others).max() > NEAR)


def _probes() -> NDArray[np.uint8]:
    """All greys and a grid of colours, (1, n, 3): they tell a profile from sRGB."""
    steps = np.arange(0, 256, 17, dtype=np.uint8)
    grid = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 3)
    return np.concatenate([_ramp(256)[:, None].repeat(3, 1), grid])[None]


_PROBES = _probes()
