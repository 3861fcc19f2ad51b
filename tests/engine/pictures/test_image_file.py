"""Picture files of every kind and colour: their pixels and the notes about them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from engine.pictures.image_file import ImageError, load
from engine.spec.validation import MAX_SIDE
from tests.engine.pictures.picture_bytes import (
    GREY,
    RGB,
    chunk,
    grey_profile,
    tiff,
    transparent_grey,
    with_chunks,
    written,
)


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
