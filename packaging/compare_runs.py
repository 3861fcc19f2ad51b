"""Check whether two versions of the engine make the same runs, byte for byte.

    python packaging/compare_runs.py record FOLDER          do every run below and keep its files; call it in a checkout
    python packaging/compare_runs.py compare FOLDER OTHER   list the files that differ; exit status 1 if there are any

Both versions must run on one machine, with the same torch and number of threads. Two records of a run file may differ
in the wall time of the step only.
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path[0] = os.getcwd()  # import the engine of the working directory, not of this file's checkout

MAGIC = b"TWEEDIE1"
FRAME = struct.Struct("<QII")  # bytes of head and arrays, CRC-32 of the head, bytes of the head
CLOCKS = ("seconds", "net_seconds")
NOTO = ["red apple", "--class", "noto", "--seed", "5", "--steps", "4"]
SMALL = [*NOTO, "--cascade", "off", "--batch", "2"]
CLIP = ["--clip", "emoji-clip", "--noisy-clip", "emoji-clip-noised", "--cutouts", "3"]
RUNS: dict[str, list[str]] = {
    "unipc": ["generate", *SMALL, "--sampler", "unipc-3"],
    "ddim": ["generate", *SMALL, "--sampler", "ddim", "--negative", "blue", "--guidance-interval", "0.5", "20"],
    "ddpm": ["generate", *SMALL, "--sampler", "ddpm", "--threshold", "dynamic", "--quantile", "0.9"],
    "mu": ["generate", *SMALL, "--sampler", "mu", "--threshold", "static", "--truncation", "2"],
    "gradient": ["generate", *SMALL, "--sampler", "ge", "--guidance", "0"],
    "heun": ["generate", *SMALL, "--sampler", "heun", "--guidance", "1"],
    "dpmpp": ["generate", *SMALL, "--sampler", "dpmpp-3m", "--temperature", "0.8"],
    "dpmpp-sde": ["generate", *SMALL, "--sampler", "dpmpp-2m-sde"],
    "ipndm": ["generate", *SMALL, "--sampler", "ipndm-4"],
    "reverse": ["generate", "--model", "fashion", "--seed", "5", "--steps", "4", "--sampler", "reverse-sde-vp"],
    "langevin": ["generate", "--model", "fashion", "--seed", "5", "--steps", "4", "--sampler", "pc"],
    "cascade": ["generate", *NOTO],
    "truncated": ["generate", *NOTO, "--cascade", "truncated"],
    "clip": ["generate", *SMALL, *CLIP, "--aim", "pear", "--aim", "green:-0.5"],
    "clip-aim": ["generate", *SMALL, "--clip", "emoji-clip", "--aim-image", "cascade.png"],
    "class": ["generate", *SMALL, "--classify", "noto:2"],
    "mask": ["inpaint", "cascade.png", "blue heart", *NOTO[1:], "--mask", "half.png", "--strength", "0.75"],
    "repaint": ["inpaint", "cascade.png", "heart", *NOTO[1:], "--mask", "half.png", "--method", "repaint"],
    "img2img": ["img2img", "cascade.png", "green apple", *NOTO[1:], "--strength", "0.75"],
}
FOLLOWED: dict[str, list[str]] = {  # these continue a run or follow the flow
    "fork": ["vary", "ddpm.twrun", "--step", "2", "--count", "2", "--out", "fork.png"],
    "encode": ["encode", "ddim-0.png", "--prompt", "red apple", "--class", "noto", "--tol", "0.01"],
    "null-text": ["encode", "ddim-0.png", "--prompt", "apple", "--method", "null-text", "--steps", "3"],
    "decode": ["decode", "null-text.twrun", "--prompt", "green apple", "--out", "decode.png"],
    "morph": ["morph", "--seed", "7", "--key", "seed:3", "--prompt", "red apple", "--key", "ddim-0.png", "--prompt",
              "rocket", "--steps", "4", "--frames", "5", "--sampler", "heun", "--cascade", "off", "--out", "morph"],
    "morph-mixed": ["morph", "--seed", "7", "--key", "seed:3", "--prompt", "red apple", "--key", "seed:4",
                    "--steps", "4", "--frames", "5", "--at-sigma", "5", "--sampler", "ddpm", "--cascade", "off",
                    "--out", "morph-mixed"],
}  # fmt: skip


def record(folder: Path) -> None:
    """Do every run; write its run file and pictures to `folder`, which must be new."""
    import numpy as np
    from PIL import Image

    from engine.__main__ import main

    folder.mkdir(parents=True)
    mask = np.zeros((128, 128), np.uint8)
    mask[:, 64:96], mask[:, 96:] = 128, 255
    os.chdir(folder)  # then no file contains the path of the folder
    Image.fromarray(mask).save("half.png")
    for name, line in RUNS.items():
        _do(main, name, [*line, "--out", f"{name}.png", "--run-file", f"{name}.twrun"])
    for name, line in FOLLOWED.items():
        kept = [] if line[0] == "morph" else ["--run-file", f"{name}.twrun"]
        _do(main, name, [*line, *kept])


def _do(main: Any, name: str, line: list[str]) -> None:
    print(f"{name}: {' '.join(line)}", flush=True)
    if main(line) != 0:
        raise SystemExit(f"The run “{name}” failed.")


def records(path: Path) -> Iterator[tuple[dict[str, Any], bytes]]:
    """Yield each record of a run file: its head without wall times, and the bytes of its arrays."""
    data = path.read_bytes()
    assert data.startswith(MAGIC)
    at = len(MAGIC)
    while at < len(data):
        size, _, length = FRAME.unpack_from(data, at)
        at += FRAME.size
        head = json.loads(data[at : at + length])
        yield {key: value for key, value in head.items() if key not in CLOCKS}, data[at + length : at + size]
        at += size


def differs(a: Path, b: Path) -> str:
    """Describe the first difference of two files; "" if they are the same."""
    if not b.exists():
        return "is missing"
    if a.suffix != ".twrun":
        return "" if a.read_bytes() == b.read_bytes() else "has other bytes"
    mine, theirs = list(records(a)), list(records(b))
    if len(mine) != len(theirs):
        return f"has {len(theirs)} records, not {len(mine)}"
    for k, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        if one[0] != other[0]:
            names = [key for key in one[0].keys() | other[0].keys() if one[0].get(key) != other[0].get(key)]
            return f"record {k} ({one[0]['kind']}) differs in {', '.join(sorted(names))}"
        if one[1] != other[1]:
            return f"record {k} ({one[0]['kind']}) has other arrays"
    return ""


def compare(folder: Path, other: Path) -> int:
    """Print the files that differ; return 1 if there are any."""
    files = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    found = {file: difference for file in files if (difference := differs(folder / file, other / file))}
    for file, difference in found.items():
        print(f"{file}: {difference}")
    runs = [file for file in files if file.suffix == ".twrun"]
    print(f"{len(files) - len(found)} of {len(files)} files agree, {len(runs)} of them run files.")
    return 1 if found else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("record").add_argument("folder", type=Path)
    both = what.add_parser("compare")
    both.add_argument("folder", type=Path)
    both.add_argument("other", type=Path)
    args = parser.parse_args()
    if args.what == "compare":
        return compare(args.folder, args.other)
    record(args.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
