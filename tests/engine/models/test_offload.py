"""One part at a time, and decoding in tiles: the same pixels with less in memory."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import interpolate

from engine.errors import Cancelled
from engine.models.adapter_file import Worn
from engine.models.interruptible import cancelled_between_layers
from engine.models.inversion import Inversions
from engine.models.latent import LatentModel, load
from engine.models.tiles import decode_in_tiles, starts
from engine.spec.adapter import AdapterUse
from engine.spec.catalog import checkpoint
from engine.types import Said
from tests.fakes.adapters import lora, write
from tests.fakes.tiny_sd import WIDTH, nets, write_folder

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[LatentModel, LatentModel]:
    """A tiny model in half precision from files of float32: all of it loaded, and one part at a time."""
    info = checkpoint(write_folder(tmp_path_factory.mktemp("m") / "tiny", nets(small=True)), compute_dtype="bfloat16")
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


@torch.no_grad()
def test_adapters_and_learned_words_give_the_same_bits_with_one_part_at_a_time(
    both: tuple[LatentModel, LatentModel], tmp_path: Path
) -> None:
    whole = both[0]
    assert whole.fitting is not None
    listed = [(part, m) for part in ("unet", "text") for m in whole.fitting.names.parts[part].values()]
    file = write(tmp_path / "lora.safetensors", lora(listed))
    use = AdapterUse(name="lora", sha256=sha256(file.read_bytes()).hexdigest(), strength=0.7, text_strength=0.4)
    save_file({"emb_params": torch.randn(2, WIDTH)}, word := tmp_path / "zig.safetensors")
    views = [model.wearing((Worn(use, file),)).knowing(Inversions.at({"zig": word})) for model in both]
    x = torch.randn(1, 4, 8, 8)
    plain = whole.denoiser(x, 2.0, whole.condition(Said("a zig")))
    for text in ("a zig", "a boat"):  # the second time after the net was there
        conds = [view.condition(Said(text)) for view in views]
        assert torch.equal(conds[0].tokens, conds[1].tokens)  # type: ignore[arg-type]
        made = [view.denoiser(x, 2.0, cond) for view, cond in zip(views, conds, strict=True)]
        assert torch.equal(*made)
        assert not torch.equal(made[0], plain)
        assert torch.equal(*(view.codec.decode(x) for view in views))
    off = [model.denoiser(x, 2.0, model.condition(Said("a zig"))) for model in both]
    assert torch.equal(off[0], plain), "off again to the bit"
    assert torch.equal(*off)


def test_a_decoder_is_cancelled_between_two_layers(both: tuple[LatentModel, LatentModel]) -> None:
    codec = both[0].codec
    asked: list[None] = []

    def stop() -> bool:
        asked.append(None)
        return len(asked) > 5

    with pytest.raises(Cancelled), cancelled_between_layers(codec, stop):
        codec.decode(torch.randn(1, 4, 8, 8))
    assert len(asked) == 6
    codec.decode(torch.randn(1, 4, 8, 8))
    assert len(asked) == 6
    codec.decode(torch.randn(1, 4, 8, 8))
    assert len(asked) == 6, "the hooks are gone"


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
