"""Contrastive training of a CLIP: pull each picture and its caption together, push all other pairs apart.

Radford et al., "Learning transferable visual models from natural language supervision" (2021). Only the picture tower
and a projection of the text are trained; the text encoder is frozen, so its states are computed once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.models.towers import Towers, scale_input
from engine.train.loop import Config, Predict, Training
from engine.train.views import cut

REPEATS = ("apart", "shared", "ignored")


def contrastive_loss(image: Tensor, text: Tensor, scale: Tensor, same: Tensor | None = None) -> Tensor:
    """Return the mean of both cross entropies, of texts given a picture and of pictures given a text.

    image, text -- (B, d) of unit length
    scale       -- the inverse temperature
    same        -- (B, B) bool, symmetric: pairs that show the same and share the target evenly. None: each picture fits
                   its own text alone, as in open_clip.ClipLoss
    """
    logits = scale * image @ text.T
    target = torch.arange(len(logits)) if same is None else same / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


@dataclass(frozen=True)
class Aligned:
    """Pictures and the text states of their possible captions.

    pictures  -- (N, 3, side, side) uint8
    name      -- (N,) int64, the concept of each: the loss does not separate pictures of one concept
    weight    -- (N,) how often each is drawn
    caption   -- (N, V) int64: rows of `states`, any of which fits
    states    -- (K, width) pooled text states
    estimates -- (N, M, 3, side, side) uint8: a denoiser's x̂₀ of each picture under noise; M may be 0
    """

    pictures: Tensor
    name: Tensor
    weight: Tensor
    caption: Tensor
    states: Tensor
    estimates: Tensor

    def batch(self, size: int, blurred: float, repeats: str, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Draw pictures (B, 3, side, side) in [−1, 1], text states (B, width), and the pairs that show the same, (B, B)
        bool.

        A part `blurred` of them are estimates. With repeats "apart" a batch has no name twice, and B is smaller than
        `size` where there are fewer names.
        """
        chance = torch.rand(len(self.pictures), generator=generator).clamp(min=1e-12)
        order = (chance.log() / self.weight.clamp(min=1e-12)).argsort(descending=True)  # Efraimidis & Spirakis (2006)
        if repeats == "apart":
            place = torch.arange(len(order))
            first = torch.full((int(self.name.max()) + 1,), len(order)).scatter_reduce_(
                0, self.name[order], place, "amin"
            )
            order = order[first[first < len(order)].sort().values]
        i = order[:size]
        j = torch.randint(self.caption.shape[1], (len(i),), generator=generator)
        pictures = self.pictures[i]
        if many := self.estimates.shape[1]:
            k = torch.randint(many, (len(i),), generator=generator)
            estimated = torch.rand(len(i), generator=generator) < blurred
            pictures = torch.where(estimated[:, None, None, None], self.estimates[i, k], pictures)
        same = self.name[i][:, None] == self.name[i]
        return pictures.float() / 127.5 - 1, self.states[self.caption[i, j]].float(), same


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastiveConfig(Config):
    """One contrastive run.

    blurred -- the part of the pictures that are a denoiser's estimates, where there are any
    repeats -- names that occur twice in a batch: never ("apart"), both captions fit both pictures ("shared"),
               or they are separated like all others ("ignored")
    robust  -- in every other step each picture is moved against its caption by up to this (the length of the whole
               step, [−1, 1] a value) first: Madry et al. (2018); such gradients look like their concept, and
               guide better (Kawar et al., "Enhancing diffusion-based image synthesis with robust classifier guidance",
               2022)
    scatter -- deviation of the noise on text states, in parts of their size
    spread  -- deviation of ln σ around `level`, for a tower that reads σ
    """

    blurred: float = 0.5
    repeats: str = "apart"
    robust: float = 0.0
    scatter: float = 0.15
    spread: float = 1.4


class ContrastiveRun(Training):
    """Towers in training; predict is the picture tower, compiled or not."""

    net: Towers
    config: ContrastiveConfig

    def __init__(self, net: Towers, data: Aligned, config: ContrastiveConfig, predict: Predict) -> None:
        super().__init__(net, config)
        self.data, self.predict = data, predict

    def error(self, generator: torch.Generator) -> Tensor:
        config = self.config
        pictures, states, same = self.data.batch(config.batch, config.blurred, config.repeats, generator)
        x = cut(pictures, generator)
        size = states.norm(dim=1, keepdim=True) / states.shape[1] ** 0.5
        states = states + config.scatter * size * torch.randn(states.shape, generator=generator)
        shared = None if config.repeats != "shared" else same
        sigma = None
        if self.net.level is not None:
            sigma = torch.exp(config.level + config.spread * torch.randn(len(x), generator=generator))
            x = scale_input(x + sigma.view(-1, 1, 1, 1) * torch.randn(x.shape, generator=generator), sigma)
        if config.robust and self.step % 2:
            x = self.perturb(x, states, sigma, shared, generator)
        return self.pair(x, states, sigma, shared)

    def pair(self, x: Tensor, states: Tensor, sigma: Tensor | None, same: Tensor | None) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.config.precision == "bfloat16"):
            image, text = self.predict(x, sigma), self.net.text["proj"](states)
        image, text = F.normalize(image.float(), dim=1), F.normalize(text.float(), dim=1)
        return contrastive_loss(image, text, self.net.logit_scale.clamp(max=4.6052).exp(), same)

    def perturb(
        self, x: Tensor, states: Tensor, sigma: Tensor | None, same: Tensor | None, generator: torch.Generator
    ) -> Tensor:
        """Return x, each picture moved up its loss by a random part of `robust`."""
        x = x.requires_grad_()
        (slope,) = torch.autograd.grad(self.pair(x, states, sigma, same), x)
        length = slope.flatten(1).norm(dim=1).clamp(min=1e-20).view(-1, 1, 1, 1)
        far = self.config.robust * torch.rand(len(x), 1, 1, 1, generator=generator)
        return (x + far * slope / length).detach()
