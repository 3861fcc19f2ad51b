"""Grids that other studios name: KL optimal, Align Your Steps, linear quadratic, beta.

Sources: Sabour et al. 2024 (Align Your Steps, KL optimal), Lee et al. 2024 (beta), Genmo's Mochi (linear quadratic).
"""

from __future__ import annotations

import math

import numpy as np

from engine.schedules.processes import Array

# Align Your Steps, ten steps, as published for Stable Diffusion 1.5 and SDXL.
AYS_SD = (
    14.6146412293, 6.4745760956, 3.8636745985, 2.6946151520, 1.8841921177, 1.3943805092,
    0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582,
)  # fmt: skip
AYS_XL = (
    14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141,
    0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582,
)  # fmt: skip
SAME_RANGE = 0.01  # a range whose ends differ by less, as a share, is that of the table
BETA = 0.6  # both parameters of the beta grid


def kl_optimal(top: float, bottom: float, k: int) -> Array:
    """Return k levels even in arctan σ: for data N(0, 1) these steps lose the least (Sabour et al. 2024, eq. 12)."""
    return np.tan(np.linspace(math.atan(top), math.atan(bottom), k))


def align_your_steps(table: tuple[float, ...], top: float, bottom: float, n: int) -> Array:
    """Return n + 1 levels of a published table, interpolated in log σ.

    A model whose range is another gets the table stretched in log σ to its own.
    """
    logs = np.interp(np.linspace(0, 1, n + 1), np.linspace(0, 1, len(table)), np.log(table))
    same = all(abs(math.log(a / b)) < SAME_RANGE for a, b in ((top, table[0]), (bottom, table[-1])))
    if not same:
        share = (logs - logs[-1]) / (logs[0] - logs[-1])
        logs = math.log(bottom) + share * math.log(top / bottom)
    return np.exp(logs)


def linear_quadratic(n: int, threshold: float = 0.025) -> Array:
    """Return n + 1 shares from 1 to 0: half of the steps linear down to 1 − threshold, the others quadratic to 0.

    The quadratic goes on with the same slope: with u steps after the linear half of m steps it has gone down by
    threshold·(1 + u/m) + c·u², and c is such that it ends at 0.
    """
    m = n // 2
    if m == 0:
        return np.array([1.0, 0.0])
    u = np.arange(n - m + 1)
    c = (1 - threshold * n / m) / (n - m) ** 2
    linear = 1 - threshold * np.arange(m) / m
    return np.append(linear, 1 - threshold * (1 + u / m) - c * u**2)


def beta_quantile(q: Array, a: float = BETA) -> Array:
    """Return the quantiles of the symmetric beta law with both parameters a in (0, 1), for q (n,) in 0 … 1.

    Newton's method on the power series of the incomplete beta function, which converges for x ≤ ½; above, by symmetry.
    """
    low = np.minimum(q, 1 - q)
    log_beta = 2 * math.lgamma(a) - math.lgamma(2 * a)
    n = np.arange(80)
    series = np.cumprod(np.append(1.0, (n[:-1] + 1 - a) / (n[:-1] + 1))) / (n + a)  # (1 − a)ₙ/(n!(n + a))
    x = np.minimum((low * a * math.exp(log_beta)) ** (1 / a), 0.5)
    for _ in range(60):
        inside = np.maximum(x, 1e-300)
        value = inside**a * (inside[:, None] ** n * series).sum(1) / math.exp(log_beta)
        slope = (inside * (1 - inside)) ** (a - 1) / math.exp(log_beta)
        x = np.clip(x - (value - low) / slope, inside / 2, 0.5)
    x = np.where(low == 0, 0.0, x)
    return np.where(q > 0.5, 1 - x, x)
