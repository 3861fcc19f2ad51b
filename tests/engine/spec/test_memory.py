"""The memory of a run before the click, part by part, and the smallest change that makes it fit."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path

import pytest

from engine.checkpoints.settings import ModelSettings
from engine.spec.catalog import ModelInfo, checkpoint
from engine.spec.draft import Draft, resolve
from engine.spec.memory import (
    automatic_precision,
    changed,
    decode_bytes,
    loaded_bytes,
    net_bytes,
    request_bytes,
    smallest_change,
    weights_of,
)
from engine.spec.request import Request
from engine.spec.saving import Change
from tests.fakes.checkpoints import SMALL, single_file, write_hollow

GB = 10**9
SIZE = 1024, 768
PRECISIONS = [("half", "bfloat16"), ("tiles", None), ("offload", None), ("single", None)]


def settings(path: Path) -> ModelSettings:
    return ModelSettings().with_choices(path, {"family": "sd1"})


@pytest.fixture
def info(tmp_path: Path) -> ModelInfo:
    """A model of Stable Diffusion 1 that takes 8 GB, 2 of them for text encoders and 1 for the decoder."""
    path = write_hollow(tmp_path / "m.safetensors", SMALL)
    small = checkpoint(path, settings(path))
    weights = {"net": 5 * GB // 4, "text": 2 * GB, "vae": GB}
    return replace(small, bytes=8 * GB, config=small.config | {"weights": weights})


def of(info: ModelInfo, **choices: object) -> Request:
    return resolve(Draft.for_model(info, **{"width": SIZE[0], "height": SIZE[1], "guidance": 7.0} | choices), info)


def test_the_measured_figures_come_back(info: ModelInfo) -> None:
    assert net_bytes(info, (256, 256), 2) == pytest.approx(209e6, rel=0.02)
    assert net_bytes(info, (512, 512), 2) == pytest.approx(488e6, rel=0.02)
    assert net_bytes(info.in_precision("float16"), (512, 512), 2) == pytest.approx(244e6, rel=0.02)
    assert decode_bytes(512, 512) == pytest.approx(4.2e3 * 512**2, rel=0.05)


def test_a_run_takes_all_weights_and_its_largest_part(info: ModelInfo) -> None:
    net, decoder = net_bytes(info, SIZE, 2), decode_bytes(*SIZE)
    assert request_bytes(of(info), info) == 8 * GB + decoder
    assert net < decoder
    assert decode_bytes(*SIZE, tiles=True) < net
    assert request_bytes(of(info), changed(info, ("tiles",))) == 8 * GB + net
    assert request_bytes(of(info), changed(info, ("offload",))) == 5 * GB + net
    half = of(info, precision="bfloat16")
    assert request_bytes(half, changed(info, ("offload",))) == GB + decoder, "the net has 2.5 GB"
    assert loaded_bytes(changed(info, ("half", "offload"))) == 2.5 * GB
    assert request_bytes(of(info, batch=9), info) == request_bytes(of(info), info), "a call has two images at most"


def test_the_smallest_change_that_fits_is_found_and_no_smaller_one_fits(info: ModelInfo) -> None:
    found = [smallest_change(of(info), info, free) for free in range(12 * GB, GB, -GB // 20)]
    first = dict.fromkeys(change for change in found if change is not None)
    assert list(first)[:2] == [Change(), Change(("half",))]
    assert Change(("half", "offload")) in first
    assert found[-1] is None, "no size fits into 1 GB"
    smaller = smallest_change(of(info), info, int(2.7 * GB), spare=0)
    assert smaller is not None
    assert smaller.size is not None, "all ways together do not do"
    assert smaller.size[0] / smaller.size[1] == pytest.approx(4 / 3, rel=0.1)
    for free, change in zip(range(12 * GB, GB, -GB // 20), found, strict=True):
        if change is not None and change.size is None:
            needs = {n: request_bytes(of(info, precision=p), changed(info, (n,)), 512 * 2**20) for n, p in PRECISIONS}
            assert any(one <= free for one in needs.values()) == (len(change.ways) <= 1)


def test_what_is_on_already_is_not_offered_and_a_fixed_choice_is_kept(info: ModelInfo) -> None:
    half = of(info, precision="float16")
    assert smallest_change(half, info, 5 * GB) == Change(("offload",))
    with_tiles = changed(info, ("tiles",))
    assert smallest_change(of(info), with_tiles, 7 * GB) == Change(("half",))
    assert smallest_change(of(info), info, 7 * GB) == Change(("offload",))


def test_a_change_is_said_in_words_and_flags() -> None:
    change = Change(("half", "tiles"), (512, 384))
    assert change.words == "use half precision, decode in tiles and make it 512 × 384"
    assert change.title == "half precision, tiles, 512 × 384"
    assert change.flags == "--precision bfloat16 --tiles --size 512x384"


def test_the_automatic_precision_is_the_devices_and_half_where_memory_is_short(info: ModelInfo) -> None:
    assert automatic_precision(info, "float32", 16 * GB) == "float32"
    assert automatic_precision(info, "float32", None) == "float32"
    assert automatic_precision(info, "float32", 8 * GB) == "bfloat16"
    assert automatic_precision(info, "float32", GB) == "float32", "half precision does not do either"
    assert automatic_precision(info, "float16", 16 * GB) == "float16"


def test_a_vae_of_another_file_counts_in_place_of_the_models_own(info: ModelInfo, tmp_path: Path) -> None:
    name = "first_stage_model.decoder.conv_in.weight"
    own, whole = checkpoint(info.folder, settings(info.folder)), single_file("unet-v1-sd")
    shapes = {key: shape for key, shape in whole.items() if key.startswith("first_stage_model.")}
    vae = write_hollow(tmp_path / "vae.safetensors", shapes)
    needs = 4 * sum(prod(shape) for shape in shapes.values())
    assert weights_of(own).vae == 4 * prod(SMALL[name])
    for other in (own.with_vae(vae), checkpoint(info.folder, settings(info.folder), vae)):
        assert weights_of(other) == weights_of(own)._replace(vae=needs)
        assert other.bytes == own.bytes - weights_of(own).vae + needs
        assert other.with_vae(None) == own
    missing = own.with_vae(tmp_path / "missing.safetensors")
    assert missing.bytes == own.bytes, "loading says that it is missing"
