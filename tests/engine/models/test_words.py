"""Texts of Stable Diffusion 1, 2, XL and its refiner: the conditions of diffusers' pipelines, and what they lack."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from engine.models.clip_bpe import END, START, read_tokenizer
from engine.models.clip_text import ClipText, read_clip_text
from engine.models.emphasis import emphasise
from engine.models.errors import ModelError
from engine.models.inversion import Inversions
from engine.models.words import ClipWords, Encoder
from engine.morph.blend import blend
from engine.types import Cond, Said
from tests.engine.models.clips import text_encoder, tokenizer

EXACT = 1e-6
CAT = "a photo of a cat, 35mm"
LAST = {"layer": "last", "pad": "end"}
BEFORE = {"layer": "penultimate", "pad": "end"}
SECOND = {"layer": "penultimate", "pad": "zero"}


@dataclass(frozen=True)
class Encoders:
    """The two encoders of SDXL, tiny: transformers' and ours with the same weights."""

    theirs: tuple[Any, Any]
    first: ClipText
    second: ClipText

    @property
    def sd1(self) -> ClipWords:
        return ClipWords((Encoder.of(self.first, LAST),))

    @property
    def sdxl(self) -> ClipWords:
        both = Encoder.of(self.first, BEFORE), Encoder.of(self.second, SECOND)
        return ClipWords(both, numbers="sizes", force_zeros=True)


@pytest.fixture(scope="module")
def encoders() -> Encoders:
    torch.manual_seed(0)
    one, two = text_encoder(32, 2, "quick_gelu"), text_encoder(48, 3, "gelu", 40)
    object.__setattr__(one, "text_model", one)  # diffusers' clip skip still looks for the name of older transformers
    read = read_clip_text(one.state_dict(), True, heads=2), read_clip_text(two.state_dict(), False, heads=3)
    return Encoders((one, two), *read)


def difference(a: Tensor | None, b: Tensor | None) -> float:
    assert a is not None
    assert b is not None
    assert a.shape == b.shape
    return (a - b).abs().max().item()


@pytest.mark.parametrize("skip", [None, 1, 2])
@torch.no_grad()
def test_conditions_of_sd1_are_those_of_diffusers(encoders: Encoders, skip: int | None) -> None:
    """diffusers counts the skipped layers, other studios the layer from the end."""
    from diffusers import StableDiffusionPipeline

    pipe = StableDiffusionPipeline(
        None, encoders.theirs[0], tokenizer(), None, None, None, None, requires_safety_checker=False
    )
    cond, negative = pipe.encode_prompt(CAT, "cpu", 1, True, "ugly", clip_skip=skip)
    said = Said(CAT, clip_skip=None if skip is None else skip + 1)
    assert difference(encoders.sd1(said).tokens, cond) <= EXACT
    assert difference(encoders.sd1(Said("ugly", negative=True)).tokens, negative) <= EXACT


@pytest.mark.parametrize("negative", ["", "ugly"])
@pytest.mark.parametrize("skip", [None, 1])
@torch.no_grad()
def test_conditions_of_sdxl_are_those_of_diffusers(encoders: Encoders, negative: str, skip: int | None) -> None:
    from diffusers import StableDiffusionXLPipeline

    tokenizers = tokenizer(), tokenizer("!")
    pipe = StableDiffusionXLPipeline(
        None, *encoders.theirs, *tokenizers, None, None, force_zeros_for_empty_prompt=True, add_watermarker=False
    )
    theirs = pipe.encode_prompt(CAT, device="cpu", negative_prompt=negative or None, clip_skip=skip)
    said = Said(CAT, size=(640, 512), clip_skip=None if skip is None else skip + 2)
    ours, away = encoders.sdxl(said), encoders.sdxl(Said(negative, negative=True))
    for mine, other in zip((ours.tokens, away.tokens, ours.pooled, away.pooled), theirs, strict=True):
        assert difference(mine, other) <= EXACT
    assert ours.numbers is not None
    assert ours.numbers.tolist() == [[512, 640, 0, 0, 512, 640]]  # height first, as diffusers' add_time_ids


