"""`inpaint` and `img2img` as a person types them: any document, any box, and every unmasked pixel as it was."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.__main__ import main
from engine.pictures.compositing import box_around, visible_part, whole_box
from engine.pictures.masks import dilate, feather
from engine.pictures.png import read_settings
from engine.spec.catalog import ModelInfo
from engine.spec.request import RequestError
from engine.store import RunReader

ROOT = Path(__file__).parents[3]
W, H = 53, 37


@pytest.fixture
def files(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (H, W, 3), dtype=np.uint8)).save(tmp_path / "in.png")
    mask = np.zeros((H, W), np.uint8)
    mask[9:20, 11:30] = 255
    mask[9:20, 30:34] = 40
    Image.fromarray(mask).save(tmp_path / "mask.png")
    Image.fromarray(mask * 0).save(tmp_path / "empty.png")
    Image.fromarray(mask * 0 + 255).save(tmp_path / "full.png")
    Image.fromarray(mask[:-1]).save(tmp_path / "short.png")
    hole = np.ones((H, W), np.float32)
    hole[3, 3] = np.nan
    Image.fromarray(hole).save(tmp_path / "nan.tif")
    return tmp_path


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("L" if "mask" in path.name else "RGB"))


def made(files: Path, model: ModelInfo, command: str, *words: str) -> np.ndarray:
    """The saved picture, read again."""
    flags = ["--model", str(model.folder), "--steps", "4", "--seed", "3", "--out", str(files / "out.png")]
    assert main([command, str(files / "in.png"), *words, *flags]) == 0
    return pixels(files / "out.png")


@pytest.mark.parametrize("box", [None, "mask", "8,5,32,32", "-20,-30,90,90", "20,15,64,64", "12,10,3,3"])
@pytest.mark.parametrize("method", ["replacement", "repaint", "img2img"])
def test_unmasked_pixels_are_bit_identical_in_the_file(
    box: str | None, method: str, files: Path, tiny_model: ModelInfo
) -> None:
    where = [] if box is None else [f"--box={box}"]
    words = ["apple", "--mask", str(files / "mask.png"), "--method", method, *where]
    out, before, mask = made(files, tiny_model, "inpaint", *words), pixels(files / "in.png"), pixels(files / "mask.png")
    assert out.shape == before.shape
    assert np.array_equal(out[mask == 0], before[mask == 0])
    assert not np.array_equal(out, before)
    request = read_settings(files / "out.png")
    assert request is not None
    assert request.edit is not None
    assert request.edit.method == method


def test_a_mask_may_be_turned_around_widened_and_softened(files: Path, tiny_model: ModelInfo) -> None:
    before, mask = pixels(files / "in.png"), pixels(files / "mask.png")
    words = ["apple", "--mask", str(files / "mask.png")]
    for flags, kept in (
        (["--invert-mask"], mask == 255),
        (["--grow", "3"], dilate(mask, 3) == 0),
        (["--grow=-2"], dilate(255 - mask, 2) == 255),
        (["--feather", "4"], feather(mask, 4) == 0),
    ):
        out = made(files, tiny_model, "inpaint", *words, *flags)
        assert 0 < kept.sum() < kept.size
        assert np.array_equal(out[kept], before[kept])
        assert not np.array_equal(out[~kept], before[~kept])


def test_img2img_reworks_all_of_a_picture_of_any_size(files: Path, tiny_model: ModelInfo) -> None:
    out, before = made(files, tiny_model, "img2img", "apple", "--strength", "0.5"), pixels(files / "in.png")
    assert out.shape == before.shape
    assert (out != before).any(axis=2).mean() > 0.9
    request = read_settings(files / "out.png")
    assert request is not None
    assert request.edit is not None
    assert (request.steps, request.edit.strength, request.edit.mask) == (2, 0.5, "")
    boxed = made(files, tiny_model, "img2img", "apple", "--box", "5,6,20,20")
    assert np.array_equal(boxed[:, :5], before[:, :5])
    assert np.array_equal(boxed[26:], before[26:])


def test_the_run_file_holds_the_picture_and_goes_on_by_itself(files: Path, tiny_model: ModelInfo) -> None:
    run = files / "a.twrun"
    words = ["apple", "--mask", str(files / "mask.png"), "--box", "8,5,32,32", "--run-file", str(run), "--batch", "2"]
    flags = ["--model", str(tiny_model.folder), "--steps", "4", "--seed", "3", "--out", str(files / "out.png")]
    assert main(["inpaint", str(files / "in.png"), *words, *flags]) == 0
    assert not np.array_equal(pixels(files / "out-0.png"), pixels(files / "out-1.png"))
    reader = RunReader(run, verify=True)
    kept = reader.inputs()
    assert kept is not None
    assert kept.box == (8, 5, 32, 32)
    assert reader.request.edit is not None
    assert kept.digests == (reader.request.edit.source, reader.request.edit.mask)
    with Image.open(files / "out-0.png") as image:
        assert json.loads(image.info["tweedie-box"]) == [8, 5, 32, 32]
        assert "Method: replacement" in image.info["parameters"]


def test_what_cannot_be_done_is_one_sentence(
    files: Path, tiny_model: ModelInfo, capsys: pytest.CaptureFixture[str]
) -> None:
    picture, mask = str(files / "in.png"), ["--mask", str(files / "mask.png")]
    for words, says in (
        (["inpaint", picture, "x", "--mask", str(files / "short.png")], "mask has 53×36 pixels and the picture 53×37"),
        (["inpaint", picture, "x", "--mask", str(files / "empty.png")], "The whole mask is black"),
        (["inpaint", picture, "x", "--mask", str(files / "full.png"), "--invert-mask"], "The whole mask is black"),
        (["inpaint", picture, "x", "--mask", str(files / "gone.png")], "gone.png is not there"),
        (["inpaint", str(files / "nan.tif"), "x", *mask], "nan.tif"),
        (["img2img", str(files / "nan.tif"), "x"], "nan.tif"),
        (["img2img", str(files), "x"], files.name),
        (["img2img", picture, "x", "--strength", "1.5"], "at most 1"),
        (["img2img", picture, "x", "--out", "a.jpg"], "end the name in .png"),
        (["img2img", picture, "x", "--box", "1,2,3"], "type X,Y,W,H"),
        (["img2img", picture, "x", "--box", "0,0,0,0"], "no size"),
        (["img2img", picture, "x", "--box", "0,0,20,21"], "make both sides alike"),
        (["img2img", picture, "x", "--box", "53,0,20,20"], "box shows nothing"),
        (["inpaint", picture, "x", *mask, "--box", "40,25,10,10"], "do not overlap"),
        (["inpaint", picture, "x", *mask, "--resample", "3"], "need --method repaint"),
        (["inpaint", picture, "x", *mask, "--enlarge", "99"], "1 to 64"),
    ):
        assert main([*words, "--model", str(tiny_model.folder)]) == 2, words
        err = capsys.readouterr().err
        assert says in err
        assert len(err.strip().splitlines()) == 1


def test_bad_input_is_refused_before_torch_is_loaded(files: Path) -> None:
    code = (
        "import sys; from engine.__main__ import main;"
        f"code = main(['inpaint', {str(files / 'in.png')!r}, 'x', '--mask', {str(files / 'short.png')!r}]);"
        "sys.exit(10 * ('torch' in sys.modules) + code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, check=False)
    assert done.returncode == 2, done.stderr


def test_a_white_mask_keeps_nothing_and_prints_a_note(
    files: Path, tiny_model: ModelInfo, capsys: pytest.CaptureFixture[str]
) -> None:
    made(files, tiny_model, "inpaint", "x", "--mask", str(files / "full.png"))
    assert "nothing of the picture is kept" in capsys.readouterr().err


def test_repaint_without_a_sampler_uses_a_stochastic_one(files: Path, tiny_model: ModelInfo) -> None:
    made(files, tiny_model, "inpaint", "x", "--mask", str(files / "mask.png"), "--method", "repaint", "--resample", "2")
    request = read_settings(files / "out.png")
    assert request is not None
    assert request.edit is not None
    assert (request.sampler, request.edit.jump, request.edit.resample) == ("ddpm", 1, 2)


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (16, 9)])
@pytest.mark.parametrize("size", [(53, 37), (37, 53), (1, 1), (16, 9)])
def test_a_box_around_the_document_or_the_mask_has_the_models_shape(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    mask = np.zeros(size[::-1], np.uint8)
    mask[size[1] // 2 :, size[0] // 3 : size[0] // 3 + 2] = 9
    for x, y, w, h in (whole_box(mask, shape), box_around(mask, shape), box_around(mask, shape, 0)):
        assert w * shape[1] == h * shape[0]
        inside = np.zeros(size[::-1], bool)
        left, top, wide, high = visible_part((x, y, w, h), mask)
        inside[top : top + high, left : left + wide] = True
        assert inside[mask > 0].all()
    x, y, w, h = whole_box(mask, shape)
    assert visible_part((x, y, w, h), mask) == (0, 0, *size)
    with pytest.raises(RequestError, match="mask is empty"):
        box_around(mask * 0, shape)


@pytest.mark.parametrize("flag", ["--grow=1e9", "--grow=1000000000", "--feather=nan", "--feather=inf", "--feather=-1"])
def test_a_number_out_of_bounds_is_refused_with_its_bounds(
    files: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["inpaint", str(files / "in.png"), "x", "--mask", str(files / "mask.png"), flag])
    assert re.search(r"is not possible: type a (whole )?number, -?\d+ to \d+\.$", capsys.readouterr().err.strip())


def test_a_mask_with_transparent_parts_says_how_it_was_read(
    files: Path, tiny_model: ModelInfo, capsys: pytest.CaptureFixture[str]
) -> None:
    before = pixels(files / "in.png")
    mask = np.zeros((*before.shape[:2], 4), np.uint8)
    mask[..., 3], mask[:, 20:, :3], mask[0, 0] = 255, 255, 0
    Image.fromarray(mask).save(files / "clear.png")
    out = made(files, tiny_model, "inpaint", "apple", "--mask", str(files / "clear.png"))
    assert np.array_equal(out[:, :20], before[:, :20])
    assert not np.array_equal(out[:, 20:], before[:, 20:])
    assert "clear.png: It has transparent parts: they stay" in capsys.readouterr().err
