"""Zero-shot retrieval: how often a CLIP ranks a picture's name first among all names, clean and by noise level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.evaluate.dataset_pictures import RealPictures
from engine.models.clip_model import ClipModel
from engine.noise import Noise
from engine.types import Model, Said

LEVELS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
DRAWS = 3  # noise draws for each held-out picture, since there are few pictures
TRAINED = 1000
AT_ONCE = 64

View = Callable[[Tensor, float, int], Tensor]  # (clean pictures, σ, seed of the noise) → the CLIP's input


def zero_shot(clip: ClipModel, real: RealPictures, denoiser: Model | None = None) -> dict[str, Any]:
    """Measure the share of held-out (else of trained) pictures whose name ranks first, and among the first five.

    The CLIP sees the clean picture; x_t = x0 + σ·ε; and, with a denoiser, x̂₀ = D(x_t, σ) under its null condition, as
    in guidance with a CLIP for clean pictures.
    """
    names = real.distinct
    texts = torch.cat([clip.text(names[at : at + AT_ONCE]) for at in range(0, len(names), AT_ONCE)])
    place = torch.tensor([names.index(name) for name in real.names])
    unseen = real.rows(True).tolist()
    seen = real.draw(real.rows(False).tolist(), TRAINED)
    figures: dict[str, Any] = {"names": len(names), "noisy": clip.noisy}

    def score(rows: Sequence[int], view: View, sigma: float, draws: int) -> dict[str, Any]:
        ranks = torch.cat([rank_own_names(clip, texts, real, rows, place, view, sigma, k) for k in range(draws)])
        parts = {"first": float((ranks < 1).double().mean()), "among five": float((ranks < 5).double().mean())}
        return {"n": len(ranks)} | parts

    among = unseen or seen
    for name, rows in (("held out", unseen), ("trained", seen)):
        figures[name] = score(rows, show_clean, 0.0, 1) if rows else None
    figures["x_t"] = {f"{sigma:g}": score(among, show_noisy, sigma, DRAWS) for sigma in LEVELS}
    if denoiser is not None:
        view = show_denoised(denoiser)
        figures["x̂₀"] = {f"{sigma:g}": score(among, view, sigma, DRAWS) for sigma in LEVELS}
    return figures


@torch.no_grad()
def rank_own_names(
    clip: ClipModel,
    texts: Tensor,
    real: RealPictures,
    rows: Sequence[int],
    place: Tensor,
    view: View,
    sigma: float,
    draw: int,
) -> Tensor:
    """Count the names that rank before each picture's own name, (N,)."""
    ranks = []
    for at in range(0, len(rows), AT_ONCE):
        some = list(rows[at : at + AT_ONCE])
        x = view(real.pictures[some], sigma, 1_000 * draw + at)
        score = clip.image(x, sigma) @ texts.T
        own = score.gather(1, place[some][:, None].to(score.device))
        ranks.append((score > own).sum(1).cpu())
    return torch.cat(ranks)


def show_clean(pictures: Tensor, sigma: float, seed: int) -> Tensor:
    return pictures


def show_noisy(pictures: Tensor, sigma: float, seed: int) -> Tensor:
    return pictures + sigma * Noise(range(seed, seed + len(pictures))).normal(pictures)


def show_denoised(model: Model) -> View:
    """Return the view x̂₀ of noisy pictures, by the model under its null condition."""
    null = model.condition(Said())

    def view(pictures: Tensor, sigma: float, seed: int) -> Tensor:
        return model.denoiser(show_noisy(pictures, sigma, seed), sigma, null.expand(len(pictures)))

    return view


def report_lines(figures: dict[str, Any], ceiling: dict[str, Any] | None = None) -> list[str]:
    """Format the figures as a Markdown table; `ceiling` is the judge's figure for the same pictures."""

    def row(title: str, f: dict[str, Any]) -> str:
        return f"| {title} | {f['n']} | {f['first']:.1%} | {f['among five']:.1%} |"

    rows = [f"| input of the CLIP, {figures['names']} names | N | first | among five |", "|---|---|---|---|"]
    rows += [row(f"pictures {name}", figures[name]) for name in ("held out", "trained") if figures[name] is not None]
    if ceiling is not None:
        rows.append(row("pictures held out, to the judge", ceiling))
    for name in ("x_t", "x̂₀"):
        rows += [row(f"{name} at σ = {sigma}", f) for sigma, f in figures.get(name, {}).items()]
    return rows
