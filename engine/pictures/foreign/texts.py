"""The texts that accompany the pixels of a picture file: chunks of a PNG, EXIF tags of PNG, JPEG and WebP."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from PIL import Image

from engine.pictures.image_file import info_of, png_texts

MAX_EXIF = 64 << 20  # bytes
USER_COMMENT, MAKER_NOTE, EXIF_IFD = 0x9286, 0x927C, 0x8769
TAGS = {0x010E: "ImageDescription", 0x010F: "Make", 0x0110: "Model", 0x0131: "Software"}
_CODES = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", bytes(8): "utf-8"}


def texts_of(path: Path) -> dict[str, str]:
    """Return the texts of a picture file by their keys: those of a PNG's chunks, and "UserComment", "MakerNote" and the
    names of TAGS for EXIF. {} where there are none. No pixel is decoded. Raises ImageError.
    """
    found = png_texts(path)
    if found is not None:
        texts, exif = found
    else:
        texts = {}
        exif = info_of(path)[0].get("exif", b"")
    if isinstance(exif, bytes) and 0 < len(exif) <= MAX_EXIF:
        for key, value in exif_texts(exif).items():
            texts.setdefault(key, value)
    return texts


def exif_texts(data: bytes) -> dict[str, str]:
    """Return the texts in EXIF data; those that are damaged are left out."""
    found: dict[str, str] = {}
    with suppress(Exception):  # Pillow's reader raises anything for damaged tags, and what it read before is good
        exif = Image.Exif()
        exif.load(data)
        order = "little" if exif.endian == "<" else "big"
        for tag, name in TAGS.items():
            if isinstance(value := exif.get(tag), str):
                found[name] = value.rstrip("\0")
        inner: Mapping[int, object] = {**exif, **exif.get_ifd(EXIF_IFD)}
        if (comment := inner.get(USER_COMMENT)) is not None:
            found["UserComment"] = user_comment(comment, order)
        if (note := inner.get(MAKER_NOTE)) is not None:
            found["MakerNote"] = note if isinstance(note, str) else _plain(note)
    return found


def user_comment(value: object, order: str = "big") -> str:
    """Read EXIF's UserComment: eight bytes that name its encoding (ASCII, UNICODE, JIS or none), then the text.

    UNICODE is UTF-16 in the byte order of the EXIF data, says the standard (Exif 2.32, 4.6.5); many programs write the
    other one, so the zero bytes decide. A comment without the eight bytes is read as UTF-8.
    """
    if isinstance(value, str):
        value = value.encode("utf-8", "replace")
    if not isinstance(value, bytes):
        return ""
    code = _CODES.get(value[:8])
    if code is None:
        return _plain(value)
    text = value[8:]
    if code == "utf-16":
        return _utf16(text, order)
    if code == "ascii":
        return _plain(text)
    return text.decode(code, "replace").rstrip("\0")


def _utf16(data: bytes, order: str) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace").rstrip("\0")
    high, low = data[0::2].count(0), data[1::2].count(0)  # where most letters are Latin, their high bytes are 0
    if high != low:
        order = "big" if high > low else "little"
    return data.decode(f"utf-16-{order[0]}e", "replace").rstrip("\0")


def _plain(value: object) -> str:
    return value.decode("utf-8", "replace").rstrip("\0") if isinstance(value, bytes) else ""
