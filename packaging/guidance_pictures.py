"""Draw the pictures of docs/guidance.md: CLIP guidance at λ = 0, low, default and high, and classifiers on noise.

    python packaging/guidance_pictures.py [--out docs/pictures] [--only alone beside catch]

guidance-alone.png   no prompt, CLIP alone: a row for each λ, a column for each thing aimed at
guidance-beside.png  the same with the prompt and the model's own guidance
guidance-catch.png   a class by its classifier: none, the one that knows noise, its clean twin on x_t and on x̂₀

Column k has seed k in every row; nothing is left out.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.catalog import ModelInfo, find  # noqa: E402
from engine.draft import Draft, resolve  # noqa: E402
from engine.guide_models import classifiers  # noqa: E402
from engine.guides import Aim, ClassGuide, ClipGuide, Guide  # noqa: E402
from engine.session import Session  # noqa: E402

NAMES = ("red apple", "cat face", "rocket", "red heart", "tree", "sun", "bicycle", "fish")
DEFAULT = ClipGuide(clip="emoji-clip", aims=(Aim("any"),)).scale
SCALES = {"λ = 0": 0.0, "low": DEFAULT / 6, "default": DEFAULT, "high": DEFAULT * 6}
SIDE, GAP, LEFT, TOP = 96, 6, 150, 26  # pixels

Row = tuple[str, list[np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures")
    parser.add_argument("--only", nargs="+", choices=("alone", "beside", "catch"))
    args = parser.parse_args()
    session, made = Session(), {"alone": alone, "beside": beside, "catch": catch}
    for name in args.only or made:
        names, rows = made[name](session)
        path = args.out / f"guidance-{name}.png"
        tabled(names, rows).save(path, optimize=True)
        print(path)


def alone(session: Session) -> tuple[tuple[str, ...], list[Row]]:
    return NAMES, [(told(title, scale), aimed(session, scale, False)) for title, scale in SCALES.items()]


def beside(session: Session) -> tuple[tuple[str, ...], list[Row]]:
    return NAMES, [(told(title, scale), aimed(session, scale, True)) for title, scale in SCALES.items()]


def catch(session: Session) -> tuple[tuple[str, ...], list[Row]]:
    info = find("fashion")
    classifier = next(found for found in classifiers() if found.model == info.id)
    labels = classifier.labels[:8]
    ways: dict[str, dict[str, object] | None] = {
        "no guide": None,
        "knows noise, γ = 1": {"scale": 1.0},
        "knows noise, γ = 4": {"scale": 4.0},
        "clean, on x_t, γ = 1": {"scale": 1.0, "noisy": False},
        "clean, on x_t, γ = 4": {"scale": 4.0, "noisy": False},
        "clean, on x̂₀, γ = 4": {"scale": 4.0, "noisy": False, "on": "x0"},
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


def aimed(session: Session, scale: float, prompted: bool) -> list[np.ndarray]:
    info, row = find("emoji"), []
    for k, name in enumerate(NAMES):
        guide = ClipGuide(clip="emoji-clip", aims=(Aim(name),), scale=scale)
        own: dict[str, object] = {"prompt": name} if prompted else {"guidance": 1.0}
        row.append(picture(session, info, k, (guide,), **own))
    return row


def picture(session: Session, info: ModelInfo, seed: int, guides: tuple[Guide, ...], **choices: object) -> np.ndarray:
    request = resolve(Draft.for_model(info, seed=seed, guides=guides, **choices), info)
    *_, last = session.generate(request)
    return session.picture(request, last.move.x)[0]


def told(title: str, scale: float) -> str:
    return title if scale == 0 else f"{title}, λ = {scale:g}"


def tabled(names: tuple[str, ...], rows: list[Row]) -> Image.Image:
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
