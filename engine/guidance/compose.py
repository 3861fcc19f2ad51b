"""Compose the guides of a Request (CLIP, classifier) into one transform of its denoiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import torch

from engine.guidance.cutouts import boxes, resize
from engine.guidance.losses import Aims, NoisyLoss, PictureLoss
from engine.guidance.memory import MEASURED, SHARE, graph_bytes
from engine.models.memory import free_bytes
from engine.models.pixel import from_uint8
from engine.spec.guides import Aim, ClassGuide, ClipGuide, Guide
from engine.spec.request import Request, RequestError
from engine.transforms import classifier, clip

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

    from engine.guidance.library import Clip, Library
    from engine.spec.edit import Pixels
    from engine.types import Cond, Denoiser, Model, Sigma, Transform


VIEWS_AT_ONCE = 64  # views in one call of a CLIP


@dataclass(frozen=True)
class Guidance:
    """All guides of a request as one transform.

    save  -- whether gradients compute the nets a second time instead of keeping their activations in memory
    bytes -- estimated memory that the gradients need at a time
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
    """Build the transform of all guides with a scale other than 0, the first innermost.

    pictures -- the aim pictures, by digest
    save     -- None decides by estimate: True where gradients would take more than SHARE of the free memory

    Raises RequestError for a guide that does not fit the model, and where the memory does not suffice even with save;
    ModelError for a guide model that cannot be loaded and a text that it cannot read.
    """
    active = [guide for guide in request.guides if guide.scale != 0]
    if not active:
        return Guidance(lambda d: d)
    need = _MemoryNeed.of(active, request, model, library, cond)
    save = need.must_save(free_bytes(model.device)) if save is None else save
    transforms = [_transform(guide, request, model, library, pictures, save) for guide in active]
    return Guidance(chain(transforms), save, need.saved if save else need.kept)


def chain(transforms: Sequence[Transform]) -> Transform:
    """Compose transforms into one, the first innermost."""

    def transform(d: Denoiser) -> Denoiser:
        return reduce(lambda inner, outer: outer(inner), transforms, d)

    return transform


class _MemoryNeed(NamedTuple):
    """Bytes for gradients. kept: activations of all calls; saved: of the largest call alone, with save."""

    kept: int
    saved: int

    @classmethod
    def of(cls, active: Sequence[Guide], request: Request, model: Model, library: Library, cond: Cond) -> _MemoryNeed:
        """Measure one call of each differentiated net for one picture, and scale it up."""
        batch, kept, calls = len(request.seeds), 0, [0]
        for clip_guide in (guide for guide in active if isinstance(guide, ClipGuide)):
            loaded = library.clip(clip_guide.clip, clip_guide.sha256)
            each = graph_bytes(loaded.image, torch.zeros(1, 3, loaded.side, loaded.side, device=model.device))
            kept += each * batch * clip_guide.cutouts
            calls.append(each * min(batch * clip_guide.cutouts, max(VIEWS_AT_ONCE, clip_guide.cutouts)))
        if any(guide.differentiates for guide in active):
            each, decoded = _graph_of_model(request, model, cond)
            rows = batch * (1 if request.guidance in (0, 1) else 2)
            kept += each * rows + decoded * batch
            calls += [each * min(rows, model.micro_batch), decoded * batch]
        return cls(kept, max(calls))

    def must_save(self, free: int | None) -> bool:
        """Decide `save` with `free` bytes of memory. Raises RequestError where even save needs more."""
        if free is None or self.kept <= SHARE * free:
            return False
        if self.saved > free:
            raise RequestError(
                f"The guides need {self.saved / 2**30:.1f} GiB of memory and {free / 2**30:.1f} GiB are free: "
                "generate fewer pictures at once, or choose fewer cutouts."
            )
        return True


def _graph_of_model(request: Request, model: Model, cond: Cond) -> tuple[int, int]:
    """Return the bytes that a gradient keeps of one call of the net and of one decoded picture.

    Latent models are large: they are measured on a state of at most MEASURED cells a side, and scaled up by its size.
    """
    channels, height, width = model.codec.latent_shape(request.width, request.height)
    high, wide = (height, width) if model.codec.identity else (min(height, MEASURED), min(width, MEASURED))
    x = torch.zeros(1, channels, high, wide, device=model.device)
    scale = height * width / (high * wide)
    each = graph_bytes(lambda x: model.denoiser(x, request.sigmas[0], cond), x)
    decoded = 0 if model.codec.identity else graph_bytes(model.codec.decode, x)
    return round(scale * each), round(scale * decoded)


