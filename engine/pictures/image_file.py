"""Picture files as 8-bit sRGB: the one reader for what is opened, dropped, pasted, trained on or given to a command.

Nothing that a file claims is trusted: its size is checked before a pixel is decoded, and whatever is wrong with it is
one ImageError whose sentence says what to do. Only what the pixels need decides whether a file is damaged.
"""

from __future__ import annotations

import io
import logging
import os
import stat
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.errors import Cancelled, EngineError, one_line, why
from engine.pictures.colour import Colours, wide_table
from engine.pictures.jpeg_size import JpegError, check_jpeg
from engine.pictures.png_chunks import SIGNATURE, Png, PngError, read_png, read_text, read_texts
from engine.spec.validation import MAX_SIDE

Source: TypeAlias = Path | bytes

BAND = 256  # rows converted at a time, so that a large picture is in memory twice and not five times
PASTED = "The pasted picture"
# Formats that Pillow decodes by itself. It hands EPS and PS to Ghostscript, WMF to Windows, and others to what a
# program has registered: none of these is ever opened.
FORMATS = (
    "PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "DIB", "AVIF", "JPEG2000", "TGA", "PPM", "QOI", "ICO", "PCX", "PSD",
)  # fmt: skip
RAW = {"BMP", "DIB", "PPM", "TGA", "TIFF"}  # formats whose "raw" tiles are the file's own bytes
PSD_RATIO = 512  # pixels of one bit that a byte of PackBits, its best compression, may stand for
ICON_SIDE = 1024  # pixels: icons have 256, some programs write more
ORIENTATION = 0x0112  # the EXIF tag; 5 … 8 are on their side
JPEG_BLOCK = 1 << 14  # bytes of a JPEG decoded at a time: between two blocks reading can stop
KEPT_TEXTS = ("Raw profile type exif", "XML:com.adobe.xmp")  # may say which way up a PNG is
DAMAGED = "is damaged or ends too early: get it again, or save it again in the program that made it."

# Pillow's own guard looks at the header too, but is one for the whole process and only warns from its limit to twice
# of it: at this studio's limit, and as an error.
Image.MAX_IMAGE_PIXELS = MAX_SIDE * MAX_SIDE
warnings.simplefilter("error", Image.DecompressionBombWarning)
# What else Pillow remarks on (a tag that is cut short, a palette) is no news for a terminal: `notes` say what a person
# should know.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
logging.getLogger("PIL").addHandler(logging.NullHandler())


class ImageError(EngineError, ValueError):
    """A file that cannot be used as a picture; its text is one sentence that says what to do."""

    kind = "picture"


