"""From the guides of a Request to transforms of its denoiser."""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING

import torch

from engine.guidance.cutouts import boxes
from engine.guidance.losses import Aims, NoisyLoss, PictureLoss
from engine.guides import Aim, ClassGuide, ClipGuide, Guide
from engine.models.pixel import PixelCodec
from engine.request import Request, RequestError
from engine.transforms import classifier, clip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from engine.edit import Pixels
    from engine.guidance.library import Clip, Library
    from engine.types import Denoiser, Model, Sigma, Transform


def guidance(request: Request, model: Model, library: Library, pictures: Mapping[str, Pixels]) -> Transform:
    """All guides of the request that do anything, the first innermost; `pictures` are those aimed at, by digest.

    Raises RequestError for a guide that the model's states cannot have, ModelError for one that cannot be loaded or a
    text that it cannot read.
    """
    made = [_transform(guide, request, model, library, pictures) for guide in request.guides if guide.scale != 0]

    def transform(d: Denoiser) -> Denoiser:
        return reduce(lambda inner, outer: outer(inner), made, d)

    return transform


def aimed(clip: Clip, aims: Sequence[Aim], pictures: Mapping[str, Pixels]) -> Aims:
    """The aims as the CLIP sees them. A picture that is aimed at is seen whole, at σ = 0."""
    with torch.no_grad():
        texts = [aim.text for aim in aims if aim.text]
        told = iter(clip.text(texts)) if texts else iter(())
        vectors = torch.stack([next(told) if aim.text else seen(clip, pictures[aim.image]) for aim in aims])
    weights = vectors.new_tensor([aim.weight for aim in aims])
    return Aims(vectors[None], weights / weights.abs().sum())


def seen(clip: Clip, rgb: Pixels) -> Tensor:
    """What a CLIP sees in a picture, uint8 (H, W, 3): (d,)."""
    from engine.guidance.cutouts import resized

    picture = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    return clip.image(resized(picture, clip.side))[0]


def _transform(
    guide: Guide, request: Request, model: Model, library: Library, pictures: Mapping[str, Pixels]
) -> Transform:
    if isinstance(guide, ClassGuide):
        return _by_class(guide, request, model, library)
    return _by_clip(guide, request, model, library, pictures)


def _by_clip(
    guide: ClipGuide, request: Request, model: Model, library: Library, pictures: Mapping[str, Pixels]
) -> Transform:
    loaded = library.clip(guide.clip, guide.sha256)
    aims = aimed(loaded, guide.aims, pictures)
    if guide.on == "xt":
        if not loaded.noisy:
            raise RequestError(f"“{loaded.title}” knows clean pictures only: let it look at x̂₀.")
        _check_states(loaded.title, loaded.side, request, model)
        noisy = NoisyLoss(loaded, aims)
        return classifier(lambda x, sigma: -noisy(x, sigma), guide.weight, guide.clip_gradient)
    parts = boxes(request.seeds, guide.cutouts - 1, guide.cut_size)
    loss = PictureLoss(loaded, aims, model.codec.decode, parts, guide.smooth, guide.keep_range)
    return clip(loss, guide.weight, guide.clip_gradient)


def _by_class(guide: ClassGuide, request: Request, model: Model, library: Library) -> Transform:
    loaded = library.classifier(guide.classifier, guide.sha256)
    if guide.label not in loaded.labels:
        have = ", ".join(loaded.labels)
        raise RequestError(f"“{loaded.title}” does not know “{guide.label}”: choose one of {have}.")
    label = loaded.labels.index(guide.label)

    def logp(x: Tensor, sigma: Sigma) -> Tensor:
        return loaded.logp(x, sigma)[:, label]

    if guide.on == "xt":
        _check_states(loaded.title, loaded.side, request, model)
        return classifier(logp, guide.scale)
    picture: Callable[[Tensor], Tensor] = model.codec.decode
    return clip(lambda x0: -logp(picture(x0), 0.0), guide.scale)


def _check_states(title: str, side: int, request: Request, model: Model) -> None:
    """Raises RequestError unless the states are square pictures of that side: resizing would change their noise."""
    width, height = request.width, request.height
    if not isinstance(model.codec, PixelCodec) or (side, side) != (width, height):
        raise RequestError(
            f"“{title}” reads noisy pictures of {side}×{side} pixels, and “{model.id}” has {width}×{height}: "
            "let it look at x̂₀, or choose another."
        )
