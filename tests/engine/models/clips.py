"""Tiny CLIP text encoders of transformers, filled with random numbers, and CLIP's tokenizer, both without a hub."""

from __future__ import annotations

import gzip
from functools import lru_cache
from typing import Any

import torch

from engine.models.clip_bpe import END, MERGES, START, VOCABULARY, byte_letters, merges_file


def text_encoder(width: int, heads: int, act: str, projection: int = 0, layers: int = 4) -> Any:
    """A CLIPTextModel, or a CLIPTextModelWithProjection where there is a projection."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=VOCABULARY, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=layers,
        num_attention_heads=heads, hidden_act=act, projection_dim=projection or width, bos_token_id=START,
        eos_token_id=END,
    )  # fmt: skip
    made = (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return made


@lru_cache(maxsize=1)
def vocabulary() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The vocabulary and the merges, as transformers' tokenizer takes them."""
    with gzip.open(merges_file(), "rt", encoding="utf-8") as file:
        merges = [(a, b) for a, b in (line.split() for line in file.read().split("\n")[1 : 1 + MERGES])]
    letters = byte_letters()
    words = [*letters, *(f"{c}</w>" for c in letters), *map("".join, merges), "<|startoftext|>", "<|endoftext|>"]
    return {word: k for k, word in enumerate(words)}, merges


@lru_cache(maxsize=2)
def tokenizer(pad: str = "<|endoftext|>") -> Any:
    """transformers' CLIPTokenizer."""
    from transformers import CLIPTokenizer

    words, merges = vocabulary()
    return CLIPTokenizer(vocab=words, merges=merges, model_max_length=77, pad_token=pad)