class ReadingStopped(Cancelled):
    """Reading was cancelled."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """rgb -- uint8 (H, W, 3), sRGB, upright; notes -- sentences on differences from the file"""

    rgb: NDArray[np.uint8]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """A decoded picture. image -- upright, with all its pixels; name -- of its file, for sentences; notes -- sentences
    on what is not as it was in the file, to be added to
    """

    image: Image.Image
    name: str
    notes: list[str]


def not_cancelled() -> bool:
    return False


def load(source: Source, cancelled: Callable[[], bool] = not_cancelled) -> Loaded:
    """Read a picture of one of FORMATS, 1 … MAX_SIDE pixels a side; of an animation its first frame.

    Transparent parts become white, CMYK and colour profiles sRGB, 16 bits 8; floating point is black at 0 and white at
    1, or scaled where it leaves that range. Raises ImageError; ReadingStopped once `cancelled` returns True.
    """
    with open_upright(source, cancelled) as picture:
        image, clear = picture.image, False
        rgb = np.empty((image.height, image.width, 3), np.uint8)
        for rows, flat, alpha in _convert_rows(picture):
            if cancelled():
                raise ReadingStopped
            if alpha is not None and alpha.getextrema() != (255, 255):
                clear = True
                ground = Image.new("RGB", flat.size, "white")
                ground.paste(flat, mask=alpha)
                flat = ground
            rgb[rows] = np.asarray(flat)
        if clear:
            picture.notes.append("Its transparent parts are white now.")
        return Loaded(rgb, tuple(picture.notes))


def load_rgba(source: Source) -> NDArray[np.uint8]:
    """Read a picture as load() does, but with its opacity: uint8 (H, W, 4). Raises ImageError."""
    with open_upright(source) as picture:
        rgba = np.full((picture.image.height, picture.image.width, 4), 255, np.uint8)
        for rows, flat, alpha in _convert_rows(picture):
            rgba[rows, :, :3] = np.asarray(flat)
            if alpha is not None:
                rgba[rows, :, 3] = np.asarray(alpha)
        return rgba


def patterns() -> list[str]:
    """List what the names of files that can be opened end in, such as "*.png", for a dialog."""
    Image.init()
    return sorted(f"*{end}" for end, kind in Image.registered_extensions().items() if kind in FORMATS)


def text_of(path: Path, key: str) -> str | None:
    """Return the text of a PNG file under a key, None where it has none. Raises ImageError for what is no PNG.

    No pixel is decoded.
    """
    with _file(path, path.name) as file:
        try:
            return read_text(file, key)
        except (PngError, OSError) as error:
            raise ImageError(f"{path.name} cannot be read as a PNG ({error}).") from error


def png_texts(path: Path) -> tuple[dict[str, str], bytes] | None:
    """Return the texts of a PNG file by their keys, and its EXIF data, b"" without; None for a file of another format.

    No pixel is decoded. Raises ImageError for a file that cannot be read.
    """
    with _errors(path.name), _file(path, path.name) as file:
        if file.read(len(SIGNATURE)) != SIGNATURE:
            return None
        texts = read_texts(file)
        try:
            exif = read_png(file).info.get("exif", b"")
        except PngError:  # its pixels are damaged, and its texts are whole
            exif = b""
        return texts, exif


def info_of(path: Path) -> tuple[dict[str | tuple[int, int], Any], Image.Exif]:
    """Return what accompanies the pixels of a picture file, under Pillow's names, and its EXIF tags. No pixel is
    decoded. Raises ImageError.
    """
    with _errors(path.name), _file(path, path.name) as file, Image.open(file, formats=FORMATS) as image:
        return dict(image.info), image.getexif()


def size_of(path: Path) -> tuple[int, int]:
    """Return the (width, height) that the header of a picture file says, upright. No pixel is decoded.

    Raises ImageError.
    """
    with _errors(path.name), _file(path, path.name) as file, Image.open(file, formats=FORMATS) as image:
        width, height = image.size
        turned = image.format in ("JPEG", "WEBP") and image.getexif().get(ORIENTATION, 1) in range(5, 9)
        return (height, width) if turned else (width, height)


@contextmanager
def open_upright(source: Source, cancelled: Callable[[], bool] = not_cancelled) -> Iterator[Opened]:
    """The first picture of a file, upright, with all its pixels. Raises ImageError, ReadingStopped.

    Errors while the picture is used inside become ImageErrors too: some decoders find only then what is wrong.
    """
    name = PASTED if isinstance(source, bytes) else one_line(source.name or str(source), 260)
    with _errors(name), _file(source, name) as file:
        image, png = _image(file, cancelled)
        with image:
            if max(image.size) > MAX_SIDE:
                raise ImageError(
                    f"{name} is {image.width} × {image.height} pixels, and {MAX_SIDE} a side is the most "
                    "that can be opened: scale it down in another program."
                )
            notes = _remarks(image, png)
            _check_length(image, file)
            image.load()
            if png is not None:
                image.info.update(png.info)
            _turn_upright(image, notes)
            yield Opened(image, name, notes)


def _image(file: BinaryIO, cancelled: Callable[[], bool]) -> tuple[Image.Image, Png | None]:
    """The picture of a file before it is decoded, and the chunks of a PNG."""
    head = file.read(len(SIGNATURE))
    file.seek(0)
    if head == SIGNATURE:
        png = read_png(file)
        for key in KEPT_TEXTS:
            if (text := read_text(file, key)) is not None:
                png.info[key] = text
        pixels = io.BufferedReader(_Watched(png.pixels, cancelled))
        try:
            return Image.open(pixels, formats=("PNG",)), png
        except UnidentifiedImageError as error:
            raise PngError(str(error)) from error
    if head.startswith(b"\xff\xd8\xff"):
        check_jpeg(file)
        file.seek(0)
        image = Image.open(io.BufferedReader(_Watched(file, cancelled)), formats=("JPEG",))
        image.decodermaxblock = JPEG_BLOCK
        return image, None
    if head.startswith(b"\0\0\1\0"):
        _check_icon(file)
    return Image.open(file, formats=[kind for kind in FORMATS if kind not in ("PNG", "JPEG")]), None


class _Watched(io.RawIOBase):
    """A file that raises ReadingStopped at the next read once it is cancelled."""

    def __init__(self, file: BinaryIO, cancelled: Callable[[], bool]) -> None:
        self._file, self._cancelled = file, cancelled

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def readinto(self, buffer: Any) -> int:
        if self._cancelled():
            raise ReadingStopped
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Clamped(io.BufferedReader):
    """An opened file that takes memory for the bytes it has, not for those that a header claims."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self._length = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > io.DEFAULT_BUFFER_SIZE:
            size = min(size, max(0, self._length - self.tell()))
        return super().read(size)


@contextmanager
def _errors(name: str) -> Iterator[None]:
    """Turn whatever a decoder raises into an ImageError."""
    try:
        yield
    except (ImageError, ReadingStopped):
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
    except JpegError as error:
        raise ImageError(f"{name} {DAMAGED}") from error
    except Exception as error:  # a decoder that meets what nobody foresaw raises anything
        raise ImageError(f"{name} {DAMAGED}") from error


def _file(source: Source, name: str) -> BinaryIO:
    """The file to read. Raises ImageError where it cannot be read; opening a pipe would wait for ever."""
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
        return io.BytesIO(source) if isinstance(source, bytes) else _Clamped(source)
    except ImageError:  # a ValueError too, and its sentence is whole
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{name} is not there: check its name, or whether it was moved.") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read: change who may read it.") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"{name} cannot be read ({why(error)}): copy it to another place and try again.") from error


