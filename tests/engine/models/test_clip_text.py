"""CLIP's text encoder computes what transformers and open_clip compute, from the names of every kind of file."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from engine.models.clip_bpe import END, START
from engine.models.clip_text import ClipText, part, read_clip_text
from engine.models.errors import ModelError
from tests.engine.models.clips import text_encoder

EXACT = 1e-6  # the difference is 0 where both call the same kernels


@pytest.fixture(scope="module")
def ids() -> Tensor:
    """Padded with the end token, full, and padded with 0."""
    torch.manual_seed(1)
    made = torch.randint(START, (3, 77))
    made[:, 0], made[0, 20:], made[1, 76], made[2, 50], made[2, 51:] = START, END, END, END, 0
    return made


@pytest.fixture(scope="module")
def tower() -> Any:
    """A text tower of open_clip's."""
    import open_clip

    torch.manual_seed(2)
    vision = {"image_size": 32, "patch_size": 16, "width": 32, "layers": 1, "head_width": 32}
    text = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 4}
    made = open_clip.CLIP(embed_dim=24, vision_cfg=vision, text_cfg=text).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


def text_part(tower: Any) -> dict[str, Tensor]:
    return {key: value for key, value in tower.state_dict().items() if not key.startswith("visual.")}


@pytest.mark.parametrize("act", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("projection", [0, 24])
@torch.no_grad()
def test_states_are_those_of_transformers(act: str, projection: int, ids: Tensor) -> None:
    torch.manual_seed(0)
    theirs = text_encoder(32, 2, act, projection)
    ours = read_clip_text(theirs.state_dict(), quick=act == "quick_gelu", heads=2)
    expected = theirs(ids, output_hidden_states=True)
    pooled = expected.text_embeds if projection else expected.pooler_output
    last, before = ours(ids), ours(ids, skip=2, normalise=False)
    assert (last.tokens - expected.last_hidden_state).abs().max() <= EXACT
    assert (before.tokens - expected.hidden_states[-2]).abs().max() <= EXACT
    assert (last.pooled - pooled).abs().max() <= EXACT
    assert torch.equal(before.pooled, last.pooled)
    assert (ours(ids, skip=2).tokens - ours.final_layer_norm(before.tokens)).abs().max() <= EXACT


@torch.no_grad()
def test_states_are_those_of_open_clip(tower: Any, ids: Tensor) -> None:
    ours = read_clip_text(text_part(tower), quick=False, heads=2)
    z = tower.token_embedding(ids) + tower.positional_embedding
    states = []
    for block in tower.transformer.resblocks:
        z = block(z, attn_mask=tower.attn_mask)
        states.append(z)
    last, before = ours(ids), ours(ids, skip=2, normalise=False)
    assert (last.tokens - tower.ln_final(states[-1])).abs().max() <= EXACT
    assert (before.tokens - states[-2]).abs().max() <= EXACT
    assert (last.pooled - tower.encode_text(ids)).abs().max() <= EXACT


@torch.no_grad()
def test_the_names_of_every_kind_of_file_fill_the_same_encoder(tower: Any, ids: Tensor) -> None:
    torch.manual_seed(0)
    plain = text_encoder(32, 2, "quick_gelu").state_dict()
    single = {f"cond_stage_model.transformer.text_model.{key}": value for key, value in plain.items()}
    single |= {"cond_stage_model.transformer.text_model.embeddings.position_ids": torch.arange(77)[None]}
    single |= {"model.diffusion_model.out.weight": torch.zeros(1)}
    sdxl = {f"conditioner.embedders.0.transformer.text_model.{key}": value for key, value in plain.items()}
    sdxl |= {f"conditioner.embedders.1.model.{key}": value for key, value in text_part(tower).items()}
    sd2 = {f"cond_stage_model.model.{key}": value for key, value in text_part(tower).items()}
    folder = {f"text_model.{key}": value for key, value in plain.items()}  # transformers before version 5
    first = [
        read_clip_text(state, True, heads=2)
        for state in (
            plain,
            folder,
            part(single, "cond_stage_model.transformer."),
            part(sdxl, "conditioner.embedders.0.transformer."),
        )
    ]
    second = [
        read_clip_text(part(sdxl, "conditioner.embedders.1.model."), False, heads=2),
        read_clip_text(part(sd2, "cond_stage_model.model."), False, heads=2),
    ]
    for encoders in (first, second):
        assert all(torch.equal(encoders[0](ids).tokens, other(ids).tokens) for other in encoders[1:])
    assert not any(parameter.requires_grad for parameter in first[0].parameters())


@torch.no_grad()
def test_deeper_layers_can_be_left_out(tower: Any, ids: Tensor) -> None:
    """Stable Diffusion 2 in diffusers' folders has 23 layers of 24: its last is the penultimate."""
    whole, short = (read_clip_text(text_part(tower), False, heads=2, layers=n) for n in (0, 3))
    assert (whole.depth, short.depth) == (4, 3)
    assert torch.equal(whole(ids, skip=2).tokens, short(ids).tokens)


def test_a_learned_vector_takes_the_place_of_a_token(ids: Tensor) -> None:
    torch.manual_seed(0)
    net = read_clip_text(text_encoder(32, 2, "gelu").state_dict(), False, heads=2)
    table = net.embeddings["token_embedding"].get_parameter("weight")
    named = ids.clone()
    named[0, 5:7] = torch.tensor([49408, 49409])
    plain = ids.clone()
    plain[0, 5:7] = torch.tensor([1000, 2000])
    extra = table[[1000, 2000]].clone()
    assert torch.equal(net(named, extra=extra).tokens, net(plain).tokens)
    assert not torch.equal(net(named, extra=extra + 1).tokens, net(plain).tokens)


def test_what_does_not_fit_is_one_sentence() -> None:
    state = text_encoder(32, 2, "gelu").state_dict()
    missing = {key: value for key, value in state.items() if key != "encoder.layers.1.mlp.fc1.bias"}
    with pytest.raises(ModelError, match=r"cat\.safetensors does not fit .*layers\.1\.mlp\.fc1\.bias"):
        read_clip_text(missing, False, "cat.safetensors")
    with pytest.raises(ModelError, match=r"cat\.safetensors holds no CLIP text encoder"):
        read_clip_text({"weight": torch.zeros(1)}, False, "cat.safetensors")
    net = read_clip_text(state, False)
    with pytest.raises(ModelError, match="4 layers: choose a clip skip of 1 to 4"):
        net(torch.zeros(1, 77, dtype=torch.long), skip=5)


def test_published_shapes_have_a_head_for_64_channels() -> None:
    with torch.device("meta"):
        published = ClipText(49408, 77, 768, 3072, 12, 12, 0, True)
    assert sum(parameter.numel() for parameter in published.parameters()) == 123_060_480
    read = read_clip_text(published.state_dict(), True)
    assert [layer.heads for layer in read.encoder["layers"].children()] == [12] * 12
