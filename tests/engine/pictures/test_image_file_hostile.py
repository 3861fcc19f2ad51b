"""Damaged, oversized and dishonest picture files: one sentence each, in bounded memory."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import IcoImagePlugin, Image, ImageFile

from engine.pictures.image_file import ImageError, ReadingStopped, info_of, load, load_rgba, text_of
from engine.pictures.mask_file import load_mask
from engine.spec.validation import MAX_SIDE
from tests.engine.pictures.picture_bytes import (
    RGB,
    claimed_jpeg,
    tiff,
    written,
)


def test_a_missing_or_wrong_file_gives_advice(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("The quick brown fox jumps over the lazy dog.\n" * 40)
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "page.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    for path, says in [
        (tmp_path / "gone.png", "gone.png is not there: check its name"),
        (tmp_path, f"^{tmp_path.name} is a folder: choose a picture in it.$"),
        (tmp_path / "notes.txt", "notes.txt is not a picture that can be opened: save it as PNG"),
        (tmp_path / "empty.png", "^empty.png is empty: get it again from where it came.$"),
        (tmp_path / "pipe.png", "^pipe.png is not an ordinary file: choose a picture.$"),
        (tmp_path / "page.eps", "page.eps is not a picture that can be opened"),
        (tmp_path / "a\0b.png", "cannot be read"),
        (tmp_path / ("long" * 500), "cannot be read"),
    ]:
        with pytest.raises(ImageError, match=says):
            load(path)
    with pytest.raises(ImageError, match="The pasted picture is not a picture"):
        load(b"hello")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.png"
    path.write_bytes(written(RGB, "PNG"))

    def refuse(*_: Any) -> None:
        raise PermissionError("no")

    monkeypatch.setattr("engine.pictures.image_file.io.FileIO", refuse)  # tests may run as root
    with pytest.raises(ImageError, match=r"mine\.png may not be read: change who may"):
        load(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "JPEG2000", "AVIF"])
def test_a_truncated_file_is_one_sentence_wherever_it_ends(kind: str) -> None:
    whole = written(np.random.default_rng(2).integers(0, 256, (40, 50, 3), dtype=np.uint8), kind)
    refused = 0
    for cut in range(0, len(whole) - 8, max(1, len(whole) // 60)):
        try:
            assert load(whole[:cut]).rgb.shape == (40, 50, 3)
        except ImageError:
            refused += 1
    assert refused > 20


@pytest.mark.filterwarnings("ignore:::PIL")  # it warns of what it then reads all the same, as it does in the studio
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "TGA", "ICO", "JPEG2000", "PCX"])
def test_flipped_bytes_make_a_picture_or_one_sentence(kind: str) -> None:
    whole = bytearray(written(RGB, kind, **({"exif": _exif()} if kind in ("JPEG", "PNG", "TIFF", "WEBP") else {})))
    dice = np.random.default_rng(3)
    for _ in range(120):
        hurt = bytearray(whole)
        for at in dice.integers(0, len(hurt), 3):
            hurt[at] = dice.integers(256)
        try:
            rgb = load(bytes(hurt)).rgb
        except ImageError:
            continue
        assert rgb.dtype == np.uint8
        assert rgb.ndim == 3


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[274] = 6
    return exif


def test_the_error_of_a_too_long_picture_names_its_size() -> None:
    with pytest.raises(ImageError, match=r"16385 × 1 pixels, and 16384 a side is the most"):
        load(written(np.zeros((1, MAX_SIDE + 1), np.uint8), "PNG"))


SMALL = written(RGB, "PNG")
HEAD = b"IHDR" + struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 2, 0, 0, 0)
LIARS = {
    "a PNG of 16384² in a few bytes": SMALL[:16] + struct.pack(">II", 16384, 16384) + SMALL[24:29]
                                      + struct.pack(">I", zlib.crc32(b"IHDR" + struct.pack(">II", 16384, 16384)
                                                                     + SMALL[24:29])) + SMALL[33:],
    "a JPEG of 16384² in a few bytes": claimed_jpeg(16384),
    "20 GB of pixels": tiff(100_000, 70_000),
    "a third more than may be": tiff(20_000, 18_000),
    "20 GB of strips": tiff(1000, 1000, strips=2_500_000_000),
    "800 MB of pixels in a file of 200 bytes": tiff(16_000, 16_000),
    "the largest screen that a GIF can say": b"GIF89a" + b"\xff" * 4 + b"\0\0\0," + b"\0" * 4 + b"\xff" * 4 + b"\0\2",
    "a WebP of nothing": b"RIFF\xff\xff\xff\x7fWEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff",
    "a bitmap that is a head alone": b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 2**31 - 1, 90_000, 1, 24,
                                                         0, 0, 0, 0, 0, 0),
    "a PNG of 2³¹ a side": b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + HEAD + struct.pack(">I", zlib.crc32(HEAD)),
}  # fmt: skip

BOUNDED = """
import resource, sys, threading
from pathlib import Path
from engine.pictures.image_file import ImageError, load
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 256 * 2**20,) * 2)
for path in sys.argv[1:]:
    try:
        load(Path(path))
        print("loaded")
    except ImageError as error:
        print(error)