def encode_aims(clip: Clip, aims: Sequence[Aim], pictures: Mapping[str, Pixels]) -> Aims:
    """Encode the texts and pictures of the aims with the CLIP; pictures whole, at σ = 0."""
    with torch.no_grad():
        texts = [aim.text for aim in aims if aim.text]
        encoded = iter(clip.text(texts)) if texts else iter(())
        vectors = [next(encoded) if aim.text else encode_picture(clip, pictures[aim.image]) for aim in aims]
    stacked = torch.stack(vectors)
    weights = stacked.new_tensor([aim.weight for aim in aims])
    return Aims(stacked[None], weights / weights.abs().sum())


def encode_picture(clip: Clip, rgb: Pixels) -> Tensor:
    """Encode a picture, uint8 (H, W, 3), with the CLIP: (d,)."""
    return clip.image(resize(from_uint8(rgb), clip.side))[0]


def _transform(
    guide: Guide, request: Request, model: Model, library: Library, pictures: Mapping[str, Pixels], save: bool
) -> Transform:
    if isinstance(guide, ClassGuide):
        return _class_transform(guide, request, model, library)
    loaded = library.clip(guide.clip, guide.sha256)
    return clip_transform(guide, request, model, loaded, encode_aims(loaded, guide.aims, pictures), save)


def clip_transform(
    guide: ClipGuide, request: Request, model: Model, loaded: Clip, aims: Aims, save: bool = False
) -> Transform:
    """Build the transform of one CLIP guide towards `aims`, which may differ between the images of a batch."""
    if guide.on == "xt":
        if not loaded.noisy:
            raise RequestError(f"“{loaded.title}” knows clean pictures only: let it look at x̂₀.")
        _check_states(loaded.title, loaded.side, request, model)
        noisy, on_white = NoisyLoss(loaded, aims), model.codec.decode  # of states with alpha; others are as they are
        return classifier(lambda x, sigma: -noisy(on_white(x), sigma), guide.weight, guide.clip_gradient)
    parts = boxes(request.seeds, guide.cutouts - 1, guide.cut_size)
    at_once = max(1, VIEWS_AT_ONCE // guide.cutouts)
    picture = model.codec.decode
    loss = PictureLoss(loaded, aims, picture, parts, guide.smooth, guide.keep_range, at_once, save)
    return clip(loss, guide.weight, guide.clip_gradient)


def _class_transform(guide: ClassGuide, request: Request, model: Model, library: Library) -> Transform:
    """Build the transform of one classifier guide."""
    loaded = library.classifier(guide.classifier, guide.sha256, guide.noisy)
    if guide.label not in loaded.labels:
        have = ", ".join(loaded.labels)
        raise RequestError(f"“{loaded.title}” does not know “{guide.label}”: choose one of {have}.")
    label = loaded.labels.index(guide.label)
    picture: Callable[[Tensor], Tensor] = model.codec.decode

    def logp(x: Tensor, sigma: Sigma) -> Tensor:
        return loaded.logp(picture(x), sigma)[:, label]

    if guide.on == "xt":
        _check_states(loaded.title, loaded.side, request, model)
        return classifier(logp, guide.scale)
    return clip(lambda x0: -logp(x0, 0.0), guide.scale)


def _check_states(title: str, side: int, request: Request, model: Model) -> None:
    """Raise RequestError unless the states are square pictures of that side: resizing would change their noise."""
    width, height = request.width, request.height
    if not model.codec.identity:
        raise RequestError(
            f"“{title}” reads noisy pictures, and “{model.id}” makes latents: let it look at x̂₀, or choose another."
        )
    if (side, side) != (width, height):
        raise RequestError(
            f"“{title}” reads noisy pictures of {side}×{side} pixels, and “{model.id}” has {width}×{height}: "
            "let it look at x̂₀, or choose another."
        )
