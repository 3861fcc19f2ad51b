"""One part at a time, and decoding in tiles: the same pixels with less in memory."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.errors import Cancelled
from engine.models.latent import LatentModel, load
from engine.models.tiles import decode_in_tiles, starts
from engine.spec.catalog import checkpoint
from engine.types import Said
from tests.fakes.tiny_sd import nets, write_folder

CPU = torch.device("cpu")


@pytest.fixture
def both(tmp_path: Path) -> tuple[LatentModel, LatentModel]:
    """A tiny model in half precision from files of float32: all of it loaded, and one part at a time."""
    info = checkpoint(write_folder(tmp_path / "tiny", nets(small=True)), compute_dtype="bfloat16")
    return load(info, CPU, torch.bfloat16), load(info.with_saving(frozenset({"offload"})), CPU, torch.bfloat16)


def away(model: LatentModel) -> set[str]:
    """The parts that hold the arrays of their files: here the net is the only one of another dtype."""
    assert model.fitting is not None
    assert model.fitting.offload is not None
    return {"unet", "text", "vae"} - {model.fitting.offload.there}


@torch.no_grad()
def test_one_part_at_a_time_gives_the_same_bits(both: tuple[LatentModel, LatentModel]) -> None:
    whole, parts = both
    unet = parts.parts["unet"]
    assert away(parts) == {"unet", "text", "vae"}, "loading reads nothing"
    conds = [model.condition(Said("a lighthouse")) for model in both]
    assert away(parts) == {"unet", "vae"}
    assert conds[0].tokens is not None
    assert torch.equal(conds[0].tokens, conds[1].tokens)  # type: ignore[arg-type]
    x = torch.randn(1, 4, 8, 8)
    for _ in range(2):  # also after the decoder was there
        made = [model.denoiser(x, 2.0, cond) for model, cond in zip(both, conds, strict=True)]
        assert next(unet.parameters()).dtype == torch.bfloat16
        assert torch.equal(*made)
        pictures = [model.codec.decode(x) for model in both]
        assert next(unet.parameters()).dtype == torch.float32, "it is the file's again"
        assert away(parts) == {"unet", "text"}
        assert torch.equal(*pictures)
    assert whole.bytes > 0


def test_a_local_decoder_gives_the_same_picture_in_tiles() -> None:
    calls: list[torch.Size] = []

    def decode(latent: Tensor) -> Tensor:
        """Each pixel sees the cells beside it."""
        calls.append(latent.shape)
        blurred = torch.nn.functional.avg_pool2d(latent, 3, 1, 1, count_include_pad=False)
        return interpolate(blurred[:, :3], scale_factor=8, mode="nearest")

    latent = torch.randn(1, 4, 40, 90, dtype=torch.float64)
    tiled = decode_in_tiles(decode, latent, 8, tile=32, overlap=8)
    assert {tuple(shape[-2:]) for shape in calls} == {(32, 32)}, "all tiles have one size"
    apart = (tiled - decode(latent)).abs()
    # Only the outermost cell of an inner edge sees other neighbours, and it weighs 1/16 there.
    assert apart.max() < 0.25
    assert (apart > 1e-12).double().mean() < 0.15
    flat = decode_in_tiles(decode, torch.ones_like(latent), 8, tile=32, overlap=8)
    assert torch.allclose(flat, torch.ones_like(flat))


def test_tiles_cover_a_side_and_overlap_enough() -> None:
    for length in (10, 64, 65, 100, 112, 113, 256):
        found = starts(length)
        assert found[0] == 0
        assert found[-1] + 64 == max(length, 64)
        assert all(b - a <= 64 - 16 for a, b in pairwise(found))


def test_tiles_are_decoded_where_the_model_is_set_to_it_and_cancelled_between_two(
    both: tuple[LatentModel, LatentModel],
) -> None:
    codec = replace(both[0].codec, tiles=True)
    latent = torch.randn(1, 4, 72, 8)
    with torch.no_grad():
        tiled, whole = codec.decode(latent), both[0].codec.decode(latent)
    assert tiled.shape == whole.shape
    assert not torch.equal(tiled, whole)
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        codec.decode(latent, lambda: next(answers))
