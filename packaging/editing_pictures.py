"""Draw docs/pictures/editing.png with the command line: an apple, its mask, and the result of each editing method."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from checkout import PICTURES
from PIL import Image

from engine.__main__ import main as command

SIDE, GAP, COLUMNS = 128, 4, 6
HEART, GREEN = ("blue heart", "5"), ("green apple", "6")  # prompt, seed
REPAINT = ("--method", "repaint", "--steps", "24")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURES / "editing.png")
    out = parser.parse_args().out
    with tempfile.TemporaryDirectory() as folder:
        apple, half = Path(folder) / "apple.png", Path(folder) / "half.png"
        run("generate", "red apple", "3", apple)
        mask = Image.new("L", (SIDE, SIDE))
        mask.paste(255, (SIDE // 2, 0, SIDE, SIDE))
        mask.save(half)
        pictures = [apple, half]
        for method in ((), REPAINT):
            pictures += [edit(apple, "inpaint", what, "--mask", str(half), *method) for what in (HEART, GREEN)]
        for what, strength in [(GREEN, s) for s in (0.3, 0.6, 0.8, 0.9)] + [(HEART, s) for s in (0.8, 0.9)]:
            pictures.append(edit(apple, "img2img", what, "--strength", str(strength)))
        tile([Image.open(path).convert("RGB") for path in pictures]).save(out)


def edit(apple: Path, action: str, what: tuple[str, str], *more: str) -> Path:
    out = apple.with_name("-".join((action, *what, *(Path(word).name for word in more))).replace(" ", "-") + ".png")
    run(action, *what, out, str(apple), *more)
    return out


def run(action: str, prompt: str, seed: str, out: Path, *more: str) -> None:
    source, rest = (more[:1], more[1:]) if action != "generate" else ((), more)
    if command([action, *source, prompt, "--class", "noto", "--seed", seed, *rest, "--out", str(out)]):
        raise SystemExit(f"{action} failed")


def tile(pictures: list[Image.Image]) -> Image.Image:
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (SIDE + GAP) + GAP, rows * (SIDE + GAP) + GAP), "#dddddd")
    for k, picture in enumerate(pictures):
        sheet.paste(picture, (GAP + k % COLUMNS * (SIDE + GAP), GAP + k // COLUMNS * (SIDE + GAP)))
    return sheet


if __name__ == "__main__":
    main()
