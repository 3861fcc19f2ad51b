"""The tokenizer of CLIP's text encoders: byte-level byte-pair encoding (Radford et al., CLIP, 2021), 49,408 tokens.

The merges are those of OpenAI's file, which open_clip is installed with; nothing is fetched. It needs neither torch
nor open_clip, so the window counts tokens with it.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.models.errors import REMEDY, ModelError

START, END = 49406, 49407
VOCABULARY = 49408
COMMA = 267  # the id of ","
MERGES = 48894
_FILE = "bpe_simple_vocab_16e6.txt.gz"
_SPECIAL = ("<|startoftext|>", "<|endoftext|>")
_WORDS = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


class ClipTokenizer:
    """A text → the ids of its tokens, without start, end and padding."""

    def __init__(self, merges: list[tuple[str, str]]) -> None:
        from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

        letters = byte_letters()
        words = [*letters, *(f"{c}</w>" for c in letters), *map("".join, merges), *_SPECIAL]
        bpe = models.BPE(
            vocab={word: k for k, word in enumerate(words)},
            merges=merges,
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            fuse_unk=False,
            unk_token=_SPECIAL[1],
        )
        self._tokenizer: Any = Tokenizer(bpe)
        self._tokenizer.normalizer = normalizers.Sequence(
            [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
        )
        self._tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False),
            ]
        )
        self._tokenizer.add_special_tokens([AddedToken(word, special=True) for word in _SPECIAL])

    def __call__(self, text: str) -> list[int]:
        """Return the ids of a text's tokens, each below VOCABULARY."""
        found: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return found


def byte_letters() -> list[str]:
    """Return the letter of each byte in the order of the vocabulary: printable bytes stand for themselves and come
    first, the others are the letters from U+0100 on.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [*map(chr, printable), *(chr(256 + k) for k in range(256 - len(printable)))]


def merges_file() -> Path:
    """Return the path of the merges in the installed open_clip. Raises ModelError where it is not installed."""
    package = find_spec("open_clip")  # does not import it
    if package is None or package.origin is None:
        raise ModelError(f"CLIP's vocabulary is missing: {REMEDY}.")
    return Path(package.origin).parent / _FILE


@lru_cache(maxsize=1)
def read_tokenizer() -> ClipTokenizer:
    """Read CLIP's tokenizer; all models share it. Raises ModelError when its file is missing or damaged."""
    path = merges_file()
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")[1 : 1 + MERGES]  # the first line is a heading
        merges = [(first, second) for first, second in map(str.split, lines)]
    except (OSError, EOFError, ValueError) as error:
        raise ModelError(f"{path} is missing or damaged: {REMEDY}.") from error
    if len(merges) != MERGES:
        raise ModelError(f"{path} is cut short: {REMEDY}.")
    return ClipTokenizer(merges)
