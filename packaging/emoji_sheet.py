"""Draw the uncurated sheet of the emoji model: six prompts, every style, seeds 0 to 3, at the model's defaults.

    python packaging/emoji_sheet.py [--out docs/pictures/emoji-sheet.png]

Each row of four is one Request through the studio's own engine: what `run.py generate PROMPT --class STYLE --seed 0
--batch 4` makes.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.catalog import read_model, resource_root  # noqa: E402
from engine.draft import Draft, resolve  # noqa: E402
from engine.session import Session  # noqa: E402

PROMPTS = ("red apple", "cat face", "rocket", "birthday cake", "blue heart", "pizza")
SEEDS = 4
CELL, GAP, LEFT, TOP = 66, 2, 96, 24  # pixels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "pictures" / "emoji-sheet.png")
    out = parser.parse_args().out
    info = read_model(resource_root() / "models" / "emoji")
    session = Session()
    block = SEEDS * CELL + 14
    width, height = LEFT + len(PROMPTS) * block, TOP + len(info.labels) * (CELL + GAP)
    sheet = Image.new("RGB", (width, height), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for row, label in enumerate(info.labels):
        y = TOP + row * (CELL + GAP)
        draw.text((8, y + CELL // 2 - 9), label, fill="black", font=font)
        for column, prompt in enumerate(PROMPTS):
            x = LEFT + column * block
            draw.text((x, 3), prompt, fill="black", font=font)
            request = resolve(Draft.for_model(info, prompt=prompt, label=label, seed=0, batch=SEEDS), info)
            *_, last = session.generate(request)
            for k, rgb in enumerate(session.picture(request, last.move.x)):
                picture = Image.fromarray(rgb).resize((CELL - GAP, CELL - GAP), Image.Resampling.NEAREST)
                sheet.paste(picture, (x + k * CELL, y))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, optimize=True)
    print(f"{out}: {info.title} {info.sha256[:12]}, {width}×{height}")


if __name__ == "__main__":
    main()
