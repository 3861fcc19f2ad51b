"""The frozen text encoder: all-MiniLM-L6-v2, vendored in half precision under resources/text/minilm.

It reads only that folder and never the network.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.models.bert import Bert
from engine.models.checksums import check, check_name
from engine.models.emphasis import emphasise
from engine.models.errors import REMEDY, ModelError
from engine.spec.model_hash import encoder_files
from engine.spec.prompt.emphasis import Span, parse


class TextEncoder:
    """Texts → the token states of a frozen transformer.

    folder   -- holds config.json, tokenizer.json and model.safetensors
    length   -- the number of tokens kept
    remember -- the number of texts whose states are cached

    The states are computed in float32 on the CPU, because the texts are short.
    """

    def __init__(self, folder: Path, length: int = 16, remember: int = 256) -> None:
        from tokenizers import Tokenizer

        self.length, self.remember = length, remember
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(length)
        self.tokenizer.enable_padding(length=length)
        self.net = Bert(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        stored = load_file(folder / "model.safetensors")  # a view of the mapped file: copied into torch's own memory
        weights = {name: value.to(torch.float32, copy=True) for name, value in stored.items()}
        self.net.load_state_dict(weights, assign=True)
        self.net.eval().requires_grad_(False)
        self.width = self.net.width
        self._known: OrderedDict[str, tuple[Tensor, Tensor]] = OrderedDict()

    def __call__(self, text: str) -> tuple[Tensor, Tensor]:
        """Return the states (1, length, C) of one text's tokens, and the mask of those that count, (1, length) bool.

        The text is read in the prompt language: `(word:1.3)` weighs the states of a word. A text without brackets is
        encoded as it is.
        """
        if text not in self._known:
            self._known[text] = self._weighted(parse(text, breaks=False))
            if len(self._known) > self.remember:
                self._known.popitem(last=False)
        self._known.move_to_end(text)
        return self._known[text]

    def _weighted(self, spans: Sequence[Span]) -> tuple[Tensor, Tensor]:
        text = "".join(span.text for span in spans)
        states, mask = self.encode([text])
        ends = list(accumulate(len(span.text) for span in spans))
        weights = torch.ones(1, self.length)
        for k, (first, end) in enumerate(self.tokenizer.encode(text).offsets):
            if first < end:  # start, end and padding stand for no letters
                weights[0, k] = spans[bisect_right(ends, first)].weight
        return emphasise(states, weights, mask), mask

    @torch.no_grad()
    def encode(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Encode many texts at once: states (B, length, C) float32 and mask (B, length) bool."""
        encoded = self.tokenizer.encode_batch(list(texts))
        ids = torch.tensor([e.ids for e in encoded])
        mask = torch.tensor([e.attention_mask for e in encoded], dtype=torch.bool)
        return self.net(ids, mask), mask

    @torch.no_grad()
    def mean_states(self, texts: Sequence[str]) -> Tensor:
        """Encode texts to one vector each, (B, C): the mean of the states of their tokens. Nothing is computed for
        padding that no text of the batch needs.
        """
        encoded = self.tokenizer.encode_batch(list(texts))
        length = max(sum(e.attention_mask) for e in encoded)
        ids = torch.tensor([e.ids[:length] for e in encoded])
        mask = torch.tensor([e.attention_mask[:length] for e in encoded], dtype=torch.bool)
        weights = mask[..., None].to(torch.float32)
        return (self.net(ids, mask) * weights).sum(1) / weights.sum(1)

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text, without start and end, `length` − 2 at most."""
        return sum(self.tokenizer.encode(text).attention_mask) - 2


def check_encoder(folder: Path) -> None:
    """Raises ModelError unless the files of the text encoder in `folder` are those that it lists."""
    listed = encoder_files(folder)
    if not listed:
        raise ModelError(f"The text encoder in {folder} is missing or damaged: {REMEDY}.")
    for name, sha256 in listed.items():
        check(folder / check_name(name), sha256)


@lru_cache(maxsize=2)
def read_encoder(folder: Path, length: int) -> TextEncoder:
    """Read the text encoder in `folder`; models with the same encoder share it. Raises ModelError when it is
    damaged.
    """
    check_encoder(folder)
    try:
        return TextEncoder(folder, length)
    except MemoryError:
        raise
    except Exception as error:  # the tokenizers library raises bare Exceptions
        raise ModelError(f"The text encoder in {folder} is missing or damaged: {REMEDY}.") from error
