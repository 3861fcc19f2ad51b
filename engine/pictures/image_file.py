"""Picture files of every kind, as 8-bit sRGB: what a person opens, drops or pastes, and what a mask is read from.

A file is believed in nothing: its size is checked before a pixel is decoded, and whatever is wrong with it is one
ImageError whose sentence says what to do.
"""

from __future__ import annotations

import io
import stat
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from engine.errors import EngineError
from engine.spec.validation import MAX_SIDE

BAND = 256  # rows converted at a time, so that a large picture is in memory twice and not five times
PASTED = "The pasted picture"
RAW = {"BMP", "PPM", "TGA", "TIFF"}  # kinds whose "raw" tiles are the file's own bytes
NOT_READ = {"EPS"}  # Pillow would hand the file to another program, Ghostscript

# Pillow's own guard looks at the header too, but is one for the whole process and only warns from its limit to twice
# of it: at this studio's limit, and as an error.
Image.MAX_IMAGE_PIXELS = MAX_SIDE * MAX_SIDE
warnings.simplefilter("error", Image.DecompressionBombWarning)


class ImageError(EngineError, ValueError):
    """A file that cannot be used as a picture; its text is one sentence that says what to do."""

    kind = "picture"


@dataclass(frozen=True, slots=True)
class Loaded:
    """rgb -- uint8 (H, W, 3), sRGB, upright; notes -- sentences on what is not as it was in the file"""

    rgb: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


def load(source: Path | bytes) -> Loaded:
    """A picture of any kind that Pillow reads, 1 … MAX_SIDE pixels a side; of an animation its first frame.

    Transparent parts become white, CMYK and colour profiles sRGB, 16 bits 8; floating point is black at 0 and white at
    1, or scaled where it leaves that range. Raises ImageError.
    """
    with _decoded(source) as (image, name, notes):
        rgb = np.empty((image.height, image.width, 3), np.uint8)
        if _is_wide(image):
            grey = _Grey(image, name, notes)
            for rows, band in _bands(image):
                rgb[rows] = grey(band)[..., None]
            return Loaded(rgb, tuple(notes))
        convert, clear = _Colours(image, notes), False
        for rows, band in _bands(image):
            alpha = band.convert("RGBA").getchannel("A") if band.has_transparency_data else None
            flat = convert(band)
            if alpha is not None and alpha.getextrema() != (255, 255):
                clear = True
                ground = Image.new("RGB", flat.size, "white")
                ground.paste(flat, mask=alpha)
                flat = ground
            rgb[rows] = np.asarray(flat)
        if clear:
            notes.append("Its transparent parts are white now.")
        return Loaded(rgb, tuple(notes))


def load_mask(source: Path | bytes) -> NDArray[np.uint8]:
    """A mask, uint8 (H, W), 255 where it is white; of a picture with transparent parts, where it is opaque.

    No colour profile changes its values. Raises ImageError.
    """
    with _decoded(source) as (image, name, notes):
        mask = np.empty((image.height, image.width), np.uint8)
        if _is_wide(image):
            grey = _Grey(image, name, notes)
            for rows, band in _bands(image):
                mask[rows] = grey(band)
            return mask
        if image.has_transparency_data:
            for rows, band in _bands(image):
                mask[rows] = np.asarray(band.convert("RGBA").getchannel("A"))
            if (mask != 255).any():
                return mask
        for rows, band in _bands(image):
            mask[rows] = np.asarray(band.convert("RGB").convert("L"))
        return mask


def patterns() -> list[str]:
    """What the names of files that can be opened end in, such as "*.png", for a dialog."""
    Image.init()
    endings = Image.registered_extensions()
    return sorted(f"*{end}" for end, kind in endings.items() if kind in Image.OPEN and kind not in NOT_READ)


@contextmanager
def _decoded(source: Path | bytes) -> Iterator[tuple[Image.Image, str, list[str]]]:
    """The first picture of a file, upright, with all its pixels; its name for sentences; what is to be said of it.

    Errors while the picture is used inside become ImageErrors too: some decoders find what is wrong only then.
    """
    name = PASTED if isinstance(source, bytes) else source.name or str(source)
    try:
        with _opened(source, name) as file:
            Image.init()
            kinds = [kind for kind in Image.ID if kind not in NOT_READ]
            with Image.open(file, formats=kinds) as image:
                if max(image.size) > MAX_SIDE:
                    raise ImageError(
                        f"{name} is {image.width} × {image.height} pixels, and {MAX_SIDE} a side is the most "
                        "that can be opened: scale it down in another program."
                    )
                notes = _remarks(image)
                _check_length(image, file)
                image.load()
                _turn_upright(image, notes)
                yield image, name, notes
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture that can be opened: save it as PNG, JPEG, WebP or TIFF.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError(
            f"{name} says that it has more than {MAX_SIDE} × {MAX_SIDE} pixels, the most that can be opened: "
            "scale it down in another program, or get it again if it is damaged."
        ) from error
    except MemoryError as error:
        raise ImageError(f"{name} needs more memory than there is: scale it down in another program.") from error
    except Exception as error:  # a decoder that meets what nobody foresaw raises anything
        raise ImageError(
            f"{name} is damaged or ends too early: get it again, or save it again in the program that made it."
        ) from error