assert "torch" not in sys.modules
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and RLIMIT_AS")
def test_headers_that_lie_are_refused_within_256_mib(tmp_path: Path) -> None:
    paths = []
    for k, liar in enumerate(LIARS.values()):
        paths.append(tmp_path / f"{k}.bin")
        paths[-1].write_bytes(liar)
    told = subprocess.run(
        [sys.executable, "-W", "ignore::UserWarning", "-c", BOUNDED, *paths],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.stderr == ""
    lines = told.stdout.splitlines()
    assert len(lines) == len(paths)
    for path, line, why in zip(paths, lines, LIARS, strict=True):
        assert line.startswith(path.name), why
        assert ":" in line, why
        assert "memory" not in line, f"{why} is refused by what it says, and not once memory has run out"
    assert "says that it has more than 16384 × 16384 pixels" in lines[list(LIARS).index("20 GB of pixels")]


def test_a_jpeg_that_decodes_a_large_picture_thousands_of_times_is_refused() -> None:
    with pytest.raises(ImageError, match="is damaged"):
        load(claimed_jpeg(8000, 4000))
    small = written(RGB, "JPEG", progressive=True)
    end = small.rindex(b"\xff\xd9")
    scan = small[small.index(b"\xff\xda") : end]
    assert load(small[:end] + scan * 3 + small[end:] + b"\xff\xda" * 99).rgb.shape == RGB.shape, "few pixels are fast"


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_of_one_colour_has_the_bits_that_its_blocks_need(subsampling: int, progressive: bool) -> None:
    for size in ((700, 500), (9, 1), (1, 17), (1025, 1031)):
        for picture in (Image.new("RGB", size, "#808080"), Image.new("L", size, 128)):
            file = written(picture, "JPEG", subsampling=subsampling, progressive=progressive, quality=1, optimize=True)
            assert load(file).rgb.shape[:2] == size[::-1]


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_reading_can_be_stopped_between_two_reads(kind: str) -> None:
    file = written(np.random.default_rng(4).integers(0, 256, (600, 600, 3), dtype=np.uint8), kind)
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 3

    with pytest.raises(ReadingStopped):
        load(file, cancelled)
    assert len(asked) == 4


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n{} loop\nshowpage\n"


@pytest.mark.parametrize("text", [EPS, b"%PDF-1.4\n", b"\xd7\xcd\xc6\x9a\0\0"])
def test_no_file_starts_another_program(text: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: Any, **__: Any) -> None:
        raise AssertionError("a program was started")

    monkeypatch.setattr(subprocess, "Popen", started)
    path = tmp_path / "cat.png"
    path.write_bytes(text)
    for read in (load, load_mask, load_rgba, info_of):
        with pytest.raises(ImageError, match="not a picture that can be opened"):
            read(path)
    with pytest.raises(ImageError, match="cannot be read"):
        text_of(path, "tweedie")


def test_a_large_picture_is_in_memory_little_more_than_twice(tmp_path: Path) -> None:
    """RGB at 4096²: 64 MiB decoded (Pillow keeps four bytes a pixel) and 48 MiB as the array."""
    path = tmp_path / "large.png"
    Image.new("RGBA", (4096, 4096), (10, 20, 30, 99)).save(path, compress_level=1)
    code = (
        "import resource, sys\nfrom pathlib import Path\nfrom engine.pictures.image_file import load\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\nload(Path(sys.argv[1]))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    told = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    assert int(told.stdout) < 150 * 1024


def test_a_file_that_claims_more_than_it_holds_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow looks at no picture in an icon before it decodes it, and makes room for all of a Photoshop file."""
    side = MAX_SIDE.to_bytes(4, "big")
    ihdr = b"IHDR" + side * 2 + b"\x08\x06\0\0\0"
    png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d" + ihdr + zlib.crc32(ihdr).to_bytes(4, "big")
    icon = b"\0\0\1\0\1\0" + b"\x10\x10\0\0\1\0\x20\0" + len(png).to_bytes(4, "little") + b"\x16\0\0\0" + png
    psd = b"8BPS\0\1" + bytes(6) + b"\0\3" + side * 2 + b"\0\x08\0\3" + bytes(14)
    for kind in (IcoImagePlugin.IcoImageFile, ImageFile.ImageFile):
        monkeypatch.setattr(kind, "load", lambda _: pytest.fail("it is decoded"))
    for name, data in (("a.ico", icon), ("a.psd", psd)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError, match=f"{name} is damaged or ends too early"):
            load(tmp_path / name)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0", b"Exif\0\0II*\0\x08\0\0\0\x02\0\x0e\1\2\0\xff\0\0\0"]
)
def test_what_pillow_remarks_on_a_file_is_not_printed(tmp_path: Path, exif: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(written(RGB, "JPEG", exif=exif))
    code = (
        "import sys; from pathlib import Path; from engine.pictures.image_file import load, info_of;"
        "path = Path(sys.argv[1]); load(path); info_of(path)"
    )
    command = [sys.executable, "-W", "default", "-c", code, str(tmp_path / "a.jpg")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("", "")
    plain = "import sys, PIL.Image; PIL.Image.open(sys.argv[1]).getexif()"
    told = subprocess.run([*command[:4], plain, str(tmp_path / "a.jpg")], check=False, capture_output=True, text=True)
    assert "UserWarning" in told.stderr, "Pillow does remark on it"
