"""Null-text inversion: optimise the empty text at each step until the guided sampler leads back to the picture.

Mokady et al., "Null-text inversion for editing real images using guided diffusion models" (2023), in σ. DDIM without
guidance (γ = 1) carries the picture up through the levels of the request: its states are the pivots. Then DDIM with
guidance γ goes down from x_T. At each level the tokens of the empty text are optimised so that the step from the
sampler's present state ends at the next pivot,

    min over ∅ of ‖x*_σ' − DDIM(x, σ → σ'; D_∅ + γ(D_c − D_∅))‖²

starting from the tokens of the level before. With another prompt for c, the same ∅ edits the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.jobs.encode import Optimised
from engine.layout import from_array
from engine.ode import solve_on_levels
from engine.precision import wide
from engine.spec.request import RequestError
from engine.transforms import extrapolate
from engine.types import Cond, Sigma

if TYPE_CHECKING:
    import numpy as np

    from engine.meter import Meter
    from engine.spec.request import Request
    from engine.types import Denoiser, Model, Step

RATE = 0.05  # of Adam, on token states that are about 0.3 in size; falls to a tenth along the levels
ENOUGH = 1e-6  # mean squared error at unit scale: 60 dB


@dataclass(frozen=True, slots=True)
class NullText:
    """A model with a prompt and the empty text, and the learned tokens of each level.

    sigmas -- descending, all above 0
    nulls  -- nulls[k] (1, L, C) are the tokens of the step from sigmas[k]
    """

    denoiser: Denoiser
    cond: Cond
    null: Cond
    guidance: float
    sigmas: tuple[float, ...]
    nulls: tuple[Tensor, ...] = ()

    @classmethod
    def of(cls, request: Request, model: Model, meter: Meter, nulls: dict[str, np.ndarray] | None = None) -> NullText:
        """Raises RequestError for a model without text, and for a number of levels other than that of the learned
        tokens.
        """
        cond, null = model.condition(request.said), model.condition(request.said_negative)
        if null.tokens is None:
            raise RequestError(f"The model “{request.model}” takes no text to optimise: choose “guided”.")
        sigmas = tuple(s for s in request.sigmas if s > 0)
        if len(sigmas) < 2:
            raise RequestError("Null-text optimisation needs two noise levels above 0: take more steps.")
        learned = tuple(from_array(a).to(null.tokens) for _, a in sorted((nulls or {}).items()))
        if learned and len(learned) != len(sigmas) - 1:
            raise RequestError(f"The learned empty texts are for {len(learned)} steps: keep the steps and the spacing.")
        return cls(meter, cond, null, request.guidance, sigmas, learned)

    def up(self, x0: Tensor) -> Iterator[Step]:
        """Return the pivots, from a picture at the lowest level to x_T: DDIM with the prompt and without guidance."""
        return solve_on_levels(lambda x, s, cond=None: self.denoiser(x, s, self.cond), x0, self.sigmas[::-1], "ddim")

    def guided(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        """D with guidance and the learned tokens of the level; σ must be one of the sigmas."""
        k = min(self.sigmas.index(float(sigma)), len(self.nulls) - 1)
        return self.mixed(x, float(sigma), self.nulls[k])

    def mixed(self, x: Tensor, sigma: float, tokens: Tensor, toward: Tensor | None = None) -> Tensor:
        """Return D_∅ + γ(D_c − D_∅) with these tokens as ∅; `toward` is D_c if it is known."""
        toward = self.denoiser(x, sigma, self.cond) if toward is None else toward
        null = replace(self.null, tokens=tokens)
        return extrapolate(self.denoiser(x, sigma, null), toward, self.guidance)


def retrace(null: NullText, x: Tensor) -> Iterator[Step]:
    """Run DDIM with guidance and the learned tokens, from x_T down to the lowest level."""
    return solve_on_levels(null.guided, x, null.sigmas, "ddim")


def invert(null: NullText, pivots: Sequence[Tensor], inner: int) -> Iterator[tuple[Optimised, Tensor]]:
    """Yield the tokens of each level, (1, L, C), from the highest level down, with the loss before and after.

    pivots -- the states at null.sigmas, (1, …) each
    inner  -- steps of Adam at most for each level
    """
    assert null.null.tokens is not None
    x, tokens, count = pivots[0], null.null.tokens.detach().clone(), len(null.sigmas) - 1
    for k in range(count):
        s, s2, target = null.sigmas[k], null.sigmas[k + 1], wide(pivots[k + 1])
        unit = (1 + s2**2) ** 0.5
        with torch.no_grad():
            toward = null.denoiser(x, s, null.cond)

        def step(d: Tensor, x: Tensor = x, ratio: float = s2 / s) -> Tensor:
            return wide(d) + ratio * (wide(x) - wide(d))

        best, losses = tokens, []
        guess = tokens.clone().requires_grad_()
        adam = torch.optim.Adam([guess], lr=RATE * (1 - 0.9 * k / count))
        for _ in range(inner + 1):
            with torch.enable_grad():
                loss = ((step(null.mixed(x, s, guess, toward)) - target) / unit).square().mean()
                losses.append(loss.item())
                if losses[-1] == min(losses):
                    best = guess.detach().clone()
                if losses[-1] < ENOUGH or len(losses) == inner + 1:
                    break
                (guess.grad,) = torch.autograd.grad(loss, [guess])
            adam.step()
        tokens = best
        with torch.no_grad():
            x = step(null.mixed(x, s, tokens, toward)).to(x.dtype)
        yield Optimised(k, count, s, losses[0], min(losses), 0), tokens