def _opened(source: Path | bytes, name: str) -> io.BufferedReader | io.BytesIO:
    """The bytes to read. Raises ImageError where there are none; opening a pipe would wait for ever."""
    try:
        if isinstance(source, bytes):
            size = len(source)
        else:
            known = source.stat()
            if stat.S_ISDIR(known.st_mode):
                raise ImageError(f"{name} is a folder: choose a picture in it.")
            if not stat.S_ISREG(known.st_mode):
                raise ImageError(f"{name} is not an ordinary file: choose a picture.")
            size = known.st_size
        if size == 0:
            raise ImageError(f"{name} is empty: get it again from where it came.")
        return io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb")
    except ImageError:  # a ValueError too, and its sentence is whole
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{name} is not there: check its name, or whether it was moved.") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read: change who may read it.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read ({error}): copy it to another place and try again.") from error


def _remarks(image: Image.Image) -> list[str]:
    """What only the undecoded file knows: whether there is more than one picture, and how deep it is."""
    notes = []
    if getattr(image, "is_animated", False):
        if image.format in ("GIF", "WEBP", "PNG", "AVIF"):
            notes.append("It is animated: this is its first frame.")
        elif image.format == "TIFF":
            notes.append("It has several pages: this is the first.")
    rawmodes = [args if isinstance(args, str) else str((args or ("",))[0]) for *_, args in getattr(image, "tile", ())]
    if any(";16" in rawmode for rawmode in rawmodes):
        notes.append("It had 16 bits a channel and has 8 now.")
    return notes


def _check_length(image: Image.Image, file: io.BufferedIOBase) -> None:
    """Refuse an uncompressed picture of more bits than its file has before memory is taken for it. Raises OSError."""
    at = file.tell()
    length = file.seek(0, io.SEEK_END)
    file.seek(at)
    tiles = getattr(image, "tile", ())
    raw = image.format in RAW and tiles and all(codec == "raw" for codec, *_ in tiles)
    if raw and image.width * image.height > 8 * length:
        raise OSError("fewer bits than pixels")


def _turn_upright(image: Image.Image, notes: list[str]) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        notes.append("Which way up it is cannot be read from it: turn it in another program if it lies on its side.")


def _bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    for top in range(0, image.height, BAND):
        bottom = min(top + BAND, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def _is_wide(image: Image.Image) -> bool:
    """Whether its one channel has more than 8 bits: 16 or 32, or floating point."""
    return image.mode.startswith(("I", "F"))


class _Grey:
    """A band of a wide grey picture → uint8 (h, W), by one scale for the whole of it."""

    def __init__(self, image: Image.Image, name: str, notes: list[str]) -> None:
        low, high = np.inf, -np.inf
        for _, band in _bands(image):
            values = np.asarray(band)
            if not np.isfinite(values).all():
                raise ImageError(
                    f"{name} holds values that are no numbers (NaN or infinite): replace them in the program that "
                    "made it."
                )
            low, high = min(low, float(values.min())), max(high, float(values.max()))
        white = 1.0 if image.mode == "F" else 65535.0
        inside = low >= 0 and high <= white
        self._black, self._white = (0.0, white) if inside or low == high else (low, high)
        if not inside:
            notes.append(f"Its values, {low:g} to {high:g}, were scaled to black and white.")

    def __call__(self, band: Image.Image) -> NDArray[np.uint8]:
        share = (np.asarray(band).astype(np.float64) - self._black) / (self._white - self._black)
        return np.rint(share.clip(0, 1) * 255).astype(np.uint8)


_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}  # a profile's space → Pillow's mode


class _Colours:
    """A band → RGB by the picture's own colour profile, or as sRGB where it has none that can be used."""

    def __init__(self, image: Image.Image, notes: list[str]) -> None:
        self._mode = "RGB"
        self._transform: ImageCms.ImageCmsTransform | None = None
        known = image.info.get("icc_profile")
        if known:
            try:
                self._read(image, ImageCms.ImageCmsProfile(io.BytesIO(known)), notes)
            except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
                notes.append("Its colour profile cannot be used: its colours are taken as sRGB.")
        if image.mode == "LAB" and self._transform is None:
            self._set("LAB", ImageCms.createProfile("LAB"))
        if image.mode == "CMYK" and self._transform is None:
            notes.append("Its CMYK colours were converted without a profile and may differ a little.")

    def _read(self, image: Image.Image, profile: ImageCms.ImageCmsProfile, notes: list[str]) -> None:
        title = ImageCms.getProfileDescription(profile).strip()
        mode = _MODES.get(profile.profile.xcolor_space.strip())
        suits = {"L": ("L", "LA", "1"), "CMYK": ("CMYK",), "LAB": ("LAB",)}.get(mode or "")
        if mode is None or (image.mode not in suits if suits else image.mode in ("CMYK", "LAB")):
            raise ValueError("a profile of another kind of picture")
        if "srgb" not in title.lower():
            self._set(mode, profile)
            notes.append(f"Its colours were converted from “{title}” to sRGB.")

    def _set(self, mode: str, profile: ImageCms.ImageCmsProfile | ImageCms.core.CmsProfile) -> None:
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        self._mode = mode
        self._transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", intent)

    def __call__(self, band: Image.Image) -> Image.Image:
        if band.mode in ("P", "PA", "RGBa", "La") and band.has_transparency_data:
            band = band.convert("RGBA")
        if self._transform is None:
            return band.convert("RGB")
        return self._transform.apply(band if band.mode == self._mode else band.convert(self._mode))
