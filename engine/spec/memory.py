"""The memory that a run of a checkpoint takes, part by part, and the smallest change that makes it fit. Needs no torch.

A run has three parts that follow each other: the text encoders encode the prompt, the net is called, the decoder
decodes one picture at a time. Each part takes its weights and its activations:

    net      (base + pixel · W·H · rows) · bytes of a number / 4        base, pixel: "memory" of the family's JSON
    decoder  33 · channels · W·H                                        channels: of its largest layer
    weights  numbers of the net · bytes of a number, and 4 bytes for each number of the others

`rows` are the images of one call: at most the micro-batch, and two for each picture with guidance. The weights of all
parts count in each part, unless they are loaded one at a time.

How base and pixel are found: tests/bench/test_memory.py calls the whole nets on the meta device and counts the bytes
that are alive at once: 521 B for each pixel of an image with Stable Diffusion 1 and 2, 316 with XL, 378 with its
refiner, at any size. The figures are 1.36 times that, for what an allocator keeps besides, and base is what the
kernels need, as measured on a CPU: 488 MB for two images of 512² with Stable Diffusion 1, 297 MB with a net of XL's
widths and fewer layers, and 487 MB at 768².
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

from engine.checkpoints.families import family
from engine.spec.catalog import ModelInfo
from engine.spec.limits import DTYPES
from engine.spec.request import Request
from engine.spec.saving import HALF, SAVINGS, WAYS, Change
from engine.spec.sizes import Size

# Bytes for each pixel and each channel of a decoder's largest layer, in float32. Measured at 256², 384² and 512² with
# the VAE of Stable Diffusion, whose largest layer has 128 channels: 3.8 to 4.2 kB for each pixel.
DECODER = 33
TILE = 512  # pixels of a tile's side
PUT_TOGETHER = 40  # bytes for each pixel of a picture that is put together from tiles
CHANNELS = 128  # of the largest layer of Stable Diffusion's decoder
TINY = 64, 64 * 2**20  # the channels of TAESD; a decoder of fewer bytes is one
SPARE = 512 * 2**20  # bytes to leave free besides the weights, at least
STEPS = 16  # of a size, down to nothing


class Weights(NamedTuple):
    """Bytes of the weights of a checkpoint's parts when they are loaded."""

    net: int
    text: int
    vae: int


def weights_of(info: ModelInfo) -> Weights:
    """Return the bytes of the parts; of a model that is no checkpoint all are of the net."""
    held = info.config.get("weights", {"text": 0, "vae": 0})
    return Weights(info.bytes - held["text"] - held["vae"], held["text"], held["vae"])


def loaded_bytes(info: ModelInfo) -> int:
    """Return the most bytes of weights at a time: all of them, or the largest part where one at a time is loaded."""
    return max(weights_of(info)) if "offload" in info.saving else info.bytes


def net_bytes(info: ModelInfo, size: Size, rows: int) -> int:
    """Return the bytes that a call of the net takes for `rows` images of that size, besides its weights."""
    figures = family(info.config["family"]).memory
    pixels = size[0] * size[1] * min(rows, info.micro_batch)
    return round((figures["base"] + figures["pixel"] * pixels) * DTYPES[info.compute_dtype] / DTYPES["float32"])


def decode_bytes(width: int, height: int, channels: int = CHANNELS, tiles: bool = False) -> int:
    """Return the bytes that decoding one picture takes; `channels` of the decoder's largest layer."""
    if not tiles or max(width, height) <= TILE:
        return DECODER * channels * width * height
    return DECODER * channels * min(TILE, width) * min(TILE, height) + PUT_TOGETHER * width * height


def peak_bytes(info: ModelInfo, size: Size, rows: int, spare: int = 0) -> int:
    """Return the most bytes that a run takes at a time, its weights included, as its model is described.

    size  -- of its pictures
    rows  -- images that go through the net together where the micro-batch allows it
    spare -- bytes that a part takes besides its weights, at least
    """
    weights = weights_of(info)
    channels = TINY[0] if 0 < weights.vae < TINY[1] else CHANNELS
    net, decoder = net_bytes(info, size, rows), decode_bytes(*size, channels, "tiles" in info.saving)
    if "offload" not in info.saving:
        return info.bytes + max(net, decoder, spare)
    return max(part + max(more, spare) for part, more in zip(weights, (net, 0, decoder), strict=True))


def request_bytes(request: Request, info: ModelInfo, spare: int = 0) -> int:
    """Return peak_bytes() of a request's own size, precision and batch."""
    return peak_bytes(info.in_precision(request.precision), request.size, _rows(request), spare)


def smallest_change(request: Request, info: ModelInfo, free: int, spare: int = SPARE) -> Change | None:
    """Return the smallest change that makes a run fit into `free` bytes; None where no change does.

    The fewest ways of WAYS that do at the request's size, else at the largest smaller size of about its shape. An empty
    change says that it fits as it is.
    """
    info, rows = info.in_precision(request.precision), _rows(request)
    ways = [name for name in WAYS if not _is_on(name, info)]
    for size in (request.size, *_smaller(request.size, info)):
        for count in range(len(ways) + 1):
            for some in combinations(ways, count):
                if peak_bytes(changed(info, some), size, rows, spare) <= free:
                    return Change(some, None if size == request.size else size)
    return None


def automatic_precision(info: ModelInfo, best: str, free: int | None) -> str:
    """Return the precision to compute in where the user chose none: the one in which the device is `best`, and half
    precision where a guided picture of the default size does not fit into `free` bytes otherwise.
    """
    if DTYPES[best] == DTYPES[HALF] or free is None:
        return best
    fits = peak_bytes(info.in_precision(best), info.size, 2, SPARE) <= free
    halved = peak_bytes(info.in_precision(HALF), info.size, 2, SPARE) <= free
    return HALF if halved and not fits else best


def changed(info: ModelInfo, ways: tuple[str, ...]) -> ModelInfo:
    """Return a model as these ways of WAYS make it."""
    info = info.in_precision(HALF) if "half" in ways else info
    return info.with_saving(info.saving.union(ways).intersection(SAVINGS))


def _is_on(name: str, info: ModelInfo) -> bool:
    return DTYPES[info.compute_dtype] == DTYPES[HALF] if name == "half" else name in info.saving


def _rows(request: Request) -> int:
    return len(request.seeds) * (1 if request.guidance in (0, 1) else 2)


def _smaller(size: Size, info: ModelInfo) -> list[Size]:
    """Return the valid sizes of about the shape of `size` that are smaller, the largest first."""
    width, height = size
    found = [info.sizes.nearest((width * part // STEPS, height * part // STEPS)) for part in range(STEPS - 1, 0, -1)]
    return [one for one in dict.fromkeys(found) if one[0] * one[1] < width * height]