def test_an_empty_negative_prompt_of_sdxl_is_zeros_and_an_empty_prompt_is_a_text(encoders: Encoders) -> None:
    away, towards = encoders.sdxl(Said("", negative=True)), encoders.sdxl(Said(""))
    assert away.tokens is not None
    assert away.pooled is not None
    assert not away.tokens.any()
    assert not away.pooled.any()
    assert away.mask is not None
    assert away.mask.all()
    assert towards.tokens is not None
    assert towards.tokens.any()
    kept = replace(encoders.sdxl, force_zeros=False)(Said("", negative=True))
    assert difference(kept.tokens, towards.tokens) == 0


def test_the_refiner_reads_an_aesthetic_score(encoders: Encoders) -> None:
    words = ClipWords((Encoder.of(encoders.second, SECOND),), numbers="score")
    good, bad = (words(Said("cat", size=(512, 640), negative=negative)).numbers for negative in (False, True))
    assert good is not None
    assert bad is not None
    assert (good.tolist(), bad.tolist()) == ([[640, 512, 0, 0, 6.0]], [[640, 512, 0, 0, 2.5]])


def test_a_clip_skip_below_the_familys_own_changes_nothing(encoders: Encoders) -> None:
    own, two, three = (encoders.sdxl(Said("cat", clip_skip=skip)).tokens for skip in (None, 2, 3))
    assert difference(own, two) == 0
    assert difference(own, three) > 0.01
    dropped = ClipWords((replace(Encoder.of(encoders.first, LAST), dropped=1),))  # Stable Diffusion 2
    assert difference(dropped(Said("cat", clip_skip=2)).tokens, encoders.sd1(Said("cat")).tokens) == 0


def test_weights_multiply_the_states_and_keep_their_mean() -> None:
    """A1111's "original" emphasis, from its formula: z' = w·z · mean(z) / mean(w·z)."""
    torch.manual_seed(3)
    z = torch.randn(2, 7, 5, dtype=torch.float64) + 0.3
    w = torch.ones(2, 7, dtype=torch.float64)
    w[0, 2:4] = 1.3
    expected = z[0] * w[0, :, None]
    expected = expected * (z[0].mean() / expected.mean())
    made = emphasise(z, w)
    assert torch.allclose(made[0], expected, rtol=1e-14, atol=0)
    assert made[0].mean().item() == pytest.approx(z[0].mean().item(), rel=1e-12)
    assert torch.equal(made[1], z[1])
    assert emphasise(z, torch.ones_like(w)) is z
    zero = emphasise(z, torch.zeros_like(w))
    assert zero.isfinite().all()


@torch.no_grad()
def test_a_weight_is_of_its_words_and_of_each_encoder(encoders: Encoders) -> None:
    plain, weighted = encoders.sdxl(Said("red cat")), encoders.sdxl(Said("red (cat:1.5)"))
    assert plain.tokens is not None
    assert weighted.tokens is not None
    for start, end in ((0, 32), (32, 80)):
        z = plain.tokens[..., start:end]
        w = torch.ones(1, 77)
        w[0, 2] = 1.5  # after the start token and "red"
        assert difference(weighted.tokens[..., start:end], emphasise(z, w)) <= EXACT
    assert difference(weighted.pooled, plain.pooled) == 0


@torch.no_grad()
def test_a_long_prompt_is_encoded_chunk_by_chunk(encoders: Encoders) -> None:
    long = "red apple, " * 30
    cond = encoders.sdxl(Said(long))
    assert cond.tokens is not None
    assert cond.mask is not None
    assert cond.tokens.shape == (1, 154, 80)
    assert cond.mask.dtype == torch.bool
    assert cond.mask.all()
    first = encoders.sdxl(Said("red apple, " * 25))
    assert difference(cond.tokens[:, :77], first.tokens) <= EXACT
    assert difference(cond.tokens[:, 77:], encoders.sdxl(Said("red apple, " * 5)).tokens) <= EXACT
    assert difference(cond.pooled, first.pooled) <= EXACT
    parted = encoders.sdxl(Said("red BREAK apple")).tokens
    assert parted is not None
    assert difference(parted[:, 77:], encoders.sdxl(Said("apple")).tokens) <= EXACT


