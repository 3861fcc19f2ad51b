"""From a text to the condition of Stable Diffusion 1, 2, XL and its refiner.

The prompt language (engine.spec.prompt) gives weighted spans, which are divided into chunks of 75 tokens. Each chunk is
encoded by itself; the states stand one after the other. A family says, as data, which layers it reads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from engine.models.clip_bpe import COMMA, END, START, VOCABULARY, read_tokenizer
from engine.models.clip_text import ClipText, States
from engine.models.emphasis import emphasise
from engine.models.inversion import Inversion, Inversions
from engine.spec.prompt.chunks import ROOM, Chunk, Unit, chunks
from engine.spec.prompt.emphasis import parse
from engine.types import Cond, Said

AESTHETIC, AESTHETIC_OF_NEGATIVE = 6.0, 2.5  # scores that SDXL's refiner was published with
NATIVE = (1024, 1024)  # the picture's size where none is said, for the families that read it


@dataclass(frozen=True)
class Encoder:
    """A text encoder as a family reads it.

    pad       -- the id after the end token: END, or 0 for encoders of open_clip
    skip      -- the layer, counted from the end, that is read without clip skip; 1 is the last
    normalise -- whether its states pass the final layer norm
    dropped   -- how many last layers of the published encoder are not in `net`
    """

    net: ClipText
    pad: int = END
    skip: int = 1
    normalise: bool = True
    dropped: int = 0

    @classmethod
    def of(cls, net: ClipText, about: Mapping[str, Any]) -> Encoder:
        """From a family's words: "layer" ("last", or "penultimate" without the norm) and "pad" ("end" or "zero")."""
        last = about["layer"] == "last"
        pad = END if about["pad"] == "end" else 0
        return cls(net, pad, 1 if last else 2, last, int(about.get("dropped", 0)))

    def layer(self, clip_skip: int | None) -> int:
        """Return the layer of `net` to read. A clip skip below the family's own changes nothing."""
        return max(self.skip, (clip_skip or 1) - self.dropped)

    def padded(self, ids: Tensor) -> Tensor:
        """Return ids (B, 77) with `pad` after the first end token."""
        after = (ids == END).cumsum(1) - (ids == END).int() > 0
        return torch.where(after, self.pad, ids)


class _Read(NamedTuple):
    """A prompt as ids: its chunks, and the learned words whose vectors have the ids from VOCABULARY on."""

    chunks: tuple[Chunk, ...]
    learned: tuple[Inversion, ...]


@dataclass(frozen=True)
class ClipWords:
    """The texts of one family.

    encoders    -- one or two; their states are joined along the channels, and the pooled vector is the last one's
    numbers     -- what the net reads besides: "" nothing; "sizes": height and width of the original, the corner of
                   its crop, height and width of the picture; "score": the first four and an aesthetic score
    force_zeros -- whether an empty negative prompt is zeros instead of the states of an empty text
    inversions  -- learned words that a prompt can name
    """

    encoders: tuple[Encoder, ...]
    numbers: str = ""
    force_zeros: bool = False
    inversions: Inversions = field(default_factory=Inversions)

    def __call__(self, said: Said) -> Cond:
        """Encode the text of one picture: tokens (1, 77·n, C), mask of ones, pooled (1, C) and numbers where the family
        has them. Raises ModelError for a clip skip or a learned word that the encoders do not have.
        """
        read = self.read(said.text)
        ids = torch.tensor([[START, *c.ids, *[END] * (ROOM + 1 - len(c.ids))] for c in read.chunks])
        weights = torch.tensor([[1.0, *c.weights, *[1.0] * (ROOM + 1 - len(c.ids))] for c in read.chunks])
        extra = self._vectors(read.learned)
        states, pooled = [], []
        for encoder, vectors in zip(self.encoders, extra, strict=True):
            z, p = self._encode(encoder, ids, vectors, said.clip_skip)
            states.append(emphasise(z, weights.to(z.device)).flatten(0, 1)[None])
            pooled.append(p[:1])  # of the first chunk: a later one is a text of its own
        tokens, vector = torch.cat(states, 2), pooled[-1]
        if self.force_zeros and said.negative and not said.text:
            tokens, vector = torch.zeros_like(tokens), torch.zeros_like(vector)
        if not self.numbers:
            return Cond(tokens=tokens)
        return Cond(tokens=tokens, pooled=vector, numbers=self._numbers(said).to(vector.device))

    def read(self, text: str) -> _Read:
        """Read a prompt. Raises ModelError for a learned word whose vectors do not fit the encoders."""
        learned: dict[str, tuple[Inversion, int]] = {}
        encode = read_tokenizer()
        widths = [encoder.net.width for encoder in self.encoders]

        def units(span: str) -> Iterator[Unit]:
            for piece in self.inversions.split(span):
                if isinstance(piece, str):
                    yield from ((token,) for token in encode(piece))
                    continue
                count = len(piece.fitting(widths)[0])
                if piece.name not in learned:
                    after = VOCABULARY + sum(len(w.fitting(widths)[0]) for w, _ in learned.values())
                    learned[piece.name] = piece, after
                first = learned[piece.name][1]
                yield tuple(range(first, first + count))

        made = chunks(parse(text), lambda span: tuple(units(span)), COMMA)
        return _Read(made, tuple(word for word, _ in learned.values()))

    @torch.no_grad()
    def _encode(self, encoder: Encoder, ids: Tensor, extra: Tensor | None, clip_skip: int | None) -> States:
        """Return states (n, 77, C) and pooled (n, C) of n chunks."""
        device = next(encoder.net.parameters()).device
        padded = encoder.padded(ids).to(device)
        states: States = encoder.net(padded, encoder.layer(clip_skip), encoder.normalise, extra)
        return states

    def _vectors(self, learned: Sequence[Inversion]) -> list[Tensor | None]:
        """Return the vectors of the learned words for each encoder."""
        if not learned:
            return [None] * len(self.encoders)
        widths = [encoder.net.width for encoder in self.encoders]
        return [torch.cat(column) for column in zip(*(word.fitting(widths) for word in learned), strict=True)]

    def _numbers(self, said: Said) -> Tensor:
        width, height = said.size or NATIVE
        score = AESTHETIC_OF_NEGATIVE if said.negative else AESTHETIC
        last = [height, width] if self.numbers == "sizes" else [score]
        return torch.tensor([[height, width, 0, 0, *last]], dtype=torch.float32)
