"""Picture files of every kind, honest and hostile."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import IcoImagePlugin, Image, ImageCms, ImageFile

from engine.pictures.image_file import ImageError, ReadingStopped, info_of, load, load_rgba, text_of
from engine.pictures.mask_file import load_mask
from engine.spec.validation import MAX_SIDE

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


# what is in the file is what is opened


@pytest.mark.parametrize(
    ("kind", "more"),
    [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {}), ("WEBP", {"lossless": True}),
     ("PPM", {}), ("TGA", {}), ("JPEG2000", {"irreversible": False}), ("QOI", {})],
)  # fmt: skip
def test_a_lossless_file_brings_back_every_pixel(kind: str, more: dict[str, Any]) -> None:
    loaded = load(written(RGB, kind, **more))
    assert np.array_equal(loaded.rgb, RGB)
    assert loaded.notes == ()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "AVIF"])
def test_a_lossy_file_is_close(kind: str) -> None:
    ramp = np.linspace(40, 200, 64, dtype=np.uint8)[None, :, None].repeat(48, 0).repeat(3, 2)
    loaded = load(written(ramp, kind, quality=95))
    assert np.abs(loaded.rgb.astype(int) - ramp).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "GIF", "TIFF", "JPEG2000"])
def test_a_picture_of_one_colour_in_hardly_any_bytes(kind: str) -> None:
    more = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    assert np.abs(load(written(Image.new("RGB", (700, 500), "#ffffff"), kind, **more)).rgb.astype(int) - 255).max() <= 1


def test_the_smallest_and_the_longest_picture(tmp_path: Path) -> None:
    assert load(written(RGB[:1, :1], "PNG")).rgb.tolist() == [[RGB[0, 0].tolist()]]
    for shape in ((1, MAX_SIDE, 3), (MAX_SIDE, 1, 3)):
        long = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
        assert np.array_equal(load(written(long, "PNG")).rgb, long)


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright_whichever_way_the_camera_was_held(kind: str, orientation: int) -> None:
    upright = np.zeros((24, 40, 3), np.uint8)
    upright[:12, :20], upright[:12, 20:], upright[12:, :20] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright), 7: np.rot90(upright.transpose(1, 0, 2), 2),
        8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[274] = orientation
    lossless: dict[str, dict[str, Any]] = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}
    rgb = load(written(np.ascontiguousarray(stored), kind, exif=exif, **lossless.get(kind, {}))).rgb
    assert rgb.shape == upright.shape
    assert np.abs(rgb.astype(int) - upright).max() <= 3


def test_transparent_pixels_become_white_with_a_note() -> None:
    alpha = np.array([[0, 128, 255]], np.uint8)
    ink = np.full((1, 3, 3), 100, np.uint8)
    loaded = load(written(np.dstack([ink, alpha]), "PNG"))
    assert loaded.rgb[0, :, 0].tolist() == [255, 177, 100]
    assert loaded.notes == ("Its transparent parts are white now.",)
    assert load(written(np.dstack([RGB, np.full(GREY.shape, 255, np.uint8)]), "PNG")).notes == ()


def test_a_palette_with_a_transparent_entry() -> None:
    picture = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    for kind in ("PNG", "GIF"):
        loaded = load(written(picture, kind, transparency=1))
        assert loaded.rgb.tolist() == [[[10, 20, 30], [255, 255, 255], [70, 80, 90]]]
        assert loaded.notes == ("Its transparent parts are white now.",)


def test_grey_black_and_white_and_grey_with_alpha() -> None:
    assert np.array_equal(load(written(GREY, "PNG")).rgb, GREY[..., None].repeat(3, 2))
    assert load(written(Image.fromarray(GREY > 99), "PNG")).rgb[..., 1].tolist() == ((GREY > 99) * 255).tolist()
    picture = Image.merge("LA", [Image.new("L", (2, 1), 50), Image.new("L", (2, 1), 0)])
    assert (load(written(picture, "PNG")).rgb == 255).all()


def test_sixteen_bits_a_channel() -> None:
    deep = np.array([[0, 257 * 100, 65535]], np.uint16)
    for kind in ("PNG", "TIFF"):
        loaded = load(written(deep, kind))
        assert loaded.rgb[0, :, 2].tolist() == [0, 100, 255]
        assert loaded.notes == ("It had 16 bits a channel and has 8 now.",)
    colours = np.array([[[0, 257 * 9, 65535]]], "<u2")
    loaded = load(tiff(1, 1, (16, 16, 16), colours.tobytes()))
    assert loaded.rgb.tolist() == [[[0, 9, 255]]]
    assert loaded.notes == ("It had 16 bits a channel and has 8 now.",)


def test_floating_point_is_black_at_0_and_white_at_1_or_scaled() -> None:
    assert load(written(np.array([[0, 0.5, 1]], np.float32), "TIFF")).rgb[0, :, 0].tolist() == [0, 128, 255]
    wide = load(written(np.array([[-2, 0, 6]], np.float32), "TIFF"))
    assert wide.rgb[0, :, 0].tolist() == [0, 64, 255]
    assert wide.notes == ("Its values, -2 to 6, were scaled to black and white.",)
    assert (load(written(np.full((2, 2), 7, np.float32), "TIFF")).rgb == 255).all()
    counted = load(written(np.array([[0, 70_000]], np.int32), "TIFF"))
    assert counted.rgb[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(ImageError, match=r"no numbers .* replace them"):
        load(written(np.array([[0, value]], np.float32), "TIFF"))


def test_cmyk_is_ink_on_paper() -> None:
    ink = Image.merge("CMYK", [Image.new("L", (8, 8), level) for level in (0, 255, 255, 0)])
    loaded = load(written(ink, "JPEG", quality=100))
    assert np.abs(loaded.rgb.astype(int) - (255, 0, 0)).max() <= 3
    assert loaded.notes == ("Its CMYK colours were converted without a profile and may differ a little.",)


def test_a_colour_profile_is_honoured() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = srgb.replace(b"rXYZ", b"temp").replace(b"bXYZ", b"rXYZ").replace(b"temp", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "BGR!".encode("utf-16-be"))
    loaded = load(written(RGB, "PNG", icc_profile=swapped))
    assert np.abs(loaded.rgb.astype(int) - RGB[..., ::-1]).max() <= 2, "red and blue change places, as it says"
    assert "“BGR! built-in” to sRGB" in loaded.notes[0]
    plain = load(written(RGB, "PNG", icc_profile=srgb))
    assert np.array_equal(plain.rgb, RGB), "bit for bit"
    assert plain.notes == ()


def test_a_damaged_profile_is_ignored_with_a_note() -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile, picture in ((b"not a profile", RGB), (srgb[:300], RGB), (lab, RGB), (srgb, GREY)):
        loaded = load(written(picture, "PNG", icc_profile=profile))
        assert np.array_equal(loaded.rgb[..., 0], picture.reshape(*GREY.shape, -1)[..., 0])
        if profile is not srgb:
            assert loaded.notes == ("Its colour profile cannot be used: its colours are taken as sRGB.",)


def srgb_of(light: float) -> float:
    return 255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055)


def test_a_linear_profile_is_known_by_its_curve_whatever_its_title_says() -> None:
    levels = np.array([[0, 1, 2, 10, 128, 255]], np.uint8)
    expected = np.array([srgb_of(level / 255) for level in levels[0]])
    linear = written(levels, "PNG", icc_profile=grey_profile(1.0, b"linear sRGB"))
    loaded = load(linear)
    assert np.abs(loaded.rgb[0, :, 1] - expected).max() <= 1
    assert loaded.rgb[0, 4, 0] == 188
    assert loaded.notes == ("Its colours were converted from “linear sRGB” to sRGB.",)
    deep = load(written(levels.astype(np.uint16) * 257, "PNG", icc_profile=grey_profile(1.0)))
    assert np.abs(deep.rgb[0, :, 2] - expected).max() <= 1, "16 bits go the same way"
    assert deep.notes[-1] == "Its colours were converted from “grey” to sRGB."


def test_the_levels_of_grey_of_16_bits_are_not_lost_before_its_curve() -> None:
    deep = np.array([[40, 80, 160]], np.uint16)  # all 0 of 255
    light = load(written(deep, "PNG", icc_profile=grey_profile(1.0))).rgb[0, :, 0]
    assert np.abs(light - [srgb_of(level / 65535) for level in deep[0]]).max() <= 1
    assert len(set(light.tolist())) == 3


def test_a_transparent_level_of_grey_of_16_bits_becomes_white() -> None:
    loaded = load(transparent_grey(np.array([[0, 5, 257 * 100]], np.uint16), 5))
    assert loaded.rgb[0, :, 0].tolist() == [0, 255, 100]
    assert loaded.notes[-1] == "Its transparent parts are white now."


@pytest.mark.parametrize("depth", [2, 4])
def test_a_transparent_level_of_grey_of_few_bits_becomes_white(depth: int) -> None:
    top = (1 << depth) - 1
    row = bytes([0, 1 << 8 - depth | 2 << 8 - 2 * depth])
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, depth, 0, 0, 0, 0))
    png += chunk(b"tRNS", struct.pack(">H", 1)) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    assert load(png).rgb[0, :, 0].tolist() == [255, 2 * 255 // top]


def test_a_transparent_colour_of_16_bits_becomes_white() -> None:
    row = b"\0" + struct.pack(">6H", 0x1234, 0x5678, 0x9ABC, 0x4321, 0x8765, 0xCBA9)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0))
    png += chunk(b"tRNS", row[1:7]) + chunk(b"IDAT", zlib.compress(row)) + chunk(b"IEND", b"")
    assert load(png).rgb[0].tolist() == [[255, 255, 255], [0x43, 0x87, 0xCB]]


def test_a_gamma_chunk_is_honoured_unless_the_file_says_more_of_its_colours() -> None:
    grey = written(np.full((2, 2, 3), 128, np.uint8), "PNG")
    linear, usual = chunk(b"gAMA", struct.pack(">I", 100_000)), chunk(b"gAMA", struct.pack(">I", 45_455))
    loaded = load(with_chunks(grey, linear))
    assert loaded.rgb[0, 0].tolist() == [188] * 3
    assert loaded.notes == ("Its brightness was converted to sRGB from a gamma of 1.",)
    assert load(transparent_grey(np.array([[32896, 0]], np.uint16), 9)[:33] + linear
                + written(np.array([[32896, 0]], np.uint16), "PNG")[33:]).rgb[0, 0, 0] == 188  # fmt: skip
    for chunks in ((usual,), (linear, chunk(b"sRGB", b"\0")), (linear, chunk(b"cICP", bytes([1, 13, 0, 1])))):
        assert load(with_chunks(grey, *chunks)).rgb[0, 0].tolist() == [128] * 3
        assert load(with_chunks(grey, *chunks)).notes == ()


def test_an_unknown_colour_space_gives_a_note() -> None:
    grey = written(np.full((2, 2, 3), 128, np.uint8), "PNG")
    hdr = load(with_chunks(grey, chunk(b"cICP", bytes([9, 16, 0, 1]))))
    assert hdr.notes == ("Its colour space (cICP 9, 16) cannot be converted: it is taken as sRGB.",)
    assert load(with_chunks(grey, chunk(b"cICP", bytes([1, 8, 0, 1])))).rgb[0, 0].tolist() == [188] * 3
    wide = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    p3 = load(with_chunks(grey, chunk(b"gAMA", struct.pack(">I", 45_455)), chunk(b"cHRM", wide)))
    assert p3.notes == ("Its primary colours (cHRM) cannot be converted: they are taken as sRGB's.",)


def test_only_the_chunks_of_the_pixels_decide_whether_a_png_is_complete() -> None:
    png = written(RGB, "PNG")
    text = chunk(b"zTXt", b"workflow\0\0" + zlib.compress(b"n" * 3_000_000))
    international = chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b"n" * 3_000_000))
    wrong = chunk(b"pHYs", struct.pack(">IIB", 2835, 2835, 1), crc=1)
    for more in (text, international, wrong, chunk(b"tIME", b"?"), chunk(b"fcTL", b""), chunk(b"acTL", b"")):
        loaded = load(with_chunks(png, more))
        assert np.array_equal(loaded.rgb, RGB)
        assert loaded.notes == ()
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    large = chunk(b"iCCP", b"large\0\0" + zlib.compress(srgb + bytes(1_400_000)))
    assert np.array_equal(load(with_chunks(png, large)).rgb, RGB)
    damaged = load(with_chunks(png, chunk(b"iCCP", b"x\0\0" + zlib.compress(srgb), crc=1)))
    assert damaged.notes == ("Its colour profile cannot be used: its colours are taken as sRGB.",)
    with pytest.raises(ImageError, match="is damaged"):
        load(png[:29] + b"\0\0\0\0" + png[33:])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF"])
def test_the_first_of_several_frames_is_used_with_a_note(kind: str) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("#c80000", "#00c800")]
    loaded = load(written(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert np.abs(loaded.rgb.astype(int) - (200, 0, 0)).max() <= 4
    says = "It has several pages: this is the first." if kind == "TIFF" else "It is animated: this is its first frame."
    assert loaded.notes == (says,)


# masks


STAYS = "It has transparent parts: they stay, and so does what is black."
ONE_COLOUR = "It has transparent parts and one colour: opaque parts are made anew, transparent parts stay."


def test_a_mask_is_its_brightness() -> None:
    grey = np.dstack([GREY] * 3)
    for picture in (GREY, grey, np.dstack([grey, np.full_like(GREY, 255)])):
        mask = load_mask(written(picture, "PNG"))
        assert np.array_equal(mask.mask, GREY)
        assert mask.notes == ()
    assert load_mask(written(GREY > 99, "PNG")).mask.tolist() == ((GREY > 99) * 255).tolist()
    assert load_mask(written(np.array([[0, 65535]], np.uint16), "PNG")).mask.tolist() == [[0, 255]]
    with pytest.raises(ImageError, match="is empty"):
        load_mask(b"")


def test_one_transparent_pixel_does_not_unmask_black() -> None:
    mask = np.zeros((4, 4, 4), np.uint8)
    mask[..., 3] = 255
    mask[0, 0] = 0
    mask[2:, :, :3] = 255
    mask[3, :, 3] = 128
    loaded = load_mask(written(mask, "PNG"))
    assert loaded.mask[:, 1].tolist() == [0, 0, 255, 128]
    assert loaded.mask[0, 0] == 0
    assert loaded.notes == (STAYS,)
    deep = np.array([[65535, 0, 257 * 100]], np.uint16)
    assert load_mask(transparent_grey(deep, 65535)).mask.tolist() == [[0, 0, 100]]


def test_a_mask_of_one_colour_on_nothing_is_its_opacity() -> None:
    red = np.zeros((1, 3, 4), np.uint8)
    red[..., 0], red[..., 3] = 200, (0, 99, 255)
    loaded = load_mask(written(red, "PNG"))
    assert loaded.mask.tolist() == [[0, 99, 255]]
    assert loaded.notes == (ONE_COLOUR,)
    assert load_mask(written(red * np.array([1, 1, 1, 0], np.uint8), "PNG")).mask.max() == 0, "all of it is transparent"
    with pytest.raises(ImageError, match="everything else in it is black: paint white"):
        load_mask(written(red * np.array([0, 0, 0, 1], np.uint8), "PNG"))


# what cannot be used says what to do


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


def claimed_jpeg(side: int, scans: int = 1) -> bytes:
    """A small progressive JPEG that claims `side` pixels a side, with its scans repeated."""
    jpeg = written(RGB, "JPEG", progressive=True)
    first, end, frame = jpeg.index(b"\xff\xda"), jpeg.rindex(b"\xff\xd9"), jpeg.index(b"\xff\xc2")
    sized = jpeg[: frame + 5] + struct.pack(">HH", side, side) + jpeg[frame + 9 :]
    return sized[:first] + sized[first:end] * scans + sized[end:]


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
