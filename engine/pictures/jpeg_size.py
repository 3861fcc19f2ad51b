"""What a JPEG file says of its size, compared with its bytes before a pixel is decoded.

libjpeg fills in what a file lacks with grey, and decodes the whole picture once more for every scan. So a few bytes can
claim 268 million pixels, and a small file can take a minute.
"""

from __future__ import annotations

import struct
from math import ceil
from typing import BinaryIO

from engine.spec.validation import MAX_SIDE

MAX_WORK = 16 * MAX_SIDE * MAX_SIDE  # pixels times scans: a progressive photo has about 10 scans
SEQUENTIAL, PROGRESSIVE = (0xC0, 0xC1), 0xC2  # frames in Huffman's code
FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without data
BLOCK = 1 << 20  # bytes read at a time


class JpegError(ValueError):
    """The file cannot hold the picture that it claims."""


def check_jpeg(file: BinaryIO) -> None:
    """Raise JpegError for a file with fewer bits than its blocks need, or with too many scans for its size.

    Huffman's code spends at least one bit on every coefficient or end of block: two a block of 8 × 8 samples in a
    sequential file (its mean and its end), one in a progressive file (its mean).
    """
    file.seek(2)
    kind, frame = 0, b""
    while True:
        marker = _next_marker(file)
        if marker is None or marker == 0xD9:
            return  # without a scan: the decoder says what is wrong
        if marker in ALONE:
            continue
        length = file.read(2)
        data = file.read(max(0, int.from_bytes(length, "big") - 2))
        if marker in FRAMES and not frame:
            kind, frame = marker, data
        if marker == 0xDA:
            break
    if len(frame) < 6:
        return
    height, width, count = struct.unpack(">HHB", frame[1:6])
    samplings = [frame[7 + 3 * k : 8 + 3 * k] for k in range(count)]
    across = [sampling[0] >> 4 for sampling in samplings if sampling]
    down = [sampling[0] & 15 for sampling in samplings if sampling]
    if not across or 0 in (*across, *down, height, width):
        return
    blocks = sum(
        ceil(width * h / max(across) / 8) * ceil(height * v / max(down) / 8) for h, v in zip(across, down, strict=True)
    )
    size, scans = _scan_data(file)
    bits = 2 if kind in SEQUENTIAL else 1 if kind == PROGRESSIVE else 0
    if 8 * size < bits * blocks:
        raise JpegError("fewer bits than its blocks need")
    if scans * width * height > MAX_WORK:
        raise JpegError(f"{scans} scans")


def _next_marker(file: BinaryIO) -> int | None:
    """The next marker, None at the end of the file."""
    while byte := file.read(1):
        if byte == b"\xff":
            while (code := file.read(1)) == b"\xff":
                pass
            if code and code != b"\0":
                return code[0]
    return None


def _scan_data(file: BinaryIO) -> tuple[int, int]:
    """How many bytes there are from the first scan on to the end of the picture, and in how many scans."""
    size, scans, before = 0, 1, b""
    while block := file.read(BLOCK):
        data = before + block
        end = data.find(b"\xff\xd9")
        scans += data.count(b"\xff\xda", 0, end if end >= 0 else len(data))
        if end >= 0:
            return size + end, scans
        before = data[-1:]
        size += len(data) - 1
    return size + len(before), scans
