"""A model that draws alpha, from the command line to the file: straight alpha in PNG, on white elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.__main__ import main
from engine.models.alpha import premultiply
from engine.models.net import build
from engine.models.pixel import PixelCodec
from engine.pictures.png import enlarge_picture
from engine.session import Session
from engine.spec.catalog import read_model
from engine.spec.draft import Draft, resolve
from engine.train.export import export

NET = {"type": "patch-transformer", "side": 32, "patch": 8, "channels": 4, "width": 32, "depth": 1, "head": 16}
NET |= {"text_length": 0, "text_width": 0, "labels": 2, "detail": 0}
CONFIG = {
    "id": "stickers",
    "title": "Stickers",
    "kind": "embedded",
    "size": [32, 32],
    "net": NET,
    "schedule": {"type": "flow"},
    "predicts": "x0",
    "codec": {"type": "pixel"},
    "conditioning": {"text": None, "labels": ["warm", "cold"], "label_kind": "style"},
    "defaults": {
        "sampler": "ddim",
        "spacing": "karras",
        "steps": 2,
        "guidance": 1.0,
        "sigma_min": 0.02,
        "sigma_max": 80.0,
    },
    "examples": [],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    weights = {name: torch.randn_like(value) * 0.2 for name, value in build(NET).state_dict().items()}
    export(weights, CONFIG, (), tmp_path / "model")
    return tmp_path / "model"


def on_white(path: Path) -> np.ndarray:
    """What a viewer with a white page shows of the file."""
    with Image.open(path) as picture:
        assert picture.mode == "RGBA"
        page = Image.new("RGBA", picture.size, "white")
        page.alpha_composite(picture)
        return np.asarray(page.convert("RGB")).astype(int)


def test_a_png_holds_straight_alpha_and_looks_on_white_as_the_state_does(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "sticker.png"
    assert main(["generate", "--model", str(folder), "--class", "warm", "--seed", "3", "--out", str(out)]) == 0
    info = read_model(folder)
    assert info.transparent
    request = resolve(Draft.for_model(info, label="warm", seed=3), info)
    session = Session("cpu", [info])
    *_, last = session.generate(request)
    plain = session.picture(request, last.move.x)[0]
    assert plain.shape == (32, 32, 3)
    with Image.open(out) as picture:
        alpha = np.asarray(picture)[..., 3]
    assert alpha.min() < 64 < 192 < alpha.max()  # some of it can be seen through, and some not
    # Where the net draws colours that no alpha allows, the file has the nearest one that exists.
    possible = np.maximum(plain.astype(int), 255 - alpha[..., None].astype(int))
    assert np.abs(on_white(out) - possible).max() <= 2


def test_a_larger_copy_has_no_white_in_its_edges() -> None:
    sticker = np.zeros((2, 2, 4), np.uint8)
    sticker[:, 0], sticker[:, 1] = (200, 0, 0, 255), (255, 255, 255, 0)
    assert enlarge_picture(sticker, 2).tolist() == np.repeat(np.repeat(sticker, 2, 0), 2, 1).tolist()
    smooth = enlarge_picture(sticker, 4, "lanczos")
    seen = smooth[..., 3] > 32
    assert seen.any()
    assert smooth[seen][:, 0].min() > 180
    assert smooth[seen][:, 1:3].max() <= 8  # white would add green and blue


def test_a_codec_with_alpha_takes_opaque_pictures_and_ones_that_are_not() -> None:
    codec = PixelCodec(4)
    opaque = torch.rand(1, 3, 2, 2) * 2 - 1
    state = codec.encode(opaque)
    assert codec.latent_shape(2, 2) == (4, 2, 2)
    assert torch.equal(codec.decode(state), opaque)
    assert (state[:, 3] == 1).all()
    clear = torch.cat([opaque, torch.full((1, 1, 2, 2), 0.5)], 1)
    assert torch.equal(codec.encode(clear), premultiply(clear))
    torch.testing.assert_close(codec.cutout(codec.encode(clear)), clear)
    assert codec.preview(2 * state).shape == (1, 3, 2, 2)


@pytest.mark.parametrize("flags", [["--noisy-clip", "emoji-clip-noised", "--aim", "a cat"]])
def test_guides_that_know_noise_see_it_on_white(folder: Path, tmp_path: Path, flags: list[str]) -> None:
    out = tmp_path / "guided.png"
    assert main(["generate", "--model", str(folder), "--seed", "0", "--out", str(out), *flags]) == 0
    assert on_white(out).shape == (32, 32, 3)