def _remarks(image: Image.Image, png: Png | None) -> list[str]:
    """Notes that only the undecoded file allows: whether it has more than one picture, and how deep it is."""
    notes = [] if png is None else list(png.notes)
    if getattr(image, "is_animated", False) or (png is not None and png.frames > 1):
        if image.format in ("GIF", "WEBP", "PNG", "AVIF"):
            notes.append("It is animated: this is its first frame.")
        elif image.format == "TIFF":
            notes.append("It has several pages: this is the first.")
    rawmodes = [args if isinstance(args, str) else str((args or ("",))[0]) for *_, args in getattr(image, "tile", ())]
    if any(";16" in rawmode for rawmode in rawmodes):
        notes.append("It had 16 bits a channel and has 8 now.")
    return notes


def _check_length(image: Image.Image, file: BinaryIO) -> None:
    """Refuse a picture that claims more pixels than its file can hold, before memory is taken. Raises OSError."""
    tiles = getattr(image, "tile", ())
    at = file.tell()
    length = file.seek(0, io.SEEK_END)
    file.seek(at)
    if image.format == "PSD":
        most = PSD_RATIO * length
    elif image.format in RAW and tiles and all(codec == "raw" for codec, *_ in tiles):
        most = 8 * length
    else:
        return
    if image.width * image.height > most:
        raise OSError("fewer bits than pixels")


def _check_icon(file: BinaryIO) -> None:
    """Refuse an icon whose pictures are larger than icons are: their directory does not state it. Raises OSError."""
    file.seek(4)
    (count,) = struct.unpack("<H", file.read(2))
    directory = file.read(16 * count)
    for place in range(12, len(directory), 16):
        file.seek(*struct.unpack_from("<I", directory, place))
        head = file.read(24).ljust(24, b"\0")
        sides = (
            struct.unpack_from(">II", head, 16) if head.startswith(SIGNATURE) else struct.unpack_from("<II", head, 4)
        )
        if max(sides) > 2 * ICON_SIDE:  # a bitmap's height counts its mask too
            raise OSError("an icon larger than icons are")
    file.seek(0)


def _turn_upright(image: Image.Image, notes: list[str]) -> None:
    try:
        ImageOps.exif_transpose(image, in_place=True)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error):
        notes.append("Which way up it is cannot be read from it: turn it in another program if it lies on its side.")


def bands(image: Image.Image) -> Iterator[tuple[slice, Image.Image]]:
    """Yield the rows of a picture, BAND at a time, with their place."""
    for top in range(0, image.height, BAND):
        bottom = min(top + BAND, image.height)
        yield slice(top, bottom), image.crop((0, top, image.width, bottom))


def is_wide(image: Image.Image) -> bool:
    """Whether its one channel has more than 8 bits: 16 or 32, or floating point."""
    return image.mode.startswith(("I", "F"))


def opacity(band: Image.Image) -> Image.Image | None:
    """Return the opacity of a band, mode L; None where it has no transparent parts."""
    clear = band.info.get("transparency")
    if band.mode.startswith("I;16") and isinstance(clear, int):
        return Image.fromarray(np.where(np.asarray(band) == clear, 0, 255).astype(np.uint8))
    return band.convert("RGBA").getchannel("A") if band.has_transparency_data and not is_wide(band) else None


def _convert_rows(picture: Opened) -> Iterator[tuple[slice, Image.Image, Image.Image | None]]:
    """Yield the rows of a picture with their place, as RGB of sRGB and as opacity, None where it has none."""
    image, notes = picture.image, picture.notes
    if not is_wide(image):
        convert = Colours(image, notes)
        for rows, band in bands(image):
            yield rows, convert(band), opacity(band)
        return
    grey = WideGrey(picture)
    table = wide_table(image, notes) if image.mode.startswith("I;16") else None
    for rows, band in bands(image):
        flat = np.asarray(grey(band))[..., None].repeat(3, 2) if table is None else table[np.asarray(band)]
        yield rows, Image.fromarray(flat), opacity(band)


class WideGrey:
    """A band of a wide grey picture → uint8 (h, W), by one scale for the whole of it. Raises ImageError."""

    def __init__(self, picture: Opened) -> None:
        image = picture.image
        low, high = np.inf, -np.inf
        for _, band in bands(image):
            values = np.asarray(band)
            if not np.isfinite(values).all():
                raise ImageError(
                    f"{picture.name} holds values that are no numbers (NaN or infinite): replace them in the program "
                    "that made it."
                )
            low, high = min(low, float(values.min())), max(high, float(values.max()))
        white = 1.0 if image.mode == "F" else 65535.0
        inside = low >= 0 and high <= white
        self._black, self._white = (0.0, white) if inside or low == high else (low, high)
        if not inside:
            picture.notes.append(f"Its values, {low:g} to {high:g}, were scaled to black and white.")

    def __call__(self, band: Image.Image) -> NDArray[np.uint8]:
        share = (np.asarray(band).astype(np.float64) - self._black) / (self._white - self._black)
        return np.rint(share.clip(0, 1) * 255).astype(np.uint8)
