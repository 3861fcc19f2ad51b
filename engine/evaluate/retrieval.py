"""How often a CLIP finds, among all names of a data set, the one that a picture shows: clean and by noise level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.evaluate.dataset_pictures import Real
from engine.models.clip_model import ClipModel
from engine.noise import Noise
from engine.types import Model

LEVELS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
DRAWS = 3  # noises for each held-out picture: these are few
TRAINED = 1000
AT_ONCE = 64

View = Callable[[Tensor, float, int], Tensor]  # clean pictures, σ, which noise → what the CLIP is shown


def zero_shot(clip: ClipModel, real: Real, denoiser: Model | None = None) -> dict[str, Any]:
    """Of pictures that are held out (else of trained ones), the parts whose own name comes first and among five.

    By what the CLIP is shown: the picture; x_t = x0 + σ·ε; and, with a denoiser, x̂₀ = D(x_t, σ) of its null condition,
    which is what guidance shows to a CLIP for clean pictures.
    """
    names = real.distinct
    texts = torch.cat([clip.text(names[at : at + AT_ONCE]) for at in range(0, len(names), AT_ONCE)])
    place = torch.tensor([names.index(name) for name in real.names])
    unseen = real.rows(True).tolist()
    seen = real.draw(real.rows(False).tolist(), TRAINED)
    figures: dict[str, Any] = {"names": len(names), "noisy": clip.noisy}

    def score(rows: Sequence[int], view: View, sigma: float, draws: int) -> dict[str, Any]:
        ranks = torch.cat([found(clip, texts, real, rows, place, view, sigma, draw) for draw in range(draws)])
        parts = {"first": float((ranks < 1).double().mean()), "among five": float((ranks < 5).double().mean())}
        return {"n": len(ranks)} | parts

    among = unseen or seen
    figures["held out"], figures["trained"] = (score(rows, plain, 0.0, 1) if rows else None for rows in (unseen, seen))
    figures["x_t"] = {f"{sigma:g}": score(among, noised, sigma, DRAWS) for sigma in LEVELS}
    if denoiser is not None:
        estimated = through(denoiser)
        figures["x̂₀"] = {f"{sigma:g}": score(among, estimated, sigma, DRAWS) for sigma in LEVELS}
    return figures


@torch.no_grad()
def found(
    clip: ClipModel, texts: Tensor, real: Real, rows: Sequence[int], place: Tensor, view: View, sigma: float, draw: int
) -> Tensor:
    """How many names come before each picture's own, (N,)."""
    ranks = []
    for at in range(0, len(rows), AT_ONCE):
        some = list(rows[at : at + AT_ONCE])
        x = view(real.pictures[some], sigma, 1_000 * draw + at)
        score = clip.image(x, sigma) @ texts.T
        own = score.gather(1, place[some][:, None].to(score.device))
        ranks.append((score > own).sum(1).cpu())
    return torch.cat(ranks)


def plain(pictures: Tensor, sigma: float, seed: int) -> Tensor:
    return pictures


def noised(pictures: Tensor, sigma: float, seed: int) -> Tensor:
    return pictures + sigma * Noise(range(seed, seed + len(pictures))).normal(pictures)


def through(model: Model) -> View:
    """What the model's null branch takes noisy pictures for."""
    null = model.condition("", None)

    def estimated(pictures: Tensor, sigma: float, seed: int) -> Tensor:
        return model.denoiser(noised(pictures, sigma, seed), sigma, null.expand(len(pictures)))

    return estimated


def lines(figures: dict[str, Any], ceiling: dict[str, Any] | None = None) -> list[str]:
    """The figures as a person reads them, in Markdown; `ceiling` is what a judge names of the same pictures."""

    def row(title: str, f: dict[str, Any]) -> str:
        return f"| {title} | {f['n']} | {f['first']:.1%} | {f['among five']:.1%} |"

    told = [f"| shown, among {figures['names']} names | N | first | among five |", "|---|---|---|---|"]
    told += [row(f"pictures {name}", figures[name]) for name in ("held out", "trained") if figures[name] is not None]
    if ceiling is not None:
        told.append(row("pictures held out, to the judge", ceiling))
    for name in ("x_t", "x̂₀"):
        told += [row(f"{name} at σ = {sigma}", f) for sigma, f in figures.get(name, {}).items()]
    return told
