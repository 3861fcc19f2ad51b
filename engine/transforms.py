"""Transforms of a denoiser: classifier-free guidance, classifier and CLIP guidance, thresholds. The first is innermost.

The order in a run: classifier-free guidance, then each guide, then the threshold (engine.plan). A guide sees the
estimate after the condition and the guides before it. The threshold bounds the sum of all. A guide's gradient goes
through both branches of classifier-free guidance, but not through the corrections of the guides before it: those would
need second derivatives, so they count as constant.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Cond, Denoiser, Sigma, Transform

Scale: TypeAlias = "float | Callable[[float], float]"  # the same at every noise level, or a function of σ


def cfg(
    scale: float | Tensor, cond: Cond | None, uncond: Cond | None, interval: tuple[float, float] | None = None
) -> Transform:
    """Classifier-free guidance (Ho & Salimans 2022): D̃ = D_u + γ(D_c − D_u), γ = `scale` (their w is γ − 1).

    scale    -- γ, one number, or one for each image of the batch, (B,)
    uncond   -- may condition on a negative prompt
    interval -- (low, high) in σ; outside it γ is 1 (Kynkäänniemi et al. 2024)

    γ = 1 is the conditional model and costs one pass, γ = 0 the unconditional one. A condition given in the call wins
    over the bound one.
    """
    bound, gamma = cond, _shared_gamma(scale)

    def transform(d: Denoiser) -> Denoiser:
        def guided(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
            wanted = bound if cond is None else cond
            if (isinstance(gamma, float | int) and gamma == 1) or not _inside(sigma, interval):
                return d(x, sigma, wanted)
            if isinstance(gamma, float | int) and gamma == 0:
                return d(x, sigma, uncond)
            many = getattr(d, "many", None)  # a Meter folds both conditions into one call of the net
            if many is not None and wanted is not None and uncond is not None:
                d_cond, d_uncond = many(x, sigma, [wanted, uncond])
            else:
                d_cond, d_uncond = d(x, sigma, wanted), d(x, sigma, uncond)
            return extrapolate(d_uncond, d_cond, gamma)

        return guided

    return transform


def extrapolate(d_uncond: Tensor, d_cond: Tensor, scale: float | Tensor) -> Tensor:
    """D_u + γ(D_c − D_u) of estimates (B, …), γ one number or (B,)."""
    if isinstance(scale, float | int):
        return d_uncond.lerp(d_cond, scale)
    return d_uncond.lerp(d_cond, scale.to(d_uncond).reshape(-1, *[1] * (d_uncond.ndim - 1)))


def _shared_gamma(scale: float | Tensor) -> float | Tensor:
    """The one γ of all images as a number, which may save a pass; else one for each, (B,)."""
    if isinstance(scale, float | int):
        return scale
    values = set(scale.tolist())
    return values.pop() if len(values) == 1 else scale


def classifier(logp: Callable[[Tensor, Sigma], Tensor], scale: Scale, limit: float = 0.0) -> Transform:
    """Classifier guidance (Sohl-Dickstein et al. 2015; Dhariwal & Nichol 2021, section 4): D̃ = D + γσ²∇ₓ log p(y|x,
    σ).

    logp  -- log p(y | x, σ) of noisy states x (B, …) → (B,), differentiable in x; any other function of x works too
    scale -- γ; 1 is Bayes' rule: with the exact posterior D̃ is the conditional denoiser. 0 costs nothing
    limit -- the largest root mean square of an image's correction; 0: no limit

    The correction is detached from the graph.
    """
    if scale == 0:
        return lambda d: d

    def transform(d: Denoiser) -> Denoiser:
        def guided(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
            import torch

            from engine.layout import canonical

            x0, weight = d(x, sigma, cond), _weight(scale, sigma, x)
            if weight is None:
                return x0
            with torch.enable_grad():
                at = _leaf(x)
                (gradient,) = torch.autograd.grad(logp(at, sigma).sum(), at)
            return x0 + _limit_rms(weight * canonical(gradient), limit)

        return guided

    return transform


def clip(loss: Callable[[Tensor], Tensor], scale: Scale, limit: float = 0.0) -> Transform:
    """Guidance on the estimate, as CLIP's (Crowson 2021; Nichol et al. 2022): D̃ = D − λσ²∇ₓL(D(x)).

    loss  -- L of estimates x0 (B, …) → (B,), of each image alone; differentiable in x0
    scale -- λ; 0 costs nothing and leaves D as it is, to the bit
    limit -- the largest root mean square of an image's correction; 0: no limit

    Since σ²·∂D/∂x = Cov[x0 | x], the estimate moves by λ·Cov[x0|x]·∇L: only in directions that are still undecided, and
    by a bounded length at any noise. It costs a backward pass through D. The correction is detached from the graph.
    """
    if scale == 0:
        return lambda d: d

    def transform(d: Denoiser) -> Denoiser:
        def guided(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
            import torch

            from engine.layout import canonical

            weight = _weight(scale, sigma, x)
            if weight is None:
                return d(x, sigma, cond)
            inside = x.requires_grad and torch.is_grad_enabled()  # within another guide, which differentiates through D
            with torch.enable_grad():
                at = x if inside else _leaf(x)
                x0 = canonical(d(at, sigma, cond))
                (gradient,) = torch.autograd.grad(loss(x0).sum(), at, retain_graph=inside)
            return (x0 if inside else x0.detach()) + _limit_rms(-weight * canonical(gradient), limit)

        return guided

    return transform


def _leaf(x: Tensor) -> Tensor:
    """Return the state as a leaf of the graph, in the layout of a run file, so that its gradient is the same after a
    resume.
    """
    from engine.layout import canonical

    return canonical(x.detach()).requires_grad_()


def _weight(scale: Scale, sigma: Sigma, x: Tensor) -> float | Tensor | None:
    """Return scale·σ², as a number or as (B, 1, …) in x's dtype; None where it is 0 for every image."""
    if isinstance(sigma, float | int):
        value = (scale(sigma) if callable(scale) else scale) * sigma**2
        return value if value != 0 else None
    levels = [float(s) for s in sigma.detach().flatten().tolist()]
    values = [(scale(s) if callable(scale) else scale) * s**2 for s in levels]
    return x.new_tensor(values).reshape(-1, *[1] * (x.ndim - 1)) if any(values) else None


