"""CLIP's text encoder: a causal transformer over at most 77 tokens (Radford et al., CLIP, 2021).

The parameters have the names of transformers' checkpoints, which single files of Stable Diffusion 1 and XL hold too;
`read_clip_text` also reads open_clip's names, as Stable Diffusion 2 and XL's second encoder have them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.models.clip_bpe import END
from engine.models.errors import ModelError

HEAD = 64  # the width of an attention head in all of CLIP's text encoders
_OPEN_CLIP = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
_OPEN_CLIP_LAYER = {
    "ln_1": "layer_norm1", "ln_2": "layer_norm2", "mlp.c_fc": "mlp.fc1", "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}  # fmt: skip
_UNUSED = {"embeddings.position_ids", "logit_scale", "attn_mask"}


class States(NamedTuple):
    """The states of a text.

    tokens -- (B, L, C) the states after the chosen layer
    pooled -- (B, C) the last layer's state of the first end token, normalised, and projected where there is a
              projection
    """

    tokens: Tensor
    pooled: Tensor


class ClipText(nn.Module):
    """Token ids → token states and one pooled vector.

    width, hidden, layers, heads -- of the transformer; `projection` is the width of the pooled vector, 0 for none
    quick   -- whether the activation is x·σ(1.702x), as OpenAI trained, or the exact GELU, as LAION did
    """

    def __init__(
        self,
        vocabulary: int,
        length: int,
        width: int,
        hidden: int,
        layers: int,
        heads: int,
        projection: int,
        quick: bool,
    ) -> None:
        super().__init__()
        self.vocabulary, self.width = vocabulary, width
        words, places = nn.Embedding(vocabulary, width), nn.Embedding(length, width)
        self.embeddings = nn.ModuleDict({"token_embedding": words, "position_embedding": places})
        stack = nn.ModuleList(Layer(width, hidden, heads, quick) for _ in range(layers))
        self.encoder = nn.ModuleDict({"layers": stack})
        self.final_layer_norm = nn.LayerNorm(width)
        self.text_projection = nn.Linear(width, projection, bias=False) if projection else None

    @property
    def depth(self) -> int:
        return len(list(self.encoder["layers"].children()))

    @property
    def config(self) -> dict[str, int]:
        """Its "width", "layers", "mlp" (of the feed-forward part) and "projection"."""
        hidden = self.encoder["layers"].get_parameter("0.mlp.fc1.weight").shape[0]
        projection = 0 if self.text_projection is None else self.text_projection.out_features
        return {"width": self.width, "layers": self.depth, "mlp": hidden, "projection": projection}

    def forward(self, ids: Tensor, skip: int = 1, normalise: bool = True, extra: Tensor | None = None) -> States:
        """Encode ids (B, L) int64.

        skip      -- the layer whose states are used, counted from the end: 1 is the last, 2 the one before
        normalise -- whether these states pass the final layer norm
        extra     -- (n, width) vectors of textual inversion: the id `vocabulary + k` stands for extra[k]
        """
        if not 1 <= skip <= self.depth:
            raise ModelError(f"This text encoder has {self.depth} layers: choose a clip skip of 1 to {self.depth}.")
        z = self.embeddings["token_embedding"](ids.clamp_max(self.vocabulary - 1))
        if extra is not None:
            learned = ids >= self.vocabulary
            z[learned] = extra.to(z)[ids[learned] - self.vocabulary]
        z = z + self.embeddings["position_embedding"].get_parameter("weight")[: ids.shape[1]]
        states = z
        for k, layer in enumerate(self.encoder["layers"].children()):
            z = layer(z)
            if k == self.depth - skip:
                states = z
        last = self.final_layer_norm(z)
        if normalise:
            states = last if skip == 1 else self.final_layer_norm(states)
        ends = (ids == END).int().argmax(1)
        pooled = last[torch.arange(len(ids), device=ids.device), ends]
        return States(states, pooled if self.text_projection is None else self.text_projection(pooled))


class Layer(nn.Module):
    """Causal self-attention and a feed-forward part, each normalised before and added to its input."""

    def __init__(self, width: int, hidden: int, heads: int, quick: bool) -> None:
        super().__init__()
        self.heads, self.quick = heads, quick
        self.self_attn = nn.ModuleDict({f"{name}_proj": nn.Linear(width, width) for name in ("q", "k", "v", "out")})
        self.layer_norm1, self.layer_norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mlp = nn.ModuleDict({"fc1": nn.Linear(width, hidden), "fc2": nn.Linear(hidden, width)})

    def forward(self, z: Tensor) -> Tensor:
        attend, y = self.self_attn, self.layer_norm1(z)
        q, k, v = (attend[f"{n}_proj"](y).unflatten(2, (self.heads, -1)).transpose(1, 2) for n in "qkv")
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        z = z + attend["out_proj"](y.transpose(1, 2).flatten(2))
        y = self.mlp["fc1"](self.layer_norm2(z))
        y = y * torch.sigmoid(1.702 * y) if self.quick else F.gelu(y)
        return z + self.mlp["fc2"](y)


def read_clip_text(
    state: Mapping[str, Tensor], quick: bool, name: str = "This file", heads: int = 0, layers: int = 0
) -> ClipText:
    """Build the encoder of `state`, whose names begin after the prefix of a single file (see `part`).

    quick  -- the activation, as in ClipText
    name   -- of the file, for the sentence of an error
    heads  -- of the attention; 0: one for each 64 channels, as all published encoders have
    layers -- how many layers are read, the deeper ones are left out; 0: all

    Parameters are frozen and keep their memory and dtype. Raises ModelError where tensors are missing, unknown, or of
    another shape.
    """
    state = from_open_clip(state) if "positional_embedding" in state else _plain(state)
    if layers:
        state = {key: value for key, value in state.items() if _layer(key) < layers}
    try:
        vocabulary, width = state["embeddings.token_embedding.weight"].shape
        hidden = state["encoder.layers.0.mlp.fc1.weight"].shape[0]
        length = state["embeddings.position_embedding.weight"].shape[0]
    except (KeyError, ValueError) as error:
        raise ModelError(f"{name} holds no CLIP text encoder: choose a complete checkpoint.") from error
    layers = 1 + max(map(_layer, state))
    projection = state["text_projection.weight"].shape[0] if "text_projection.weight" in state else 0
    heads = heads or max(1, width // HEAD)
    with torch.device("meta"):
        net = ClipText(vocabulary, length, width, hidden, layers, heads, projection, quick)
    try:
        net.load_state_dict(dict(state), strict=True, assign=True)
    except RuntimeError as error:
        why = str(error).split("\n")[1].strip().rstrip(".") if "\n" in str(error) else str(error)
        raise ModelError(f"{name} does not fit a CLIP text encoder ({why}): fetch it again.") from error
    return net.eval().requires_grad_(False)


def part(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return the tensors below `prefix`, their names without it."""
    return {key[len(prefix) :]: value for key, value in state.items() if key.startswith(prefix)}


