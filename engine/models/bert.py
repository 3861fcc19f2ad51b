"""A BERT text encoder: Devlin et al., "BERT: pre-training of deep bidirectional transformers" (2019).

It is written out because importing the transformers library takes longer than the rest of a model load. The names of
the parameters are those of its checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Bert(nn.Module):
    """Token ids → token states; `config` is the config.json of a BERT checkpoint.

    Fill it from a checkpoint: its largest table, the words, is not initialised.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, epsilon = config["hidden_size"], config["layer_norm_eps"]
        if config["hidden_act"] != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
            raise ValueError("Only BERT with GELU and absolute positions can be read here.")
        self.width: int = width
        self.embeddings = nn.ModuleDict(
            {
                "word_embeddings": nn.Embedding.from_pretrained(torch.empty(config["vocab_size"], width)),
                "position_embeddings": nn.Embedding(config["max_position_embeddings"], width),
                "token_type_embeddings": nn.Embedding(config["type_vocab_size"], width),
                "LayerNorm": nn.LayerNorm(width, epsilon),
            }
        )
        layers = (
            Layer(width, config["intermediate_size"], config["num_attention_heads"], epsilon)
            for _ in range(config["num_hidden_layers"])
        )
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(layers)})

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids (B, L) int64, mask (B, L) bool (True for tokens that count) → states (B, L, width)."""
        embed = self.embeddings
        place = torch.arange(ids.shape[1], device=ids.device)
        z = embed["word_embeddings"](ids) + embed["position_embeddings"](place)
        z = embed["LayerNorm"](z + embed["token_type_embeddings"](torch.zeros_like(ids)))
        for layer in self.encoder["layer"].children():
            z = layer(z, mask[:, None, None])
        return z


class Layer(nn.Module):
    """Self-attention and a feed-forward part, each normalised after its residual."""

    def __init__(self, width: int, hidden: int, heads: int, epsilon: float) -> None:
        super().__init__()
        attention, projection = SelfAttention(width, heads), Projection(width, width, epsilon)
        self.attention = nn.ModuleDict({"self": attention, "output": projection})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, hidden)})
        self.output = Projection(hidden, width, epsilon)

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        z = self.attention["output"](self.attention["self"](z, mask), z)
        return self.output(F.gelu(self.intermediate["dense"](z)), z)


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))

    def forward(self, z: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (f(z).unflatten(2, (self.heads, -1)).transpose(1, 2) for f in (self.query, self.key, self.value))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)


class Projection(nn.Module):
    def __init__(self, inner: int, width: int, epsilon: float) -> None:
        super().__init__()
        self.dense, self.LayerNorm = nn.Linear(inner, width), nn.LayerNorm(width, epsilon)

    def forward(self, y: Tensor, residual: Tensor) -> Tensor:
        return self.LayerNorm(self.dense(y) + residual)