def _limit_rms(move: Tensor, limit: float) -> Tensor:
    """Shorten corrections (B, …) whose root mean square is above `limit` to it; 0: no limit."""
    if limit == 0:
        return move
    size = move.flatten(1).square().mean(1).sqrt().reshape(-1, *[1] * (move.ndim - 1))
    return move * (limit / size.clamp_min(limit))


def threshold(kind: str, quantile: float = 0.995) -> Transform:
    """Return the transform that keeps x̂₀ within [−1, 1]: "none", "static", or "dynamic", which uses the quantile."""
    if kind == "none":
        return lambda d: d
    return static_threshold() if kind == "static" else dynamic_threshold(quantile)


def static_threshold() -> Transform:
    """Clip x̂₀ to [−1, 1] (Saharia et al. 2022, section 2.3): for pixels, never for latents.

    The sampler uses the clipped x̂₀ and computes ε̂ from it.
    """

    def transform(d: Denoiser) -> Denoiser:
        def clipped(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
            return d(x, sigma, cond).clamp(-1, 1)

        return clipped

    return transform


def dynamic_threshold(q: float = 0.995) -> Transform:
    """Clip x̂₀ to ±s and divide it by s (Saharia et al. 2022): s is each image's own quantile q of |x̂₀|, at least 1.

    Unlike a static clip it does not saturate pixels permanently under strong guidance. For pixels, never for latents.
    """
    if not 0 <= q <= 1:
        raise ValueError("A dynamic threshold needs a quantile between 0 and 1.")

    def transform(d: Denoiser) -> Denoiser:
        def scaled(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
            x0 = d(x, sigma, cond)
            size = _quantile(x0.flatten(1).abs(), q).clamp(min=1).reshape(-1, *[1] * (x0.ndim - 1))
            return x0.clamp(-size, size) / size

        return scaled

    return transform


def _quantile(values: Tensor, q: float) -> Tensor:
    """Return the quantile of each row of (B, n), linear between neighbours. torch.quantile refuses more than 2²⁴
    numbers.
    """
    position = q * (values.shape[1] - 1)
    ordered, low = values.sort(dim=1).values, int(position)
    high = min(low + 1, values.shape[1] - 1)
    return ordered[:, low].lerp(ordered[:, high], position - low)


def _inside(sigma: Sigma, interval: tuple[float, float] | None) -> bool:
    if interval is None:
        return True
    low, high = interval
    levels = [sigma] if isinstance(sigma, float | int) else sigma.flatten().tolist()
    inside = {low <= level <= high for level in levels}
    if len(inside) > 1:
        raise ValueError("A guidance interval needs the whole batch on one side of its ends.")
    return inside.pop()
