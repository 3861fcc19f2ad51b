"""Settings in the lowest bits of a picture's opacity, where NovelAI and an extension of A1111 hide a copy of them.

The bits are read column by column: 15 letters that name the form, a length in bits (32 bits, big-endian), the text as
UTF-8, packed by gzip in the form "comp". NovelAI's text is a JSON object of what its PNG chunks hold, A1111's is its
`parameters`.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.pictures.foreign.settings import MAX_JSON, read_json
from engine.pictures.image_file import open_upright
from engine.pictures.png_chunks import SIGNATURE

PLAIN, PACKED = b"stealth_pnginfo", b"stealth_pngcomp"
HEAD = len(PLAIN) + 4  # bytes
GZIP = 16 + zlib.MAX_WBITS
MAX_PIXELS = 1 << 24  # of a picture whose opacity is read for this alone
WITH_ALPHA = b"\x08\x06"  # 8 bits a channel, colour and opacity


def alpha_of(path: Path) -> NDArray[np.uint8] | None:
    """Return the opacity (H, W) of a PNG file with 8 bits of it and at most MAX_PIXELS pixels; None for other files.

    Raises ImageError for a damaged picture, OSError for a file that cannot be read.
    """
    with open(path, "rb") as file:
        head = file.read(26)
    if head[:8] != SIGNATURE or head[24:26] != WITH_ALPHA:
        return None
    width, height = struct.unpack_from(">II", head, 16)
    if width * height > MAX_PIXELS:
        return None
    with open_upright(path) as picture:
        return np.asarray(picture.image.getchannel("A")) if picture.image.mode == "RGBA" else None


def hidden_texts(alpha: NDArray[np.uint8]) -> dict[str, str]:
    """Return the texts in the opacity (H, W) of a picture by their keys; {} where it hides none."""
    head = _bytes(alpha, 0, HEAD)
    form = head[: len(PLAIN)]
    if form not in (PLAIN, PACKED):
        return {}
    data = _bytes(alpha, HEAD, int.from_bytes(head[len(PLAIN) :], "big") // 8)
    if form == PACKED:
        unpacker = zlib.decompressobj(GZIP)
        try:
            data = unpacker.decompress(data, MAX_JSON)
        except zlib.error:
            return {}
    text = data.decode("utf-8", "replace")
    found = read_json(text)
    if isinstance(found, dict):
        return {str(key): value for key, value in found.items() if isinstance(value, str)}
    return {"parameters": text}


def _bytes(alpha: NDArray[np.uint8], start: int, count: int) -> bytes:
    """Return `count` bytes of the hidden ones, or fewer where the picture ends."""
    height = alpha.shape[0]
    columns = slice(8 * start // height, -(-8 * (start + count) // height))
    bits = (alpha[:, columns] & 1).T.ravel()[8 * start - columns.start * height :][: 8 * count]
    return np.packbits(bits).tobytes()
