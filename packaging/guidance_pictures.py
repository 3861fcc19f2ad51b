"""Draw the pictures of docs/guidance.md: CLIP guidance at λ = 0, low, default and high, and classifiers on noise.

    python packaging/guidance_pictures.py [--out docs/pictures] [--only alone beside catch]

guidance-alone.png   CLIP alone, without a prompt: a row for each λ, a column for each aim, as in the table of figures
guidance-beside.png  CLIP at its defaults, with the prompt and the model's own guidance
guidance-catch.png   a class by classifier guidance: none, trained on noise, clean twin on x_t and on x̂₀

Column k has seed k in every row; no picture is left out.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from checkout import PICTURES
from PIL import Image, ImageDraw, ImageFont

from engine.session import Session
from engine.spec.catalog import ModelInfo, find
from engine.spec.draft import Draft, resolve
from engine.spec.guide_models import classifiers
from engine.spec.guides import ON_NOISE, Aim, ClassGuide, ClipGuide, Guide

NAMES = ("red apple", "cat face", "rocket", "red heart", "tree", "bicycle")
SCALES = {
    "no guide": 0.0,
    "low": 0.25,
    "default": 1.0,
    "high": 4.0,
}  # factors of λ and of the largest move of x̂₀
SIDE, GAP, LEFT, TOP = 96, 6, 190, 26  # pixels

Row = tuple[str, list[np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURES)
    parser.add_argument("--only", nargs="+", choices=("alone", "beside", "catch"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    session, made = Session(), {"alone": alone, "beside": beside, "catch": catch}
    for name in args.only or made:
        names, rows = made[name](session)
        path = args.out / f"guidance-{name}.png"
        draw_table(names, rows).save(path, optimize=True)
        print(path)


def alone(session: Session) -> tuple[tuple[str, ...], list[Row]]:
    """Draw both CLIPs together, as in the measurement: the one trained on noise at x_t, the other at x̂₀."""
    rows = []
    for title, share in SCALES.items():
        row = []
        for k, name in enumerate(NAMES):
            aims = (Aim(name),)
            guides = (
                ClipGuide(clip="emoji-clip-noised", aims=aims, **ON_NOISE),
                ClipGuide(clip="emoji-clip", aims=aims, scale=100.0, clip_gradient=0.3, cutouts=1),
            )
            made = tuple(scale_guide(guide, share) for guide in guides)
            own = {"guidance": 1.0, "sampler": "ddpm", "steps": 24, "enlarge": False}
            row.append(picture(session, find("emoji"), k, made, **own))
        rows.append((title, row))
    return NAMES, rows


def beside(session: Session) -> tuple[tuple[str, ...], list[Row]]:
    rows = []
    for title, share in SCALES.items():
        guides = [scale_guide(ClipGuide(clip="emoji-clip", aims=(Aim(name),)), share) for name in NAMES]
        made = [
            picture(session, find("emoji"), k, (guide,), prompt=name)
            for k, (name, guide) in enumerate(zip(NAMES, guides, strict=True))
        ]
        rows.append((f"{title}, scale {guides[0].scale:g}" if share else title, made))
    return NAMES, rows


def scale_guide(guide: ClipGuide, share: float) -> ClipGuide:
    return replace(guide, scale=guide.scale * share, clip_gradient=guide.clip_gradient * share)


def catch(session: Session) -> tuple[tuple[str, ...], list[Row]]:
    info = find("fashion")
    classifier = next(found for found in classifiers() if found.model == info.id)
    labels = classifier.labels[:6]
    ways: dict[str, dict[str, object] | None] = {
        "no guide": None,
        "knows noise, gamma 1": {"scale": 1.0},
        "knows noise, gamma 4": {"scale": 4.0},
        "clean, on x_t, gamma 1": {"scale": 1.0, "noisy": False},
        "clean, on x_t, gamma 4": {"scale": 4.0, "noisy": False},
        "clean, on the estimate, gamma 4": {"scale": 4.0, "noisy": False, "on": "x0"},
    }
    rows = []
    for title, choices in ways.items():
        row = []
        for k, label in enumerate(labels):
            plain = ClassGuide(classifier=classifier.id, label=label)
            guides: tuple[Guide, ...] = () if choices is None else (replace(plain, **choices),)  # type: ignore[arg-type]
            row.append(picture(session, info, k, guides, guidance=1.0))
        rows.append((title, row))
    return labels, rows


def picture(session: Session, info: ModelInfo, seed: int, guides: tuple[Guide, ...], **choices: object) -> np.ndarray:
    request = resolve(Draft.for_model(info, seed=seed, guides=guides, **choices), info)
    *_, last = session.generate(request)
    return session.picture(request, last.move.x)[0]


def draw_table(names: tuple[str, ...], rows: list[Row]) -> Image.Image:
    size = LEFT + len(names) * (SIDE + GAP), TOP + len(rows) * (SIDE + GAP)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for k, name in enumerate(names):
        draw.text((LEFT + k * (SIDE + GAP) + SIDE // 2, TOP // 2), name, "black", font, "mm")
    for i, (title, pictures) in enumerate(rows):
        y = TOP + i * (SIDE + GAP)
        draw.text((LEFT - 10, y + SIDE // 2), title, "black", font, "rm")
        for k, rgb in enumerate(pictures):
            sheet.paste(Image.fromarray(rgb).resize((SIDE, SIDE)), (LEFT + k * (SIDE + GAP), y))
    return sheet


if __name__ == "__main__":
    main()
