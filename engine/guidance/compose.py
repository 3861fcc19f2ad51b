"""From the guides of a Request to transforms of its denoiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import torch

from engine.guidance.cutouts import boxes, resized
from engine.guidance.losses import Aims, NoisyLoss, PictureLoss
from engine.guidance.memory import SHARE, free, held
from engine.meter import MICRO_BATCH
from engine.models.pixel import PixelCodec, from_uint8
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Guide
from engine.spec.request import Request, RequestError
from engine.transforms import classifier, clip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from engine.guidance.library import Clip, Library
    from engine.spec.edit import Pixels
    from engine.types import Cond, Denoiser, Model, Sigma, Transform


VIEWS_AT_ONCE = 64  # that a CLIP reads in one call


@dataclass(frozen=True)
class Guidance:
    """All guides of a request as one transform.

    save  -- whether the nets that are differentiated through are computed twice rather than kept in memory
    bytes -- what their gradients keep in memory at a time, by estimate
    """

    transform: Transform
    save: bool = False
    bytes: int = 0


def guidance(
    request: Request,
    model: Model,
    library: Library,
    pictures: Mapping[str, Pixels],
    cond: Cond,
    save: bool | None = None,
) -> Guidance:
    """Those guides of the request that do anything, the first innermost; `pictures` are those aimed at, by digest.

    save -- None: where the estimate says that gradients would take more than half of the memory that is free

    Raises RequestError for a guide that the model's states cannot have, and where even saving there is too little
    memory; ModelError for one that cannot be loaded or a text that it cannot read.
    """
    active = [guide for guide in request.guides if guide.scale != 0]
    if not active:
        return Guidance(lambda d: d)
    need = _Need.of(active, request, model, library, cond)
    save = need.saves(free(model.device)) if save is None else save
    made = [_transform(guide, request, model, library, pictures, save) for guide in active]
    return Guidance(chained(made), save, need.saved if save else need.kept)


def chained(transforms: Sequence[Transform]) -> Transform:
    """All of them as one, the first innermost."""

    def transform(d: Denoiser) -> Denoiser:
        return reduce(lambda inner, outer: outer(inner), transforms, d)

    return transform


class _Need(NamedTuple):
    """Bytes that gradients keep: all at a time, or of the largest call alone where the nets are computed twice."""

    kept: int
    saved: int

    @classmethod
    def of(cls, active: Sequence[Guide], request: Request, model: Model, library: Library, cond: Cond) -> _Need:
        """By one call of each net that is differentiated through, for one picture."""
        batch, kept, calls = len(request.seeds), 0, [0]
        for clip_guide in (guide for guide in active if isinstance(guide, ClipGuide)):
            loaded = library.clip(clip_guide.clip, clip_guide.sha256)
            each = held(loaded.image, torch.zeros(1, 3, loaded.side, loaded.side, device=model.device))
            kept += each * batch * clip_guide.cutouts
            calls.append(each * min(batch * clip_guide.cutouts, max(VIEWS_AT_ONCE, clip_guide.cutouts)))
        if any(guide.differentiates for guide in active):
            shape = model.codec.latent_shape(request.width, request.height)
            x = torch.zeros(1, *shape, device=model.device)
            each = held(lambda x: model.denoiser(x, request.sigmas[0], cond), x)
            rows = batch * (1 if request.guidance in (0, 1) else 2)
            kept += each * rows
            calls.append(each * min(rows, MICRO_BATCH))
        return cls(kept, max(calls))

    def saves(self, there: int | None) -> bool:
        """Whether to compute the nets twice, with `there` bytes free. RequestError where that does not help either."""
        if there is None or self.kept <= SHARE * there:
            return False
        if self.saved > there:
            raise RequestError(
                f"Guiding these would take {self.saved / 2**30:.1f} GiB of memory, and {there / 2**30:.1f} are free: "
                "make fewer pictures at once, or take fewer cutouts."
            )
        return True


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
    return clip.image(resized(from_uint8(rgb), clip.side))[0]


def _transform(
    guide: Guide, request: Request, model: Model, library: Library, pictures: Mapping[str, Pixels], save: bool
) -> Transform:
    if isinstance(guide, ClassGuide):
        return _by_class(guide, request, model, library)
    loaded = library.clip(guide.clip, guide.sha256)
    return by_clip(guide, request, model, loaded, aimed(loaded, guide.aims, pictures), save)


def by_clip(
    guide: ClipGuide, request: Request, model: Model, loaded: Clip, aims: Aims, save: bool = False
) -> Transform:
    """One CLIP guide, whose aims are those told: of a batch each image may have its own."""
    if guide.on == "xt":
        if not loaded.noisy:
            raise RequestError(f"“{loaded.title}” knows clean pictures only: let it look at x̂₀.")
        _check_states(loaded.title, loaded.side, request, model)
        noisy = NoisyLoss(loaded, aims)
        return classifier(lambda x, sigma: -noisy(x, sigma), guide.weight, guide.clip_gradient)
    parts = boxes(request.seeds, guide.cutouts - 1, guide.cut_size)
    at_once = max(1, VIEWS_AT_ONCE // guide.cutouts)
    picture = model.codec.decode
    loss = PictureLoss(loaded, aims, picture, parts, guide.smooth, guide.keep_range, at_once, save)
    return clip(loss, guide.weight, guide.clip_gradient)


def _by_class(guide: ClassGuide, request: Request, model: Model, library: Library) -> Transform:
    loaded = library.classifier(guide.classifier, guide.sha256, guide.noisy)
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
