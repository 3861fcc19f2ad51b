"""Transparent pictures as states of a net: premultiplied colour on white, and alpha as a fourth channel.

With straight colour c and alpha a, both in [0, 1], a state holds w = a·c + (1 − a) and a. That is premultiplied colour
a·c up to a linear map. Where alpha is 0, colour has one definite value (white), so averages over pixels are right. The
picture on any ground g is w − (1 − a)(1 − g). The first three channels alone are the picture on white, which judges,
CLIPs and models without alpha use. Porter & Duff, "Compositing digital images" (1984).

All functions take and return (…, 4 or 3, h, w) in [−1, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

CHANNELS = 4
SQUARE = 8  # pixels a side of the checkerboard's squares


def to_straight(state: Tensor) -> Tensor:
    """Return straight colour and alpha, as in PNG files. Colour is white where alpha is 0."""
    unit = (state.clamp(-1, 1) + 1) / 2
    white, alpha = unit[..., :3, :, :], unit[..., 3:, :, :]
    colour = torch.where(alpha > 0, (white - (1 - alpha)) / alpha.clamp(min=1e-6), 1.0).clamp(0, 1)
    return torch.cat([colour, alpha], -3) * 2 - 1


def premultiply(rgba: Tensor) -> Tensor:
    """Return the state of a picture with straight colour: the inverse of to_straight()."""
    unit = (rgba + 1) / 2
    colour, alpha = unit[..., :3, :, :], unit[..., 3:, :, :]
    return torch.cat([alpha * colour + 1 - alpha, alpha], -3) * 2 - 1


def over(state: Tensor, ground: Tensor) -> Tensor:
    """Lay the picture over a ground (…, 3, h, w)."""
    alpha = (state[..., 3:, :, :] + 1) / 2
    return state[..., :3, :, :] - (1 - alpha) * (1 - ground)


def checkerboard(height: int, width: int, square: int = SQUARE) -> Tensor:
    """Return light grey and white squares (3, height, width), the usual ground for transparent pictures."""
    rows, columns = torch.arange(height) // square, torch.arange(width) // square
    dark = (rows[:, None] + columns) % 2
    return (1 - 0.4 * dark).expand(3, -1, -1)
