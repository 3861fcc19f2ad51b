"""The chunks of a PNG file: those that its pixels need, as a clean file for the decoder, and what accompanies them.

Pillow refuses a whole picture for a long text, a large colour profile or a wrong checksum of a chunk that no pixel
needs. So this module reads the chunks itself. The PNG specification, third edition, section 11, describes them.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CRITICAL = {b"IHDR", b"PLTE", b"IDAT"}
END = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
MAX_CHUNK = 64 << 20  # bytes of a chunk beside the pixels, packed or not: larger ones are ignored
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
PACKING = 1032  # the most bytes that deflate unpacks from one


class PngError(ValueError):
    """The file is no whole PNG: a chunk that the pixels need is missing or damaged."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """kind -- its four letters; start, length -- of its data in the file, in bytes"""

    kind: bytes
    start: int
    length: int


@dataclass(slots=True)
class Png:
    """A PNG file without its pixels.

    pixels -- a clean PNG file with the chunks that the pixels need, and no others
    info   -- what accompanies the pixels, under Pillow's names, and "cicp": its four bytes
    frames -- how many pictures the file says that it has
    notes  -- sentences on what could not be read
    """

    pixels: BinaryIO
    info: dict[str, Any] = field(default_factory=dict)
    frames: int = 1
    notes: list[str] = field(default_factory=list)


def read_png(file: BinaryIO) -> Png:
    """Sort the chunks of a PNG file. Raises PngError where the pixels cannot be whole, OSError from the disk."""
    found = list(_chunks(file))
    if not found or found[0].kind != b"IHDR" or found[0].length < 13:
        raise PngError("no header")
    header = _data(file, found[0])
    if header is None:
        raise PngError("a damaged header")
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    packed = sum(chunk.length for chunk in found if chunk.kind == b"IDAT")
    row = -(-width * depth * CHANNELS.get(colour, 1) // 8)
    if height * row > PACKING * packed:
        raise PngError("fewer bytes than the pixels need")
    png = Png(io.BytesIO())
    parts: list[bytes | tuple[int, int]] = [SIGNATURE]
    for chunk in found:
        if chunk.kind == b"PLTE" and _data(file, chunk) is None:
            raise PngError("a damaged palette")
        if chunk.kind in CRITICAL:
            parts.append((chunk.start - 8, chunk.length + 12))
        elif chunk.kind == b"tRNS":
            parts.append(_transparency(_data(file, chunk), depth, colour, png.notes))
        elif chunk.kind in _READERS and chunk.length <= MAX_CHUNK:
            data = _data(file, chunk)
            if data is not None:
                _READERS[chunk.kind](png, data)
            elif chunk.kind == b"iCCP":
                png.info["icc_profile"] = b""
    png.pixels = io.BufferedReader(_Parts(file, [*parts, END]))
    return png


def read_text(file: BinaryIO, key: str) -> str | None:
    """The last text of a PNG file under a key, None where it has none. Raises PngError for no PNG, OSError."""
    return read_texts(file, key).get(key)


def read_texts(file: BinaryIO, only: str | None = None) -> dict[str, str]:
    """Return the texts of a PNG file by their keys, of each the last; `only` the text of that key where it is given.

    At most MAX_CHUNK characters in all. Raises PngError for no PNG, OSError.
    """
    texts: dict[str, str] = {}
    found, room = list(_chunks(file)), MAX_CHUNK
    if not found:
        raise PngError("no header")
    for chunk in found:
        if chunk.kind in _TEXTS and chunk.length <= MAX_CHUNK:
            data = _data(file, chunk)
            pair = None if data is None else _text(chunk.kind, data)
            if pair is not None and only in (None, pair[0]) and len(pair[1]) <= room:
                texts[pair[0]] = pair[1]
                room -= len(pair[1]) if only is None else 0
    return texts


def _chunks(file: BinaryIO) -> Iterator[Chunk]:
    """Yield the chunks up to the end or to the first invalid one. Raises PngError unless the file begins as a PNG."""
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if file.read(8) != SIGNATURE:
        raise PngError("no signature")
    at = 8
    while at + 8 <= size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        if kind == b"IEND" or not kind.isalpha() or length > size:
            return
        yield Chunk(kind, at + 8, length)
        at += length + 12


def _data(file: BinaryIO, chunk: Chunk) -> bytes | None:
    """The data of a chunk, None where they end too early or their checksum is wrong."""
    file.seek(chunk.start)
    data = file.read(chunk.length)
    checksum = file.read(4)
    whole = len(data) == chunk.length and checksum == struct.pack(">I", zlib.crc32(data, zlib.crc32(chunk.kind)))
    return data if whole else None


def _transparency(data: bytes | None, depth: int, colour: int, notes: list[str]) -> bytes:
    """A tRNS chunk as Pillow compares it with its pixels: 1 … 4 bits of grey as 8, 16 bits of colour as 8."""
    if data is None or (colour != 3 and len(data) < (6 if colour == 2 else 2)):
        notes.append("Its transparent colour is damaged, so nothing in it is transparent.")
        return b""
    if colour == 0 and depth in (2, 4):
        data = struct.pack(">H", (int.from_bytes(data[:2], "big") & (1 << depth) - 1) * 255 // ((1 << depth) - 1))
    elif colour == 2 and depth == 16:
        data = struct.pack(">3H", *(value >> 8 for value in struct.unpack(">3H", data[:6])))
    return struct.pack(">I4s", len(data), b"tRNS") + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(b"tRNS")))


def _profile(png: Png, data: bytes) -> None:
    """b"" stands for a profile that cannot be unpacked."""
    _, _, rest = data.partition(b"\0")
    png.info["icc_profile"] = _unpacked(rest[1:]) or b""


def _gamma(png: Png, data: bytes) -> None:
    if len(data) >= 4 and any(data[:4]):
        png.info["gamma"] = int.from_bytes(data[:4], "big") / 100_000


def _primaries(png: Png, data: bytes) -> None:
    if len(data) >= 32:
        png.info["chromaticity"] = tuple(value / 100_000 for value in struct.unpack(">8I", data[:32]))


def _srgb(png: Png, data: bytes) -> None:
    png.info["srgb"] = data[0] if data else 0


def _cicp(png: Png, data: bytes) -> None:
    if len(data) >= 4:
        png.info["cicp"] = tuple(data[:4])


def _exif(png: Png, data: bytes) -> None:
    png.info["exif"] = b"Exif\0\0" + data


def _animation(png: Png, data: bytes) -> None:
    png.frames = max(1, int.from_bytes(data[:4], "big"))


_READERS = {
    b"iCCP": _profile,
    b"gAMA": _gamma,
    b"cHRM": _primaries,
    b"sRGB": _srgb,
    b"cICP": _cicp,
    b"eXIf": _exif,
    b"acTL": _animation,
}
_TEXTS = {b"tEXt", b"zTXt", b"iTXt"}


def _text(kind: bytes, data: bytes) -> tuple[str, str] | None:
    """Return the key and the text of a text chunk; None for other chunks, and above MAX_CHUNK unpacked."""
    name, _, rest = data.partition(b"\0")
    packed = kind == b"zTXt"
    if kind == b"iTXt":
        packed = rest[:1] == b"\1"
        parts = rest[2:].split(b"\0", 2)
        rest = parts[2] if len(parts) == 3 else b""
    elif packed:
        rest = rest[1:]
    text = _unpacked(rest) if packed else rest
    if text is None:
        return None
    return name.decode("latin-1"), text.decode("utf-8" if kind == b"iTXt" else "latin-1", "replace")


def _unpacked(data: bytes) -> bytes | None:
    """What deflate packed, None where that is damaged or more than MAX_CHUNK."""
    unpacker = zlib.decompressobj()
    try:
        plain = unpacker.decompress(data, MAX_CHUNK)
    except zlib.error:
        return None
    return None if unpacker.unconsumed_tail else plain


class _Parts(io.RawIOBase):
    """A file that consists of bytes and of parts of another file, (start, length) each."""

    def __init__(self, file: BinaryIO, parts: list[bytes | tuple[int, int]]) -> None:
        self._file, self._at, self._size = file, 0, 0
        self._parts: list[tuple[int, int, bytes | int]] = []  # where it begins here, its length, what it is
        for part in parts:
            length = len(part) if isinstance(part, bytes) else part[1]
            self._parts.append((self._size, length, part if isinstance(part, bytes) else part[0]))
            self._size += length
        self._index = 0  # of the part in which the last byte was read

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at, self._index = max(0, start + offset), 0
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from one part; 0 at the end."""
        while self._index < len(self._parts):
            begin, length, what = self._parts[self._index]
            if self._at < begin + length:
                break
            self._index += 1
        else:
            return 0
        skip = self._at - begin
        count = min(len(buffer), length - skip)
        if isinstance(what, bytes):
            data = what[skip : skip + count]
        else:
            self._file.seek(what + skip)
            data = self._file.read(count)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
