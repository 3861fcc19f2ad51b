"""CLIP's tokenizer gives the ids of transformers'."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.models import clip_bpe
from engine.models.clip_bpe import COMMA, END, MERGES, START, VOCABULARY, read_tokenizer
from engine.models.errors import ModelError
from engine.spec.catalog import ModelInfo, embedded_models
from engine.spec.prompt.chunks import Used
from tests.engine.models.clips import tokenizer, vocabulary

BLOCKS = ((32, 127), (0xA0, 0x500), (0x3000, 0xD000), (0x1F300, 0x1F900), (1, 0x20))
PIECES = ["<|endoftext|>", "<|startoftext|>", "'ll", "'S", "ß", "Σς", "İ", "A\u0301", "!", " ", "(", "1234", "a"]


def texts(count: int, seed: int) -> list[str]:
    """Random texts: words of the vocabulary, letters of many scripts, and what tokenizers treat specially."""
    draws, known = random.Random(seed), list(vocabulary()[0])
    made = []
    for k in range(count):
        size = draws.randrange(60)
        if k % 3 == 0:
            made.append(" ".join(draws.choice(known).removesuffix("</w>") for _ in range(size // 4)))
        elif k % 3 == 1:
            made.append("".join(chr(draws.randrange(*draws.choice(BLOCKS))) for _ in range(size)))
        else:
            made.append("".join(draws.choice(PIECES) for _ in range(size // 3)))
    return made


def differing(count: int, seed: int) -> list[str]:
    ours, theirs = read_tokenizer(), tokenizer()
    return [text for text in texts(count, seed) if [START, *ours(text), END] != theirs(text).input_ids]


def test_ids_are_those_of_transformers() -> None:
    assert differing(300, seed=1) == []


def test_the_vocabulary_is_openais() -> None:
    words, merges = vocabulary()
    assert (len(words), len(merges)) == (VOCABULARY, MERGES) == (49408, 48894)
    assert (words["<|startoftext|>"], words["<|endoftext|>"], words[",</w>"]) == (START, END, COMMA)
    assert read_tokenizer()("a photo of a cat, Cat") == [320, 1125, 539, 320, 2368, 267, 2368]


@pytest.mark.parametrize("harm", ["missing", "cut", "no gzip"])
def test_a_damaged_vocabulary_is_one_sentence(harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "merges.txt.gz"
    if harm == "cut":
        path.write_bytes(clip_bpe.merges_file().read_bytes()[:5000])
    elif harm == "no gzip":
        path.write_bytes(b"merges")
    monkeypatch.setattr(clip_bpe, "merges_file", lambda: path)
    with pytest.raises(ModelError, match=r"merges\.txt\.gz is missing or damaged"):
        read_tokenizer.__wrapped__()


def test_tokens_are_counted_before_a_run() -> None:
    from engine.models.token_count import clip_counter, token_counter

    count = clip_counter()
    assert count("", {}) == Used(0, 75)
    assert count("a (red:1.3) apple, [green]", {}) == Used(5, 75)
    assert count("red apple, " * 26, {}) == Used(78, 150)
    assert count("a Quiet-Night sky", {"quiet-night": 8}) == Used(10, 75)
    assert count("a quiet-nightly sky", {"quiet-night": 8}) == count("a quiet-nightly sky", {})
    models: dict[str, ModelInfo] = {info.id: info for info in embedded_models()}
    emoji = token_counter(models["emoji"])
    assert emoji is not None
    assert emoji("a (red:1.3) apple", {}) == Used(3, 14)
    assert emoji("apple " * 20, {}) == Used(20, 14)
    assert token_counter(models["fashion"]) is None
