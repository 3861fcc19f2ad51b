"""Bytes of picture files: honest ones, and ones that claim too much."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

RGB = np.random.default_rng(5).integers(0, 256, (9, 13, 3), dtype=np.uint8)
GREY = RGB[..., 0]


def written(picture: Image.Image | NDArray[Any], kind: str, **more: Any) -> bytes:
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow cannot write {kind}")
    file = io.BytesIO()
    (picture if isinstance(picture, Image.Image) else Image.fromarray(picture)).save(file, kind, **more)
    return file.getvalue()


def tiff(
    width: int, height: int, bits: tuple[int, ...] = (8, 8, 8), pixels: bytes = b"", kind: int = 1, strips: int = 1
) -> bytes:
    """An uncompressed TIFF that says `width` × `height`, whatever `pixels` it has; strips -- how many it says."""
    photometric = 2 if len(bits) == 3 else 1
    tags = [(256, 4, 1, width), (257, 4, 1, height), (259, 3, 1, 1), (262, 3, 1, photometric), (273, 4, strips, 200),
            (277, 3, 1, len(bits)), (278, 4, 1, height), (279, 4, 1, len(pixels)), (339, 3, 1, kind)]  # fmt: skip
    tags.append((258, 3, len(bits), 180 if len(bits) > 1 else bits[0]))
    table = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + table + b"\0\0\0\0"
    head = head.ljust(180, b"\0") + struct.pack(f"<{len(bits)}H", *bits)
    return head.ljust(200, b"\0") + pixels


def chunk(kind: bytes, data: bytes, crc: int | None = None) -> bytes:
    return (
        struct.pack(">I4s", len(data), kind) + data + struct.pack(">I", zlib.crc32(kind + data) if crc is None else crc)
    )


def with_chunks(png: bytes, *chunks: bytes) -> bytes:
    """A PNG with more chunks behind its header."""
    return png[:33] + b"".join(chunks) + png[33:]


def transparent_grey(levels: NDArray[np.uint16], clear: int) -> bytes:
    return with_chunks(written(levels, "PNG"), chunk(b"tRNS", struct.pack(">H", clear)))


def fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def grey_profile(gamma: float, title: bytes = b"grey") -> bytes:
    """An ICC profile of grey pictures whose light is the sample to the power of `gamma`."""
    white = b"".join(map(fixed, (0.9642, 1, 0.8249)))
    name = b"desc" + bytes(4) + struct.pack(">I", len(title) + 1) + title + bytes(1 + 78)
    tags = {b"desc": name + bytes(-len(name) % 4), b"wtpt": b"XYZ " + bytes(4) + white,
            b"kTRC": b"curv" + bytes(4) + struct.pack(">IHH", 1, round(gamma * 256), 0)}  # fmt: skip
    table, data, first = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for tag, value in tags.items():
        table += tag + struct.pack(">II", first + len(data), len(value))
        data += value
    head = struct.pack(">I4sI4s4s4s", first + len(data), b"lcms", 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head = (head + bytes(12) + b"acsp").ljust(68, b"\0") + white
    return head.ljust(128, b"\0") + table + data


def claimed_jpeg(side: int, scans: int = 1) -> bytes:
    """A small progressive JPEG that claims `side` pixels a side, with its scans repeated."""
    jpeg = written(RGB, "JPEG", progressive=True)
    first, end, frame = jpeg.index(b"\xff\xda"), jpeg.rindex(b"\xff\xd9"), jpeg.index(b"\xff\xc2")
    sized = jpeg[: frame + 5] + struct.pack(">HH", side, side) + jpeg[frame + 9 :]
    return sized[:first] + sized[first:end] * scans + sized[end:]