def from_open_clip(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the tensors of open_clip's text tower; queries, keys and values, one matrix there, are parted.

    open_clip multiplies by the transpose of its `text_projection`, so that is transposed.
    """
    made: dict[str, Tensor] = {}
    for key, value in state.items():
        if key in _OPEN_CLIP:
            made[_OPEN_CLIP[key]] = value
        elif key == "text_projection":
            made["text_projection.weight"] = value.T
        elif key == "text_projection.weight":
            made[key] = value
        elif match := re.fullmatch(r"transformer\.resblocks\.(\d+)\.(.+?)\.?_?(weight|bias)", key):
            layer, place, kind = f"encoder.layers.{match[1]}", match[2], match[3]
            if place == "attn.in_proj":
                for letter, third in zip("qkv", value.chunk(3), strict=True):
                    made[f"{layer}.self_attn.{letter}_proj.{kind}"] = third
            else:
                made[f"{layer}.{_OPEN_CLIP_LAYER.get(place, place)}.{kind}"] = value
        elif key not in _UNUSED:
            made[key] = value  # unknown: load_state_dict names it
    return made


def _layer(key: str) -> int:
    """Return the layer of a tensor; −1 for one outside the layers."""
    match = re.match(r"encoder\.layers\.(\d+)\.", key)
    return int(match[1]) if match else -1


def _plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Drop the prefix of transformers' checkpoints and the tensors that are no parameters."""
    return {key.removeprefix("text_model."): value for key, value in state.items() if _kept(key)}


def _kept(key: str) -> bool:
    return key.removeprefix("text_model.") not in _UNUSED
