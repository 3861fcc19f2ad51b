"""Draw the uncurated sheet of the emoji model: 64 names of its evaluation, each in a random style, with its defaults.

    python packaging/emoji_sheet.py [--out docs/pictures/emoji-sheet.png] [--model resources/models/emoji]

Random(0) chooses the names and styles; picture k has seed k; no picture is left out. `run.py generate NAME
--class STYLE --seed k` makes the same picture.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from random import Random

from checkout import PICTURES
from PIL import Image, ImageDraw, ImageFont

from engine.session import Session
from engine.spec.catalog import read_model, resource_root
from engine.spec.draft import Draft, resolve
from engine.train.collection import EMOJI

COLUMNS, COUNT = 8, 64
SIDE, GAP, TEXT = 128, 12, 34  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURES / "emoji-sheet.png")
    parser.add_argument("--model", type=Path, default=resource_root() / "models" / "emoji")
    args = parser.parse_args()
    info, chance = read_model(args.model), Random(0)
    session = Session(infos=[info])
    width, height = SIDE + GAP, SIDE + TEXT
    sheet = Image.new("RGB", (COLUMNS * width + GAP, COUNT // COLUMNS * height + GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for k, name in enumerate(chance.sample(EMOJI.evaluation(), COUNT)):
        label = chance.choice(info.labels)
        request = resolve(Draft.for_model(info, prompt=name, label=label, seed=k), info)
        *_, last = session.generate(request)
        picture = Image.fromarray(session.picture(request, last.move.x)[0]).resize((SIDE, SIDE))
        x, y = GAP + k % COLUMNS * width, GAP + k // COLUMNS * height
        sheet.paste(picture, (x, y))
        middle = x + SIDE // 2
        draw.text((middle, y + SIDE + 2), name if len(name) < 24 else f"{name[:22]}…", "black", font, "ma")
        draw.text((middle, y + SIDE + 15), label, "#707780", font, "ma")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(args.out, optimize=True)
    print(f"{args.out}: {info.title} {info.sha256[:12]}, {COUNT} pictures")


if __name__ == "__main__":
    main()
