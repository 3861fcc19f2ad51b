"""The innermost denoiser: here net calls are counted and cancelled, and their tensors brought into one layout."""

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


def saving(f: Callable[..., Tensor], save: bool) -> Callable[..., Tensor]:
    """f, or the same that keeps its arguments alone for a gradient and is then computed again (Chen et al. 2016)."""

    def saved(*args: Any) -> Tensor:
        out: Tensor = checkpoint(f, *args, use_reentrant=False, preserve_rng_state=False)
        return out

    return saved if save else f


class Meter:
    """Wraps a model's denoiser: splits batches, counts and times net calls, cancels between them, keeps the raw x̂₀.

    State, σ, condition and answer are canonical (engine.layout) at each call of the net, so that the same values give
    the same bits whether they were just computed or come from a run file.

    micro_batch -- the most images that one call of the net sees
    fold        -- whether several conditions of one state go through the net as one batch
    cancelled   -- asked before each call; True raises Cancelled, wherever the call was made
    save        -- whether a call that is differentiated through keeps nothing in memory, and is made again for that
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

    def __call__(self, x: Tensor, sigma: Sigma, cond: Cond | None = None) -> Tensor:
        return self._keep(self._call(x, sigma, cond))

    def many(self, x: Tensor, sigma: Sigma, conds: Sequence[Cond]) -> tuple[Tensor, ...]:
        """D of the same state under several conditions; the first is the one whose estimate counts as raw."""
        if not self.fold:
            outs = tuple(self._call(x, sigma, cond) for cond in conds)
        else:
            stacked = self._stack(len(x), tuple(conds))
            levels = sigma if isinstance(sigma, float | int) else sigma.repeat(len(conds))
            outs = self._call(torch.cat([x] * len(conds)), levels, stacked).chunk(len(conds))
        self._keep(outs[0])
        return outs

    def spent(self) -> dict[str, Any]:
        """What was called so far, as the end of a run file holds it."""
        return {"calls": self.calls, "net_seconds": self.seconds}

    def _stack(self, batch: int, conds: tuple[Cond, ...]) -> Cond:
        """The conditions one after the other, each for the whole batch; the last is kept, since a run asks for one."""
        kept = self._stacked
        if kept is None or kept[0] != batch or [*map(id, kept[1])] != [*map(id, conds)]:
            kept = self._stacked = batch, conds, Cond.cat([cond.expand(batch) for cond in conds])
        return kept[2]

    def take_raw(self) -> Tensor | None:
        """The first unguided estimate since the last take: that of the state a step began with."""
        raw, self._raw = self._raw, None
        return raw

    def _keep(self, x0: Tensor) -> Tensor:
        if self._raw is None:
            self._raw = x0.detach() if x0.requires_grad else x0
        return x0

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
        cond = None if cond is None else cond.expand(len(x)).map(canonical)  # a row for each image, none shared
        x0 = canonical(saving(self.d, self.save and x.requires_grad)(x, sigma, cond))
        self.seconds += time.perf_counter() - began
        self.calls += 1
        return x0
