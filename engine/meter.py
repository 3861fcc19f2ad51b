"""Meter, the innermost denoiser: counts, splits and cancels net calls, and brings their tensors into one layout."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.checkpoint import checkpoint

from engine.errors import Cancelled
from engine.layout import canonical
from engine.types import Cond

if TYPE_CHECKING:
    from torch import Tensor

    from engine.types import Denoiser, Sigma


MICRO_BATCH = 16  # images per net call: bounds memory and the wait for a cancel; fixed, because pixels depend on it


def checkpoint_if(f: Callable[..., Tensor], save: bool) -> Callable[..., Tensor]:
    """Return f; with `save` a version that stores only its arguments and is recomputed for the gradient.

    (Chen et al. 2016, "Training deep nets with sublinear memory cost".)
    """

    def recomputed(*args: Any) -> Tensor:
        out: Tensor = checkpoint(f, *args, use_reentrant=False, preserve_rng_state=False)
        return out

    return recomputed if save else f


class Meter:
    """Wraps a model's denoiser: splits batches, counts and times net calls, cancels between them, keeps the raw x̂₀.

    State, σ, condition and answer are brought into the canonical layout (engine.layout) at each call of the net: the
    same values give the same bits, whether they were just computed or come from a run file.

    micro_batch -- the most images in one call of the net
    fold        -- whether several conditions of one state go through the net as one batch
    cancelled   -- called before each net call; True raises Cancelled
    save        -- whether a gradient computes the net again instead of keeping its activations in memory
    """

    def __init__(
        self,
        d: Denoiser,
        micro_batch: int = MICRO_BATCH,
        fold: bool = True,
        cancelled: Callable[[], bool] = lambda: False,
        save: bool = False,
    ) -> None:
        self.d, self.micro_batch, self.fold, self.cancelled, self.save = d, micro_batch, fold, cancelled, save
        self.calls, self.seconds = 0, 0.0
        self._raw: Tensor | None = None
        self._stacked: tuple[int, tuple[Cond, ...], Cond] | None = None
        self._last: tuple[Cond, int, Cond] | None = None

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return self._keep(self._call(x, sigma, cond))

    def many(self, x: Tensor, sigma: Sigma, conds: Sequence[Cond]) -> tuple[Tensor, ...]:
        """Evaluate D of one state under several conditions; take_raw() gives the estimate of the first."""
        if not self.fold:
            outs = tuple(self._call(x, sigma, cond) for cond in conds)
        else:
            stacked = self._stack(len(x), tuple(conds))
            levels = sigma if isinstance(sigma, float | int) else sigma.repeat(len(conds))
            outs = self._call(torch.cat([x] * len(conds)), levels, stacked).chunk(len(conds))
        self._keep(outs[0])
        return outs

    def spent(self) -> dict[str, Any]:
        """Return the net calls so far and their seconds, as the end of a run file stores them."""
        return {"calls": self.calls, "net_seconds": self.seconds}

    def _stack(self, batch: int, conds: tuple[Cond, ...]) -> Cond:
        """Stack the conditions, each for the whole batch; the last result is cached, since a run repeats one call."""
        kept = self._stacked
        if kept is None or kept[0] != batch or [*map(id, kept[1])] != [*map(id, conds)]:
            kept = self._stacked = batch, conds, Cond.cat([cond.expand(batch) for cond in conds])
        return kept[2]

    def take_raw(self) -> Tensor | None:
        """Return the first unguided x̂₀ since the last call, the one of the state before the step; None without one."""
        raw, self._raw = self._raw, None
        return raw

    def _keep(self, x0: Tensor) -> Tensor:
        if self._raw is None:
            self._raw = x0.detach() if x0.requires_grad else x0
        return x0

    def _rows(self, cond: Cond, batch: int) -> Cond:
        """Return the condition in the canonical layout with a row for each image, none shared; the last is cached."""
        if torch.is_grad_enabled():  # the copy would belong to one graph
            return cond.expand(batch).map(canonical)
        kept = self._last
        if kept is None or kept[0] is not cond or kept[1] != batch:
            kept = self._last = cond, batch, cond.expand(batch).map(canonical)
        return kept[2]

    def _call(self, x: Tensor, sigma: Sigma, cond: Cond | None) -> Tensor:
        size = self.micro_batch
        if len(x) <= size:
            return self._net(x, sigma, cond)
        cond = None if cond is None else cond.expand(len(x))
        parts = []
        for at in range(0, len(x), size):
            rows = slice(at, at + size)
            levels = sigma if isinstance(sigma, float | int) or sigma.ndim == 0 else sigma[rows]
            parts.append(self._net(x[rows], levels, None if cond is None else cond[rows]))
        return torch.cat(parts)

    def _net(self, x: Tensor, sigma: Sigma, cond: Cond | None) -> Tensor:
        if self.cancelled():
            raise Cancelled
        began = time.perf_counter()
        x = canonical(x)
        sigma = sigma if isinstance(sigma, float | int) else canonical(sigma)
        cond = None if cond is None else self._rows(cond, len(x))
        x0 = canonical(checkpoint_if(self.d, self.save and x.requires_grad)(x, sigma, cond))
        self.seconds += time.perf_counter() - began
        self.calls += 1
        return x0
