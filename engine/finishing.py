"""From the last state of a run to its finished pictures: enlarged, decoded, with the kept pixels of an edit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from engine.cascade import Report, enlarge
from engine.layout import canonical
from engine.models.pixel import PixelCodec, to_uint8
from engine.noise import Noise
from engine.pictures.compositing import composite
from engine.plan import pin, second_stage, to_state
from engine.rules import RULES
from engine.spec.edit import Inputs, Pixels
from engine.spec.request import Request, RequestError
from engine.types import Said

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Model


class Finished(NamedTuple):
    """The pictures of a finished run, uint8: those to save, (B, H, W, 3 or 4), and the same on white, (B, H, W, 3)."""

    pictures: Pixels
    on_white: Pixels


def finish(
    request: Request,
    model: Model,
    x: Tensor,
    cancelled: Callable[[], bool] = lambda: False,
    inputs: Inputs | None = None,
    transparent: bool = False,
    report: Report = lambda done, total: None,
) -> Finished:
    """Return the pictures of the last state x (B, C, h, w) of a run of `request`.

    inputs      -- the picture and the mask of an edit
    transparent -- a model that draws alpha gives pictures with alpha to save
    report      -- called before each call of the second stage's net with the number of calls done, and of all

    Raises Cancelled, and RequestError where the model does not have the request's second stage.
    """
    large = _enlarged(request, model, canonical(x), cancelled, inputs, report)
    on_white = to_pictures(large, model, cancelled=cancelled)
    if not model.codec.identity and inputs is not None and request.edit is not None and request.edit.pinned:
        on_white = _with_kept_pixels(inputs, on_white)
    return Finished(to_pictures(large, model, transparent) if transparent else on_white, on_white)


def to_pictures(
    x0: Tensor, model: Model, transparent: bool = False, cancelled: Callable[[], bool] = lambda: False
) -> Pixels:
    """Finished states (B, C, h, w) of the model as pictures, uint8 (B, H, W, 3).

    `transparent`: a model that draws alpha gives (B, H, W, 4), with straight colour. Raises RequestError where the
    codec's values are not all finite: they would be black; Cancelled between two pictures of a latent model.
    """
    codec = model.codec
    cut = transparent and isinstance(codec, PixelCodec) and codec.transparent
    with torch.no_grad():
        image = codec.cutout(x0) if cut and isinstance(codec, PixelCodec) else codec.decode(x0, cancelled)
    if not image.isfinite().all():
        raise RequestError(f"The decoder of “{model.id}” made values that are no numbers: get the model again.")
    return to_uint8(image)


def _enlarged(
    request: Request, model: Model, x: Tensor, cancelled: Callable[[], bool], inputs: Inputs | None, report: Report
) -> Tensor:
    """Enlarge the state x by the request's second stage, if it has one."""
    second, wanted = second_stage(request, model), request.enlargement
    if second is None or wanted is None:
        return x
    label, constraint, origin = model.condition(Said(label=request.label)).label, None, None
    if inputs is not None and request.edit is not None:
        y = to_state(inputs, model, request.size)
        origin = y if request.edit.strength < 1 else None
        if request.edit.pinned:
            constraint = pin(inputs, y, wanted.sigmas, steady=not RULES[wanted.sampler].stochastic)
    return enlarge(second, wanted, x, label, Noise(request.seeds), cancelled, constraint, origin, report)


def _with_kept_pixels(inputs: Inputs, pictures: Pixels) -> Pixels:
    """Put the pixels that the mask keeps back into decoded pictures (B, H, W, 3): a decoder changes them a little."""
    height, width = inputs.source.shape[:2]
    box = (0, 0, width, height)
    return np.stack([composite(inputs.source, inputs.mask, box, rgb) for rgb in pictures])
