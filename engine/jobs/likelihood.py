"""Jobs that compute how likely a picture is under a model, and send partial results. Needs no torch.

Two measures, in docs/flow.md with their sources: log p by the change of variables along the probability flow, exact up
to the solver's tolerance and to random probes, for which it has a standard error; and the variational bound (ELBO),
term by term, which shows at which noise levels and in which pixels the bits are.

Both are of a picture of 8 bits, in bits per dimension, and use the same bins. Models are trained on k/127.5 − 1 for
level k of 0 … 255; its bin is the interval of width 1/127.5 around that value. Dequantisation puts the picture anywhere
in its bin by uniform noise, x = (k + u − ½)/127.5 − 1 (Theis et al. 2016), so that −log₂ p(x) + log₂ 127.5 of each
dimension bounds the bits of its level from above.

log p is the flow's law, the bound is of the chain's law (DDPM). With an exact D they are one law in the limit of many
steps; of a trained net they are two models, and neither is promised to be the larger.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.jobs.job import Event, Job
from engine.spec.catalog import ModelInfo
from engine.spec.draft import Draft, resolve
from engine.spec.edit import Pixels
from engine.spec.request import Request, RequestError
from engine.spec.sizes import named

OFFSET = math.log2(127.5)  # levels lie 1/127.5 apart on the models' scale
MAX_PROBES = 256
MAX_LEVELS = 1000
MAX_DRAWS = 256

Floats: TypeAlias = NDArray[np.float64]


def bits_per_dim(logp: float, dims: int) -> float:
    """Bits for each number of a picture of 256 levels, from a log density in nats on the models' scale, −1 … 1."""
    return -logp / (dims * math.log(2)) + OFFSET


@dataclass(frozen=True, slots=True)
class Working(Event):
    """Progress of a likelihood job: done 0 … 1 of the whole job, and the model calls so far."""

    done: float
    calls: int


@dataclass(frozen=True, slots=True)
class LogDensity(Event):
    """The estimate after `probe` of `probes` solves, each with its own dequantisation noise and Hutchinson probe.

    logp, stderr -- nats, the mean over the solves and its standard error (NaN after one)
    bits_dim, bits_stderr -- the same as bits per dimension, with the offset log₂ 127.5 added
    dims -- numbers in the picture; calls of the model so far, each with a backward pass
    sigma_min, sigma_max -- the density is of the model's law at sigma_min; the flow is followed from there to sigma_max
    prior_std -- the deviation of the normal prior of x_T
    """

    probe: int
    probes: int
    calls: int
    logp: float
    stderr: float
    bits_dim: float
    bits_stderr: float
    dims: int
    sigma_min: float
    sigma_max: float
    prior_std: float
    tol: float
    offset: float = OFFSET


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Likelihood(Job):
    """Compute log p of a picture (h, w, 3) of the model's own size, under a prompt and a label.

    probes    -- solves to average over; `tol` is engine.ode's; `seed` addresses dequantisation noise and probes
    sigma_min -- the noise level of the density; None: the lowest level that the model's samplers visit

    Sends Working now and then, and a LogDensity after each solve. Raises RequestError for a picture of another size and
    for settings that the model does not support, FlowError for a flow that does not converge, and Cancelled.
    """

    kind: ClassVar[str] = "likelihood"

    model: str
    rgb: Pixels
    prompt: str = ""
    label: str | None = None
    probes: int = 8
    tol: float = 1e-3
    seed: int = 0
    sigma_min: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.probes <= MAX_PROBES:
            raise RequestError(f"{self.probes} probes are not possible: choose 1 to {MAX_PROBES}.")


@dataclass(frozen=True, slots=True, eq=False)
class ElboTerms(Event):
    """The variational bound of a picture after `done` of `draws` draws of noise, all in bits (docs/flow.md).

    sigmas (n,)      -- the levels of the chain at which D is called, descending
    terms (n − 1,)   -- bits per dimension of L_t: step k goes from sigmas[k] to sigmas[k + 1]
    l_T, l_0         -- bits per dimension of the prior, and of the last step, from sigmas[-1] to the picture, with the
                        offset log₂ 127.5 added
    total, stderr    -- bits per dimension, the sum of all, and its standard error over the draws (NaN after one)
    rate (n,)        -- bits per dimension that have been sent when the state is at sigmas[k]
    distortion (n,)  -- RMS error of the estimated picture there, on the scale 0 … 255
    pixels (h, w)    -- bits of each pixel, all its channels and all terms: their sum is total · dims
    """

    sigmas: Floats
    terms: Floats
    l_T: float  # noqa: N815 -- the name in the papers
    l_0: float
    total: float
    stderr: float
    rate: Floats
    distortion: Floats
    pixels: Floats
    done: int
    draws: int
    calls: int
    dims: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Elbo(Job):
    """Compute the variational bound of a picture (h, w, 3) of the model's own size, term by term.

    levels -- steps of the chain, even in log σ between the model's own ends, one call of D for each; the bound is of
              that many steps, and falls as they become more
    draws  -- of the noise at each level and of the dequantisation; seed addresses both, and the dequantisation of a
              draw is that of Likelihood's probe of that number
    sigma_min -- the level that the chain ends at, as Likelihood's
    Tells Working within a draw and ElboTerms after each. Raises as Likelihood does.
    """

    kind: ClassVar[str] = "elbo"

    model: str
    rgb: Pixels
    prompt: str = ""
    label: str | None = None
    levels: int = 100
    draws: int = 4
    seed: int = 0
    sigma_min: float | None = None

    def __post_init__(self) -> None:
        if not 2 <= self.levels <= MAX_LEVELS:
            raise RequestError(f"{self.levels} levels are not possible: choose 2 to {MAX_LEVELS}.")
        if not 1 <= self.draws <= MAX_DRAWS:
            raise RequestError(f"{self.draws} draws are not possible: choose 1 to {MAX_DRAWS}.")


def model_info(infos: Mapping[str, ModelInfo], model: str) -> ModelInfo:
    """Return the model of that id. Raises RequestError for an unknown model."""
    info = infos.get(model)
    if info is None:
        raise RequestError(f"The model “{model}” is not here: choose one of {', '.join(infos) or 'none'}.")
    return info


def pixel_model(infos: Mapping[str, ModelInfo], model: str) -> ModelInfo:
    """Return the model of that id, for a measure in bits. Raises RequestError for an unknown model and for latents."""
    info = model_info(infos, model)
    if info.latent:
        raise RequestError(
            f"{info.title} has a density of latents and none of pixels, so its pictures have no bits per dimension: "
            "choose a model of pixels."
        )
    return info


def conditional_request(info: ModelInfo, prompt: str = "", label: str | None = None) -> Request:
    """Return the Request of the unguided conditional model, γ = 1: a guided denoiser has no density."""
    return resolve(Draft.for_model(info, prompt=prompt, label=label, guidance=1.0, enlarge=False), info)


def check_picture(info: ModelInfo, rgb: NDArray[Any]) -> Pixels:
    """Return the picture. Raises RequestError for one that is not 8-bit, or not of a size of the model."""
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise RequestError("The picture has no 8-bit red, green and blue: open it as a picture file.")
    height, width = rgb.shape[:2]
    if not info.sizes.fits((width, height)):
        raise RequestError(
            f"{info.title} reads pictures of {named([info.sizes.nearest((width, height))])} pixels, but this one has "
            f"{width}×{height}: resize it."
        )
    return rgb