def test_texts_of_different_lengths_share_a_batch_and_a_mixture(encoders: Encoders) -> None:
    """The shorter one is padded with tokens that count for nothing."""
    long, short = encoders.sd1(Said("red BREAK apple")), encoders.sd1(Said("pear"))
    both = Cond.cat([short, long])
    assert both.tokens is not None
    assert both.mask is not None
    assert both.tokens.shape[:2] == (2, 154)
    assert both.mask.sum(1).tolist() == [77, 154]
    mixed = blend(short, long, 0.25, 1)
    assert mixed.mask is not None
    assert mixed.mask[0, [0, 76, 77, 153]].tolist() == [1, 1, 0.25, 0.25]


def test_the_second_encoder_pads_with_0(encoders: Encoders) -> None:
    ids = torch.tensor([[START, *read_tokenizer()("cat"), *[END] * 75]])
    assert Encoder.of(encoders.second, SECOND).padded(ids)[0, :5].tolist() == [START, 2368, END, 0, 0]
    assert Encoder.of(encoders.first, BEFORE).padded(ids)[0, :5].tolist() == [START, 2368, END, END, END]


# learned words


@torch.no_grad()
def test_a_learned_word_is_used_by_its_name(encoders: Encoders, tmp_path: Path) -> None:
    """Its vectors are those of two known words, so its states are theirs."""
    table = encoders.first.embeddings["token_embedding"].get_parameter("weight")
    vectors = table[[*read_tokenizer()("red cat")]].clone()
    save_file({"emb_params": vectors}, tmp_path / "My-Cat.safetensors")
    words = replace(encoders.sd1, inversions=Inversions([tmp_path]))
    plain = encoders.sd1(Said("a red cat, a red cat"))
    assert difference(words(Said("a my-cat, a MY-CAT")).tokens, plain.tokens) == 0
    weighted = encoders.sd1(Said("a (red cat:1.4)"))
    assert difference(words(Said("a (my-cat:1.4)")).tokens, weighted.tokens) == 0
    assert difference(words(Said("a my-cats")).tokens, encoders.sd1(Said("a my-cats")).tokens) == 0


@torch.no_grad()
def test_a_learned_word_of_sdxl_has_vectors_for_both_encoders(encoders: Encoders, tmp_path: Path) -> None:
    ids = read_tokenizer()("red cat")
    tables = [
        net.embeddings["token_embedding"].get_parameter("weight")[ids].clone()
        for net in (encoders.first, encoders.second)
    ]
    save_file({"clip_l": tables[0], "clip_g": tables[1]}, tmp_path / "both.safetensors")
    words = replace(encoders.sdxl, inversions=Inversions([tmp_path]))
    ours, plain = words(Said("a both")), encoders.sdxl(Said("a red cat"))
    assert difference(ours.tokens, plain.tokens) == 0
    assert difference(ours.pooled, plain.pooled) == 0


def test_a_learned_word_of_another_kind_of_model_is_refused_with_both_widths(
    encoders: Encoders, tmp_path: Path
) -> None:
    save_file({"emb_params": torch.zeros(2, 768)}, tmp_path / "easy.safetensors")
    words = replace(encoders.sd1, inversions=Inversions([tmp_path]))
    with pytest.raises(ModelError, match="“easy” has vectors of 768 numbers, and this model takes 32"):
        words(Said("easy"))
    with pytest.raises(ModelError, match="of 768 numbers, and this model takes 32 and 48"):
        replace(encoders.sdxl, inversions=Inversions([tmp_path]))(Said("easy"))
