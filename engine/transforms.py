"""What D is: transforms from a denoiser to a guided one. They compose, the first applied innermost."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Cond, Denoiser, Sigma, Transform


def cfg(scale: float, cond: Cond | None, uncond: Cond | None, interval: tuple[float, float] | None = None) -> Transform:
    """Classifier-free guidance (Ho & Salimans 2022): D̃ = D_u + γ(D_c − D_u), γ = `scale` (their w is γ − 1).

    γ = 1 is the conditional model and costs one pass, γ = 0 the unconditional one. `uncond` may condition on a
    negative prompt. Outside `interval` = (low, high) in σ, γ is 1 (Kynkäänniemi et al. 2024). A condition given in the
    call wins over the bound one.
    """

    bound = cond

    def transform(d: Denoiser) -> Denoiser:
        def guided(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
            wanted = bound if cond is None else cond
            if scale == 1 or not _inside(sigma, interval):
                return d(x, sigma, wanted)
            if scale == 0:
                return d(x, sigma, uncond)
            many = getattr(d, "many", None)  # a Meter folds both conditions into one call of the net
            if many is not None and wanted is not None and uncond is not None:
                d_cond, d_uncond = many(x, sigma, [wanted, uncond])
            else:
                d_cond, d_uncond = d(x, sigma, wanted), d(x, sigma, uncond)
            return d_uncond.lerp(d_cond, scale)

        return guided

    return transform


def static_threshold() -> Transform:
    """x̂₀ clipped to [−1, 1] (Saharia et al. 2022, section 2.3): for pixels, never for latents.

    What a sampler makes of it, ε̂ included, follows from the clipped x̂₀.
    """

    def transform(d: Denoiser) -> Denoiser:
        def clipped(x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
            return d(x, sigma, cond).clamp(-1, 1)

        return clipped

    return transform


def dynamic_threshold(q: float = 0.995) -> Transform:
    """x̂₀ clipped to ±s and divided by s (Saharia et al. 2022): s is each image's own quantile q of |x̂₀|, at least 1.

    Unlike a plain clip it saturates nothing for good under strong guidance. For pixels, never for latents.
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
    """The quantile of each row of (B, n), linear between neighbours. torch.quantile refuses more than 2²⁴ numbers."""
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
