"""The weights of a prompt's words: they multiply the states of their tokens.

It is the rule that A1111's studio calls "original", because pictures that people share were made with it: the states
are multiplied, and the whole is scaled so that its mean is what it was. With the mean, the net sees states of about
the size that it was trained on.
"""

from __future__ import annotations

from torch import Tensor


def emphasise(states: Tensor, weights: Tensor, mask: Tensor | None = None) -> Tensor:
    """Weight token states (B, L, C) by (B, L): z' = w·z · mean(z) / mean(w·z), the means over L and C of each row.

    mask -- (B, L), the tokens whose states are in the means; None: all

    A row whose weights are all 1 is returned as it is, to the bit; one whose weighted mean is 0 keeps its scale.
    """
    changed = (weights != 1).any(1)
    if not changed.any():
        return states
    weighted = states * weights.to(states)[..., None]
    counted = (states, weighted) if mask is None else tuple(z * mask.to(z)[..., None] for z in (states, weighted))
    before, after = (z.double().mean((1, 2)) for z in counted)
    scale = (before / after).where(changed & (after != 0), 1.0).to(states.dtype)
    return weighted * scale[:, None, None]
